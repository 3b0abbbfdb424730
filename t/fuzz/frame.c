/* frame: any bytes as a link's stream; what is read is written the same. */
#include <string.h>

#include "base/err.h"
#include "must.h"
#include "proto/ctl.h"
#include "proto/frame.h"

static void
check_entries(const struct frame *f)
{
	struct resume_entry r;
	uint8_t again[RESUME_ENTRY];
	size_t i;

	for (i = 0; i < f->len; i += RESUME_ENTRY) {
		resume_get(&r, f->body + i);
		resume_put(again, &r);
		MUST(memcmp(again, f->body + i, RESUME_ENTRY) == 0);
	}
}

static void
check_frame(const struct frame *f, const uint8_t *p, size_t span)
{
	uint8_t head[FRAME_HEAD];
	struct frame cut;
	struct err e;

	MUST(span == FRAME_HEAD + (size_t)f->len && span <= FRAME_MAX);
	frame_head(head, f);
	MUST(memcmp(head, p, FRAME_HEAD) == 0);
	MUST(frame_decode(&cut, p, span - 1, &e) == 0);
	MUST(frame_decode(&cut, p, FRAME_HEAD - 1, &e) == 0);
	if (f->type < FRAME_SKIPPED)
		MUST(strcmp(frame_name(f->type), "unknown") != 0);
	if (f->type == FRAME_RESUME)
		check_entries(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct frame f;
	struct err e;
	int span;

	while ((span = frame_decode(&f, p, n, &e)) > 0) {
		MUST((size_t)span <= n);
		check_frame(&f, p, (size_t)span);
		p += span;
		n -= (size_t)span;
	}
	return 0;
}
