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

int
store_usage_hours(struct store *s, int64_t user, int64_t tunnel, int64_t first,
    int64_t last, struct usage **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct usage) };
	sqlite3_stmt *q;
	struct usage *u;
	int rc;

	if ((q = store_query(s,
		 "SELECT tunnel_id, hour, bytes_in, bytes_out, streams,"
		 " datagrams, drops FROM usage_hour WHERE hour BETWEEN ?3"
		 " AND ?4 AND ?2 IN (0, tunnel_id) AND (?1 = 0 OR tunnel_id IN"
		 " (SELECT id FROM tunnel WHERE user_id = ?1))"
		 " ORDER BY tunnel_id, hour",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, tunnel);
	sqlite3_bind_int64(q, 3, first);
	sqlite3_bind_int64(q, 4, last);
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
