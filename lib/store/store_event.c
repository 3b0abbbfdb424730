#include "store/store_event.h"

#include "base/clock.h"
#include "store/store_sql.h"

int
store_event_insert(struct store *s, const struct event *v, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT INTO event (at, user_id, who, did, what, origin)"
		 " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, v->at != 0 ? v->at : clock_wall_ms());
	store_bind_id(q, 2, v->user);
	store_bind_text(q, 3, v->who);
	store_bind_text(q, 4, v->did);
	store_bind_text(q, 5, v->what);
	store_bind_text(q, 6, v->origin);
	return store_do(s, q, e);
}

int
store_event_add(struct store *s, const struct event *v, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, store_event_insert(s, v, e), e);
}

static void
read_event(sqlite3_stmt *q, struct event *v)
{
	v->id = sqlite3_column_int64(q, 0);
	v->at = sqlite3_column_int64(q, 1);
	v->user = sqlite3_column_int64(q, 2);
	store_text(v->who, sizeof(v->who), q, 3);
	store_text(v->did, sizeof(v->did), q, 4);
	store_text(v->what, sizeof(v->what), q, 5);
	store_text(v->origin, sizeof(v->origin), q, 6);
}

int
store_event_list(struct store *s, int64_t user, int64_t limit,
    struct event **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct event) };
	sqlite3_stmt *q;
	struct event *v;
	int rc;

	if ((q = store_query(s,
		 "SELECT id, at, user_id, who, did, what, origin FROM event"
		 " WHERE ?1 IN (0, user_id) ORDER BY id DESC LIMIT ?2",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, limit);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((v = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_event(q, v);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}
