/* frame: heads, cuts, and what each type may not say. */
#include "base/err.h"
#include "proto/frame.h"
#include "tap.h"

static uint8_t wire[FRAME_MAX + 1];
static struct err e;

struct head {
	uint8_t type;
	uint16_t len;
	uint32_t stream;
	uint64_t offset;
};

/* What frame_decode says to this head with a body of zeros. */
static int
decode(const struct head *h, struct frame *f_out)
{
	struct frame f = {
		.type = h->type,
		.flags = 0xff,
		.len = h->len,
		.stream = h->stream,
		.offset = h->offset,
	};

	memset(wire, 0, sizeof(wire));
	frame_head(wire, &f);
	return frame_decode(f_out, wire, sizeof(wire), &e);
}

static const struct head good[] = {
	{ FRAME_HELLO, 4080, 0, 0 },
	{ FRAME_WELCOME, 16368, 0, UINT64_MAX },
	{ FRAME_REJECT, 0, 0, 0 },
	{ FRAME_PING, 0, 0, UINT64_MAX },
	{ FRAME_PONG, 0, 0, 0 },
	{ FRAME_CONFIG, 10, 0, 0 },
	{ FRAME_CONFIG, 16368, UINT32_MAX, UINT64_MAX },
	{ FRAME_REPORT, 0, 1, 1 },
	{ FRAME_OPEN, 0, UINT32_MAX, 0 },
	{ FRAME_DATA, 1, 1, 0 },
	{ FRAME_DATA, 16368, 1, UINT64_MAX - 16368 },
	{ FRAME_ACK, 8, 1, UINT64_MAX },
	{ FRAME_FIN, 0, 1, UINT64_MAX },
	{ FRAME_RESET, 2, 1, 0 },
	{ FRAME_RESET, 257, 1, 0 },
	{ FRAME_DGRAM, 0, 1, 0 },
	{ FRAME_DGRAM, 16368, 1, 65507 - 16368 },
	{ FRAME_RESUME, 0, 0, 1 },
	{ FRAME_RESUME, 16368, UINT32_MAX, UINT64_MAX },
	{ FRAME_LOST, 0, 255, 0 },
	{ FRAME_LINKS, 0, 0, 4 },
	{ FRAME_GOAWAY, 0, 0, 0 },
	{ 0x80, 0, 0, 0 },
	{ 0xff, 16368, UINT32_MAX, UINT64_MAX },
};

static const struct head bad[] = {
	{ 0x00, 0, 0, 0 },
	{ 0x12, 0, 0, 0 },
	{ 0x7f, 0, 0, 0 },
	{ 0x80, 16369, 0, 0 },
	{ 0xff, 65535, 0, 0 },
	{ FRAME_HELLO, 4081, 0, 0 },
	{ FRAME_HELLO, 10, 1, 0 },
	{ FRAME_HELLO, 10, 0, 1 },
	{ FRAME_WELCOME, 16369, 0, 0 },
	{ FRAME_WELCOME, 10, 1, 0 },
	{ FRAME_REJECT, 10, 1, 0 },
	{ FRAME_REJECT, 10, 0, 1 },
	{ FRAME_PING, 1, 0, 0 },
	{ FRAME_PING, 0, 1, 0 },
	{ FRAME_PONG, 1, 0, 0 },
	{ FRAME_PONG, 0, 1, 0 },
	{ FRAME_REPORT, 0, 0, 1 },
	{ FRAME_OPEN, 0, 0, 0 },
	{ FRAME_OPEN, 0, 1, 1 },
	{ FRAME_DATA, 0, 1, 0 },
	{ FRAME_DATA, 16369, 1, 0 },
	{ FRAME_DATA, 1, 0, 0 },
	{ FRAME_DATA, 2, 1, UINT64_MAX - 1 },
	{ FRAME_ACK, 7, 1, 0 },
	{ FRAME_ACK, 9, 1, 0 },
	{ FRAME_ACK, 8, 0, 0 },
	{ FRAME_FIN, 1, 1, 0 },
	{ FRAME_FIN, 0, 0, 0 },
	{ FRAME_RESET, 1, 1, 0 },
	{ FRAME_RESET, 258, 1, 0 },
	{ FRAME_RESET, 2, 0, 0 },
	{ FRAME_RESET, 2, 1, 1 },
	{ FRAME_DGRAM, 1, 0, 0 },
	{ FRAME_DGRAM, 1, 1, 65507 },
	{ FRAME_DGRAM, 0, 1, UINT64_MAX },
	{ FRAME_RESUME, 23, 1, 1 },
	{ FRAME_RESUME, 25, 1, 1 },
	{ FRAME_RESUME, 24, 1, 0 },
	{ FRAME_LOST, 0, 0, 0 },
	{ FRAME_LOST, 0, 256, 0 },
	{ FRAME_LOST, 1, 1, 0 },
	{ FRAME_LOST, 0, 1, 1 },
	{ FRAME_LINKS, 0, 0, 0 },
	{ FRAME_LINKS, 0, 0, 5 },
	{ FRAME_LINKS, 0, 1, 1 },
	{ FRAME_LINKS, 1, 0, 1 },
	{ FRAME_GOAWAY, 0, 1, 0 },
	{ FRAME_GOAWAY, 0, 0, 1 },
};

