#include "base/pool.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef _WIN32
#include <malloc.h>
#else
#include <sys/mman.h>
#endif

#include "base/err.h"
#include "base/list.h"

/*
 * Slabs of one size are cut from chunks, which start at a multiple of their
 * size, so that a slab's address tells its chunk.  A slab that is free stands
 * on its kind's list, last in first out: what was used just now is still in
 * the processor's cache.  Chunks know nothing of that: pool_trim() counts.
 */
#define CHUNK ((size_t)1 << 20)
#define PAGE  ((size_t)4096)

enum {
	/* Calls of pool_trim() that a slab must lie unused to be given back. */
	IDLE_TRIMS = 3,
	/* What one call gives back at most: about a millisecond's work each. */
	GIVE_MAX = 16,   /* chunks */
	CLEAN_MAX = 512, /* slabs */
};

struct chunk {
	struct list node; /* in pool.chunks */
	uint32_t stride;  /* from slab to slab */
	uint32_t cut;     /* slabs cut so far */
	uint32_t free;    /* for pool_trim(): slabs on the free list */
	bool young;       /* for pool_trim(): one of them was in use lately */
	bool spare;       /* for pool_trim(): is given back now */
};

#define CHUNK_HEAD ((sizeof(struct chunk) + 63) / 64 * 64)

/* What stands in the data of a free slab. */
struct idle {
	struct slab *next;
	uint32_t since; /* pool.trims when it came back */
	uint32_t clean; /* its pages have been given back */
};

struct kind {
	struct slab *free;
	struct chunk *fresh; /* the chunk that slabs are still cut from */
	uint32_t cap;
};

struct pool {
	struct budget *budget;
	struct kind kinds[2]; /* small, large */
	struct list chunks;
	size_t held;
	uint32_t trims;
};

/* A slab that is free must not be touched: let the address sanitizer see. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(POISONS)
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   __asan_poison_memory_region((p), (n))
#define UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define POISON(p, n)   ((void)0)
#define UNPOISON(p, n) ((void)0)
#endif

#ifdef _WIN32
static void *
page_get(void)
{
	return _aligned_malloc(CHUNK, CHUNK);
}

static void
page_give(void *p)
{
	_aligned_free(p);
}

static void
page_clean(void *p, size_t n)
{
	(void)p;
	(void)n;
}
#else
/* CHUNK bytes at a multiple of CHUNK: maps twice that and cuts off the ends. */
static void *
page_get(void)
{
	uint8_t *p = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t lead;

	if (p == MAP_FAILED)
		return NULL;
	lead = (CHUNK - (uintptr_t)p % CHUNK) % CHUNK;
	if (lead > 0)
		munmap(p, lead);
	munmap(p + lead + CHUNK, CHUNK - lead);
	return p + lead;
}

static void
page_give(void *p)
{
	munmap(p, CHUNK);
}

static void
page_clean(void *p, size_t n)
{
	(void)madvise(p, n, MADV_DONTNEED);
}
#endif

static struct idle *
idle_of(struct slab *s)
{
	return (struct idle *)(void *)s->data;
}

static struct chunk *
chunk_of(struct slab *s)
{
	return (struct chunk *)(void *)((char *)s - (uintptr_t)s % CHUNK);
}

struct pool *
pool_new(struct budget *b, struct err *e)
{
	struct pool *p;

	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_sys(e, "pool");
		return NULL;
	}
	p->budget = b;
	p->kinds[0].cap = POOL_SMALL;
	p->kinds[1].cap = POOL_LARGE;
	list_init(&p->chunks);
	return p;
}

static void
chunk_give(struct pool *p, struct chunk *c)
{
	for (size_t i = 0; i < 2; i++)
		if (p->kinds[i].fresh == c)
			p->kinds[i].fresh = NULL;
	list_remove(&c->node);
	UNPOISON(c, CHUNK);
	page_give(c);
}

void
pool_free(struct pool **p)
{
	struct pool *o = *p;

	*p = NULL;
	if (o == NULL)
		return;
	assert(o->held == 0);
	while (!list_empty(&o->chunks))
		chunk_give(o, LIST_OF(o->chunks.next, struct chunk, node));
	free(o);
}

/* The next slab that was never used, from a new chunk when there is none. */
static struct slab *
cut(struct pool *p, struct kind *k)
{
	struct chunk *c = k->fresh;
	struct slab *s;

	if (c == NULL) {
		if ((c = page_get()) == NULL)
			return NULL;
		c->stride = (uint32_t)sizeof(struct slab) + k->cap;
		c->cut = 0;
		list_append(&p->chunks, &c->node);
		k->fresh = c;
	}
	s = (struct slab *)(void *)((char *)c + CHUNK_HEAD +
	    (size_t)c->cut * c->stride);
	s->pool = p;
	s->cap = k->cap;
	c->cut++;
	if (CHUNK_HEAD + (size_t)(c->cut + 1) * c->stride > CHUNK)
		k->fresh = NULL;
	return s;
}

