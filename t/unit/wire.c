/*
 * wire: TLS over a socket in a loop: records in and out, the tidy end, the
 * move to another carry, room, those who stall; a WebSocket from nginx.
 */
#include "carry/wire.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/pool.h"
#include "carry/carry.h"
#include "net/addr.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "tap.h"
#include "tcp_pair.h"
#include "tls/tls_cert.h"
#include "tls/tls_ctx.h"
#include "tls/tls_stream.h"

enum { TURNS = 3000 };

struct one {
	struct wire *w;
	bool up, down, echoes, stops, ready;
	enum wire_end how;
	size_t got, records;
	uint8_t last;
};

static struct loop *loop;
static struct carry carry, other;
static struct tls_ctx *server_ctx, *client_ctx;
static struct tls_pin pin;

static void
die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static void
on_up(void *arg)
{
	((struct one *)arg)->up = true;
}

static void
on_input(void *arg, struct slab *b, size_t n)
{
	struct one *x = arg;

	x->got += n;
	x->records++;
	x->last = b->data[n - 1];
	if (x->echoes)
		wire_seal(x->w, b->data, n);
	if (x->stops)
		wire_pause(x->w);
}

static void
on_down(void *arg, enum wire_end how, const char *why)
{
	struct one *x = arg;

	(void)why;
	x->down = true;
	x->how = how;
	wire_free(&x->w);
}

static void
on_ready(void *arg)
{
	((struct one *)arg)->ready = true;
}

static const struct wire_ops ops = { on_up, on_input, on_down, on_ready };

static uint64_t
on_turn(void *arg)
{
	return carry_turn(arg);
}

static void
turns(int n)
{
	while (n-- > 0)
		loop_turn(loop, 5, NULL);
}

static bool
until(const bool *what)
{
	int i;

	for (i = 0; i < TURNS && !*what; i++)
		loop_turn(loop, 5, NULL);
	return *what;
}

static void
couple(struct one *s, struct one *c)
{
	struct err e;
	int fd[2];

	*s = *c = (struct one){ 0 };
	tcp_pair(fd);
	s->w = wire_new(
	    &carry, fd[0], tls_stream_server(server_ctx, &e), &ops, s, &e);
	c->w = wire_new(&carry, fd[1],
	    tls_stream_client(client_ctx, "127.0.0.1", &e), &ops, c, &e);
	if (s->w == NULL || c->w == NULL)
		die(e.text);
	if (!until(&s->up) || !until(&c->up))
		die("no handshake");
}

static void
test_echo(void)
{
	struct addr a, b;
	struct one s, c;
	char text[80];
	int i;

	couple(&s, &c);
	s.echoes = true;
	is_int(wire_seal(c.w, "ping", 4), 0, "a record is sealed");
	ok(wire_waiting(c.w) > 4, "and waits for the end of the turn");
	for (i = 0; i < TURNS && c.got < 4; i++)
		turns(1);
	is_int(c.got, 4, "it comes back");
	is_int(c.last, 'g', "as it was");
	wire_describe(c.w, text, sizeof(text));
	is_str(
	    text, "TLSv1.3 TLS_AES_128_GCM_SHA256", "the wire tells its kind");
	wire_peer(c.w, &a);
	wire_local(s.w, &b);
	ok(addr_equal(&a, &b), "one side's peer is the other's own address");
	wire_free(&c.w);
	ok(until(&s.down), "an end is told");
	is_int(s.how, WIRE_CLOSED, "as the peer's");
}

static void
on_closed(void *arg)
{
	++*(int *)arg;
}

/* A GOAWAY must arrive though we close at once. */
static void
test_finish(void)
{
	static uint8_t big[16384];
	struct one s, c;
	int i, closed = 0;

	couple(&s, &c);
	for (i = 0; i < 20; i++)
		wire_seal(c.w, big, sizeof(big)); /* on its way to us */
	big[16383] = 0x42;
	for (i = 0; i < 40; i++)
		wire_seal(s.w, big, sizeof(big));
	big[16383] = 0;
	wire_finish(&s.w, 2000, on_closed, &closed);
	ok(s.w == NULL, "a wire that finishes is gone for its owner");
	is_int(closed, 0, "but its socket is still there");
	ok(until(&c.down), "the other side sees the end");
	is_int(c.got, 40 * 16384, "after all that was said before it");
	is_int(c.last, 0x42, "to the last byte");
	ok(!s.down, "nobody is told on our side");
	for (i = 0; i < TURNS && closed == 0; i++)
		turns(1);
	is_int(closed, 1, "but once that the socket is closed");
	turns(3);
}

