#include "plat/plat.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "base/err.h"
#include "base/str.h"

/* A span is an iovec under another name. */
static_assert(sizeof(struct span) == sizeof(struct iovec) &&
	offsetof(struct span, p) == offsetof(struct iovec, iov_base) &&
	offsetof(struct span, n) == offsetof(struct iovec, iov_len),
    "struct span and struct iovec differ");

ptrdiff_t
plat_readv(int fd, const struct span *v, size_t n)
{
	ssize_t got;

	do
		got = readv(fd, (const struct iovec *)(const void *)v,
		    n > PLAT_SPANS ? PLAT_SPANS : (int)n);
	while (got < 0 && errno == EINTR);
	return got;
}

ptrdiff_t
plat_writev(int fd, const struct span *v, size_t n)
{
	struct msghdr m = { 0 };
	ssize_t put;

	/* sendmsg() because writev() to a closed peer would raise SIGPIPE. */
	m.msg_iov = (struct iovec *)(void *)(uintptr_t)v;
	m.msg_iovlen = (uint8_t)(n > PLAT_SPANS ? PLAT_SPANS : n);
	do
		put = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put;
}

int
plat_socket(int family, int type, int protocol, struct err *e)
{
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		err_sys(e, "socket");
	return fd;
}

int
plat_unwait(int fd, struct err *e)
{
	int status = fcntl(fd, F_GETFL);
	int flags = fcntl(fd, F_GETFD);

	if (status < 0 || flags < 0 ||
	    fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
		return err_sys(e, "socket %d", fd);
	return 0;
}

void
plat_close(int *fd)
{
	int saved = errno;

	/* Never again after EINTR: the number may be another's by then. */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

void
plat_close_reset(int *fd)
{
	const struct linger none = { .l_onoff = 1, .l_linger = 0 };

	if (*fd >= 0)
		(void)setsockopt(
		    *fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	plat_close(fd);
}

void
plat_shut_write(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

int
plat_waker(int *in_out, int *out_out, struct err *e)
{
	int pair[2];

	if (pipe2(pair, O_NONBLOCK | O_CLOEXEC) < 0)
		return err_sys(e, "pipe");
	*out_out = pair[0];
	*in_out = pair[1];
	return 0;
}

void
plat_wake(int in)
{
	ssize_t n;

	/* A full pipe wakes as well as one byte more. */
	do
		n = write(in, "", 1);
	while (n < 0 && errno == EINTR);
}

void
plat_slept(int out)
{
	char drain[64];

	while (read(out, drain, sizeof(drain)) > 0)
		continue;
}

char *
plat_computer(char *to, size_t cap)
{
	char name[256];

	if (gethostname(name, sizeof(name)) != 0 || name[0] == '\0')
		memcpy(name, "localhost", sizeof("localhost"));
	name[sizeof(name) - 1] = '\0';
	(void)str_copy(to, cap, name);
	return to;
}

/* The value of KEY=value or KEY="value" in a line, cut out in place. */
static char *
release_value(char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0 || line[len] != '=')
		return NULL;
	line += len + 1;
	line[strcspn(line, "\r\n")] = '\0';
	len = strlen(line);
	if (len >= 2 && (*line == '"' || *line == '\'') &&
	    line[len - 1] == *line) {
		line[len - 1] = '\0';
		line++;
	}
	return line;
}

char *
plat_system(char *to, size_t cap)
{
	char line[512], *name = NULL;
	struct utsname u;
	FILE *f;

	if ((f = fopen("/etc/os-release", "re")) != NULL) {
		while (name == NULL && fgets(line, sizeof(line), f) != NULL)
			name = release_value(line, "PRETTY_NAME");
		(void)fclose(f);
	}
	if (name != NULL && *name != '\0')
		(void)str_copy(to, cap, name);
	else if (uname(&u) == 0)
		snprintf(to, cap, "%s %s", u.sysname, u.release);
	else
		(void)str_copy(to, cap, "unknown");
	return to;
}

bool
plat_is_terminal(int fd)
{
	return isatty(fd) == 1;
}

unsigned
plat_columns(int fd)
{
	struct winsize w;

	return ioctl(fd, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

int
plat_raise_files(uint64_t *files_out, struct err *e)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return err_sys(e, "limit of open files");
	if (r.rlim_cur < r.rlim_max) {
		rlim_t was = r.rlim_cur;

		r.rlim_cur = r.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &r) != 0)
			r.rlim_cur = was;
	}
	*files_out = r.rlim_cur;
	return 0;
}

char *
plat_env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL ? strdup(value) : NULL;
}

void
plat_wipe_env(const char *name)
{
	char *value = getenv(name);

	if (value == NULL)
		return;
	str_wipe(value, strlen(value));
	(void)unsetenv(name);
}

/* --- secrets ------------------------------------------------------------- */

/*
 * Byte by byte, so that what follows the line stays in fd.  A signal ends it
 * only where its handler was set without SA_RESTART.
 */
static int
read_line(int fd, char *to, size_t cap, struct err *e)
{
	size_t len = 0;
	ssize_t got;

	for (;;) {
		char c;

		if ((got = read(fd, &c, 1)) < 0)
			return errno == EINTR ? err_set(e, "interrupted")
					      : err_sys(e, "reading a line");
		if (got == 0 && len == 0)
			return err_set(e, "the input ended without a line");
		if (got == 0 || c == '\n')
			break;
		if (c == '\0')
			return err_set(e, "the line holds a NUL byte");
		if (len + 1 >= cap)
			return err_set(
			    e, "the line is longer than %zu bytes", cap - 1);
		to[len++] = c;
	}
	if (len > 0 && to[len - 1] == '\r')
		len--;
	to[len] = '\0';
	return 0;
}

static const int stops[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
#define STOPS (sizeof(stops) / sizeof(stops[0]))

static volatile sig_atomic_t stopped;

static void
on_stop(int number)
{
	stopped = number;
}

/*
 * The terminal must show typing again however this ends, so the signals that
 * would end or stop the program wait until it does.
 */
static int
read_hidden(int fd, char *to, size_t cap, struct err *e)
{
	struct sigaction old[STOPS], note = { .sa_handler = on_stop };
	struct termios shown, hidden;
	int rc;

	if (tcgetattr(fd, &shown) != 0)
		return err_sys(e, "terminal");
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL | ICANON | ISIG;
	stopped = 0;
	sigemptyset(&note.sa_mask);
	for (size_t i = 0; i < STOPS; i++)
		(void)sigaction(stops[i], &note, &old[i]);
	if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0)
		rc = err_sys(e, "terminal");
	else
		rc = read_line(fd, to, cap, e);
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	for (size_t i = 0; i < STOPS; i++)
		(void)sigaction(stops[i], &old[i], NULL);
	if (stopped != 0)
		(void)raise(stopped);
	return rc;
}

int
plat_read_secret(
    int fd, const char *prompt, char *to, size_t cap, struct err *e)
{
	int rc;

	if (plat_is_terminal(fd)) {
		(void)fprintf(stderr, "%s", prompt);
		(void)fflush(stderr);
		rc = read_hidden(fd, to, cap, e);
	} else
		rc = read_line(fd, to, cap, e);
	if (rc != 0)
		str_wipe(to, cap);
	return rc;
}

/* Reads all of fd, which is at path, into to. */
static int
read_whole(int fd, const char *path, char *to, size_t cap, size_t *len_out,
    struct err *e)
{
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, to + len, cap - len)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(e, "%s", path);
		len += (size_t)got;
		if (len == cap)
			return err_set(
			    e, "%s: longer than %zu bytes", path, cap - 1);
	}
	to[len] = '\0';
	*len_out = len;
	return 0;
}

