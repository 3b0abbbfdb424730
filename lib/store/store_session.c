#include "store/store_session.h"

#include "base/clock.h"
#include "base/str.h"
#include "store/store_sql.h"

enum { SEEN_MS = 300 * 1000 };

/*
 * Counters only grow, so that a batch that is written twice (a commit whose
 * answer was lost) does no harm.
 */
static const char session_sql[] =
    "INSERT INTO session (id, machine_id, relay, address, version, system,"
    " connected_at, seen_at, disconnected_at, why, bytes_in, bytes_out,"
    " streams_in, streams_out)"
    " SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14"
    " FROM machine WHERE id = ?2"
    " ON CONFLICT (id) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at),"
    " disconnected_at = excluded.disconnected_at, why = excluded.why,"
    " address = excluded.address,"
    " bytes_in = max(bytes_in, excluded.bytes_in),"
    " bytes_out = max(bytes_out, excluded.bytes_out),"
    " streams_in = max(streams_in, excluded.streams_in),"
    " streams_out = max(streams_out, excluded.streams_out)"
    " WHERE machine_id = excluded.machine_id";

static const char machine_sql[] =
    "UPDATE machine SET computer = ?2, system = ?3, address = ?4,"
    " seen_at = ?5, allow = ifnull(?7, allow)"
    " WHERE id = ?1 AND (seen_at IS NULL OR ?5 >= seen_at + ?6"
    " OR (?5 >= seen_at AND (computer <> ?2 OR address <> ?4"
    " OR system <> ?3 OR allow <> ifnull(?7, allow))))";

static const char usage_sql[] =
    "INSERT INTO usage_hour (hour, tunnel_id, bytes_in, bytes_out, streams,"
    " datagrams, drops) SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM tunnel"
    " WHERE id = ?2"
    " ON CONFLICT (hour, tunnel_id) DO UPDATE SET"
    " bytes_in = bytes_in + excluded.bytes_in,"
    " bytes_out = bytes_out + excluded.bytes_out,"
    " streams = streams + excluded.streams,"
    " datagrams = datagrams + excluded.datagrams,"
    " drops = drops + excluded.drops";

static const char key_sql[] =
    "UPDATE machine_key SET first_used_at = ifnull(first_used_at, ?2),"
    " last_used_at = ?2 WHERE id = ?1"
    " AND (last_used_at IS NULL OR last_used_at <= ?2 - ?3)";

static const char tunnel_sql[] =
    "UPDATE tunnel SET last_connected_at = ?2 WHERE id = ?1"
    " AND (last_connected_at IS NULL OR last_connected_at <= ?2 - ?3)";

/* Steps q to its end and makes it ready for the next row. */
static int
run(struct store *s, sqlite3_stmt *q, struct err *e)
{
	int rc = store_step(s, q, e);

	sqlite3_reset(q);
	return rc == -1 ? -1 : 0;
}

static void
bind_count(sqlite3_stmt *q, int at, uint64_t n)
{
	sqlite3_bind_int64(q, at, n > INT64_MAX ? INT64_MAX : (int64_t)n);
}

/* Text of the network, within what the table takes. */
static void
bind_cut(sqlite3_stmt *q, int at, const char *text, char *room, size_t cap)
{
	str_copy(room, cap, text != NULL ? text : "");
	store_bind_text(q, at, room);
}

static int
write_session(struct store *s, sqlite3_stmt *q, const struct session_row *r,
    struct err *e)
{
	char relay[256], address[65], version[256], system[256], why[256];

	sqlite3_bind_int64(q, 1, r->id);
	sqlite3_bind_int64(q, 2, r->machine);
	bind_cut(q, 3, r->relay, relay, sizeof(relay));
	bind_cut(q, 4, r->address, address, sizeof(address));
	bind_cut(q, 5, r->version, version, sizeof(version));
	bind_cut(q, 6, r->system, system, sizeof(system));
	sqlite3_bind_int64(q, 7, r->connected_at);
	sqlite3_bind_int64(q, 8, r->seen_at);
	store_bind_id(q, 9, r->disconnected_at);
	bind_cut(q, 10, r->why, why, sizeof(why));
	bind_count(q, 11, r->bytes_in);
	bind_count(q, 12, r->bytes_out);
	bind_count(q, 13, r->streams_in);
	bind_count(q, 14, r->streams_out);
	return run(s, q, e);
}

static int
write_machine(struct store *s, sqlite3_stmt *q, const struct session_row *r,
    struct err *e)
{
	char address[65], system[256], computer[256];

	sqlite3_bind_int64(q, 1, r->machine);
	bind_cut(q, 2, r->computer, computer, sizeof(computer));
	bind_cut(q, 3, r->system, system, sizeof(system));
	bind_cut(q, 4, r->address, address, sizeof(address));
	sqlite3_bind_int64(q, 5, r->seen_at);
	sqlite3_bind_int64(q, 6, SEEN_MS);
	sqlite3_bind_text(q, 7, r->allow, -1, SQLITE_STATIC);
	return run(s, q, e);
}

