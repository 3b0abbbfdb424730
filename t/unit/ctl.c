/* ctl: the other messages there and back, cut everywhere, and limits. */
#include "base/err.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "tap.h"

static uint8_t wire[FRAME_MAX];
static struct err e;

static struct frame
frame(int n)
{
	struct frame f = { 0 };

	is_int(frame_decode(&f, wire, n < 0 ? 0 : (size_t)n, &e), n, "a frame");
	return f;
}

static void
fill_config(struct proto_config *c)
{
	memset(c, 0, sizeof(*c));
	c->tunnel = 9;
	c->revision = 3;
	c->last = true;
	c->kind = PROTO_BOTH;
	c->state = PROTO_ACTIVE;
	c->proxy = PROTO_PROXY_V2;
	c->target_port = 25565;
	c->has_nonce = true;
	memset(c->nonce, 0x55, sizeof(c->nonce));
	strcpy(c->name, "Minecraft");
	strcpy(c->target_host, "127.0.0.1");
	strcpy(c->public_addr, "example.org:23456");
	strcpy(c->verify_url, "https://example.org/verify/abc");
	strcpy(c->sentence,
	    "Gr\xc3\xbc\xc3\x9f"
	    "e");
}

static void
test_config(void)
{
	struct proto_config a, b;
	struct frame f;

	fill_config(&a);
	f = frame(config_encode(wire, sizeof(wire), &a, &e));
	ok(f.type == FRAME_CONFIG && f.flags == FRAME_LAST && f.stream == 9 &&
		f.offset == 3,
	    "CONFIG's head");
	is_int(config_decode(&b, &f, &e), 0, "is read");
	is_mem(&a, &b, sizeof(a), "the same");
	f.body += 4;
	f.len = (uint16_t)(f.len - 4);
	is_int(config_decode(&b, &f, &e), -1, "without a kind it is refused");
	a.state = 0;
	is_int(config_encode(wire, sizeof(wire), &a, &e), -1, "nor sent");
	fill_config(&a);
	a.kind = PROTO_HTTP + 1;
	is_int(config_encode(wire, sizeof(wire), &a, &e), -1, "kind 5");
	fill_config(&a);
	a.tunnel = 0;
	is_int(config_encode(wire, sizeof(wire), &a, &e), -1,
	    "tunnel 0 has no kind");
}

static void
test_config_empty(void)
{
	struct proto_config a, b;
	struct frame f;

	memset(&a, 0, sizeof(a));
	a.tunnel = 9;
	a.revision = 4;
	a.gone = true;
	f = frame(config_encode(wire, sizeof(wire), &a, &e));
	is_int(f.len, 0, "a tunnel that is gone needs no fields");
	is_int(config_decode(&b, &f, &e), 0, "it is read");
	is_mem(&a, &b, sizeof(a), "the same");
	memset(&a, 0, sizeof(a));
	a.last = true;
	f = frame(config_encode(wire, sizeof(wire), &a, &e));
	is_int(config_decode(&b, &f, &e), 0, "no tunnel at all");
	is_mem(&a, &b, sizeof(a), "the same");
	f.flags = 0;
	is_int(config_decode(&b, &f, &e), -1, "tunnel 0 is the last");
}

static void
test_report(void)
{
	struct proto_report a, b;
	struct frame f;
	int i, whole = 0;

	memset(&a, 0, sizeof(a));
	a.tunnel = 9;
	a.revision = 3;
	a.lamp = PROTO_LAMP_SERVICE;
	a.light = PROTO_RED;
	a.code = CODE_REFUSED;
	strcpy(a.sentence, "127.0.0.1:25565 refused the connection");
	f = frame(report_encode(wire, sizeof(wire), &a, &e));
	is_int(report_decode(&b, &f, &e), 0, "REPORT is read");
	is_mem(&a, &b, sizeof(a), "the same");
	for (i = f.len - 1; i >= 0; i--) {
		f.len = (uint16_t)i;
		whole += report_decode(&b, &f, &e) == 0;
	}
	is_int(whole, 2, "cut it is whole behind keys 2 and 3 only");
	a.lamp = 3;
	is_int(report_encode(wire, sizeof(wire), &a, &e), -1, "lamp 3");
}