static void
claim(char *to, size_t cap, const struct head *h, const char *what)
{
	snprintf(to, cap,
	    "type %02x, length %d, stream %" PRIu32 ", offset %" PRIu64 ": %s",
	    h->type, h->len, h->stream, h->offset, what);
}

static void
test_heads(void)
{
	struct frame f;
	char text[128];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		claim(text, sizeof(text), &good[i], "taken");
		is_int(decode(&good[i], &f), FRAME_HEAD + good[i].len, text);
		ok(f.type == good[i].type && f.flags == 0xff &&
			f.len == good[i].len && f.stream == good[i].stream &&
			f.offset == good[i].offset &&
			f.body == wire + FRAME_HEAD,
		    "and says so");
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		claim(text, sizeof(text), &bad[i], "refused");
		e.text[0] = '\0';
		is_int(decode(&bad[i], &f), -1, text);
		ok(e.text[0] != '\0', "with a reason");
		is_int(frame_decode(&f, wire, FRAME_HEAD, &e), -1,
		    "before its body has come");
	}
}

/* Every type but the known ones: below 0x80 refused, above taken. */
static void
test_types(void)
{
	struct head h = { 0 };
	struct frame f;
	unsigned t, wrong = 0;

	for (t = FRAME_GOAWAY + 1; t <= 0xff; t++) {
		h.type = (uint8_t)t;
		if (decode(&h, &f) != (t < FRAME_SKIPPED ? -1 : FRAME_HEAD) ||
		    strcmp(frame_name((uint8_t)t), "unknown") != 0)
			wrong++;
	}
	is_int(wrong, 0, "all unknown types");
	is_str(frame_name(0), "unknown", "type 0 has no name");
	is_str(frame_name(FRAME_DATA), "DATA", "DATA has one");
	is_str(frame_name(FRAME_GOAWAY), "GOAWAY", "GOAWAY has one");
}

static void
test_bytes(void)
{
	static const uint8_t want[] = { 0x09, 0x80, 0x00, 0x05, 0x01, 0x02,
		0x03, 0x04, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 'h',
		'e', 'l', 'l', 'o' };
	struct frame f = {
		.type = FRAME_DATA,
		.flags = 0x80,
		.len = 5,
		.stream = 0x01020304,
		.offset = 0x1112131415161718,
	};
	uint8_t head[FRAME_HEAD];
	size_t n;

	frame_head(head, &f);
	is_mem(head, want, sizeof(head), "a head in network order");
	for (n = 0; n < sizeof(want); n++)
		is_int(frame_decode(&f, want, n, &e), 0, "a cut frame waits");
	memset(&f, 0, sizeof(f));
	is_int(frame_decode(&f, want, sizeof(want), &e), sizeof(want), "whole");
	ok(f.stream == 0x01020304 && f.offset == 0x1112131415161718 &&
		f.flags == 0x80 && f.body == want + FRAME_HEAD,
	    "it is read");
}

int
main(void)
{
	test_heads();
	test_types();
	test_bytes();
	return tap_done();
}