/* Opens a file that is one, and tells its mode. */
static int
open_file(const char *path, mode_t *mode_out, struct err *e)
{
	struct stat st;
	int fd;

	/* O_NONBLOCK: a FIFO must not hold us up before it is refused. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
		return err_sys(e, "%s", path);
	if (fstat(fd, &st) != 0)
		err_sys(e, "%s", path);
	else if (!S_ISREG(st.st_mode))
		err_set(e, "%s: not a file", path);
	else {
		*mode_out = st.st_mode;
		return fd;
	}
	plat_close(&fd);
	return -1;
}

int
plat_read_file(
    const char *path, char *to, size_t cap, size_t *len_out, struct err *e)
{
	mode_t mode;
	int fd, rc;

	if ((fd = open_file(path, &mode, e)) < 0)
		return -1;
	rc = read_whole(fd, path, to, cap, len_out, e);
	plat_close(&fd);
	return rc;
}

int
plat_read_secret_file(
    const char *path, char *to, size_t cap, size_t *len_out, struct err *e)
{
	mode_t mode;
	int fd, rc;

	if ((fd = open_file(path, &mode, e)) < 0) {
		str_wipe(to, cap);
		return -1;
	}
	if ((mode & (S_IRWXG | S_IRWXO)) != 0)
		rc = err_set(e,
		    "%s: others than its owner may use this secret;"
		    " run: chmod 600 %s",
		    path, path);
	else
		rc = read_whole(fd, path, to, cap, len_out, e);
	plat_close(&fd);
	if (rc != 0)
		str_wipe(to, cap);
	return rc;
}

int
plat_no_core(struct err *e)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return err_sys(e, "limit of core files");
#ifdef __linux__
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_sys(e, "protecting this process's memory");
#endif
	return 0;
}

void
plat_give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
