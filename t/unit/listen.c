#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "tap.h"

enum { CYCLES = 150, HURRIES = 20000, WAIT_MS = 10000 };

static struct err e;

/* Binds a socket like a program that wants our port; -1 with errno. */
static int
grab(const char *ip, uint16_t port, int type, bool reuse)
{
	struct sockaddr_storage ss;
	struct addr a;
	int fd, on = 1;
	unsigned n;

	addr_parse_ip(&a, ip, &e);
	a.port = port;
	n = addr_to_sockaddr(&a, AF_UNSPEC, &ss);
	if ((fd = socket(addr_family(&a), type | SOCK_CLOEXEC, 0)) < 0)
		return -1;
	if (reuse)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, n) < 0) {
		on = errno;
		close(fd);
		errno = on;
		return -1;
	}
	return fd;
}

/* A port that nobody has just now. */
static uint16_t
free_port(int type)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	struct addr a = { 0 };
	int fd = grab("::", 0, type, false);

	if (fd < 0)
		fd = grab("0.0.0.0", 0, type, false);
	getsockname(fd, (struct sockaddr *)&ss, &n);
	addr_from_sockaddr(&a, (struct sockaddr *)&ss, &e);
	close(fd);
	return a.port;
}

/* A visitor from 127.0.0.1: connected, or -1 with errno. */
static int
visit(uint16_t port, int type)
{
	struct sockaddr_storage ss;
	struct addr a;
	unsigned n;
	int fd, saved;

	addr_parse_ip(&a, "127.0.0.1", &e);
	a.port = port;
	n = addr_to_sockaddr(&a, AF_UNSPEC, &ss);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&ss, n) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, WAIT_MS) == 1;
}

/* The next visitor, waited for. */
static int
next_visitor(int fd, struct addr *peer, struct addr *own)
{
	return is_readable(fd) ? listen_accept(fd, peer, own, &e) : -99;
}

/* True when nobody can have this TCP port, however they ask. */
static bool
is_ours(uint16_t port)
{
	static const char *const at[] = { "0.0.0.0", "127.0.0.1", "::", "::1" };
	bool ours = true;
	size_t i;
	int fd;

	for (i = 0; i < 8; i++) {
		fd = grab(at[i / 2], port, SOCK_STREAM, i % 2 == 0);
		if (fd >= 0) {
			ours = false;
			close(fd);
		}
	}
	return ours;
}

/* True when a byte goes through both ways. */
static bool
is_alive(int a, int b)
{
	char c = 0;

	return write(a, "x", 1) == 1 && is_readable(b) && read(b, &c, 1) == 1 &&
	    write(b, "y", 1) == 1 && is_readable(a) && read(a, &c, 1) == 1 &&
	    c == 'y';
}

static void
test_tcp(void)
{
	struct listen_want want = { LISTEN_TCP, free_port(SOCK_STREAM), NULL,
		0 };
	struct listen_port *p;
	struct addr peer, own;
	int visitor, in, on = 0, queued;
	socklen_t n = sizeof(on);
	bool taken = true;

	p = listen_open(&want, &taken, &e);
	ok(p != NULL && !taken && !listen_is_serving(p),
	    "a port is taken, held");
	ok(visit(want.port, SOCK_STREAM) < 0 && errno == ECONNREFUSED,
	    "which refuses visitors");
	ok(is_ours(want.port), "and is nobody else's, before it ever listened");
	is_int(listen_serve(p, &taken, &e), 0, "it is served");
	is_int(listen_accept(listen_fd(p, 0), NULL, NULL, &e), LISTEN_NOBODY,
	    "nobody is there");
	visitor = visit(want.port, SOCK_STREAM);
	in = next_visitor(listen_fd(p, 0), &peer, &own);
	ok(visitor >= 0 && in >= 0, "a visitor comes in");
	ok(addr_is_loopback(&peer) && addr_is_v4(&peer), "we know from where");
	ok(addr_is_loopback(&own) && own.port == want.port, "and whereto");
	getsockopt(in, IPPROTO_TCP, TCP_NODELAY, &on, &n);
	ok(on != 0, "TCP_NODELAY is inherited");
	ok((fcntl(in, F_GETFL) & O_NONBLOCK) != 0, "the socket never waits");
	ok(is_ours(want.port), "a served port is nobody else's");
	queued = visit(want.port, SOCK_STREAM);
	is_int(listen_hold(p, &e), 0, "it is held again");
	ok(visit(want.port, SOCK_STREAM) < 0 && errno == ECONNREFUSED,
	    "visitors are refused");
	ok(is_readable(queued) && read(queued, &on, 1) <= 0,
	    "one who waited in the queue is sent away");
	ok(is_alive(visitor, in), "who was in goes on");
	ok(is_ours(want.port), "a held port is nobody else's");
	is_int(listen_serve(p, NULL, &e), 0, "served again, with a visitor in");
	is_int(listen_serve(p, NULL, &e), 0, "twice is harmless");
	close(in); /* the first to close waits in TIME_WAIT, on our port */
	close(visitor);
	close(queued);
	listen_close(&p);
	p = listen_open(&want, &taken, &e);
	ok(p != NULL, "a port with lingering connections can be had again");
	ok(is_ours(want.port), "and is nobody else's");
	listen_close(&p);
}

