/*
 * ws: WebSocket frames: RFC 6455's own examples, every cut, both sides, and
 * what must be refused.
 */
#include "http/ws.h"

#include <stdlib.h>

#include "base/err.h"
#include "tap.h"

/* What reading it all in pieces of `step` bytes brings. */
struct got {
	uint8_t data[1 << 17];
	size_t len, pieces;
	bool failed;
	struct err why;
	struct ws_reader r;
};

static struct got got;

static void
read_all(
    enum ws_side side, const void *bytes, size_t n, size_t step, size_t cap)
{
	const uint8_t *p = bytes;
	size_t used, i, piece, turns = 0;
	ssize_t k;

	got.len = got.pieces = 0;
	got.failed = false;
	ws_reader_init(&got.r, side);
	for (i = 0; i < n && !got.failed && turns++ < 1 << 20; i += used) {
		piece = n - i < step ? n - i : step;
		k = ws_read(&got.r, p + i, piece, &used, got.data + got.len,
		    cap, &got.why);
		got.failed = k < 0;
		if (k > 0) {
			got.len += (size_t)k;
			got.pieces++;
		}
		if (used > piece || (used == 0 && k == 0))
			break;
	}
}

#define READ(side, bytes) \
	read_all((side), (bytes), sizeof(bytes) - 1, SIZE_MAX, 65536)

static bool
is_hello(void)
{
	return !got.failed && got.len == 5 && memcmp(got.data, "Hello", 5) == 0;
}

