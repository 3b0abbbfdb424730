#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "store/store_sql.h"

enum {
	VALUE_MAX = 1 << 20, /* bytes of a row or a statement */
	POLL_MIN_US = 200,
	POLL_MAX_US = 2000,
	TICK_NS = 50 * 1000 * 1000,
};

/* Remembers the sort of a failure.  Returns -1. */
static int
because(struct store *s, enum store_why why)
{
	s->why = why;
	return -1;
}

int
store_refuse(struct store *s, struct err *e, const char *fmt, ...)
{
	char text[sizeof(e->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(e, "%s", text);
	return because(s, STORE_REFUSED);
}

/* The file may not be read or written by us, or is not there. */
static int
fail_access(struct store *s, struct err *e)
{
	because(s, STORE_LOST);
	return err_set(e,
	    "%s cannot be opened for writing; give it, the files beside it "
	    "that begin with its name, and its folder to the user that runs "
	    "this program",
	    s->path);
}

int
store_failed(struct store *s, int rc, struct err *e)
{
	int os;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		because(s, STORE_BUSY);
		return err_set(e,
		    "%s: another program is writing to it; try again", s->path);
	case SQLITE_FULL:
		because(s, STORE_FULL);
		return err_set(e,
		    "%s: the disk is full; free some space, nothing else is "
		    "needed",
		    s->path);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		because(s, STORE_BROKEN);
		return err_set(e,
		    "%s is damaged, or not a database; stop the programs, keep "
		    "a copy and put a backup in its place",
		    s->path);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		if (store_file_check(s, e) == -1)
			return -1;
		return fail_access(s, e);
	case SQLITE_IOERR:
		os = sqlite3_system_errno(s->db);
		if (os == ENOSPC || os == EDQUOT)
			return store_failed(s, SQLITE_FULL, e);
		because(s, STORE_BROKEN);
		return err_set(e,
		    "%s: reading or writing failed (%s); look at the disk",
		    s->path, os != 0 ? strerror(os) : "no reason given");
	case SQLITE_NOMEM:
		because(s, STORE_BROKEN);
		return err_set(e, "%s: out of memory", s->path);
	default:
		because(s, STORE_BROKEN);
		return err_set(e, "%s: %s", s->path, sqlite3_errmsg(s->db));
	}
}

int
store_step(struct store *s, sqlite3_stmt *q, struct err *e)
{
	int rc = sqlite3_step(q);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	return store_failed(s, rc, e);
}

int
store_do(struct store *s, sqlite3_stmt *q, struct err *e)
{
	int rc;

	if (q == NULL)
		return -1;
	while ((rc = store_step(s, q, e)) == 1)
		continue;
	store_query_end(s, q);
	return rc;
}

int
store_exec(struct store *s, const char *sql, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	while (*sql != '\0') {
		rc = sqlite3_prepare_v2(s->db, sql, -1, &q, &sql);
		if (rc != SQLITE_OK)
			return store_failed(s, rc, e);
		/* behind the last statement stands only white space */
		if (q != NULL && store_do(s, q, e) == -1)
			return -1;
	}
	return 0;
}

int
store_number(struct store *s, sqlite3_stmt *q, int64_t *out, struct err *e)
{
	int rc;

	*out = 0;
	if (q == NULL)
		return -1;
	if ((rc = store_step(s, q, e)) == 1)
		*out = sqlite3_column_int64(q, 0);
	store_query_end(s, q);
	return rc == -1 ? -1 : 0;
}

int64_t
store_changed(const struct store *s)
{
	return sqlite3_changes64(s->db);
}

void
store_bind_text(sqlite3_stmt *q, int at, const char *text)
{
	sqlite3_bind_text(q, at, text, -1, SQLITE_STATIC);
}

void
store_bind_id(sqlite3_stmt *q, int at, int64_t id)
{
	if (id == 0)
		sqlite3_bind_null(q, at);
	else
		sqlite3_bind_int64(q, at, id);
}

void
store_text(char *to, size_t cap, sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	str_copy(to, cap, text != NULL ? text : "");
}

void *
store_list_add(struct store *s, struct store_list *l, struct err *e)
{
	size_t cap;
	void *rows, *row;

	if (l->n == l->cap) {
		cap = l->cap == 0 ? 16 : l->cap * 2;
		if ((rows = reallocarray(l->rows, cap, l->size)) == NULL) {
			store_failed(s, SQLITE_NOMEM, e);
			return NULL;
		}
		l->rows = rows;
		l->cap = cap;
	}
	row = (char *)l->rows + l->n++ * l->size;
	memset(row, 0, l->size);
	return row;
}

void *
store_list_end(struct store_list *l, int rc, size_t *n_out)
{
	if (rc == -1) {
		free(l->rows);
		l->rows = NULL;
		l->n = 0;
	}
	*n_out = l->n;
	return l->rows;
}

/* Sleeps a moment that differs from everybody else's. */
void
store_nap(void)
{
	struct timespec t = { 0, 0 };

	t.tv_nsec = 1000L *
	    (POLL_MIN_US + (long)random_below(POLL_MAX_US - POLL_MIN_US));
	nanosleep(&t, NULL);
}

/* Its coming ends flock(); nothing else is to be done. */
static void
on_tick(int sig)
{
	(void)sig;
}

/*
 * Stands in the kernel's queue for the lock until the deadline.  flock() knows
 * no deadline, so a timer of this thread alone breaks it off again and again;
 * a single shot could come just before flock() and be lost.  Asking for the
 * lock every few milliseconds instead made some of 32 writers wait for 3 s.
 * 1 held, 0 too late, -1 with errno.
 */
static int
queue_for_lock(int fd, uint64_t end)
{
	struct itimerspec every = { { 0, TICK_NS }, { 0, TICK_NS } };
	struct sigaction act = { .sa_handler = on_tick };
	struct sigevent ev = { .sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGRTMAX };
	sigset_t tick, old_mask;
	timer_t timer;
	int rc, why;

	ev._sigev_un._tid = gettid();
	if (timer_create(CLOCK_MONOTONIC, &ev, &timer) == -1)
		return -1;
	sigemptyset(&tick);
	sigaddset(&tick, SIGRTMAX);
	sigaction(SIGRTMAX, &act, NULL);
	pthread_sigmask(SIG_UNBLOCK, &tick, &old_mask);
	timer_settime(timer, 0, &every, NULL);
	do
		rc = flock(fd, LOCK_EX);
	while (rc == -1 && errno == EINTR && clock_ms() < end);
	why = errno;
	timer_delete(timer);
	pthread_sigmask(SIG_SETMASK, &old_mask, NULL);
	errno = why;
	if (rc == -1 && why != EINTR)
		return -1;
	return rc == 0;
}

/*
 * The lock of writers.  SQLite's own waiting gives the lock to whoever happens
 * to ask at the right moment and starved callers for seconds.  The kernel drops
 * this one when its holder dies.
 */
int
store_lock(struct store *s, struct err *e)
{
	int rc = flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0 ? 1 : -1;

	if (rc == -1 && errno == EWOULDBLOCK)
		rc = !s->waits
		    ? 0
		    : queue_for_lock(s->lock_fd, clock_ms() + STORE_WAIT_MS);
	if (rc == 0)
		return store_failed(s, SQLITE_BUSY, e);
	if (rc == -1) {
		because(s, STORE_BROKEN);
		return err_sys(e, "%s.lock", s->path);
	}
	s->locked = true;
	return 0;
}

void
store_unlock(struct store *s)
{
	if (s->locked)
		flock(s->lock_fd, LOCK_UN);
	s->locked = false;
}

/* A step inside of a group; one that SQLite has rolled back takes no more. */
static int
begin_inner(struct store *s, struct err *e)
{
	if (sqlite3_get_autocommit(s->db)) {
		because(s, STORE_BROKEN);
		return err_set(e, "%s: the change was rolled back", s->path);
	}
	if (store_exec(s, "SAVEPOINT inner", e) == -1)
		return -1;
	s->depth++;
	return 0;
}

int
store_begin(struct store *s, struct err *e)
{
	if (s->depth > 0)
		return begin_inner(s, e);
	if (store_file_check(s, e) == -1 || store_lock(s, e) == -1)
		return -1;
	if (store_exec(s, "BEGIN IMMEDIATE", e) == -1) {
		store_unlock(s);
		return -1;
	}
	s->depth = 1;
	return 0;
}

int
store_begin_read(struct store *s, struct err *e)
{
	return store_exec(s, "BEGIN", e);
}

/* What a step of a group has changed stays for the group's end, or goes. */
static int
end_inner(struct store *s, int rc, struct err *e)
{
	s->depth--;
	if (rc >= 0)
		return store_exec(s, "RELEASE inner", e) == -1 ? -1 : rc;
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK TO inner; RELEASE inner", NULL,
		    NULL, NULL);
	return rc;
}

