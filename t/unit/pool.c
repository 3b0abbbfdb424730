#include "base/pool.h"

#include <stdlib.h>

#include <pthread.h>
#include <unistd.h>

#include "base/err.h"
#include "tap.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOWED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    defined(T_ALONE)
#define SHADOWED 1
#endif

/* Bytes of this process that are in memory, by the system's account. */
static long
resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all = 0, here = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%ld %ld", &all, &here) != 2)
		here = 0;
	fclose(f);
	return here * sysconf(_SC_PAGESIZE);
}

/*
 * A claim about resident(), which means nothing beside shadow memory, or on a
 * system that counts otherwise.
 */
static void
ok_resident(bool good, const char *claim)
{
#ifdef SHADOWED
	(void)good;
	printf("# not tried here: %s\n", claim);
#else
	ok(good, claim);
#endif
}

static void
test_refs(void)
{
	struct budget b = { .max = 100000 };
	struct pool *p = pool_new(&b, NULL);
	struct slab *s = pool_get(p, POOL_LARGE), *again, *none = NULL;
	struct slab *small = pool_get(p, POOL_SMALL), *first = s;

	is_int(s->refs, 1, "a slab comes with one reference");
	is_int(s->cap, POOL_LARGE, "large");
	is_int(small->cap, POOL_SMALL, "small");
	memset(s->data, 1, s->cap);
	memset(small->data, 2, small->cap);
	ok(s->data[s->cap - 1] == 1 && small->data[0] == 2, "they are apart");
	is_int(pool_held(p), POOL_LARGE + POOL_SMALL, "held bytes are counted");
	is_int(b.held, POOL_LARGE + POOL_SMALL, "in the budget too");
	is_int(pool_pressure(p), 17, "pressure in percent");
	is_int(pool_left(p), 100000 - POOL_LARGE - POOL_SMALL,
	    "what nobody holds is left");
	b.max = POOL_LARGE;
	is_int(pool_left(p), 0, "nothing is left of what is overdrawn");
	b.max = 100000;
	again = slab_ref(s);
	slab_unref(&s);
	ok(s == NULL, "the owner's pointer is cleared");
	is_int(pool_held(p), POOL_LARGE + POOL_SMALL, "one reference is left");
	slab_unref(&again);
	is_int(pool_held(p), POOL_SMALL, "the last one gives it back");
	slab_unref(&none);
	s = pool_get(p, POOL_LARGE);
	ok(s == first, "the last that came back is the next to go");
	slab_unref(&s);
	slab_unref(&small);
	is_int(b.held, 0, "all is back");
	pool_free(&p);
	ok(p == NULL, "the pool is gone");
	pool_free(&p);
}

/* After a peak the memory returns to the system, whether chunks empty or not. */
static void
test_peak(void)
{
	enum { MANY = 4000 };
	static struct slab *all[MANY];
	struct pool *p = pool_new(NULL, NULL);
	long before = resident(), peak, after;
	bool good = true;

	is_int(pool_pressure(p), 0, "no budget, no pressure");
	ok(pool_left(p) == UINT64_MAX, "without a limit all is left");
	for (size_t i = 0; i < MANY; i++) {
		good = good && (all[i] = pool_get(p, POOL_LARGE)) != NULL;
		memset(all[i]->data, (int)i, all[i]->cap);
	}
	ok(good, "4000 large slabs");
	for (size_t i = 0; i < MANY; i++)
		good = good && all[i]->data[0] == (uint8_t)i &&
		    all[i]->data[POOL_LARGE - 1] == (uint8_t)i;
	ok(good, "none touches another");
	peak = resident();
	for (size_t i = 0; i < MANY; i++)
		if (i % 63 != 0)
			slab_unref(&all[i]);
	for (int i = 0; i < 30; i++)
		pool_trim(p);
	after = resident();
	ok_resident(peak - before > MANY * 15000L, "the peak is seen");
	ok_resident(after - before < (peak - before) / 2,
	    "scattered slabs do not keep the pages of their neighbours");
	for (size_t i = 0; i < MANY; i += 63)
		good = good && all[i]->data[POOL_LARGE - 1] == (uint8_t)i;
	ok(good, "those that are out keep their bytes");
	for (size_t i = 1; i < 64; i++)
		if (all[i] == NULL) {
			all[i] = pool_get(p, POOL_LARGE);
			memset(all[i]->data, 7, all[i]->cap);
		}
	for (size_t i = 0; i < MANY; i++)
		slab_unref(&all[i]);
	is_int(pool_held(p), 0, "all is back");
	for (int i = 0; i < 30; i++)
		pool_trim(p);
	after = resident();
	ok_resident(
	    after - before < (peak - before) / 20, "empty chunks go back");
	all[0] = pool_get(p, POOL_SMALL);
	ok(all[0] != NULL, "it serves again");
	slab_unref(&all[0]);
	pool_free(&p);
}