/* RFC 6455, 5.7; its text messages as binary ones. */
static void
test_examples(void)
{
	static uint8_t big[10 + 65536];
	size_t i;

	READ(WS_CLIENT, "\x82\x05Hello");
	ok(is_hello(), "one frame that is not masked");
	READ(WS_SERVER, "\x82\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
	ok(is_hello(), "one masked frame");
	READ(WS_CLIENT, "\x02\x03Hel\x80\x02lo");
	ok(is_hello() && got.pieces == 2, "a message in two frames");
	READ(WS_CLIENT, "\x89\x05Hello");
	ok(got.r.pinged && got.r.ping_len == 5 &&
		memcmp(got.r.ping, "Hello", 5) == 0 && got.len == 0,
	    "a ping with a body");
	READ(WS_SERVER, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
	ok(!got.failed && got.len == 0 && !got.r.pinged && got.r.ponged &&
		got.r.pong_len == 5 && memcmp(got.r.pong, "Hello", 5) == 0,
	    "a pong with a body");
	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7);
	memcpy(big, "\x82\x7e\x01\x00", 4);
	read_all(WS_CLIENT, big, 4 + 256, SIZE_MAX, 65536);
	ok(got.len == 256 && memcmp(got.data, big + 4, 256) == 0, "256 bytes");
	memcpy(big, "\x82\x7f\0\0\0\0\0\1\0\0", 10);
	read_all(WS_CLIENT, big, sizeof(big), SIZE_MAX, 65536);
	ok(got.len == 65536 && memcmp(got.data, big + 10, 65536) == 0,
	    "64 KiB");
	read_all(WS_CLIENT, big, sizeof(big), SIZE_MAX, 16384);
	ok(got.len == 65536 && got.pieces == 4, "in four slabs");
}

static void
test_control(void)
{
	READ(WS_CLIENT, "\x02\x03Hel\x89\x01x\x80\x02lo");
	ok(is_hello() && got.r.pinged && got.r.ping[0] == 'x',
	    "a ping between the pieces of a message");
	READ(WS_CLIENT, "\x89\x01x\x89\x01y\x89\x00");
	ok(got.r.pinged && got.r.ping_len == 0, "the newest ping counts");
	READ(WS_CLIENT, "\x82\x05Hello\x88\x02\x03\xe8\x82\x01!");
	ok(is_hello() && got.r.closed && got.r.code == WS_NORMAL,
	    "behind a close nothing is read");
	READ(WS_CLIENT, "\x88\x00");
	ok(got.r.closed && got.r.code == WS_NO_CODE, "a close without a code");
	READ(WS_CLIENT,
	    "\x88\x06\x0f\xa1"
	    "gone");
	ok(got.r.closed && got.r.code == 4001, "one with words");
	READ(WS_CLIENT, "\x02\x00\x00\x00\x80\x00\x82\x05Hello");
	ok(is_hello() && got.pieces == 1, "frames without bytes say nothing");
}

static void
refused(
    enum ws_side side, const char *p, size_t n, uint16_t code, const char *what)
{
	size_t used;
	uint8_t to[16];
	struct err e;

	read_all(side, p, n, SIZE_MAX, 65536);
	ok(got.failed && got.r.code == code &&
		ws_read(&got.r, "x", 1, &used, to, sizeof(to), &e) == -1,
	    what);
	if (!got.failed || got.r.code != code)
		printf("#   failed %d code %u\n", got.failed, got.r.code);
}
#define REFUSED(side, bytes, code, what) \
	refused((side), (bytes), sizeof(bytes) - 1, (code), (what))

static void
test_hostile(void)
{
	REFUSED(WS_CLIENT, "\x82\x85", WS_BROKEN, "a masked frame of a server");
	REFUSED(
	    WS_SERVER, "\x82\x05", WS_BROKEN, "an unmasked one of a client");
	REFUSED(WS_CLIENT, "\xc2\x01", WS_BROKEN, "the first reserved bit");
	REFUSED(WS_CLIENT, "\xa2\x01", WS_BROKEN, "the second");
	REFUSED(WS_CLIENT, "\x92\x01", WS_BROKEN, "the third");
	REFUSED(WS_CLIENT, "\x81\x01", WS_KIND, "text");
	REFUSED(WS_CLIENT, "\x83\x01", WS_BROKEN, "an unknown kind of frame");
	REFUSED(WS_CLIENT, "\x8b\x01", WS_BROKEN, "an unknown control frame");
	REFUSED(WS_CLIENT, "\x09\x01", WS_BROKEN, "a ping in pieces");
	REFUSED(WS_CLIENT, "\x89\x7e", WS_BROKEN, "a long ping");
	REFUSED(WS_CLIENT, "\x88\x7f", WS_BROKEN, "a long close");
	REFUSED(WS_CLIENT, "\x80\x01", WS_BROKEN, "a piece of no message");
	REFUSED(WS_CLIENT, "\x02\x01x\x82\x01", WS_BROKEN,
	    "a message within a message");
	REFUSED(WS_CLIENT, "\x82\x01x\x80\x01", WS_BROKEN,
	    "a piece behind the end");
	REFUSED(WS_CLIENT, "\x82\x7e\x00\x7d", WS_BROKEN,
	    "125 in two bytes of length");
	REFUSED(WS_CLIENT, "\x82\x7f\0\0\0\0\0\0\xff\xff", WS_BROKEN,
	    "65535 in eight");
	REFUSED(WS_CLIENT, "\x82\x7f\x80\0\0\0\0\0\0\0", WS_BROKEN,
	    "a length with its highest bit set");
	REFUSED(WS_CLIENT, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
	    WS_TOO_BIG, "the longest frame there can be");
	REFUSED(WS_CLIENT, "\x82\x7f\0\0\0\0\1\0\0\1", WS_TOO_BIG,
	    "one byte more than a message may have");
	REFUSED(WS_CLIENT, "\x88\x01\x03", WS_BROKEN, "half a code");
	REFUSED(WS_CLIENT, "\x88\x02\x03\xed", WS_BROKEN, "code 1005");
	REFUSED(WS_CLIENT, "\x88\x02\x03\xe7", WS_BROKEN, "code 999");
	REFUSED(WS_CLIENT, "\x88\x02\x13\x88", WS_BROKEN, "code 5000");
}

/* The longest message in pieces is taken, its last byte not. */
static void
test_message_limit(void)
{
	static const uint8_t first[] = { 0x02, 0x7f, 0, 0, 0, 0, 0, 0xff, 0xff,
		0xff };
	static uint8_t block[65536];
	struct ws_reader r;
	size_t used, left = 0xffffff, n;
	struct err e;
	bool good = true;

	ws_reader_init(&r, WS_CLIENT);
	good = ws_read(&r, first, sizeof(first), &used, block, 1, &e) == 0;
	for (; left > 0 && good; left -= n) {
		n = left < sizeof(block) ? left : sizeof(block);
		good = ws_read(&r, block, n, &used, block, n, &e) == (ssize_t)n;
	}
	ok(good && ws_read(&r, "\x00\x01x", 3, &used, block, 1, &e) == 1,
	    "a message of 16 MiB in pieces is taken");
	is_int(ws_read(&r, "\x80\x01x", 3, &used, block, 1, &e), -1,
	    "one byte more is not");
	is_int(r.code, WS_TOO_BIG, "and is called too big");
}

/* Frames of many lengths, written by one side, read by the other, cut. */
static void
test_there_and_back(enum ws_side from)
{
	static const size_t lens[] = { 1, 2, 7, 8, 9, 125, 126, 127, 1000,
		16384, 65535, 65536 };
	static uint8_t sent[200000], plain[200000];
	enum ws_side to = from == WS_CLIENT ? WS_SERVER : WS_CLIENT;
	struct ws_writer w;
	struct err e;
	size_t at = 0, n = 0, i, k, step;
	bool good = true;

	ws_writer_init(&w, from);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		if (n + lens[i] > sizeof(got.data))
			break;
		for (k = 0; k < lens[i]; k++)
			plain[n + k] = (uint8_t)rand();
		good = good &&
		    ws_write(
			&w, sent + at, WS_BINARY, plain + n, lens[i], &e) == 0;
		at += ws_frame_len(&w, lens[i]);
		n += lens[i];
		good =
		    good && ws_write(&w, sent + at, WS_PING, "hm", 2, &e) == 0;
		at += ws_frame_len(&w, 2);
	}
	for (step = 1; step < 70000; step = step * 3 + 1) {
		read_all(to, sent, at, step, 65536);
		good = good && !got.failed && got.len == n &&
		    memcmp(got.data, plain, n) == 0 && ws_is_between(&got.r);
	}
	ok(good,
	    from == WS_CLIENT ? "client to server, cut anywhere"
			      : "server to client, cut anywhere");
}

