/*
 * pool: blocks of bytes ("slabs") that are counted, shared by reference and
 * given back to the system after a peak.  A pool belongs to one thread; the
 * budget that it counts against may be shared by many.
 *
 * Two sizes: a large slab holds one full record of the wire (frame head and
 * body), a small one holds the odd kilobyte of somebody's typing, so that a
 * keystroke never keeps 16 kB busy.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct pool;

enum {
	POOL_LARGE = 16384, /* bytes in a large slab: one full record */
	POOL_SMALL = 1024,  /* bytes in a small slab */
};

/* How many bytes all pools together may hold, and how many they do. */
struct budget {
	_Atomic uint64_t held;
	uint64_t max; /* 0: no limit */
};

struct slab {
	struct pool *pool;
	uint32_t refs;
	uint32_t cap; /* POOL_LARGE or POOL_SMALL */
	uint8_t data[];
};

/* b may be NULL (nothing is counted) and must outlive the pool. */
struct pool *pool_new(struct budget *b, struct err *e);

/* Every slab must have come back. */
void pool_free(struct pool **p);

/* A slab with one reference, or NULL when the system has no memory. */
struct slab *pool_get(struct pool *p, uint32_t cap);

static inline struct slab *
slab_ref(struct slab *s)
{
	s->refs++;
	return s;
}

/* Gives up one reference and leaves NULL behind; NULL is welcome. */
void slab_unref(struct slab **s);

/*
 * So many bytes outside of slabs are held as well, or (pool_uncount) no more.
 */
void pool_count(struct pool *p, size_t n);
void pool_uncount(struct pool *p, size_t n);

/* Bytes in slabs that are out (whole slabs count), and what was counted. */
size_t pool_held(const struct pool *p);

/* How full the budget is, in percent (0 without a limit; may pass 100). */
unsigned pool_pressure(const struct pool *p);

/* Bytes of the budget that nobody holds; UINT64_MAX without a limit. */
uint64_t pool_left(const struct pool *p);

/*
 * Gives what has not been needed lately back to the system; call it every
 * few seconds.
 */
void pool_trim(struct pool *p);

#endif