/* Whoever is not heard out in time is cut off all the same. */
static void
test_finish_deadline(void)
{
	static uint8_t big[16384];
	struct one s, c;
	int i, closed = 0;

	couple(&s, &c);
	wire_pause(c.w);
	for (i = 0; i < 60; i++)
		wire_seal(s.w, big, sizeof(big));
	wire_finish(&s.w, 20, on_closed, &closed);
	for (i = 0; i < TURNS && carry.wires.next->next != &carry.wires; i++)
		turns(1);
	ok(carry.wires.next->next == &carry.wires, "the deadline ends it");
	is_int(closed, 1, "which is told");
	wire_free(&c.w);
	turns(2);
}

/* One that has ended cannot say anything any more. */
static void
test_finish_late(void)
{
	struct one s = { 0 };
	struct err e;
	int fd[2], closed = 0;

	tcp_pair(fd);
	s.w = wire_new(
	    &carry, fd[0], tls_stream_server(server_ctx, &e), &ops, &s, &e);
	wire_finish(&s.w, 2000, on_closed, &closed);
	is_int(closed, 1, "a wire that was never up is closed at once");
	wire_finish(&s.w, 2000, on_closed, &closed);
	is_int(closed, 2, "one that is gone already, too");
	close(fd[1]);
	turns(2);
}

static void
test_room(void)
{
	static uint8_t big[16384];
	struct one s, c;
	int i;

	couple(&s, &c);
	ok(wire_room(s.w, MUX_ROOM_DATA) >= 16384, "a new wire has room");
	for (i = 0; i < 100 && wire_room(s.w, MUX_ROOM_DATA) > 0; i++)
		wire_seal(s.w, big, sizeof(big));
	ok(i < 100, "which is used up");
	ok(wire_room(s.w, MUX_ROOM_CONTROL) > 0,
	    "control frames have room beyond that");
	wire_free(&s.w);
	wire_free(&c.w);
	turns(2);
}

/* The other side says nothing meanwhile that would wake anybody. */
static void
test_goes_on(void)
{
	static uint8_t big[16384];
	struct one s, c;
	int i = 0;

	couple(&s, &c);
	for (s.ready = true; i < 200 && until(&s.ready); i++) {
		s.ready = false;
		while (wire_room(s.w, MUX_ROOM_DATA) > 0)
			wire_seal(s.w, big, sizeof(big));
	}
	is_int(i, 200, "who was held back by a full wire is told to go on");
	wire_free(&s.w);
	wire_free(&c.w);
	turns(2);
}

static void
test_move(void)
{
	struct one s, c;
	struct wire *w;
	struct err e;
	int i;

	couple(&s, &c);
	s.stops = true;
	wire_seal(c.w, "hello", 5);
	for (i = 0; i < TURNS && s.got < 5; i++)
		turns(1);
	s.stops = false;
	w = s.w;
	wire_release(w);
	wire_seal(c.w, "after", 5);
	turns(3);
	is_int(s.got, 5, "nothing is told while it moves");
	is_int(wire_adopt(w, &other, &ops, &s, &e), 0, "it is taken in");
	for (i = 0; i < TURNS && s.got < 10; i++)
		turns(1);
	is_int(s.got, 10, "and goes on where it was");
	s.echoes = true;
	c.got = 0;
	wire_seal(c.w, "echo?", 5);
	for (i = 0; i < TURNS && c.got < 5; i++)
		turns(1);
	is_int(c.got, 5, "in both directions");
	wire_free(&s.w);
	wire_free(&c.w);
	turns(2);
}

static void
test_speaks_too_soon(void)
{
	struct one s, c;

	couple(&s, &c);
	s.stops = true;
	wire_seal(c.w, "hello", 5);
	wire_seal(c.w, "and more", 8);
	ok(until(&s.down), "a record behind HELLO ends a wire that waits");
	is_int(s.how, WIRE_TLS, "as the peer's fault");
	is_int(s.got, 5, "and is not told");
	wire_free(&c.w);
	turns(2);
}

