/*
 * Keeping the file in order: is it sound, a copy of it, and away with what has
 * had its time.
 */
#include "store/store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

enum {
	FAULTS_MAX = 100, /* told of one kind */
	PURGE_ROWS = 2000,
	COPY_PAGES = 256,
	COPY_TRIES = 10000,
};

static int
check_pages(struct store *s, void (*say)(void *, const char *), void *arg,
    struct err *e)
{
	sqlite3_stmt *q;
	const char *line;
	int faults = 0, rc;

	if ((q = store_query(s, "PRAGMA integrity_check(100)", e)) == NULL)
		return -1;
	while ((rc = store_step(s, q, e)) == 1) {
		line = (const char *)sqlite3_column_text(q, 0);
		if (line == NULL || strcmp(line, "ok") == 0)
			continue;
		faults++;
		say(arg, line);
	}
	store_query_end(s, q);
	return rc == -1 ? -1 : faults;
}

static int
check_references(struct store *s, void (*say)(void *, const char *), void *arg,
    struct err *e)
{
	sqlite3_stmt *q;
	char line[256];
	int faults = 0, rc;

	if ((q = store_query(s, "PRAGMA foreign_key_check", e)) == NULL)
		return -1;
	while ((rc = store_step(s, q, e)) == 1 && faults < FAULTS_MAX) {
		snprintf(line, sizeof(line),
		    "row %lld of %s names a row of %s that is not there",
		    (long long)sqlite3_column_int64(q, 1),
		    (const char *)sqlite3_column_text(q, 0),
		    (const char *)sqlite3_column_text(q, 2));
		faults++;
		say(arg, line);
	}
	store_query_end(s, q);
	return rc == -1 ? -1 : faults;
}

int
store_check(struct store *s, void (*say)(void *arg, const char *fault),
    void *arg, struct err *e)
{
	int pages, references;

	if ((pages = check_pages(s, say, arg, e)) == -1 ||
	    (references = check_references(s, say, arg, e)) == -1)
		return -1;
	return pages + references;
}

/* Copies a few pages at a time, so that writers get their turns. */
static int
copy_pages(struct store *s, sqlite3 *copy)
{
	sqlite3_backup *b;
	int rc = SQLITE_BUSY, end, tries;

	if ((b = sqlite3_backup_init(copy, "main", s->db, "main")) == NULL)
		return sqlite3_errcode(copy);
	/* one moment: the pages that are copied stay as they are */
	for (tries = 0; tries < COPY_TRIES; tries++) {
		rc = sqlite3_backup_step(b, COPY_PAGES);
		if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
			sqlite3_sleep(1);
		else if (rc != SQLITE_OK)
			break;
	}
	end = sqlite3_backup_finish(b);
	return rc == SQLITE_DONE ? end : rc;
}

/* The copy is one file, without a log of its own, and on the disk. */
static int
copy_into(struct store *s, const char *to, struct err *e)
{
	sqlite3 *copy;
	int rc;

	rc = sqlite3_open_v2(
	    to, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = copy_pages(s, copy);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(
		    copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_close(copy);
		return 0;
	}
	err_set(e, "%s: %s", to, sqlite3_errmsg(copy));
	s->why = (rc & 0xff) == SQLITE_FULL ? STORE_FULL : STORE_BROKEN;
	sqlite3_close(copy);
	return -1;
}

int
store_backup(struct store *s, const char *to, struct err *e)
{
	int fd, rc;

	if ((fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) ==
	    -1) {
		if (errno == EEXIST)
			return store_refuse(s, e,
			    "%s exists already; name a file that does not", to);
		s->why = STORE_REFUSED;
		return err_sys(e, "%s", to);
	}
	if (store_begin_read(s, e) == -1)
		rc = -1;
	else
		rc = store_end(s, copy_into(s, to, e), e);
	if (rc == 0 && fsync(fd) == -1)
		rc = err_sys(e, "%s", to);
	close(fd);
	if (rc == -1)
		unlink(to);
	return rc;
}

struct term {
	const char *sql; /* ?1: everything before, ?2: at most so many rows */
	int days;
};

static const struct term terms[] = {
	{ "DELETE FROM web_session WHERE id IN (SELECT id FROM web_session"
	  " WHERE expires_at < ?1 LIMIT ?2)",
	    0 },
	{ "DELETE FROM port_rest WHERE port IN (SELECT port FROM port_rest"
	  " WHERE until < ?1 LIMIT ?2)",
	    0 },
	{ "DELETE FROM tunnel WHERE id IN (SELECT id FROM tunnel"
	  " WHERE deleted_at < ?1 LIMIT ?2)",
	    60 },
	{ "DELETE FROM machine_key WHERE id IN (SELECT id FROM machine_key"
	  " WHERE first_used_at IS NULL AND expires_at < ?1 LIMIT ?2)",
	    7 },
	{ "DELETE FROM machine_key WHERE id IN (SELECT id FROM machine_key"
	  " WHERE revoked_at < ?1 LIMIT ?2)",
	    400 },
	{ "DELETE FROM machine WHERE id IN (SELECT id FROM machine"
	  " WHERE deleted_at < ?1 LIMIT ?2)",
	    60 },
	{ "DELETE FROM session WHERE id IN (SELECT id FROM session"
	  " WHERE disconnected_at < ?1 LIMIT ?2)",
	    90 },
	{ "DELETE FROM usage_hour WHERE (hour, tunnel_id) IN (SELECT hour,"
	  " tunnel_id FROM usage_hour WHERE hour < ?1 / 3600000 LIMIT ?2)",
	    400 },
	{ "DELETE FROM event WHERE id IN (SELECT id FROM event"
	  " WHERE at < ?1 LIMIT ?2)",
	    400 },
};

static int
purge(struct store *s, struct err *e)
{
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;
	size_t i;

	for (i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
		if ((q = store_query(s, terms[i].sql, e)) == NULL)
			return -1;
		sqlite3_bind_int64(q, 1, now - terms[i].days * DAY_MS);
		sqlite3_bind_int(q, 2, PURGE_ROWS);
		if (store_do(s, q, e) == -1)
			return -1;
	}
	return 0;
}

int
store_purge(struct store *s, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, purge(s, e), e);
}
