/*
 * buf: bytes that come in at the end and leave at the front, in one piece of
 * memory that grows up to a limit.  Empty it holds no memory.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct buf {
	uint8_t *mem;
	size_t head; /* first byte that is still here */
	size_t tail; /* behind the last byte */
	size_t cap;
	size_t max; /* bytes it may hold */
};

/* An empty one that will hold at most max bytes.  Allocates nothing. */
void buf_init(struct buf *b, size_t max);

/* Gives the memory back; the buf is empty and may be used again. */
void buf_free(struct buf *b);

/* The bytes, and how many. */
static inline uint8_t *
buf_data(const struct buf *b)
{
	return b->mem == NULL ? NULL : b->mem + b->head;
}

static inline size_t
buf_len(const struct buf *b)
{
	return b->tail - b->head;
}

/*
 * Room for n more bytes at the end: a pointer to write them to, to be followed
 * by buf_added().  NULL when the limit or the memory does not allow it.
 */
uint8_t *buf_room(struct buf *b, size_t n, struct err *e);
void buf_added(struct buf *b, size_t n);

/* Appends.  -1 when the limit or the memory does not allow it. */
int buf_add(struct buf *b, const void *p, size_t n, struct err *e);

/* Forgets n bytes at the front; gives a large block back when none is left. */
void buf_drop(struct buf *b, size_t n);

#endif
