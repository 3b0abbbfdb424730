/* Statements that are kept from one question to the next. */
#include "store/store_sql.h"

#include <string.h>

/*
 * Where sql stands among the kept; -1 when it is not there, or is being asked
 * at this moment.  Texts that are not literals share addresses, so the text is
 * compared as well.
 */
static int
find(const struct store_kept *k, const char *sql)
{
	for (int i = 0; i < STORE_KEPT; i++)
		if (k->at[i].sql == sql && !k->at[i].busy &&
		    strcmp(sqlite3_sql(k->at[i].q), sql) == 0)
			return i;
	return -1;
}

/* The next in turn that nobody is asking now; -1 when all are. */
static int
find_place(struct store_kept *k)
{
	unsigned i;

	for (int tries = 0; tries < STORE_KEPT; tries++) {
		i = k->next++ % STORE_KEPT;
		if (!k->at[i].busy)
			return (int)i;
	}
	return -1;
}

/* A pragma may act when it is prepared, so none is kept. */
static bool
is_kept(const char *sql)
{
	return strncmp(sql, "PRAGMA", 6) != 0;
}

static sqlite3_stmt *
prepare(struct store *s, const char *sql, unsigned flags, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	rc = sqlite3_prepare_v3(s->db, sql, -1, flags, &q, NULL);
	if (rc == SQLITE_OK)
		return q;
	store_failed(s, rc, e);
	return NULL;
}

sqlite3_stmt *
store_query(struct store *s, const char *sql, struct err *e)
{
	struct store_kept *k = &s->kept;
	sqlite3_stmt *q;
	int i;

	if ((i = find(k, sql)) != -1) {
		k->at[i].busy = true;
		return k->at[i].q;
	}
	if (!is_kept(sql) || (i = find_place(k)) == -1)
		return prepare(s, sql, 0, e);
	if ((q = prepare(s, sql, SQLITE_PREPARE_PERSISTENT, e)) == NULL)
		return NULL;
	sqlite3_finalize(k->at[i].q);
	k->at[i].sql = sql;
	k->at[i].q = q;
	k->at[i].busy = true;
	return q;
}

void
store_query_end(struct store *s, sqlite3_stmt *q)
{
	struct store_kept *k = &s->kept;

	if (q == NULL)
		return;
	for (int i = 0; i < STORE_KEPT; i++) {
		if (k->at[i].q != q)
			continue;
		sqlite3_reset(q);
		sqlite3_clear_bindings(q);
		k->at[i].busy = false;
		return;
	}
	sqlite3_finalize(q);
}

void
store_query_forget(struct store *s)
{
	struct store_kept *k = &s->kept;

	for (int i = 0; i < STORE_KEPT; i++)
		sqlite3_finalize(k->at[i].q);
	memset(k, 0, sizeof(*k));
}
