/* hello: HELLO, WELCOME, REJECT; read, written, read: equal. */
#include <string.h>

#include "base/err.h"
#include "must.h"
#include "proto/frame.h"
#include "proto/hello.h"

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

AGAIN(proto_hello, hello)
AGAIN(proto_welcome, welcome)
AGAIN(proto_reject, reject)

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct frame f;
	struct err e;

	if (frame_decode(&f, p, n, &e) <= 0)
		return 0;
	if (f.type == FRAME_HELLO)
		again_hello(&f);
	if (f.type == FRAME_WELCOME)
		again_welcome(&f);
	if (f.type == FRAME_REJECT)
		again_reject(&f);
	return 0;
}
