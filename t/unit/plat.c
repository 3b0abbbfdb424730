#include "plat/plat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "tap.h"

static struct err e;

/* Two connected sockets, made non-blocking. */
static bool
make_pair(int fd[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0 &&
	    plat_unwait(fd[0], &e) == 0 && plat_unwait(fd[1], &e) == 0;
}

static void
test_spans(void)
{
	int fd[2];
	char a[3], b[100];
	struct span out[] = { { (void *)"hel", 3 }, { NULL, 0 },
		{ (void *)"lo", 2 } };
	struct span in[] = { { a, 3 }, { b, sizeof(b) } };
	static char much[1 << 20];
	struct span big = { much, sizeof(much) };
	ptrdiff_t n;

	ok(make_pair(fd), "two sockets");
	n = plat_readv(fd[1], in, 2);
	ok(n == -1 && errno == EAGAIN, "nothing to read: not now");
	is_int(plat_writev(fd[0], out, 3), 5, "three spans go out");
	is_int(plat_readv(fd[1], in, 2), 5, "and come in as two");
	ok(memcmp(a, "hel", 3) == 0 && memcmp(b, "lo", 2) == 0, "in order");
	n = plat_writev(fd[0], &big, 1);
	ok(n > 0 && n < (ptrdiff_t)sizeof(much), "a full socket takes a part");
	n = plat_writev(fd[0], &big, 1);
	ok(n == -1 && errno == EAGAIN, "then: not now");
	for (int i = 0; i < 100000 && plat_readv(fd[1], &big, 1) > 0; i++)
		;
	plat_shut_write(fd[0]);
	is_int(plat_readv(fd[1], in, 2), 0, "the end is read as 0");
	is_int(plat_writev(fd[1], out, 3), 5, "the other way is open");
	plat_close(&fd[0]);
	is_int(fd[0], -1, "closed");
	plat_close(&fd[0]);
	n = plat_writev(fd[1], out, 3);
	ok(n == -1 && errno == EPIPE, "a closed peer is an error, no signal");
	plat_close(&fd[1]);
}

static void
test_many_spans(void)
{
	static char bytes[PLAT_SPANS + 10];
	struct span v[PLAT_SPANS + 10];
	int fd[2];

	for (size_t i = 0; i < PLAT_SPANS + 10; i++)
		v[i] = (struct span){ &bytes[i], 1 };
	ok(make_pair(fd), "two sockets");
	is_int(plat_writev(fd[0], v, PLAT_SPANS + 10), PLAT_SPANS,
	    "of too many spans the first are written");
	is_int(plat_readv(fd[1], v, PLAT_SPANS + 10), PLAT_SPANS, "and read");
	plat_close(&fd[0]);
	plat_close(&fd[1]);
}

static void
test_socket(void)
{
	int fd = plat_socket(AF_INET, SOCK_STREAM, 0, &e);

	ok(fd >= 0, "a socket");
	ok((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, "never waits");
	ok((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0, "is not inherited");
	plat_close(&fd);
	is_int(plat_socket(-5, SOCK_STREAM, 0, &e), -1, "no such family");
	ok(strncmp(e.text, "socket: ", 8) == 0, "the reason is told");
	is_int(plat_unwait(-1, &e), -1, "no socket");
}

/* What the other end of a connection over loopback sees. */
static void
test_reset(void)
{
	struct sockaddr_storage a = { .ss_family = AF_INET };
	socklen_t len = 16;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int there = socket(AF_INET, SOCK_STREAM, 0), here;
	char c;
	struct span in = { &c, 1 };

	ok(bind(listener, (void *)&a, len) == 0 && listen(listener, 1) == 0 &&
		getsockname(listener, (void *)&a, &len) == 0 &&
		connect(there, (void *)&a, len) == 0,
	    "a connection");
	here = accept(listener, NULL, NULL);
	plat_close_reset(&here);
	is_int(here, -1, "closed");
	ok(plat_readv(there, &in, 1) == -1 && errno == ECONNRESET,
	    "the other end sees a reset");
	plat_close(&there);
	plat_close(&listener);
	plat_close_reset(&here);
}

static void
test_names(void)
{
	char name[256], tiny[4];

	ok(plat_computer(name, sizeof(name))[0] != '\0', "a computer's name");
	ok(plat_system(name, sizeof(name))[0] != '\0', "a system's name");
	ok(strchr(name, '"') == NULL && strchr(name, '\n') == NULL,
	    "without quotes and line ends");
	is_int(strlen(plat_system(tiny, sizeof(tiny))), 3, "cut to fit");
}

static void
test_files(void)
{
	struct rlimit r;
	uint64_t files = 0;

	is_int(plat_raise_files(&files, &e), 0, "open files");
	getrlimit(RLIMIT_NOFILE, &r);
	is_int(files, r.rlim_cur, "the limit is told");
	is_int(r.rlim_cur, r.rlim_max, "and is as high as allowed");
}

static void
test_env(void)
{
	char *value;

	setenv("PLAT_TEST", "secret", 1);
	value = getenv("PLAT_TEST");
	plat_wipe_env("PLAT_TEST");
	ok(getenv("PLAT_TEST") == NULL, "the variable is gone");
	is_mem(value, "\0\0\0\0\0\0", 6, "and its bytes are");
	plat_wipe_env("PLAT_TEST");
}

/* Reads a line from a pipe that holds n bytes. */
static int
from_pipe(const char *bytes, size_t n, char *to, size_t cap, char *rest)
{
	int fd[2], rc;

	memset(rest, 0, 8);
	if (pipe(fd) != 0 || write(fd[1], bytes, n) != (ssize_t)n)
		return -9;
	close(fd[1]);
	rc = plat_read_secret(fd[0], "never shown: ", to, cap, &e);
	(void)!read(fd[0], rest, 7);
	close(fd[0]);
	return rc;
}

static void
test_line(void)
{
	char to[8], rest[8];

	is_int(from_pipe("abc\nxyz", 7, to, 8, rest), 0, "a line");
	is_str(to, "abc", "without its end");
	is_str(rest, "xyz", "what follows is left");
	is_int(from_pipe("abc\r\n", 5, to, 8, rest), 0, "a line of Windows");
	is_str(to, "abc", "without its end");
	is_int(from_pipe("abc", 3, to, 8, rest), 0, "a line without end");
	is_str(to, "abc", "is one");
	is_int(from_pipe("\n", 1, to, 8, rest), 0, "an empty line");
	is_str(to, "", "is empty");
	is_int(from_pipe("", 0, to, 8, rest), -1, "no line");
	is_str(e.text, "the input ended without a line", "is told");
	is_int(from_pipe("1234567\n", 8, to, 8, rest), 0, "as long as fits");
	is_int(from_pipe("12345678\n", 9, to, 8, rest), -1, "longer");
	is_str(e.text, "the line is longer than 7 bytes", "is told");
	is_mem(to, "\0\0\0\0\0\0\0", 8, "and nothing of it is kept");
	is_int(from_pipe("a\0b\n", 4, to, 8, rest), -1, "a NUL");
}

/* A process that asks on a terminal of its own; its answer is its status. */
static int
ask_on_terminal(const char *path)
{
	char to[16];
	int fd;

	setsid();
	if ((fd = open(path, O_RDWR)) < 0)
		_exit(3);
	dup2(fd, 2);
	if (!plat_is_terminal(fd) || plat_columns(fd) != 0)
		_exit(4);
	if (plat_read_secret(fd, "Word: ", to, sizeof(to), NULL) != 0)
		_exit(5);
	_exit(strcmp(to, "geheim") == 0 ? 0 : 6);
}

/* Reads what the terminal shows until it has the words; bounded. */
static bool
shows(int fd, char *all, size_t cap, const char *words)
{
	size_t len = strlen(all);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (int i = 0; i < 100 && strstr(all, words) == NULL; i++) {
		ssize_t n;

		if (poll(&p, 1, 10000) != 1 ||
		    (n = read(fd, all + len, cap - len - 1)) <= 0)
			return false;
		len += (size_t)n;
		all[len] = '\0';
	}
	return strstr(all, words) != NULL;
}

static void
test_terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY), status = -1;
	char all[256] = "", path[64] = "";
	pid_t pid;

	if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0 ||
	    ptsname_r(fd, path, sizeof(path)) != 0) {
		ok(true, "# SKIP no terminals here");
		return;
	}
	if ((pid = fork()) == 0)
		_exit(ask_on_terminal(path));
	ok(shows(fd, all, sizeof(all), "Word: "), "the prompt is shown");
	/* The prompt comes first, then the echo goes: the flush eats what
	 * was typed in between, so type until the process has it. */
	for (int i = 0; i < 200 && status == -1; i++) {
		struct pollfd none = { .fd = -1 };

		(void)!write(fd, "geheim\n", 7);
		(void)poll(&none, 1, 50);
		if (waitpid(pid, &status, WNOHANG) != pid)
			status = -1;
	}
	if (status == -1)
		kill(pid, SIGKILL);
	is_int(status, 0, "the word arrived");
	close(fd);
}

