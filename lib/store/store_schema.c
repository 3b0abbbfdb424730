/*
 * The steps of the schema, in order; user_version counts those that a file has
 * taken.  Whoever opens first applies what is missing, in one transaction:
 * killed in the middle, it has done nothing.
 */
#include "store/store_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "store/schema_sql.h"

enum {
	STEPS = sizeof(steps) / sizeof(steps[0]),
	OURS = 0x61646974, /* application_id: "adit" */
};

int
store_schema_version(struct store *s, int64_t *version_out, struct err *e)
{
	return store_number(
	    s, store_query(s, "PRAGMA user_version", e), version_out, e);
}

/* A file without our mark must be empty; a later one is not touched. */
static int
judge(struct store *s, int64_t version, struct err *e)
{
	int64_t mark, tables;

	if (store_number(
		s, store_query(s, "PRAGMA application_id", e), &mark, e) == -1)
		return -1;
	if (store_number(s,
		store_query(s, "SELECT count(*) FROM sqlite_schema", e),
		&tables, e) == -1)
		return -1;
	if (mark != OURS && (mark != 0 || tables != 0 || version != 0)) {
		s->why = STORE_BROKEN;
		return err_set(e,
		    "%s belongs to another program; name another file as "
		    "\"database\"",
		    s->path);
	}
	if (version <= STEPS)
		return 0;
	s->why = STORE_NEWER;
	return err_set(e,
	    "%s was made by a later Adit (schema %" PRId64
	    ", this one knows %d); install that one or put a backup in its "
	    "place",
	    s->path, version, (int)STEPS);
}

int
store_schema_check(struct store *s, struct err *e)
{
	int64_t version;

	if (store_schema_version(s, &version, e) == -1)
		return -1;
	return judge(s, version, e);
}

/* Runs a journal_mode pragma: 1 when the answer is WAL, 0, -1. */
static int
is_wal(struct store *s, const char *pragma, struct err *e)
{
	sqlite3_stmt *q;
	char mode[16] = "";
	int rc;

	if ((q = store_query(s, pragma, e)) == NULL)
		return -1;
	if ((rc = store_step(s, q, e)) == 1)
		store_text(mode, sizeof(mode), q, 0);
	store_query_end(s, q);
	return rc == -1 ? -1 : strcmp(mode, "wal") == 0;
}

/*
 * WAL is kept in the file and can only be set outside a transaction.  SQLite
 * does not wait for others then, who may be looking at the new file just now;
 * so we do.
 */
static int
set_wal(struct store *s, struct err *e)
{
	uint64_t end = clock_ms() + STORE_WAIT_MS;
	int rc;

	for (;;) {
		rc = is_wal(s, "PRAGMA journal_mode = WAL", e);
		if (rc != -1 || s->why != STORE_BUSY || !s->waits ||
		    clock_ms() >= end)
			break;
		store_nap();
	}
	if (rc != 0)
		return rc == -1 ? -1 : 0;
	s->why = STORE_BROKEN;
	return err_set(e,
	    "%s: the file system cannot share memory, which the database "
	    "needs; put it on a local disk",
	    s->path);
}

/* 1 when it has all steps and WAL, 0 when not, -1 when it is not for us. */
static int
look(struct store *s, struct err *e)
{
	int64_t version;
	int rc;

	if (store_schema_version(s, &version, e) == -1 ||
	    judge(s, version, e) == -1 ||
	    (rc = is_wal(s, "PRAGMA journal_mode", e)) == -1)
		return -1;
	return rc == 1 && version == STEPS;
}

/*
 * Looks at one moment: between two, another program may take the steps.  A
 * file that cannot be looked at just now is not ready.
 */
static int
is_ready(struct store *s, struct err *e)
{
	int rc;

	if ((rc = store_begin_read(s, e)) == 0)
		rc = store_end(s, look(s, e), e);
	return rc == -1 && s->why == STORE_BUSY ? 0 : rc;
}

/* Takes the missing steps, inside the transaction. */
static int
climb(struct store *s, struct err *e)
{
	char sql[80];
	int64_t version;

	if (store_schema_version(s, &version, e) == -1 ||
	    judge(s, version, e) == -1)
		return -1;
	if (version == STEPS)
		return 0;
	for (; version < STEPS; version++) {
		if (store_exec(s, steps[version], e) == -1)
			return err_prefix(
			    e, "schema step %" PRId64, version + 1);
	}
	snprintf(sql, sizeof(sql),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d", (int)OURS,
	    (int)STEPS);
	return store_exec(s, sql, e);
}

int
store_schema_apply(struct store *s, struct err *e)
{
	int rc;

	if ((rc = is_ready(s, e)) != 0)
		return rc == -1 ? -1 : 0;
	if (store_lock(s, e) == -1)
		return -1;
	rc = set_wal(s, e);
	store_unlock(s);
	if (rc == -1 || store_begin(s, e) == -1)
		return -1;
	return store_end(s, climb(s, e), e);
}