/* Junk, half a handshake, and nothing at all. */
static void
test_junk(void)
{
	struct one s = { 0 };
	struct err e;
	int fd[2];

	tcp_pair(fd);
	s.w = wire_new(
	    &carry, fd[0], tls_stream_server(server_ctx, &e), &ops, &s, &e);
	send(fd[1], "GET / HTTP/1.1\r\n\r\n", 18, 0);
	ok(until(&s.down), "what is not TLS ends the wire");
	is_int(s.how, WIRE_TLS, "as the peer's fault");
	close(fd[1]);

	s = (struct one){ 0 };
	tcp_pair(fd);
	s.w = wire_new(
	    &carry, fd[0], tls_stream_server(server_ctx, &e), &ops, &s, &e);
	send(fd[1], "\x16\x03\x01\x02\x00\x01", 6, 0);
	turns(5);
	ok(!s.down && !s.up, "half a handshake waits for its deadline");
	wire_free(&s.w);
	close(fd[1]);
	turns(2);
}

/* --- at the link socket ---------------------------------------------------- */

#define UPGRADE                                                   \
	"GET /link HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" \
	"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"    \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"         \
	"Sec-WebSocket-Protocol: adit.1\r\nX-Real-IP: 2001:db8::9\r\n"

/* s is at one end, what nginx would be at the other; it says n bytes. */
static int
behind_nginx(struct one *s, const void *p, size_t n)
{
	struct err e;
	int fd[2];

	*s = (struct one){ 0 };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		die("socketpair");
	plat_unwait(fd[0], NULL);
	plat_unwait(fd[1], NULL);
	s->w = wire_new_ws_server(&carry, fd[0], &ops, s, &e);
	if (s->w == NULL || send(fd[1], p, n, 0) != (ssize_t)n)
		die("link socket");
	return fd[1];
}

/* Where the n bytes at p stand last in the len at in; NULL: nowhere. */
static const uint8_t *
last_of(const uint8_t *in, size_t len, const void *p, size_t n)
{
	const uint8_t *found = NULL;
	size_t i;

	for (i = 0; i + n <= len; i++)
		if (memcmp(in + i, p, n) == 0)
			found = in + i;
	return found;
}

/* Reads until n bytes at p have come, or until the end for n 0. */
static bool
hears(int fd, const void *p, size_t n)
{
	static uint8_t got[4096];
	size_t len = 0;
	ssize_t k = -1;
	int i;

	for (i = 0; i < TURNS && len < sizeof(got); i++) {
		turns(1);
		k = recv(fd, got + len, sizeof(got) - len, 0);
		if (k > 0)
			len += (size_t)k;
		if (k == 0 || (n > 0 && last_of(got, len, p, n) != NULL))
			break;
	}
	return n == 0 ? k == 0 : last_of(got, len, p, n) != NULL;
}

static void
test_websocket(void)
{
	static const char up[] = UPGRADE "\r\n";
	struct addr a;
	struct one s;
	char text[ADDR_TEXT];
	int fd = behind_nginx(&s, up, sizeof(up) - 1);

	ok(until(&s.up), "a WebSocket from nginx comes up");
	wire_peer(s.w, &a);
	is_str(addr_ip_text(text, &a), "2001:db8::9", "nginx says who it is");
	wire_describe(s.w, text, sizeof(text));
	is_str(text, "WebSocket", "the wire tells its kind");
	s.echoes = true;
	send(fd,
	    "\x82\x84"
	    "abcd\x11\x0b\x0d\x03",
	    10, 0);
	ok(hears(fd, "\x82\x04ping", 6), "what is said comes back");
	send(fd,
	    "\x89\x80"
	    "abcd",
	    6, 0);
	ok(hears(fd, "\x8a\x00", 2), "a ping alone is answered");
	wire_finish(&s.w, 2000, NULL, NULL);
	ok(hears(fd, "\x88\x02\x03\xe8", 4), "a tidy end is said");
	ok(hears(fd, "", 0), "before the end");
	close(fd);
	turns(3);

	fd = behind_nginx(&s, up, sizeof(up) - 1);
	until(&s.up);
	send(fd, "\x88\x82\0\0\0\0\x03\xe9", 8, 0);
	ok(until(&s.down), "the other side's close ends the wire");
	is_int(s.how, WIRE_CLOSED, "as its own wish");
	ok(hears(fd, "\x88\x02\x03\xe9", 4), "and is answered");
	close(fd);
}

/* Takes all that waits and answers the newest mark in it; how many bytes. */
static size_t
answer_mark(int fd)
{
	static uint8_t got[4 << 20];
	uint8_t pong[14] = "\x8a\x88";
	const uint8_t *ping;
	size_t len = 0;
	ssize_t k;

	turns(2);
	while ((k = recv(fd, got + len, sizeof(got) - len, 0)) > 0) {
		len += (size_t)k;
		turns(2);
	}
	ping = last_of(got, len, "\x89\x08", 2);
	if (ping == NULL || ping + 10 > got + len)
		return len;
	memcpy(pong + 6, ping + 2, 8);
	send(fd, pong, sizeof(pong), 0);
	turns(2);
	return len;
}