/* The child tries for the port, so often; told by exit status. */
static void
attack(uint16_t port, int stop, long pause_ns)
{
	static const char *const at[] = { "127.0.0.1", "0.0.0.0" };
	struct timespec rest = { 0, pause_ns };
	int i, fd, got = 0;
	char c;

	for (i = 0; read(stop, &c, 1) != 0 && i < 10000000; i++) {
		fd = grab(at[i & 1], port, SOCK_STREAM, true);
		if (fd >= 0) {
			got |= listen(fd, 1) == 0 ? 2 : 1;
			close(fd);
		}
		if (pause_ns > 0)
			nanosleep(&rest, NULL);
	}
	_exit(got);
}

static void
test_cycles(void)
{
	struct listen_want want = { LISTEN_TCP, free_port(SOCK_STREAM), NULL,
		0 };
	struct listen_port *p = listen_open(&want, NULL, &e);
	struct timespec ms = { 0, 1000 * 1000 };
	int i, pair[2], visitor, in, status = -1, faults = 0;
	pid_t child;

	listen_serve(p, NULL, &e);
	visitor = visit(want.port, SOCK_STREAM);
	in = next_visitor(listen_fd(p, 0), NULL, NULL);
	if (pipe2(pair, O_NONBLOCK) < 0)
		return;
	if ((child = fork()) == 0) {
		close(pair[1]);
		attack(want.port, pair[0], 1000 * 1000);
	}
	close(pair[0]);
	for (i = 0; i < CYCLES; i++) {
		faults += listen_hold(p, &e) < 0;
		nanosleep(&ms, NULL);
		faults += !is_alive(visitor, in);
		faults += listen_serve(p, NULL, &e) < 0;
		nanosleep(&ms, NULL);
		faults += !is_alive(visitor, in);
	}
	close(pair[1]);
	waitpid(child, &status, 0);
	is_int(faults, 0, "a connection lives through 150 holds");
	ok(WIFEXITED(status), "the attacker has tried until the end");
	/* A bind() may fit between two calls of ours; no more than that. */
	ok((WEXITSTATUS(status) & 2) == 0, "and never listened");
	close(visitor);
	close(in);
	listen_close(&p);
}

/* With nobody inside there is no moment at all for somebody in a hurry. */
static void
test_hurry(void)
{
	struct listen_want want = { LISTEN_TCP, free_port(SOCK_STREAM), NULL,
		0 };
	struct listen_port *p = listen_open(&want, NULL, &e);
	int i, pair[2], status = -1, faults = 0;
	pid_t child;

	if (pipe2(pair, O_NONBLOCK) < 0)
		return;
	if ((child = fork()) == 0) {
		close(pair[1]);
		attack(want.port, pair[0], 0);
	}
	close(pair[0]);
	for (i = 0; i < HURRIES; i++) {
		faults += listen_serve(p, NULL, &e) < 0;
		faults += listen_hold(p, &e) < 0;
	}
	close(pair[1]);
	waitpid(child, &status, 0);
	is_int(faults, 0, "a port is served and held many times");
	ok(WIFEXITED(status), "somebody in a hurry has tried until the end");
	is_int(WEXITSTATUS(status), 0, "and never got it");
	listen_close(&p);
}

