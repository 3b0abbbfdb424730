/* ctl: CONFIG, REPORT, OPEN, GOAWAY, RESET; read, written, read: equal. */
#include <string.h>

#include "base/err.h"
#include "must.h"
#include "proto/ctl.h"
#include "proto/frame.h"

static uint8_t wire[FRAME_MAX];

/* Reads f into A, writes A, reads that into B: both are the same. */
#define AGAIN(S, NAME)                                            \
	static void again_##NAME(const struct frame *f)           \
	{                                                         \
		static struct S a, b;                             \
		struct frame g;                                   \
		struct err e;                                     \
		int n;                                            \
                                                                  \
		if (NAME##_decode(&a, f, &e) < 0)                 \
			return;                                   \
		n = NAME##_encode(wire, sizeof(wire), &a, &e);    \
		MUST(n > 0);                                      \
		MUST(frame_decode(&g, wire, (size_t)n, &e) == n); \
		MUST(NAME##_decode(&b, &g, &e) == 0);             \
		MUST(memcmp(&a, &b, sizeof(a)) == 0);             \
	}

AGAIN(proto_config, config)
AGAIN(proto_report, report)
AGAIN(proto_open, open)
AGAIN(proto_goaway, goaway)

static void
again_reset(const struct frame *f, const uint8_t *p, int span)
{
	char sentence[PROTO_TEXT_MAX + 1];
	struct err e;
	uint16_t code;
	uint8_t flags = f->flags & FRAME_ANSWER;

	if (reset_decode(&code, sentence, f, &e) < 0)
		return;
	MUST(reset_encode(wire, sizeof(wire), f->stream, code, sentence,
		 flags != 0, &e) == span);
	wire[1] = f->flags; /* flags without a meaning are not kept */
	MUST(memcmp(wire, p, (size_t)span) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct frame f;
	struct err e;
	int span = frame_decode(&f, p, n, &e);

	if (span <= 0)
		return 0;
	if (f.type == FRAME_CONFIG)
		again_config(&f);
	if (f.type == FRAME_REPORT)
		again_report(&f);
	if (f.type == FRAME_OPEN)
		again_open(&f);
	if (f.type == FRAME_GOAWAY)
		again_goaway(&f);
	if (f.type == FRAME_RESET)
		again_reset(&f, p, span);
	return 0;
}
