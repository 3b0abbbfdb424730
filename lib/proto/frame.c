#include "proto/frame.h"

#include "base/err.h"

/* What a head may say, whatever has happened on the link before. */
struct rule {
	const char *name;
	uint16_t len_min;
	uint16_t len_max;
	uint16_t len_unit; /* the length is a multiple of it */
	uint32_t stream_min;
	uint32_t stream_max;
	uint64_t offset_min;
	uint64_t offset_max;
	uint8_t spans; /* 1: offset + length is bound by offset_max too */
};

enum {
	DATAGRAM_MAX = 65507,
	RESUME_UNIT = 24,
	SENTENCE_MAX = 255,
	LINK_MAX = 255,
	LINKS_MAX = 4,
};

#define ANY32 UINT32_MAX
#define ANY64 UINT64_MAX
#define BODY  FRAME_BODY_MAX

static const struct rule rules[] = {
	/* name, length: min, max, unit; stream: min, max; offset: min, max */
	[FRAME_HELLO] = { "HELLO", 0, FRAME_HELLO_MAX - FRAME_HEAD, 1, 0, 0, 0,
	    0, 0 },
	[FRAME_WELCOME] = { "WELCOME", 0, BODY, 1, 0, 0, 0, ANY64, 0 },
	[FRAME_REJECT] = { "REJECT", 0, BODY, 1, 0, 0, 0, 0, 0 },
	[FRAME_PING] = { "PING", 0, 0, 1, 0, 0, 0, ANY64, 0 },
	[FRAME_PONG] = { "PONG", 0, 0, 1, 0, 0, 0, ANY64, 0 },
	[FRAME_CONFIG] = { "CONFIG", 0, BODY, 1, 0, ANY32, 0, ANY64, 0 },
	[FRAME_REPORT] = { "REPORT", 0, BODY, 1, 1, ANY32, 0, ANY64, 0 },
	[FRAME_OPEN] = { "OPEN", 0, BODY, 1, 1, ANY32, 0, 0, 0 },
	[FRAME_DATA] = { "DATA", 1, BODY, 1, 1, ANY32, 0, ANY64, 1 },
	[FRAME_ACK] = { "ACK", 8, 8, 1, 1, ANY32, 0, ANY64, 0 },
	[FRAME_FIN] = { "FIN", 0, 0, 1, 1, ANY32, 0, ANY64, 0 },
	[FRAME_RESET] = { "RESET", 2, 2 + SENTENCE_MAX, 1, 1, ANY32, 0, 0, 0 },
	[FRAME_DGRAM] = { "DGRAM", 0, BODY, 1, 1, ANY32, 0, DATAGRAM_MAX, 1 },
	[FRAME_RESUME] = { "RESUME", 0, BODY, RESUME_UNIT, 0, ANY32, 1, ANY64,
	    0 },
	[FRAME_LOST] = { "LOST", 0, 0, 1, 1, LINK_MAX, 0, 0, 0 },
	[FRAME_LINKS] = { "LINKS", 0, 0, 1, 0, 0, 1, LINKS_MAX, 0 },
	[FRAME_GOAWAY] = { "GOAWAY", 0, BODY, 1, 0, 0, 0, 0, 0 },
};

/* The rule of a type, or NULL when it has none. */
static const struct rule *
rule_of(uint8_t type)
{
	if (type >= sizeof(rules) / sizeof(rules[0]) ||
	    rules[type].name == NULL)
		return NULL;
	return &rules[type];
}

static int
check(const struct rule *r, const struct frame *f, struct err *e)
{
	uint64_t room = r->offset_max - (r->spans ? f->len : 0);

	if (f->len < r->len_min || f->len > r->len_max ||
	    f->len % r->len_unit != 0)
		return err_set(
		    e, "%s with a body of %d bytes", r->name, f->len);
	if (f->stream < r->stream_min || f->stream > r->stream_max)
		return err_set(
		    e, "%s with stream %lu", r->name, (unsigned long)f->stream);
	if (f->offset < r->offset_min || f->offset > room)
		return err_set(e, "%s with offset %llu", r->name,
		    (unsigned long long)f->offset);
	return 0;
}

int
frame_decode(struct frame *f, const uint8_t *p, size_t n, struct err *e)
{
	const struct rule *r;

	if (n < FRAME_HEAD)
		return 0;
	f->type = p[0];
	f->flags = p[1];
	f->len = get16(p + 2);
	f->stream = get32(p + 4);
	f->offset = get64(p + 8);
	f->body = p + FRAME_HEAD;
	if (f->len > FRAME_BODY_MAX)
		return err_set(e, "frame type %d with a body of %d bytes",
		    f->type, f->len);
	if ((r = rule_of(f->type)) == NULL && f->type < FRAME_SKIPPED)
		return err_set(e, "frame type %d is unknown", f->type);
	if (r != NULL && check(r, f, e) < 0)
		return -1;
	if (n - FRAME_HEAD < f->len)
		return 0;
	return FRAME_HEAD + f->len;
}

void
frame_head(uint8_t out[FRAME_HEAD], const struct frame *f)
{
	out[0] = f->type;
	out[1] = f->flags;
	put16(out + 2, f->len);
	put32(out + 4, f->stream);
	put64(out + 8, f->offset);
}

const char *
frame_name(uint8_t type)
{
	const struct rule *r = rule_of(type);

	return r == NULL ? "unknown" : r->name;
}
