#include "store/store_page.h"

#include "store/store_sql.h"

/* The number that sql gives for ?1 and, where it has them, ?2 and ?3. */
static int
count(struct store *s, const char *sql, const int64_t v[3], int64_t *n_out,
    struct err *e)
{
	sqlite3_stmt *q;
	int i;

	*n_out = 0;
	if ((q = store_query(s, sql, e)) == NULL)
		return -1;
	for (i = 0; i < 3 && i < sqlite3_bind_parameter_count(q); i++)
		sqlite3_bind_int64(q, i + 1, v[i]);
	return store_number(s, q, n_out, e);
}

int
store_user_count(struct store *s, int64_t *n_out, struct err *e)
{
	const int64_t v[3] = { 0, 0, 0 };

	return count(s, "SELECT count(*) FROM user", v, n_out, e);
}

int
store_machine_count(
    struct store *s, int64_t user, int64_t *n_out, struct err *e)
{
	const int64_t v[3] = { user, 0, 0 };

	return count(s,
	    "SELECT count(*) FROM machine WHERE ?1 IN (0, user_id)"
	    " AND deleted_at IS NULL",
	    v, n_out, e);
}

/* Steps q to its end and gives each row to read(); ends q. */
static int
read_all(struct store *s, sqlite3_stmt *q, struct store_list *l,
    void (*read)(sqlite3_stmt *q, void *row), struct err *e)
{
	void *row;
	int rc;

	while ((rc = store_step(s, q, e)) == 1) {
		if ((row = store_list_add(s, l, e)) == NULL) {
			rc = -1;
			break;
		}
		read(q, row);
	}
	store_query_end(s, q);
	return rc;
}

static void
read_pair(sqlite3_stmt *q, void *row)
{
	struct page_pair *p = row;

	p->tunnel = sqlite3_column_int64(q, 0);
	p->machine = sqlite3_column_int64(q, 1);
	store_text(p->name, sizeof(p->name), q, 2);
}

int
store_page_pairs(struct store *s, int64_t user, int64_t first, int64_t last,
    struct page_pair **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct page_pair) };
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(s,
		 "SELECT tunnel_id, machine_id, machine.name"
		 " FROM machine_tunnel JOIN machine ON machine.id = machine_id"
		 " WHERE tunnel_id BETWEEN ?2 AND ?3"
		 " AND ?1 IN (0, machine.user_id)"
		 " AND machine.deleted_at IS NULL"
		 " ORDER BY tunnel_id, machine_id",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, first);
	sqlite3_bind_int64(q, 3, last);
	rc = read_all(s, q, &l, read_pair, e);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

static void
read_event(sqlite3_stmt *q, void *row)
{
	struct event *v = row;

	v->id = sqlite3_column_int64(q, 0);
	v->at = sqlite3_column_int64(q, 1);
	v->user = sqlite3_column_int64(q, 2);
	store_text(v->who, sizeof(v->who), q, 3);
	store_text(v->did, sizeof(v->did), q, 4);
	store_text(v->what, sizeof(v->what), q, 5);
	store_text(v->origin, sizeof(v->origin), q, 6);
}

#define OF_USER "(?1 = 0 OR user_id = ?1)"

int
store_page_events(struct store *s, int64_t user, int64_t skip, int64_t limit,
    struct event **list_out, size_t *n_out, int64_t *total_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct event) };
	const int64_t v[3] = { user, 0, 0 };
	sqlite3_stmt *q;
	int rc;

	if (count(s, "SELECT count(*) FROM event WHERE " OF_USER, v, total_out,
		e) == -1 ||
	    (q = store_query(s,
		 "SELECT id, at, user_id, who, did, what, origin FROM event"
		 " WHERE " OF_USER " ORDER BY id DESC LIMIT ?3 OFFSET ?2",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, skip);
	sqlite3_bind_int64(q, 3, limit);
	rc = read_all(s, q, &l, read_event, e);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

static void
read_session(sqlite3_stmt *q, void *row)
{
	struct session_info *i = row;

	i->id = sqlite3_column_int64(q, 0);
	i->machine = sqlite3_column_int64(q, 1);
	store_text(i->address, sizeof(i->address), q, 2);
	store_text(i->version, sizeof(i->version), q, 3);
	i->connected_at = sqlite3_column_int64(q, 4);
	i->seen_at = sqlite3_column_int64(q, 5);
	i->disconnected_at = sqlite3_column_int64(q, 6);
	store_text(i->why, sizeof(i->why), q, 7);
	i->bytes_in = (uint64_t)sqlite3_column_int64(q, 8);
	i->bytes_out = (uint64_t)sqlite3_column_int64(q, 9);
}

#define SESSIONS                                                       \
	" FROM session WHERE machine_id IN (SELECT id FROM machine"    \
	" WHERE (?1 = 0 OR user_id = ?1) AND (?2 = 0 OR id = ?2)"      \
	" AND (?3 = 0 OR id IN (SELECT machine_id FROM machine_tunnel" \
	" WHERE tunnel_id = ?3)))"

int
store_page_sessions(struct store *s, const struct page_sessions *which,
    int64_t skip, int64_t limit, struct session_info **list_out, size_t *n_out,
    int64_t *total_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct session_info) };
	const int64_t v[3] = { which->user, which->machine, which->tunnel };
	sqlite3_stmt *q;
	int rc;

	if (count(s, "SELECT count(*)" SESSIONS, v, total_out, e) == -1 ||
	    (q = store_query(s,
		 "SELECT id, machine_id, address, version, connected_at,"
		 " seen_at, disconnected_at, why, bytes_in, bytes_out" SESSIONS
		 " ORDER BY connected_at DESC, id DESC LIMIT ?5 OFFSET ?4",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, which->user);
	sqlite3_bind_int64(q, 2, which->machine);
	sqlite3_bind_int64(q, 3, which->tunnel);
	sqlite3_bind_int64(q, 4, skip);
	sqlite3_bind_int64(q, 5, limit);
	rc = read_all(s, q, &l, read_session, e);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

static void
read_usage(sqlite3_stmt *q, void *row)
{
	struct usage_row *u = row;

	u->hour = sqlite3_column_int64(q, 0);
	u->tunnel = sqlite3_column_int64(q, 1);
	u->bytes_in = (uint64_t)sqlite3_column_int64(q, 2);
	u->bytes_out = (uint64_t)sqlite3_column_int64(q, 3);
	u->streams = (uint64_t)sqlite3_column_int64(q, 4);
	u->datagrams = (uint64_t)sqlite3_column_int64(q, 5);
	u->drops = (uint64_t)sqlite3_column_int64(q, 6);
}

int
store_page_usage(struct store *s, int64_t user, int64_t tunnel, int64_t step,
    int64_t from, int64_t to, struct usage_row **list_out, size_t *n_out,
    struct err *e)
{
	struct store_list l = { .size = sizeof(struct usage_row) };
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(s,
		 "SELECT hour - hour % ?3, ?2, sum(bytes_in), sum(bytes_out),"
		 " sum(streams), sum(datagrams), sum(drops) FROM usage_hour"
		 " WHERE hour >= ?4 AND hour < ?5 AND tunnel_id IN"
		 " (SELECT id FROM tunnel WHERE (?1 = 0 OR user_id = ?1)"
		 " AND (?2 = 0 OR id = ?2)) GROUP BY 1 ORDER BY 1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, tunnel);
	sqlite3_bind_int64(q, 3, step);
	sqlite3_bind_int64(q, 4, from);
	sqlite3_bind_int64(q, 5, to);
	rc = read_all(s, q, &l, read_usage, e);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}