static void
test_taken(void)
{
	struct listen_want want = { LISTEN_TCP, 0, NULL, 0 };
	struct listen_port *p, *q;
	struct addr two[2];
	bool taken = false;
	char text[16];
	int fd;

	fd = grab("127.0.0.1", 0, SOCK_STREAM, true);
	close(fd);
	want.port = free_port(SOCK_STREAM);
	fd = grab("0.0.0.0", want.port, SOCK_STREAM, true);
	listen(fd, 1);
	ok(listen_open(&want, &taken, &e) == NULL && taken,
	    "a port that another listens on is taken");
	snprintf(text, sizeof(text), "%u", (unsigned)want.port);
	ok(strstr(e.text, text) != NULL, "the sentence names it");
	close(fd);
	addr_parse_ip(&two[0], "127.0.0.1", &e);
	addr_parse_ip(&two[1], "127.0.0.2", &e);
	want.bind = two;
	want.bind_count = 2;
	p = listen_open(&want, &taken, &e);
	ok(p != NULL && listen_count(p) == 2, "two addresses, two sockets");
	q = listen_open(&want, &taken, &e);
	ok(q == NULL && taken, "once");
	is_int(listen_serve(p, NULL, &e), 0, "both are served");
	fd = visit(want.port, SOCK_STREAM);
	ok(fd >= 0, "and answer");
	close(fd);
	listen_close(&p);
	addr_parse_ip(&two[0], "192.0.2.1", &e);
	ok(listen_open(&want, &taken, &e) == NULL && !taken,
	    "an address that is not ours is no case of taken");
}

/* Reads one datagram and the address to which it came; its length. */
static ssize_t
receive(int fd, struct addr *own)
{
	uint8_t control[256];
	char byte[4];
	struct iovec v = { byte, sizeof(byte) };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	*own = (struct addr){ 0 };
	if ((n = recvmsg(fd, &m, 0)) < 0)
		return -1;
	for (c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO)
			memcpy(own->ip, CMSG_DATA(c), 16);
	return n;
}

static void
test_udp(void)
{
	struct listen_want want = { LISTEN_UDP, free_port(SOCK_DGRAM), NULL,
		0 };
	struct listen_port *p = listen_open(&want, NULL, &e);
	int fd = listen_fd(p, 0), visitor = visit(want.port, SOCK_DGRAM);
	struct addr own;

	ok(send(visitor, "a", 1, 0) == 1 && receive(fd, &own) < 0,
	    "a held UDP port drops");
	is_int(listen_serve(p, NULL, &e), 0, "it is served");
	ok(receive(fd, &own) < 0, "what was dropped does not come later");
	ok(send(visitor, "b", 1, 0) == 1 && is_readable(fd) &&
		receive(fd, &own) == 1,
	    "a datagram comes");
	if (listen_family(p, 0) == AF_INET6)
		ok(addr_is_v4(&own) && addr_is_loopback(&own),
		    "with the address that it was sent to");
	ok(send(visitor, "c", 1, 0) == 1 && listen_hold(p, &e) == 0,
	    "one is there when the port is held");
	ok(send(visitor, "d", 1, 0) == 1 && listen_serve(p, NULL, &e) == 0 &&
		receive(fd, &own) < 0,
	    "it and a later one are dropped");
	ok(grab("0.0.0.0", want.port, SOCK_DGRAM, true) < 0 &&
		grab("127.0.0.1", want.port, SOCK_DGRAM, true) < 0,
	    "a UDP port is nobody else's");
	close(visitor);
	listen_close(&p);
}

static void
test_limits(void)
{
	struct listen_want want = { LISTEN_TCP, free_port(SOCK_STREAM), NULL,
		0 };
	struct listen_port *p = listen_open(&want, NULL, &e);
	struct rlimit old, few;
	int visitor, in;

	listen_serve(p, NULL, &e);
	visitor = visit(want.port, SOCK_STREAM);
	is_readable(listen_fd(p, 0));
	getrlimit(RLIMIT_NOFILE, &old);
	few = old;
	few.rlim_cur = (rlim_t)visitor + 1;
	setrlimit(RLIMIT_NOFILE, &few);
	in = listen_accept(listen_fd(p, 0), NULL, NULL, &e);
	setrlimit(RLIMIT_NOFILE, &old);
	is_int(in, LISTEN_FULL, "no descriptor is left: said so");
	in = listen_accept(listen_fd(p, 0), NULL, NULL, &e);
	ok(in >= 0, "the visitor has waited");
	close(in);
	in = open("/dev/null", O_RDONLY);
	is_int(listen_accept(in, NULL, NULL, &e), LISTEN_BROKEN,
	    "no socket, no visitors");
	close(in);
	close(visitor);
	listen_close(&p);
}