/* Slabs that are in use again and again are never given back. */
static void
test_busy(void)
{
	struct pool *p = pool_new(NULL, NULL);
	struct slab *s = pool_get(p, POOL_SMALL), *first = s;
	bool good = true;

	slab_unref(&s);
	for (int i = 0; i < 100; i++) {
		pool_trim(p);
		s = pool_get(p, POOL_SMALL);
		good = good && s == first;
		slab_unref(&s);
	}
	ok(good, "what is used between trims stays");
	pool_free(&p);
}

/* At random against a simple account. */
static void
test_random(void)
{
	enum { SLOTS = 300 };
	static struct slab *slot[SLOTS];
	static uint8_t mark[SLOTS];
	struct budget b = { .max = 0 };
	struct pool *p = pool_new(&b, NULL);
	size_t want = 0;
	bool good = true;
	uint32_t r = 1;

	for (unsigned i = 0; i < 100000; i++) {
		uint32_t at = (r = r * 1664525 + 1013904223) >> 8;
		uint32_t k = at % SLOTS;

		if (slot[k] != NULL) {
			good = good && slot[k]->data[0] == mark[k] &&
			    slot[k]->data[slot[k]->cap - 1] == mark[k];
			want -= slot[k]->cap;
			slab_unref(&slot[k]);
		} else {
			slot[k] =
			    pool_get(p, at & 0x80000 ? POOL_LARGE : POOL_SMALL);
			mark[k] = (uint8_t)i;
			slot[k]->data[0] = mark[k];
			slot[k]->data[slot[k]->cap - 1] = mark[k];
			want += slot[k]->cap;
		}
		if (i % 997 == 0)
			pool_trim(p);
		good = good && pool_held(p) == want && b.held == want;
	}
	ok(good, "100000 random steps leave every byte and sum right");
	is_int(pool_pressure(p), 0, "a budget without limit has no pressure");
	for (size_t k = 0; k < SLOTS; k++)
		slab_unref(&slot[k]);
	pool_free(&p);
}

static void *
work(void *arg)
{
	struct pool *p = pool_new(arg, NULL);

	for (int i = 0; i < 20000; i++) {
		struct slab *s = pool_get(p, i % 2 ? POOL_LARGE : POOL_SMALL);

		slab_unref(&s);
	}
	pool_free(&p);
	return NULL;
}

static void
test_threads(void)
{
	struct budget b = { .max = 1 };
	pthread_t t[4];
	bool good = true;

	for (int i = 0; i < 4; i++)
		good = good && pthread_create(&t[i], NULL, work, &b) == 0;
	for (int i = 0; i < 4; i++)
		good = good && pthread_join(t[i], NULL) == 0;
	ok(good, "four threads, four pools");
	is_int(b.held, 0, "their budget comes out even");
}

int
main(void)
{
	test_refs();
	test_peak();
	test_busy();
	test_random();
	test_threads();
	return tap_done();
}