int
store_end(struct store *s, int rc, struct err *e)
{
	if (s->depth > 1)
		return end_inner(s, rc, e);
	s->depth = 0;
	if (rc >= 0 && store_exec(s, "COMMIT", e) == -1)
		rc = -1;
	/* Some failures have rolled back already; the answer is no news. */
	if (rc < 0 && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	store_unlock(s);
	return rc;
}

int
store_group(struct store *s, struct err *e)
{
	return store_begin(s, e);
}

int
store_group_end(struct store *s, bool keep, struct err *e)
{
	int rc = store_end(s, keep ? 0 : -1, e);

	return keep ? rc : 0;
}

/* What root makes belongs to the owner of the folder. */
static int
give_to_folder(int fd, const char *path, struct err *e)
{
	struct stat file, folder;
	char *copy;
	int rc;

	if (geteuid() != 0)
		return 0;
	if ((copy = strdup(path)) == NULL)
		return err_sys(e, "%s", path);
	rc = stat(dirname(copy), &folder);
	free(copy);
	if (rc == -1 || fstat(fd, &file) == -1)
		return err_sys(e, "%s", path);
	if (file.st_uid != 0 || folder.st_uid == 0)
		return 0;
	if (fchown(fd, folder.st_uid, folder.st_gid) == -1)
		return err_sys(e, "%s", path);
	return 0;
}

int
store_open_beside(const char *path, int flags, struct err *e)
{
	int fd;

	if ((fd = open(path, flags | O_CLOEXEC, 0600)) == -1)
		return err_sys(e, "%s", path);
	if ((flags & O_CREAT) != 0 && give_to_folder(fd, path, e) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

/* What stands in the way of opening a file, in our words where we have some. */
static int
fail_open(struct store *s, struct err *e)
{
	if (errno == EACCES || errno == EPERM || errno == EROFS)
		return fail_access(s, e);
	because(s, STORE_LOST);
	if (errno == ENOENT)
		return err_set(e,
		    "the folder of %s does not exist; make it, or set "
		    "\"database\" in the configuration",
		    s->path);
	return err_sys(e, "%s", s->path);
}

/*
 * Makes the file when it is missing, so that it has the right owner and mode.
 * A file that exists is not touched: closing it would end the locks that
 * another connection of this process holds.
 */
static int
make_file(struct store *s, struct err *e)
{
	int fd;

	fd = store_open_beside(s->path, O_RDWR | O_CREAT | O_EXCL, e);
	if (fd == -1)
		return errno == EEXIST ? 0 : fail_open(s, e);
	close(fd);
	return 0;
}

static int
open_lock(struct store *s, struct err *e)
{
	char *name;

	if (asprintf(&name, "%s.lock", s->path) == -1)
		return err_set(e, "out of memory");
	s->lock_fd = store_open_beside(name, O_RDWR | O_CREAT, e);
	free(name);
	return s->lock_fd == -1 ? fail_open(s, e) : 0;
}

/* How the connection behaves, whatever the file says. */
static int
set_habits(struct store *s, struct err *e)
{
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(
	    s->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 1);
	store_set_waiting(s, s->waits);
	return store_exec(s,
	    "PRAGMA trusted_schema = OFF;"
	    "PRAGMA foreign_keys = ON;"
	    "PRAGMA synchronous = FULL;"
	    "PRAGMA cell_size_check = ON;"
	    "PRAGMA temp_store = MEMORY;"
	    "PRAGMA cache_size = -2048;"
	    "PRAGMA journal_size_limit = 16777216;",
	    e);
}

static int
open_db(struct store *s, struct err *e)
{
	int rc;

	rc = sqlite3_open_v2(
	    s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return store_failed(s, rc, e);
	if (set_habits(s, e) == -1 || store_schema_apply(s, e) == -1)
		return -1;
	s->data_version = store_query(s, "PRAGMA data_version", e);
	return s->data_version == NULL ? -1 : 0;
}

struct store *
store_open(
    const char *path, unsigned flags, enum store_why *why_out, struct err *e)
{
	struct store *s;

	if (why_out != NULL)
		*why_out = STORE_BROKEN;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_sys(e, "store");
		return NULL;
	}
	s->lock_fd = -1;
	s->why = STORE_BROKEN;
	s->waits = (flags & STORE_NEVER_WAIT) == 0;
	if ((s->path = strdup(path)) == NULL) {
		err_sys(e, "store");
		store_close(&s);
	} else if (make_file(s, e) == -1 || open_lock(s, e) == -1 ||
	    open_db(s, e) == -1) {
		if (why_out != NULL)
			*why_out = s->why;
		store_close(&s);
	} else {
		s->why = STORE_FINE;
	}
	return s;
}

void
store_close(struct store **s)
{
	if (*s == NULL)
		return;
	sqlite3_finalize((*s)->data_version);
	store_query_forget(*s);
	sqlite3_close((*s)->db);
	if ((*s)->lock_fd != -1)
		close((*s)->lock_fd);
	free((*s)->path);
	free(*s);
	*s = NULL;
}

const char *
store_path(const struct store *s)
{
	return s->path;
}

enum store_why
store_why(const struct store *s)
{
	return s->why;
}

void
store_set_waiting(struct store *s, bool waits)
{
	s->waits = waits;
	sqlite3_busy_timeout(s->db, waits ? STORE_WAIT_MS : 0);
}

int
store_data_version(struct store *s, int64_t *version_out, struct err *e)
{
	int rc;

	if ((rc = store_step(s, s->data_version, e)) == 1)
		*version_out = sqlite3_column_int64(s->data_version, 0);
	sqlite3_reset(s->data_version);
	return rc == 1 ? 0 : -1;
}

int
store_change_max(struct store *s, int64_t *id_out, struct err *e)
{
	return store_number(
	    s, store_query(s, "SELECT max(id) FROM change", e), id_out, e);
}

int
store_file_check(struct store *s, struct err *e)
{
	struct stat st;
	int moved = 0;

	if (stat(s->path, &st) == -1) {
		because(s, STORE_LOST);
		if (errno == ENOENT)
			return err_set(e,
			    "%s was removed while it was in use; put it back",
			    s->path);
		return err_sys(e, "%s", s->path);
	}
	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
	if (moved == 0)
		return 0;
	because(s, STORE_LOST);
	return err_set(
	    e, "%s was replaced by another file while it was in use", s->path);
}
