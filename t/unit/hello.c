/* hello: HELLO, WELCOME, REJECT there and back, cut everywhere, and limits. */
#include "base/err.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "tap.h"

static uint8_t wire[FRAME_MAX];
static struct err e;

static void
fill_hello(struct proto_hello *h)
{
	memset(h, 0, sizeof(*h));
	h->versions[0][0] = h->versions[0][1] = 1;
	h->versions[1][0] = 3;
	h->versions[1][1] = 7;
	h->version_count = 2;
	memset(h->token, 0x11, sizeof(h->token));
	h->has_key = true;
	memset(h->key, 0x22, sizeof(h->key));
	h->links[0] = 1;
	h->links[1] = 255;
	h->link_count = 2;
	memset(h->instance, 0x33, sizeof(h->instance));
	strcpy(h->program, "adit 1.0.0");
	strcpy(h->system, "Debian GNU/Linux 12");
	strcpy(h->computer, "b\xc3\xbcro");
	strcpy(h->allow[0], "127.0.0.1:22");
	strcpy(h->allow[1], "192.0.2.1:*");
	h->allow_count = 2;
	h->asks = true;
}

/* The frame in wire, n bytes; its body ends early by cut bytes. */
static struct frame
frame(int n, int cut)
{
	struct frame f = { 0 };

	is_int(frame_decode(&f, wire, (size_t)n, &e), n, "a frame");
	f.len = (uint16_t)(f.len - cut);
	return f;
}

static void
test_hello(void)
{
	static struct proto_hello a, b;
	struct frame f;
	int n, i, whole = 0;

	fill_hello(&a);
	n = hello_encode(wire, sizeof(wire), &a, &e);
	ok(n > FRAME_HEAD, "HELLO is written");
	f = frame(n, 0);
	is_int(f.type, FRAME_HELLO, "as HELLO");
	is_int(hello_decode(&b, &f, &e), 0, "and read");
	is_mem(&a, &b, sizeof(a), "the same");
	for (i = n - FRAME_HEAD; i > 0; i--) {
		f.len = (uint16_t)(n - FRAME_HEAD - i);
		whole += hello_decode(&b, &f, &e) == 0;
	}
	is_int(whole, 6, "cut it is whole behind keys 5 to 10 only");
	for (i = 0; i < n; i++)
		if (hello_encode(wire, (size_t)i, &a, &e) != -1)
			break;
	is_int(i, n, "in less room it is not written");
	is_int(hello_version(&a), 1, "version 1 is common");
	a.versions[0][0] = a.versions[0][1] = 2;
	is_int(hello_version(&a), 0, "2 and 3-7 have none in common");
	a.versions[1][0] = 1;
	is_int(hello_version(&a), 1, "2 and 1-7 do");
	a.versions[1][0] = 8;
	is_int(hello_encode(wire, sizeof(wire), &a, &e), -1, "8-7 is no range");
}

static void
test_start(void)
{
	static struct proto_hello a, b;
	struct frame f;

	memset(&a, 0, sizeof(a));
	is_int(hello_encode(wire, sizeof(wire), &a, &e), -1,
	    "without a version there is no HELLO");
	a.versions[0][0] = a.versions[0][1] = 1;
	a.version_count = 1;
	f = frame(hello_encode(wire, sizeof(wire), &a, &e), 0);
	is_int(hello_decode(&b, &f, &e), 0, "the least HELLO");
	ok(!b.has_key && !b.asks && b.link_count == 0 && b.allow_count == 0 &&
		b.program[0] == '\0',
	    "has no more than it must");
}