/* Every cut of a row of frames: what is there is told, never more. */
static void
test_every_cut(void)
{
	static const char row[] = "\x82\x03"
				  "abc\x89\x02hi\x02\x02"
				  "de\x00\x00"
				  "\x8a\x00\x80\x01"
				  "f\x88\x02\x03\xe9";
	static const size_t n = sizeof(row) - 1;
	size_t cut;
	bool good = true;

	for (cut = 0; cut <= n; cut++) {
		read_all(WS_CLIENT, row, cut, SIZE_MAX, 64);
		good = good && !got.failed && got.len <= 6 &&
		    memcmp(got.data, "abcdef", got.len) == 0 &&
		    got.r.closed == (cut == n);
		read_all(WS_CLIENT, row, cut, 1, 64);
		good = good && !got.failed && got.r.closed == (cut == n);
	}
	ok(good, "a row of frames cut at each byte");
	is_int(got.r.code, WS_AWAY, "whole, it ends with a close");
}

static void
test_in_place(void)
{
	uint8_t b[64], plain[40];
	struct ws_writer w;
	struct ws_reader r;
	struct err e;
	size_t used, i;

	for (i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)i;
	ws_writer_init(&w, WS_CLIENT);
	ws_write(&w, b, WS_BINARY, plain, sizeof(plain), &e);
	ok(memcmp(b + 6, plain, sizeof(plain)) != 0, "a client masks");
	ws_reader_init(&r, WS_SERVER);
	ws_read(&r, b, 6, &used, b, 1, &e);
	is_int(ws_read(&r, b + 6, 40, &used, b + 6, 40, &e), 40,
	    "a frame is opened where it lies");
	is_mem(b + 6, plain, sizeof(plain), "rightly");
}

static void
test_keys(void)
{
	static uint8_t seen[200][4];
	uint8_t b[8];
	struct ws_writer w;
	struct err e;
	int i, k, same = 0;

	ws_writer_init(&w, WS_CLIENT);
	for (i = 0; i < 200; i++) {
		ws_write(&w, b, WS_BINARY, "", 0, &e);
		memcpy(seen[i], b + 2, 4);
		for (k = 0; k < i; k++)
			same += memcmp(seen[i], seen[k], 4) == 0;
	}
	ok(same <= 1, "each frame has a key of its own");
	is_int(
	    ws_write_close(&w, b, WS_NO_CODE, &e), 6, "a close without a code");
	ws_writer_init(&w, WS_SERVER);
	is_int(ws_write_close(&w, b, WS_BROKEN, &e), 4, "and with one");
	is_mem(b, "\x88\x02\x03\xea", 4, "as RFC 6455 says");
}

int
main(void)
{
	srand(1);
	test_examples();
	test_control();
	test_hostile();
	test_message_limit();
	test_there_and_back(WS_CLIENT);
	test_there_and_back(WS_SERVER);
	test_every_cut();
	test_in_place();
	test_keys();
	return tap_done();
}