/* As much as there is room for. */
static size_t
fill(struct one *s)
{
	static uint8_t big[4096];
	size_t n = 0;

	while (n < 8 << 20 && wire_room(s->w, MUX_ROOM_DATA) > 0) {
		wire_seal(s->w, big, sizeof(big));
		n += sizeof(big);
		turns(1);
	}
	return n;
}

/* What nginx holds back is not behind us: the other end says what it has. */
static void
test_marks(void)
{
	static const char up[] = UPGRADE "\r\n";
	struct one s;
	int fd = behind_nginx(&s, up, sizeof(up) - 1);
	size_t first, more;

	until(&s.up);
	wire_seal(s.w, "hello", 5);
	ok(answer_mark(fd) > 15, "what is said first is marked");
	first = fill(&s);
	ok(first > 0 && first < 128 << 10, "then little may be under way");
	ok(wire_room(s.w, MUX_ROOM_CONTROL) > 0, "control frames may always");
	s.ready = false;
	turns(3);
	ok(!s.ready && wire_room(s.w, MUX_ROOM_DATA) <= 0,
	    "as long as it is not heard of");
	answer_mark(fd);
	ok(s.ready, "who waits is told when it is");
	more = fill(&s);
	ok(more > 0, "and goes on");
	send(fd, "\x8a\x88\0\0\0\0\1\2\3\4\5\6\7\x8", 14, 0);
	turns(2);
	ok(!s.down && wire_room(s.w, MUX_ROOM_DATA) <= 0,
	    "a mark that was never sent says nothing");
	wire_free(&s.w);
	close(fd);
	turns(2);
}

static void
test_websocket_refused(void)
{
	static const char page[] = UPGRADE "Origin: https://h\r\n\r\n";
	static const char up[] = UPGRADE "\r\n\x81\x80"
					 "abcd";
	struct one s;
	int fd = behind_nginx(&s, page, sizeof(page) - 1);

	ok(until(&s.down) && !s.up, "a web page is refused");
	is_int(s.how, WIRE_TLS, "as the peer's fault");
	ok(hears(fd, "not for web pages\n", 18), "in words");
	ok(hears(fd, "", 0), "and is gone");
	close(fd);
	fd = behind_nginx(&s, up, sizeof(up) - 1);
	ok(until(&s.down), "text ends the wire");
	ok(hears(fd, "\x88\x02\x03\xeb", 4), "with a close that says so");
	close(fd);
	turns(2);
}

int
main(void)
{
	char dir[] = "/tmp/adit-wire-XXXXXX", cert[64], key[64];
	struct tls_trust trust = { .pins = &pin, .pin_count = 1 };
	struct hook *h1, *h2;
	struct err e;

	if (mkdtemp(dir) == NULL)
		die("mkdtemp");
	snprintf(cert, sizeof(cert), "%s/c", dir);
	snprintf(key, sizeof(key), "%s/k", dir);
	if (tls_cert_make_missing(cert, key, "localhost", &e) == -1 ||
	    tls_pin_of_cert_file(&pin, cert, &e) == -1 ||
	    (server_ctx = tls_ctx_server(cert, key, false, &e)) == NULL ||
	    (client_ctx = tls_ctx_client(&trust, &e)) == NULL ||
	    (loop = loop_new(&e)) == NULL ||
	    carry_init(&carry, loop, NULL, &e) == -1 ||
	    carry_init(&other, loop, NULL, &e) == -1 ||
	    (h1 = loop_on_turn(loop, on_turn, &carry, &e)) == NULL ||
	    (h2 = loop_on_turn(loop, on_turn, &other, &e)) == NULL)
		die(e.text);
	test_echo();
	test_finish();
	test_finish_deadline();
	test_finish_late();
	test_room();
	test_goes_on();
	test_move();
	test_speaks_too_soon();
	test_junk();
	test_websocket();
	test_marks();
	test_websocket_refused();
	is_int(pool_held(carry.pool), 0, "no slab is out");
	loop_off_turn(&h1);
	loop_off_turn(&h2);
	carry_close(&carry);
	carry_close(&other);
	loop_free(&loop);
	tls_ctx_unref(&server_ctx);
	tls_ctx_unref(&client_ctx);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	return tap_done();
}