static void
test_relay(void)
{
	struct addr at = { .port = free_port(SOCK_STREAM) };
	bool taken = false;
	int fd, visitor;

	fd = listen_tcp(&at, &taken, &e);
	ok(fd >= 0 && !taken, "the relay's port listens");
	visitor = visit(at.port, SOCK_STREAM);
	ok(visitor >= 0, "also for IPv4");
	is_int(listen_tcp(&at, &taken, &e), -1, "nobody can have it twice");
	ok(taken && strstr(e.text, "taken by another") != NULL, "says so");
	close(visitor);
	close(fd);
}

/* Connects to a socket in the file system. */
static int
visit_unix(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
test_unix(void)
{
	char dir[] = "/tmp/adit-t-XXXXXX", path[64], longer[200];
	bool taken = false;
	struct stat st;
	int fd, second, visitor;

	if (mkdtemp(dir) == NULL)
		return;
	snprintf(path, sizeof(path), "%s/s", dir);
	fd = listen_unix(path, 0660, (long)getgid(), &taken, &e);
	ok(fd >= 0, "a socket in the file system");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0660, "its mode");
	ok((visitor = visit_unix(path)) >= 0 && is_readable(fd), "answers");
	second = listen_unix_accept(fd, &e);
	ok(second >= 0, "accepts");
	close(second);
	close(visitor);
	ok(listen_unix(path, 0600, -1, &taken, &e) < 0 && taken,
	    "is not taken away from one who serves it");
	close(fd); /* as a program that was killed would */
	fd = listen_unix(path, 0600, -1, &taken, &e);
	ok(fd >= 0 && !taken, "one left behind is replaced");
	ok(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "its mode");
	listen_unix_close(&fd, path);
	ok(fd == -1 && stat(path, &st) < 0, "closing takes the name away");
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ok(listen_unix(path, 0600, -1, &taken, &e) < 0 && !taken,
	    "a file is not replaced");
	unlink(path);
	memset(longer, 'x', sizeof(longer));
	longer[199] = '\0';
	ok(listen_unix(longer, 0600, -1, &taken, &e) < 0, "a long path");
	ok(rmdir(dir) == 0, "nothing is left behind");
}

static const char *victim; /* what the folder's owner puts in our way */

/* As the C library's, but for whoever may write into the folder. */
int
bind(int fd, __CONST_SOCKADDR_ARG to, socklen_t n)
{
	const struct sockaddr_un *un = to.__sockaddr_un__;
	int rc = (int)syscall(SYS_bind, fd, un, n);

	if (rc == 0 && victim != NULL && un->sun_family == AF_UNIX) {
		unlink(un->sun_path);
		rc = symlink(victim, un->sun_path);
	}
	return rc;
}

/* A socket's rights are given to the socket, whatever stands there then. */
static void
test_swapped(void)
{
	char dir[] = "/tmp/adit-listen-XXXXXX", path[64], file[64];
	struct stat st = { 0 };
	int fd;

	if (mkdtemp(dir) == NULL)
		abort();
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(file, sizeof(file), "%s/file", dir);
	fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0400);
	close(fd);
	victim = file;
	fd = listen_unix(path, 0660, (long)getgid(), NULL, &e);
	victim = NULL;
	is_int(fd, -1, "a socket that was swapped for a link is refused");
	stat(file, &st);
	is_int(st.st_mode & 0777, 0400, "where the link led nothing changes");
	unlink(path);
	unlink(file);
	is_int(rmdir(dir), 0, "nothing is left behind");
}

int
main(void)
{
	signal(SIGPIPE, SIG_IGN);
	test_tcp();
	test_cycles();
	test_hurry();
	test_taken();
	test_udp();
	test_limits();
	test_relay();
	test_unix();
	test_swapped();
	return tap_done();
}
