#include "store/store_usage.h"

#include "store/store_sql.h"

static void
read_usage(sqlite3_stmt *q, struct usage *u)
{
	u->tunnel = sqlite3_column_int64(q, 0);
	u->hour = sqlite3_column_int64(q, 1);
	u->bytes_in = sqlite3_column_int64(q, 2);
	u->bytes_out = sqlite3_column_int64(q, 3);
	u->streams = sqlite3_column_int64(q, 4);
	u->datagrams = sqlite3_column_int64(q, 5);
	u->drops = sqlite3_column_int64(q, 6);
}

#define SUMS                                                           \
	"sum(bytes_in), sum(bytes_out), sum(streams), sum(datagrams)," \
	" sum(drops)"
#define OF_USER                                          \
	"(?1 = 0 OR tunnel_id IN (SELECT id FROM tunnel" \
	" WHERE user_id = ?1))"

/* Runs sql, of user (?1), tunnel (?2), from the hour ?3 to ?4. */
static int
list(struct store *s, const char *sql, const int64_t v[4],
    struct usage **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct usage) };
	sqlite3_stmt *q;
	struct usage *u;
	int rc;

	if ((q = store_query(s, sql, e)) == NULL)
		return -1;
	for (int i = 0; i < 4; i++)
		sqlite3_bind_int64(q, i + 1, v[i]);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((u = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_usage(q, u);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

/* One tunnel is found by its index, all of them by the hours. */
int
store_usage_hours(struct store *s, int64_t user, int64_t tunnel, int64_t first,
    int64_t last, struct usage **list_out, size_t *n_out, struct err *e)
{
	const int64_t v[4] = { user, tunnel, first, last };

	return list(s,
	    tunnel != 0
		? "SELECT tunnel_id, hour, bytes_in, bytes_out, streams,"
		  " datagrams, drops FROM usage_hour WHERE tunnel_id = ?2"
		  " AND hour BETWEEN ?3 AND ?4 AND EXISTS (SELECT 1 FROM"
		  " tunnel WHERE id = ?2 AND ?1 IN (0, user_id))"
		  " ORDER BY hour"
		: "SELECT tunnel_id, hour, bytes_in, bytes_out, streams,"
		  " datagrams, drops FROM usage_hour WHERE ?2 = 0"
		  " AND hour BETWEEN ?3 AND ?4 AND " OF_USER
		  " ORDER BY tunnel_id, hour",
	    v, list_out, n_out, e);
}

int
store_usage_totals(struct store *s, int64_t user, int64_t first, int64_t last,
    struct usage **list_out, size_t *n_out, struct err *e)
{
	const int64_t v[4] = { user, 0, first, last };

	return list(s,
	    "SELECT tunnel_id, ?2, " SUMS " FROM usage_hour"
	    " WHERE hour BETWEEN ?3 AND ?4 AND " OF_USER
	    " GROUP BY tunnel_id ORDER BY tunnel_id",
	    v, list_out, n_out, e);
}
