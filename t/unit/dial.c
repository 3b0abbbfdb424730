#include "net/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/loop.h"
#include "tap.h"

enum { TURNS_MAX = 2000, FILLERS = 16 };

static struct loop *l;
static struct err e;

/* What a dial came to. */
struct outcome {
	int told;
	enum dial_result r;
	int fd;
	struct addr peer;
	struct err why;
};

static void
on_dial(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct outcome *o = arg;

	o->told++;
	o->r = r;
	o->fd = fd;
	o->peer = *peer;
	o->why = *why;
}

/* Turns until o is told; false when it never is. */
static bool
await(const struct outcome *o)
{
	int i;

	for (i = 0; i < TURNS_MAX && o->told == 0; i++)
		loop_turn(l, 50, &e);
	return o->told == 1;
}

/* A listening socket; at's port is filled in. */
static int
open_server(struct addr *at, const char *ip, uint16_t port, int backlog)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int fd, on = 1;

	addr_parse_ip(at, ip, &e);
	at->port = port;
	n = addr_to_sockaddr(at, AF_UNSPEC, &ss);
	fd = socket(addr_family(at), SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&ss, n) < 0 ||
	    listen(fd, backlog) < 0) {
		close(fd);
		return -1;
	}
	n = sizeof(ss);
	getsockname(fd, (struct sockaddr *)&ss, &n);
	addr_from_sockaddr(at, (struct sockaddr *)&ss, &e);
	return fd;
}

/*
 * A server that never answers: its queue is full, so that the next SYN is
 * dropped.  The fillers are the caller's to close.
 */
static int
open_silent(struct addr *at, const char *ip, uint16_t port, int fill[FILLERS])
{
	int i, fd = open_server(at, ip, port, 0);

	for (i = 0; i < FILLERS; i++)
		fill[i] = -1;
	for (i = 0; fd >= 0 && i < FILLERS; i++)
		dial_now(at, &fill[i], &e);
	return fd;
}

static void
close_all(int *fds, int count)
{
	while (count-- > 0)
		if (fds[count] >= 0)
			close(fds[count]);
}