static int
read_file(const char *path, mode_t mode, const char *bytes, size_t n)
{
	static char to[17];
	size_t len = 0;
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600), rc;

	(void)!write(fd, bytes, n);
	fchmod(fd, mode);
	close(fd);
	rc = plat_read_secret_file(path, to, 16, &len, &e);
	if (rc == 0 && (len != n || memcmp(to, bytes, n) != 0 || to[n] != 0))
		return -9;
	return rc;
}

static void
test_secret_file(void)
{
	char dir[] = "/tmp/plat-XXXXXX", path[64], want[256], to[4];
	size_t len;

	ok(mkdtemp(dir) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/s", dir);
	is_int(read_file(path, 0600, "secret", 6), 0, "one's own file");
	is_int(read_file(path, 0400, "", 0), 0, "an empty one");
	is_int(read_file(path, 0600, "a\0b", 3), 0, "bytes of any kind");
	is_int(read_file(path, 0600, "fifteen bytes..", 15), 0, "what fits");
	is_int(read_file(path, 0600, "sixteen bytes...", 16), -1, "no more");
	is_int(read_file(path, 0640, "secret", 6), -1, "the group reads it");
	snprintf(want, sizeof(want),
	    "%s: others than its owner may use this secret; run: chmod 600 %s",
	    path, path);
	is_str(e.text, want, "the remedy is told");
	is_int(read_file(path, 0604, "secret", 6), -1, "everybody reads it");
	unlink(path);
	is_int(plat_read_secret_file(path, to, sizeof(to), &len, &e), -1,
	    "it is not there");
	mkfifo(path, 0600);
	is_int(plat_read_secret_file(path, to, sizeof(to), &len, &e), -1,
	    "a pipe is not waited for");
	unlink(path);
	is_int(plat_read_secret_file(dir, to, sizeof(to), &len, &e), -1,
	    "a folder is no file");
	rmdir(dir);
}

/* A file that is no secret: anybody may read it. */
static void
test_file(void)
{
	char dir[] = "/tmp/plat-XXXXXX", path[64], to[4];
	size_t len;
	FILE *f;

	ok(mkdtemp(dir) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/f", dir);
	f = fopen(path, "w");
	fputs("abc", f);
	fclose(f);
	chmod(path, 0644);
	is_int(plat_read_file(path, to, sizeof(to), &len, &e), 0, "is read");
	is_int(len, 3, "whole");
	is_str(to, "abc", "with a NUL behind it");
	is_int(plat_read_file(path, to, 3, &len, &e), -1, "or does not fit");
	is_int(plat_read_file(dir, to, sizeof(to), &len, &e), -1,
	    "a folder is no file");
	unlink(path);
	is_int(plat_read_file(path, to, sizeof(to), &len, &e), -1,
	    "it is not there");
	rmdir(dir);
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
test_waker(void)
{
	int in, out, i;

	is_int(plat_waker(&in, &out, &e), 0, "a waker");
	ok(!is_readable(out), "sleeps");
	for (i = 0; i < 100000; i++)
		plat_wake(in);
	ok(is_readable(out), "is woken, however often");
	plat_slept(out);
	ok(!is_readable(out), "and sleeps again");
	plat_wake(in);
	ok(is_readable(out), "until the next time");
	plat_close(&in);
	plat_close(&out);
}

static void
test_env_copy(void)
{
	char *value;

	setenv("PLAT_TEST", "a value", 1);
	value = plat_env("PLAT_TEST");
	unsetenv("PLAT_TEST");
	is_str(value, "a value", "a variable's value is ours");
	free(value);
	ok(plat_env("PLAT_TEST") == NULL, "none is told as none");
}

int
main(void)
{
	test_file();
	test_waker();
	test_env_copy();
	test_spans();
	test_many_spans();
	test_socket();
	test_reset();
	test_names();
	test_files();
	test_env();
	test_line();
	test_terminal();
	test_secret_file();
	ok(!plat_is_terminal(-1) && plat_columns(-1) == 0, "no terminal");
	is_int(plat_no_core(&e), 0, "no core file");
	is_int(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0, "and no debugger");
	return tap_done();
}
