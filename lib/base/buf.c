#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum {
	FIRST = 256, /* bytes of the first block */
	KEEP = 4096, /* a block up to this stays with an empty buf */
};

void
buf_init(struct buf *b, size_t max)
{
	memset(b, 0, sizeof(*b));
	b->max = max;
}

void
buf_free(struct buf *b)
{
	free(b->mem);
	buf_init(b, b->max);
}

/* Moves the bytes to the front of the block. */
static void
close_gap(struct buf *b)
{
	size_t len = buf_len(b);

	if (b->mem == NULL || b->head == 0)
		return;
	if (len > 0)
		memmove(b->mem, b->mem + b->head, len);
	b->head = 0;
	b->tail = len;
}

/* A longer block, at least twice as long, as far as the limit allows. */
static int
grow(struct buf *b, size_t want, struct err *e)
{
	size_t cap = b->cap == 0  ? FIRST
	    : b->cap > b->max / 2 ? b->max
				  : b->cap * 2;
	uint8_t *mem;

	if (cap < want)
		cap = want;
	if (cap > b->max)
		cap = b->max;
	if ((mem = realloc(b->mem, cap)) == NULL)
		return err_sys(e, "no memory for a buffer of %zu bytes", cap);
	b->mem = mem;
	b->cap = cap;
	return 0;
}

uint8_t *
buf_room(struct buf *b, size_t n, struct err *e)
{
	size_t len = buf_len(b);

	if (n > b->max - len) {
		err_set(e, "%zu bytes more than the %zu that may wait here",
		    n - (b->max - len), b->max);
		return NULL;
	}
	if (b->mem != NULL && n <= b->cap - b->tail)
		return b->mem + b->tail;
	/*
	 * A small gap is not worth closing while the block may grow: a byte
	 * in, a byte out would move everything each time.
	 */
	if (b->mem == NULL || n > b->cap - len ||
	    (b->head < b->cap / 2 && b->cap < b->max)) {
		close_gap(b);
		if (grow(b, len + n, e) != 0)
			return NULL;
	}
	close_gap(b);
	return b->mem + b->tail;
}

void
buf_added(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->tail);
	b->tail += n;
}

int
buf_add(struct buf *b, const void *p, size_t n, struct err *e)
{
	uint8_t *to;

	if (n == 0)
		return 0;
	if ((to = buf_room(b, n, e)) == NULL)
		return -1;
	memcpy(to, p, n);
	buf_added(b, n);
	return 0;
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= buf_len(b));
	b->head += n;
	if (b->head < b->tail)
		return;
	b->head = b->tail = 0;
	if (b->cap > KEEP)
		buf_free(b);
}
