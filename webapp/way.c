#include "way.h"

#include <fastcgi.h>
#include <fcgiapp.h>

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "app.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "log/log.h"
#include "req.h"
#include "route.h"
#include "store/store.h"

enum {
	THREADS = 16,
	BACKLOG = 512,
	STOP_MS = 10000, /* for what is under way at the end */
	NUDGE_MS = 20,
	FULL_MS = 100, /* without descriptors, until the next try */
	RECORD_MAX = 65528,
	TAIL = 8000, /* fits into libfcgi's buffer */
};

/* One thread: its own store, its own request. */
struct worker {
	const struct app *app;
	int fd;
	struct store *store;
	pthread_t thread;
	FCGX_Request fcgi;
};

/*
 * The store, opened when it is needed; one whose file was replaced or broke is
 * opened anew, so that a database that comes back is found.  A missing one is
 * made at the program's start and never here: an empty database in place of a
 * lost one would ask strangers for a first account.
 */
static struct store *
ready_store(const struct app *app, struct store **s)
{
	enum store_why why;
	struct err e;

	if (*s != NULL) {
		why = store_why(*s);
		if ((why == STORE_LOST || why == STORE_BROKEN) ||
		    store_file_check(*s, &e) == -1)
			store_close(s);
	}
	if (*s != NULL)
		return *s;
	if (access(app->conf.database, F_OK) == -1)
		err_sys(&e, "%s", app->conf.database);
	else
		*s = store_open(app->conf.database, 0, NULL, &e);
	if (*s == NULL)
		log_error("web: the database does not open: %s", e.text);
	return *s;
}

/* --- FastCGI --------------------------------------------------------------- */

static const char *
fcgi_param(void *arg, const char *name)
{
	FCGX_Request *f = arg;

	return FCGX_GetParam(name, f->envp);
}

static long
fcgi_read(void *arg, void *p, size_t n)
{
	FCGX_Request *f = arg;

	return FCGX_GetStr(p, (int)n, f->in);
}

/* One record, whose n bytes stand at p. */
static int
write_record(const FCGX_Request *f, const char *p, size_t n)
{
	const FCGI_Header head = { .version = FCGI_VERSION_1,
		.type = FCGI_STDOUT,
		.requestIdB1 = (unsigned char)(f->requestId >> 8),
		.requestIdB0 = (unsigned char)f->requestId,
		.contentLengthB1 = (unsigned char)(n >> 8),
		.contentLengthB0 = (unsigned char)n };
	struct iovec v[2] = { { (void *)&head, sizeof(head) },
		{ (void *)p, n } };
	size_t i = 0, part;
	ssize_t done;

	while (i < 2) {
		done = writev(f->ipcFd, v + i, (int)(2 - i));
		if (done == -1 && errno != EINTR)
			return -1;
		for (; i < 2 && done > 0; done -= (ssize_t)part) {
			part = v[i].iov_len < (size_t)done ? v[i].iov_len
							   : (size_t)done;
			v[i].iov_base = (char *)v[i].iov_base + part;
			if ((v[i].iov_len -= part) == 0)
				i++;
		}
	}
	return 0;
}

/*
 * The library writes 8 kB at a time, and its reader wakes up for each; so what
 * is longer goes in records of our own.  The end is the library's, which sends
 * it with its closing records.
 */
static int
fcgi_write(void *arg, const void *p, size_t n)
{
	FCGX_Request *f = arg;
	const char *at = p;
	size_t some;

	for (; n > TAIL; n -= some, at += some) {
		some = n - TAIL < RECORD_MAX ? n - TAIL : RECORD_MAX;
		if (write_record(f, at, some) == -1)
			return -1;
	}
	return FCGX_PutStr(at, (int)n, f->out) == (int)n ? 0 : -1;
}

/* Sends what waits in the library's own buffer and leaves nothing there. */
static void
fcgi_wipe(FCGX_Request *f)
{
	if (FCGX_FFlush(f->out) == 0 && f->out->wrNext < f->out->stop)
		str_wipe(
		    f->out->wrNext, (size_t)(f->out->stop - f->out->wrNext));
}

static atomic_bool ending;

/*
 * Waits for a request; false at the end.  That none can be taken, because
 * descriptors or memory are gone, passes: a thread that ended then would be
 * missed ever after.
 */
static bool
next_request(struct worker *w)
{
	const struct timespec nap = { .tv_nsec = FULL_MS * 1000000L };
	int rc;

	while ((rc = FCGX_Accept_r(&w->fcgi)) != 0) {
		if (ending)
			return false;
		log_warn("web: no request can be taken: %s", strerror(-rc));
		nanosleep(&nap, NULL);
	}
	return true;
}

static void *
serve(void *arg)
{
	struct worker *w = arg;
	const struct req_way way = { fcgi_param, fcgi_read, fcgi_write,
		&w->fcgi };
	struct req r;
	unsigned refused;

	while (next_request(w)) {
		refused =
		    req_init(&r, w->app, ready_store(w->app, &w->store), &way);
		route_answer(&r, refused);
		if (r.is_secret)
			fcgi_wipe(&w->fcgi);
		req_free(&r);
		/* a kept connection would pin this thread */
		FCGX_Finish_r(&w->fcgi);
	}
	FCGX_Free(&w->fcgi, 1);
	store_close(&w->store);
	return NULL;
}