static void
test_now(void)
{
	struct addr at;
	int fd = -1, server = open_server(&at, "127.0.0.1", 0, 5);

	is_int(dial_now(&at, &fd, &e), DIAL_OK, "loopback is there at once");
	ok(fd >= 0 && write(fd, "x", 1) == 1, "bytes may be written at once");
	ok((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0, "the socket never waits");
	close(fd);
	close(server);
	is_int(dial_now(&at, &fd, &e), DIAL_REFUSED, "nobody listens");
	is_int(fd, -1, "no descriptor");
	ok(strstr(e.text, "127.0.0.1:") != NULL &&
		strstr(e.text, "refused") != NULL,
	    "the reason names the address");
}

static void
test_numbers(void)
{
	struct outcome o = { 0 }, p = { 0 };
	struct addr at;
	struct dial *d;
	int server = open_server(&at, "127.0.0.1", 0, 5);

	d = dial_start(l, "127.0.0.1", at.port, 4000, on_dial, &o, &e);
	ok(d != NULL && o.told == 0, "nothing is told by the call itself");
	ok(await(&o) && o.r == DIAL_OK, "then: connected");
	ok(addr_equal(&o.peer, &at), "to whom we wanted");
	close(o.fd);
	close(server);
	d = dial_start(l, "127.0.0.1", at.port, 4000, on_dial, &p, &e);
	ok(d != NULL && await(&p) && p.r == DIAL_REFUSED, "then: refused");
	is_int(p.fd, -1, "no descriptor");
	ok(strstr(p.why.text, "refused") != NULL, "with the reason");
}

static void
test_names(void)
{
	struct outcome o = { 0 }, p = { 0 }, q = { 0 };
	struct addr at;
	struct dial *d;
	char label[70];
	int server = open_server(&at, "::1", 0, 5);

	if (server < 0)
		server = open_server(&at, "127.0.0.1", 0, 5);
	dial_start(l, "localhost", at.port, 4000, on_dial, &o, &e);
	ok(await(&o) && o.r == DIAL_OK, "localhost finds either family");
	close(o.fd);
	close(server);
	server = open_server(&at, "127.0.0.1", 0, 5);
	/* Not in the form we call a number: goes through a thread. */
	dial_start(l, "127.1", at.port, 4000, on_dial, &p, &e);
	ok(await(&p) && p.r == DIAL_OK, "a name is looked up");
	is_int(p.peer.port, at.port, "its port is kept");
	close(p.fd);
	memset(label, 'a', sizeof(label));
	label[sizeof(label) - 1] = '\0'; /* no label is that long */
	dial_start(l, label, at.port, 4000, on_dial, &q, &e);
	ok(await(&q) && q.r == DIAL_NAME, "a name that does not resolve");
	ok(strstr(q.why.text, "does not resolve") != NULL, "says so");
	d = dial_start(l, "127.1", at.port, 4000, on_dial, &p, &e);
	dial_cancel(&d);
	ok(d == NULL, "a look-up is given up");
	dial_cancel(&d);
	loop_turn(l, 20, &e);
	is_int(p.told, 1, "and tells nothing");
	close(server);
}

static void
test_late(void)
{
	struct outcome o = { 0 }, p = { 0 };
	int fill[FILLERS], fd = -1, server;
	struct addr at;
	struct dial *d;

	server = open_silent(&at, "127.0.0.1", 0, fill);
	d = dial_start(l, "127.0.0.1", at.port, 100, on_dial, &o, &e);
	ok(d != NULL && await(&o) && o.r == DIAL_TIMEOUT && o.fd == -1,
	    "no answer within the time");
	ok(o.why.text[0] != '\0', "says so");
	is_int(dial_now(&at, &fd, &e), DIAL_PENDING, "not there at once");
	d = dial_wait(l, fd, &at, 100, on_dial, &p, &e);
	ok(d != NULL && await(&p) && p.r == DIAL_TIMEOUT,
	    "one may wait for it, not for ever");
	p.told = 0;
	d = dial_start(l, "127.0.0.1", at.port, 60000, on_dial, &p, &e);
	loop_turn(l, 1, &e);
	dial_cancel(&d);
	loop_turn(l, 1, &e);
	is_int(p.told, 0, "cancelled while it connects");
	close_all(fill, FILLERS);
	close(server);
}

/* The first address is silent, the second answers: the race. */
static void
test_race(void)
{
	struct outcome o = { 0 }, p = { 0 };
	int fill[FILLERS], silent, server, in;
	struct addr to[3];

	server = open_server(&to[1], "127.0.0.1", 0, 5);
	silent = open_silent(&to[0], "127.0.0.2", to[1].port, fill);
	dial_any(l, to, 2, 20000, on_dial, &o, &e);
	ok(await(&o) && o.r == DIAL_OK && addr_equal(&o.peer, &to[1]),
	    "the second wins when the first is silent");
	in = accept4(server, NULL, NULL, SOCK_NONBLOCK);
	ok(in >= 0, "and was reached once");
	close(in);
	close(o.fd);
	addr_parse_ip(&to[2], "127.0.0.3", &e);
	to[2].port = to[1].port;
	to[0] = to[2];
	dial_any(l, to, 2, 20000, on_dial, &p, &e);
	ok(await(&p) && p.r == DIAL_OK,
	    "after a refusal the next has its turn");
	close(p.fd);
	close_all(fill, FILLERS);
	close(silent);
	close(server);
	p.told = 0;
	dial_any(l, to, 3, 20000, on_dial, &p, &e);
	ok(await(&p) && p.r == DIAL_REFUSED, "all refuse: refused");
}

static void
test_pending(void)
{
	struct outcome o = { 0 };
	int fill[FILLERS], i, in, server, fd = -1;
	struct addr at;
	struct dial *d;

	server = open_silent(&at, "127.0.0.1", 0, fill);
	is_int(dial_now(&at, &fd, &e), DIAL_PENDING, "a connection is pending");
	d = dial_wait(l, fd, &at, 60000, on_dial, &o, &e);
	/* The queue is emptied: the kernel's next SYN is taken. */
	for (i = 0; i < TURNS_MAX && o.told == 0; i++) {
		loop_turn(l, 20, &e);
		if ((in = accept4(server, NULL, NULL, SOCK_NONBLOCK)) >= 0)
			close(in);
		fcntl(server, F_SETFL, O_NONBLOCK);
	}
	ok(d != NULL && o.told == 1 && o.r == DIAL_OK,
	    "and is told when it is there");
	close(o.fd);
	close_all(fill, FILLERS);
	close(server);
}

static void
test_words(void)
{
	is_str(
	    dial_result_name(DIAL_REFUSED), "refused", "a result has a name");
	is_str(dial_result_name((enum dial_result)99), "?", "no other has");
	ok(dial_start(l, "", 1, 100, on_dial, NULL, &e) == NULL,
	    "no name, no dial");
}

int
main(void)
{
	if ((l = loop_new(&e)) == NULL) {
		printf("Bail out! %s\n", e.text);
		return 1;
	}
	test_now();
	test_numbers();
	test_names();
	test_late();
	test_race();
	test_pending();
	test_words();
	loop_free(&l);
	return tap_done();
}