static void
test_open(void)
{
	struct proto_open a, b;
	struct frame f;
	int i, whole = 0;

	memset(&a, 0, sizeof(a));
	a.stream = 0xffffffff;
	a.kind = PROTO_UDP;
	a.tunnel = 9;
	memset(a.visitor, 1, sizeof(a.visitor));
	memset(a.local, 2, sizeof(a.local));
	f = frame(open_encode(wire, sizeof(wire), &a, &e));
	is_int(f.len, 53, "OPEN's body");
	is_int(open_decode(&b, &f, &e), 0, "is read");
	is_mem(&a, &b, sizeof(a), "the same");
	for (i = f.len - 1; i >= 0; i--) {
		f.len = (uint16_t)i;
		whole += open_decode(&b, &f, &e) == 0;
	}
	is_int(whole, 0, "cut it is never whole");
	a.kind = PROTO_BOTH;
	is_int(open_encode(wire, sizeof(wire), &a, &e), -1, "kind both");
	a.kind = PROTO_TCP;
	a.tunnel = 0;
	is_int(open_encode(wire, sizeof(wire), &a, &e), -1, "tunnel 0");
}

static void
test_goaway(void)
{
	struct proto_goaway a, b;
	struct frame f;

	memset(&a, 0, sizeof(a));
	a.code = CODE_CLOSING;
	a.deadline_ms = 30000;
	strcpy(a.sentence, "The relay restarts.");
	f = frame(goaway_encode(wire, sizeof(wire), &a, &e));
	is_int(goaway_decode(&b, &f, &e), 0, "GOAWAY is read");
	is_mem(&a, &b, sizeof(a), "the same");
	a.code = 0;
	is_int(goaway_encode(wire, sizeof(wire), &a, &e), -1, "no code");
}

static void
test_reset(void)
{
	char sentence[PROTO_TEXT_MAX + 1], longest[PROTO_TEXT_MAX + 2];
	struct frame f;
	uint16_t code;

	f = frame(
	    reset_encode(wire, sizeof(wire), 7, CODE_NAME, "why", true, &e));
	ok(f.type == FRAME_RESET && f.flags == FRAME_ANSWER && f.stream == 7 &&
		f.len == 5,
	    "RESET's head");
	is_int(reset_decode(&code, sentence, &f, &e), 0, "is read");
	is_int(code, CODE_NAME, "its code");
	is_str(sentence, "why", "its sentence");
	f.len = 2;
	is_int(reset_decode(&code, sentence, &f, &e), 0, "a sentence may lack");
	is_str(sentence, "", "and is empty");
	f.len = 1;
	is_int(reset_decode(&code, sentence, &f, &e), -1, "a code may not");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[PROTO_TEXT_MAX + 1] = '\0';
	is_int(reset_encode(wire, sizeof(wire), 7, 1, longest, false, &e), -1,
	    "a sentence of 256 bytes");
	longest[PROTO_TEXT_MAX] = '\0';
	f = frame(reset_encode(wire, sizeof(wire), 7, 1, longest, false, &e));
	is_int(reset_decode(&code, sentence, &f, &e), 0, "one of 255");
	is_str(sentence, longest, "is kept whole");
	wire[FRAME_HEAD + 2] = '\n';
	is_int(reset_decode(&code, sentence, &f, &e), -1, "a line break");
	is_int(reset_encode(wire, sizeof(wire), 7, 1, "\x1b", false, &e), -1,
	    "is not sent either");
	is_int(reset_encode(wire, FRAME_HEAD + 1, 7, 1, NULL, false, &e), -1,
	    "no room");
	is_int(reset_encode(wire, FRAME_HEAD + 2, 7, 1, NULL, false, &e),
	    FRAME_HEAD + 2, "just room");
}

static void
test_resume(void)
{
	static const uint8_t want[RESUME_ENTRY] = { 1, 2, 3, 4, 0, 3, 0, 16,
		0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22,
		0x23, 0x24, 0x25, 0x26, 0x27, 0x28 };
	struct resume_entry a,
	    b = {
		    .stream = 0x01020304,
		    .flags = RESUME_END | RESUME_RESET,
		    .code = CODE_RESET,
		    .received = 0x1112131415161718,
		    .limit = 0x2122232425262728,
	    };
	uint8_t p[RESUME_ENTRY];

	resume_put(p, &b);
	is_mem(p, want, sizeof(want), "an entry byte for byte");
	resume_get(&a, p);
	ok(a.stream == b.stream && a.flags == b.flags && a.code == b.code &&
		a.received == b.received && a.limit == b.limit,
	    "and back");
}

int
main(void)
{
	test_config();
	test_config_empty();
	test_report();
	test_open();
	test_goaway();
	test_reset();
	test_resume();
	return tap_done();
}