static int
write_sessions(struct store *s, const struct session_batch *b, struct err *e)
{
	sqlite3_stmt *session, *machine = NULL;
	size_t i;
	int rc = -1;

	if ((session = store_query(s, session_sql, e)) == NULL ||
	    (machine = store_query(s, machine_sql, e)) == NULL)
		goto end_statements;
	rc = 0;
	for (i = 0; i < b->session_n && rc == 0; i++) {
		rc = write_session(s, session, &b->sessions[i], e);
		if (rc == 0)
			rc = write_machine(s, machine, &b->sessions[i], e);
	}
end_statements:
	store_query_end(s, session);
	store_query_end(s, machine);
	return rc;
}

static int
write_usage(struct store *s, const struct session_batch *b, struct err *e)
{
	const struct usage_row *u;
	sqlite3_stmt *q;
	size_t i;
	int rc = 0;

	if ((q = store_query(s, usage_sql, e)) == NULL)
		return -1;
	for (i = 0; i < b->usage_n && rc == 0; i++) {
		u = &b->usage[i];
		sqlite3_bind_int64(q, 1, u->hour);
		sqlite3_bind_int64(q, 2, u->tunnel);
		bind_count(q, 3, u->bytes_in);
		bind_count(q, 4, u->bytes_out);
		bind_count(q, 5, u->streams);
		bind_count(q, 6, u->datagrams);
		bind_count(q, 7, u->drops);
		rc = run(s, q, e);
	}
	store_query_end(s, q);
	return rc;
}

/* Marks each id as used now. */
static int
write_used(struct store *s, const char *sql, const int64_t *ids, size_t n,
    struct err *e)
{
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;
	size_t i;
	int rc = 0;

	if ((q = store_query(s, sql, e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 2, now);
	sqlite3_bind_int64(q, 3, SEEN_MS);
	for (i = 0; i < n && rc == 0; i++) {
		sqlite3_bind_int64(q, 1, ids[i]);
		rc = run(s, q, e);
	}
	store_query_end(s, q);
	return rc;
}

static int
write_events(struct store *s, const struct session_batch *b, struct err *e)
{
	size_t i;

	for (i = 0; i < b->event_n; i++) {
		if (store_event_insert(s, &b->events[i], e) == -1)
			return -1;
	}
	return 0;
}

static int
write_batch(struct store *s, const struct session_batch *b, struct err *e)
{
	if (store_schema_check(s, e) == -1 ||
	    (b->session_n > 0 && write_sessions(s, b, e) == -1) ||
	    (b->usage_n > 0 && write_usage(s, b, e) == -1) ||
	    (b->key_n > 0 &&
		write_used(s, key_sql, b->keys, b->key_n, e) == -1) ||
	    (b->tunnel_n > 0 &&
		write_used(s, tunnel_sql, b->tunnels, b->tunnel_n, e) == -1) ||
	    (b->event_n > 0 && write_events(s, b, e) == -1))
		return -1;
	return 1;
}

int
store_session_write(
    struct store *s, const struct session_batch *b, struct err *e)
{
	int rc;

	if ((rc = store_begin(s, e)) == 0)
		rc = store_end(s, write_batch(s, b, e), e);
	if (rc == -1 && s->why == STORE_BUSY)
		return 0;
	return rc;
}

static int
start(struct store *s, const char *relay, int64_t *next_id_out, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "UPDATE session SET disconnected_at = seen_at,"
		 " why = 'the relay ended without a word'"
		 " WHERE relay = ?1 AND disconnected_at IS NULL",
		 e)) == NULL)
		return -1;
	store_bind_text(q, 1, relay);
	if (store_do(s, q, e) == -1)
		return -1;
	/* numbers of sessions that were purged are not given again */
	if (store_number(s,
		store_query(s,
		    "SELECT max((SELECT ifnull(max(id), 0) FROM session),"
		    " (SELECT ifnull(max(seq), 0) FROM sqlite_sequence"
		    " WHERE name = 'session'))",
		    e),
		next_id_out, e) == -1)
		return -1;
	++*next_id_out;
	return 0;
}

int
store_session_start(
    struct store *s, const char *relay, int64_t *next_id_out, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, start(s, relay, next_id_out, e), e);
}

static void
read_session(sqlite3_stmt *q, struct session_info *i)
{
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

int
store_session_list(struct store *s, int64_t machine, int64_t limit,
    struct session_info **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct session_info) };
	struct session_info *i;
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(s,
		 "SELECT id, machine_id, address, version, connected_at,"
		 " seen_at, disconnected_at, why, bytes_in, bytes_out"
		 " FROM session WHERE machine_id = ?1"
		 " ORDER BY connected_at DESC, id DESC LIMIT ?2",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, machine);
	sqlite3_bind_int64(q, 2, limit);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((i = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_session(q, i);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}
