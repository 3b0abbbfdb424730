#include "store/store_event.h"

#include <stdio.h>

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

#define EVENT "SELECT id, at, user_id, who, did, what, origin FROM event "

/* The rows of q, which is ended; NULL is welcome. */
static int
list(struct store *s, sqlite3_stmt *q, struct event **list_out, size_t *n_out,
    struct err *e)
{
	struct store_list l = { .size = sizeof(struct event) };
	struct event *v;
	int rc;

	if (q == NULL)
		return -1;
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

int
store_event_list(struct store *s, int64_t user, int64_t limit,
    struct event **list_out, size_t *n_out, struct err *e)
{
	sqlite3_stmt *q;

	q = user == STORE_ANYBODY
	    ? store_query(s, EVENT "ORDER BY id DESC LIMIT ?2", e)
	    : store_query(
		  s, EVENT "WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2", e);
	if (q != NULL) {
		sqlite3_bind_int64(q, 1, user);
		sqlite3_bind_int64(q, 2, limit);
	}
	return list(s, q, list_out, n_out, e);
}

/* "tunnel 4 ..." is of tunnel 4, and "tunnel 42" is not. */
int
store_event_about(struct store *s, int64_t user, int64_t tunnel, int64_t among,
    int64_t limit, struct event **list_out, size_t *n_out, struct err *e)
{
	char pattern[48];
	sqlite3_stmt *q;

	snprintf(
	    pattern, sizeof(pattern), "tunnel %lld[^0-9]*", (long long)tunnel);
	if ((q = store_query(s,
		 EVENT "WHERE user_id = ?1 AND id > coalesce((SELECT id"
		       " FROM event WHERE user_id = ?1 ORDER BY id DESC"
		       " LIMIT 1 OFFSET ?2), 0) AND what || ' ' GLOB ?3"
		       " ORDER BY id DESC LIMIT ?4",
		 e)) != NULL) {
		sqlite3_bind_int64(q, 1, user);
		sqlite3_bind_int64(q, 2, among);
		store_bind_text(q, 3, pattern);
		sqlite3_bind_int64(q, 4, limit);
	}
	return list(s, q, list_out, n_out, e);
}
