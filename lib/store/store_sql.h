/*
 * store_sql: what the files of this room share: one way to prepare, to step,
 * to begin and to end.  The one header that names SQLite; nobody outside
 * lib/store includes it.
 */
#ifndef STORE_STORE_SQL_H
#define STORE_STORE_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/err.h"
#include "store/store.h"

enum {
	STORE_WAIT_MS = 5000,
	STORE_KEPT = 48,
};

/*
 * Statements prepared once and asked again; store_stmt.c.  SQLite prepares one
 * anew by itself when the tables have changed.
 */
struct store_kept {
	struct {
		const char *sql; /* as the caller gave it */
		sqlite3_stmt *q;
		bool busy; /* between store_query() and its end */
	} at[STORE_KEPT];
	unsigned next; /* whose place a new one takes */
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *data_version;
	struct store_kept kept;
	char *path;
	int lock_fd; /* PATH.lock; held from store_begin() to the end */
	bool locked;
	bool waits;
	unsigned depth; /* 1 between begin and end; more inside of a group */
	struct {
		bool is_known;
		int64_t user, n;
		int64_t version; /* of the data, when it was counted */
		int64_t changes; /* of our own, until then */
	} counted;               /* whose tunnels were counted last */
	enum store_why why;
};

/*
 * A statement without values, to be ended with store_query_end(); NULL with e.
 * Asked for again it is prepared no second time.
 */
sqlite3_stmt *store_query(struct store *s, const char *sql, struct err *e);
void store_query_end(struct store *s, sqlite3_stmt *q);

/* Gives up all that are kept; none may be between its two ends. */
void store_query_forget(struct store *s);

/* 1 a row, 0 the end, -1 with e. */
int store_step(struct store *s, sqlite3_stmt *q, struct err *e);

/* Steps a statement without rows to its end, and ends it: 0 or -1. */
int store_do(struct store *s, sqlite3_stmt *q, struct err *e);

/* Runs one or more statements without values: 0 or -1. */
int store_exec(struct store *s, const char *sql, struct err *e);

/* The one number that q gives (0 when it gives none); ends q. */
int store_number(struct store *s, sqlite3_stmt *q, int64_t *out, struct err *e);

/* How many rows the last statement changed. */
int64_t store_changed(const struct store *s);

/*
 * A writer takes the lock of writers, then begins.  store_end() commits when
 * rc >= 0 and rolls back when it is below; it returns rc, or -1 when the commit
 * failed.  Between them stands one store function and nothing that waits.
 */
int store_begin(struct store *s, struct err *e);
int store_end(struct store *s, int rc, struct err *e);

/*
 * The lock of writers alone, for what cannot stand in a transaction; and a
 * moment's sleep before trying again.
 */
int store_lock(struct store *s, struct err *e);
void store_unlock(struct store *s);
void store_nap(void);

/* A reader who asks several questions about one moment. */
int store_begin_read(struct store *s, struct err *e);

/* A refusal: sets e and the sort, returns -1. */
int store_refuse(struct store *s, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Maps what SQLite said to a sentence with the file and the remedy. */
int store_failed(struct store *s, int rc, struct err *e);

/* Bind; the text and bytes must live until the statement ends. */
void store_bind_text(sqlite3_stmt *q, int at, const char *text);
void store_bind_id(sqlite3_stmt *q, int at, int64_t id); /* 0 is NULL */

/* Copies a text column; NULL becomes "". */
void store_text(char *to, size_t cap, sqlite3_stmt *q, int column);

/* Grows an array of rows of one size; begin with the size and zeros. */
struct store_list {
	size_t size; /* bytes of a row */
	size_t n, cap;
	void *rows;
};

/* A zeroed row at the end, or NULL with e. */
void *store_list_add(struct store *s, struct store_list *l, struct err *e);

/*
 * What to hand out: the rows, never NULL unless rc is -1 (then they are
 * freed) or there is none.
 */
void *store_list_end(struct store_list *l, int rc, size_t *n_out);

/* Writes an event inside a transaction that has begun. */
struct event;
int store_event_insert(struct store *s, const struct event *v, struct err *e);

/*
 * Brings the tables up to date; store_schema.c.  Refuses a file from the
 * future and one that is not ours.
 */
int store_schema_apply(struct store *s, struct err *e);

/*
 * Opens (and makes) a file beside the database; what root makes belongs to
 * the owner of the folder.  The descriptor or -1.
 */
int store_open_beside(const char *path, int flags, struct err *e);

#endif