static void
test_long(void)
{
	static struct proto_hello a, b;
	struct frame f;
	int n;

	fill_hello(&a);
	for (a.allow_count = 0; a.allow_count < 12; a.allow_count++)
		snprintf(a.allow[a.allow_count], sizeof(a.allow[0]), "%0250d:*",
		    a.allow_count);
	n = hello_encode(wire, sizeof(wire), &a, &e);
	ok(n > 3000 && n <= FRAME_HELLO_MAX, "12 long addresses fit");
	f = frame(n, 0);
	is_int(hello_decode(&b, &f, &e), 0, "and are read");
	is_mem(&a, &b, sizeof(a), "the same");
	for (; a.allow_count < 20; a.allow_count++)
		snprintf(a.allow[a.allow_count], sizeof(a.allow[0]), "%0250d:*",
		    a.allow_count);
	is_int(hello_encode(wire, sizeof(wire), &a, &e), -1, "20 do not");
	ok(strstr(e.text, "allow list") != NULL, e.text);
	a.allow_count = PROTO_ALLOW_MAX;
	for (n = 0; n < PROTO_ALLOW_MAX; n++)
		strcpy(a.allow[n], "127.0.0.1:22");
	ok(hello_encode(wire, sizeof(wire), &a, &e) > 0, "64 short ones do");
	a.allow_count++;
	is_int(hello_encode(wire, sizeof(wire), &a, &e), -1, "65 do not");
	fill_hello(&a);
	n = hello_encode(wire, sizeof(wire), &a, &e);
	ok(n > 0, "(a HELLO)");
	a.link_count = 5;
	is_int(hello_encode(wire, sizeof(wire), &a, &e), -1, "5 links");
}

static void
test_welcome(void)
{
	struct proto_welcome a = {
		.version = 1,
		.link = 255,
		.resumed = true,
		.round = UINT64_MAX,
		.heartbeat_ms = 30000,
		.grace_ms = 60000,
		.streams_max = 16384,
		.window = 65536,
		.door_count = 2,
		.doors = { "example.org:7000", "wss://example.org/link" },
		.session = 42,
	};
	struct proto_welcome b;
	struct frame f;
	int n, i, whole = 0;

	memset(a.key, 0x44, sizeof(a.key));
	n = welcome_encode(wire, sizeof(wire), &a, &e);
	f = frame(n, 0);
	is_int(f.type, FRAME_WELCOME, "WELCOME");
	is_int(f.offset, 42, "its offset is the session");
	is_int(welcome_decode(&b, &f, &e), 0, "is read");
	is_mem(&a, &b, sizeof(a), "the same");
	for (i = n - FRAME_HEAD; i > 0; i--) {
		f.len = (uint16_t)(n - FRAME_HEAD - i);
		whole += welcome_decode(&b, &f, &e) == 0;
	}
	is_int(whole, 2, "cut it is whole behind key 9 and the first door");
	a.link = 0;
	is_int(welcome_encode(wire, sizeof(wire), &a, &e), -1, "no link 0");
	a.link = 1;
	a.door_count = PROTO_DOORS_MAX + 1;
	is_int(welcome_encode(wire, sizeof(wire), &a, &e), -1, "nine doors");
}

static void
test_reject(void)
{
	struct proto_reject a = {
		.code = 5,
		.retry = true,
		.retry_ms = 0,
		.sentence = "Replaced.",
		.url = "https://example.org/",
		.other_name = "desk",
		.other_addr = "192.0.2.7",
	};
	struct proto_reject b;
	struct frame f;

	f = frame(reject_encode(wire, sizeof(wire), &a, &e), 0);
	is_int(f.type, FRAME_REJECT, "REJECT");
	is_int(reject_decode(&b, &f, &e), 0, "is read");
	is_mem(&a, &b, sizeof(a), "the same, retry after 0 ms too");
	a = (struct proto_reject){ .code = 22 };
	f = frame(reject_encode(wire, sizeof(wire), &a, &e), 0);
	is_int(f.len, 5, "the least is a code");
	is_int(reject_decode(&b, &f, &e), 0, "is read");
	ok(!b.retry && b.code == 22, "and says: do not return");
	f.len = 0;
	is_int(reject_decode(&b, &f, &e), -1, "a code there must be");
}

int
main(void)
{
	test_hello();
	test_start();
	test_long();
	test_welcome();
	test_reject();
	return tap_done();
}