static void
on_nudge(int sig)
{
	(void)sig;
}

/* Breaks the threads' wait for a request until each has ended. */
static void
stop(struct worker *w, size_t n)
{
	uint64_t last = clock_ms() + STOP_MS;
	struct timespec until;

	ending = true;
	FCGX_ShutdownPending();
	for (size_t i = 0; i < n; i++) {
		for (;;) {
			pthread_kill(w[i].thread, SIGUSR1);
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += NUDGE_MS * 1000000L;
			if (until.tv_nsec >= 1000000000L) {
				until.tv_nsec -= 1000000000L;
				until.tv_sec++;
			}
			if (pthread_timedjoin_np(w[i].thread, NULL, &until) ==
			    0)
				break;
			if (clock_ms() > last) {
				log_warn("web: a request took too long; "
					 "ending without it");
				_exit(0);
			}
		}
	}
}

/* The hourly work of the store, done by whoever is there all the time. */
static void
housekeeping(const struct app *app)
{
	struct store *s = NULL;
	struct err e;

	if (ready_store(app, &s) != NULL && store_purge(s, &e) == -1)
		log_warn("web: forgetting what is old: %s", e.text);
	store_close(&s);
}

/* Waits for TERM or INT; HUP opens the log anew. */
static void
wait_for_end(const struct app *app, const sigset_t *set)
{
	const struct timespec second = { .tv_sec = 1 };
	uint64_t last = clock_ms();
	struct err e;
	int sig;

	for (;;) {
		sig = sigtimedwait(set, NULL, &second);
		if (sig == SIGTERM || sig == SIGINT)
			return;
		if (sig == SIGHUP && log_reopen(&e) == -1)
			log_error("web: %s", e.text);
		log_tick();
		if (clock_ms() - last > 3600000) {
			last = clock_ms();
			housekeeping(app);
		}
	}
}

static int
start(const struct app *app, int fd, struct worker *w, struct err *e)
{
	int rc;

	w->app = app;
	w->fd = fd;
	if (FCGX_InitRequest(&w->fcgi, fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		return err_set(e, "FastCGI: a request cannot be set up");
	if ((rc = pthread_create(&w->thread, NULL, serve, w)) != 0) {
		errno = rc;
		return err_sys(e, "a thread cannot be started");
	}
	return 0;
}

int
way_fcgi(const struct app *app, int fd, struct err *e)
{
	struct sigaction nudge = { .sa_handler = on_nudge };
	struct worker *w;
	sigset_t set;
	size_t n;

	if (FCGX_Init() != 0)
		return err_set(e, "FastCGI: libfcgi does not start");
	if ((w = calloc(THREADS, sizeof(*w))) == NULL)
		return err_sys(e, "threads");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGUSR1, &nudge, NULL);
	for (n = 0; n < THREADS; n++)
		if (start(app, fd, &w[n], e) == -1)
			break;
	if (n == THREADS)
		wait_for_end(app, &set);
	stop(w, n);
	free(w);
	return n == THREADS ? 0 : -1;
}

/* --- CGI ------------------------------------------------------------------- */

static const char *
cgi_param(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static long
cgi_read(void *arg, void *p, size_t n)
{
	ssize_t got;

	(void)arg;
	do
		got = read(STDIN_FILENO, p, n);
	while (got == -1 && errno == EINTR);
	return (long)got;
}

static int
cgi_write(void *arg, const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	(void)arg;
	while (n > 0) {
		done = write(STDOUT_FILENO, at, n);
		if (done == -1 && errno != EINTR)
			return -1;
		if (done > 0) {
			at += done;
			n -= (size_t)done;
		}
	}
	return 0;
}

int
way_cgi(const struct app *app, struct err *e)
{
	const struct req_way way = { cgi_param, cgi_read, cgi_write, NULL };
	struct store *s = NULL;
	struct req r;
	unsigned refused;

	(void)e;
	alarm(60); /* a server that neither sends nor takes is not waited for */
	refused = req_init(&r, app, ready_store(app, &s), &way);
	route_answer(&r, refused);
	req_free(&r);
	store_close(&s);
	return 0;
}

/* --- a socket of our own ---------------------------------------------------- */

/* Does somebody answer at this path? */
static bool
is_served(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served;

	if (fd == -1)
		return false;
	served = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0;
	close(fd);
	return served;
}

static int
give_to(const char *path, const char *group, struct err *e)
{
	struct group *g;

	if (group == NULL)
		return 0;
	if ((g = getgrnam(group)) == NULL)
		return err_set(e, "socket_group: there is no group %s", group);
	if (chown(path, (uid_t)-1, g->gr_gid) == -1)
		return err_sys(e, "%s: giving it to the group %s", path, group);
	return 0;
}

int
way_listen(const char *path, const char *group, struct err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	mode_t old;
	int fd, rc;

	if (strlen(path) >= sizeof(a.sun_path))
		return err_set(e, "%s: the path is too long", path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	if (is_served(&a))
		return err_set(e, "%s: another program serves it", path);
	if (unlink(path) == -1 && errno != ENOENT)
		return err_sys(e, "%s", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return err_sys(e, "%s", path);
	old = umask(0117);
	rc = bind(fd, (const struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (rc == -1 || listen(fd, BACKLOG) == -1) {
		err_sys(e, "%s", path);
		close(fd);
		return -1;
	}
	if (give_to(path, group, e) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}
