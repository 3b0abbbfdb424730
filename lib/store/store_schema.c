/*
 * The steps of the schema, in order; user_version counts those that a file has
 * taken.  Whoever opens first applies what is missing, in one transaction:
 * killed in the middle, it has done nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/schema_sql.h"
#include "store/store_sql.h"

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

/* WAL is kept in the file; it can only be set outside a transaction. */
static int
set_wal(struct store *s, struct err *e)
{
	sqlite3_stmt *q;
	char mode[16] = "";
	int rc;

	if ((q = store_query(s, "PRAGMA journal_mode = WAL", e)) == NULL)
		return -1;
	if ((rc = store_step(s, q, e)) == 1)
		store_text(mode, sizeof(mode), q, 0);
	sqlite3_finalize(q);
	if (rc == -1 || strcmp(mode, "wal") == 0)
		return rc == -1 ? -1 : 0;
	s->why = STORE_BROKEN;
	return err_set(e,
	    "%s: the file system cannot share memory, which the database "
	    "needs; put it on a local disk",
	    s->path);
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
	int64_t version;

	if (store_schema_version(s, &version, e) == -1 ||
	    judge(s, version, e) == -1 || set_wal(s, e) == -1)
		return -1;
	if (version == STEPS)
		return 0;
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, climb(s, e), e);
}