void
pool_count(struct pool *p, size_t n)
{
	p->held += n;
	if (p->budget != NULL)
		atomic_fetch_add_explicit(
		    &p->budget->held, n, memory_order_relaxed);
}

void
pool_uncount(struct pool *p, size_t n)
{
	assert(p->held >= n);
	p->held -= n;
	if (p->budget != NULL)
		atomic_fetch_sub_explicit(
		    &p->budget->held, n, memory_order_relaxed);
}

struct slab *
pool_get(struct pool *p, uint32_t cap)
{
	struct kind *k = &p->kinds[cap > POOL_SMALL];
	struct slab *s = k->free;

	assert(cap <= POOL_LARGE);
	if (s != NULL) {
		k->free = idle_of(s)->next;
		UNPOISON(s->data, s->cap);
	} else if ((s = cut(p, k)) == NULL)
		return NULL;
	s->refs = 1;
	pool_count(p, k->cap);
	return s;
}

void
slab_unref(struct slab **s)
{
	struct slab *o = *s;
	struct pool *p;
	struct kind *k;

	*s = NULL;
	if (o == NULL)
		return;
	assert(o->refs > 0);
	if (--o->refs > 0)
		return;
	p = o->pool;
	k = &p->kinds[o->cap > POOL_SMALL];
	idle_of(o)->next = k->free;
	idle_of(o)->since = p->trims;
	idle_of(o)->clean = 0;
	k->free = o;
	POISON(o->data + sizeof(struct idle), o->cap - sizeof(struct idle));
	pool_uncount(p, o->cap);
}

size_t
pool_held(const struct pool *p)
{
	return p->held;
}

unsigned
pool_pressure(const struct pool *p)
{
	const struct budget *b = p->budget;
	uint64_t held;

	if (b == NULL || b->max == 0)
		return 0;
	held = atomic_load_explicit(&b->held, memory_order_relaxed);
	/* Divide first where multiplying could overflow. */
	if (held > UINT64_MAX / 100)
		return (unsigned)(held / (b->max / 100 + 1));
	return (unsigned)(held * 100 / b->max);
}

uint64_t
pool_left(const struct pool *p)
{
	const struct budget *b = p->budget;
	uint64_t held;

	if (b == NULL || b->max == 0)
		return UINT64_MAX;
	held = atomic_load_explicit(&b->held, memory_order_relaxed);
	return held < b->max ? b->max - held : 0;
}

/* Tells every chunk how many of its slabs are free, and whether lately used. */
static void
count_free(struct pool *p)
{
	for (struct list *n = p->chunks.next; n != &p->chunks; n = n->next) {
		struct chunk *c = LIST_OF(n, struct chunk, node);

		c->free = 0;
		c->young = false;
	}
	for (size_t i = 0; i < 2; i++) {
		struct slab *s = p->kinds[i].free;

		for (; s != NULL; s = idle_of(s)->next) {
			struct chunk *c = chunk_of(s);

			c->free++;
			if (p->trims - idle_of(s)->since < IDLE_TRIMS)
				c->young = true;
		}
	}
}

/* Chooses the chunks of which nothing is out, nor was for a while. */
static void
choose_spare(struct pool *p)
{
	unsigned n = 0;

	for (struct list *at = p->chunks.next; at != &p->chunks;
	     at = at->next) {
		struct chunk *c = LIST_OF(at, struct chunk, node);

		c->spare = c->free == c->cut && !c->young && n < GIVE_MAX;
		n += c->spare;
	}
}

/* Gives back the whole pages of a slab that has long been free. */
static void
clean(struct slab *s)
{
	uintptr_t from = (uintptr_t)(s->data + sizeof(struct idle));
	uintptr_t to = (uintptr_t)(s->data + s->cap) / PAGE * PAGE;

	from = (from + PAGE - 1) / PAGE * PAGE;
	idle_of(s)->clean = 1;
	if (from < to)
		page_clean((char *)s + (from - (uintptr_t)s), to - from);
}

/* Takes the slabs of spare chunks off the free list and cleans old ones. */
static void
sift(struct pool *p, struct kind *k)
{
	struct slab **at = &k->free;
	unsigned cleaned = 0;

	while (*at != NULL) {
		struct slab *s = *at;

		if (chunk_of(s)->spare) {
			*at = idle_of(s)->next;
			continue;
		}
		if (!idle_of(s)->clean && cleaned < CLEAN_MAX &&
		    p->trims - idle_of(s)->since >= IDLE_TRIMS) {
			clean(s);
			cleaned++;
		}
		at = &idle_of(s)->next;
	}
}

void
pool_trim(struct pool *p)
{
	struct list *next;

	p->trims++;
	count_free(p);
	choose_spare(p);
	for (size_t i = 0; i < 2; i++)
		sift(p, &p->kinds[i]);
	for (struct list *n = p->chunks.next; n != &p->chunks; n = next) {
		struct chunk *c = LIST_OF(n, struct chunk, node);

		next = n->next;
		if (c->spare)
			chunk_give(p, c);
	}
}
