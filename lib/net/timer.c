#include "net/timer.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

struct timer {
	struct timer_heap *heap;
	size_t place; /* index in heap->at */
	uint64_t when;
	uint64_t born;
	timer_fn *fn;
	void *arg;
};

/* True when a fires before b. */
static bool
is_before(const struct timer *a, const struct timer *b)
{
	return a->when < b->when || (a->when == b->when && a->born < b->born);
}

/* Puts t at place i of the heap. */
static void
place(struct timer_heap *h, size_t i, struct timer *t)
{
	h->at[i] = t;
	t->place = i;
}

/* Carries t from place i towards the root, as far as it goes. */
static void
lift(struct timer_heap *h, size_t i, struct timer *t)
{
	size_t up;

	for (; i > 0; i = up) {
		up = (i - 1) / 2;
		if (!is_before(t, h->at[up]))
			break;
		place(h, i, h->at[up]);
	}
	place(h, i, t);
}

/* Carries t from place i towards the leaves, as far as it goes. */
static void
sink(struct timer_heap *h, size_t i, struct timer *t)
{
	size_t down;

	while ((down = 2 * i + 1) < h->count) {
		if (down + 1 < h->count &&
		    is_before(h->at[down + 1], h->at[down]))
			down++;
		if (!is_before(h->at[down], t))
			break;
		place(h, i, h->at[down]);
		i = down;
	}
	place(h, i, t);
}

/* Finds t its place, starting at i. */
static void
settle(struct timer_heap *h, size_t i, struct timer *t)
{
	if (i > 0 && is_before(t, h->at[(i - 1) / 2]))
		lift(h, i, t);
	else
		sink(h, i, t);
}

/* Takes t out; the last one fills the gap. */
static void
take_out(struct timer *t)
{
	struct timer_heap *h = t->heap;
	struct timer *last;

	assert(h->count > 0 && h->at[t->place] == t);
	last = h->at[--h->count];
	if (last != t)
		settle(h, t->place, last);
}

void
timer_cancel(struct timer **t)
{
	if (*t == NULL)
		return;
	take_out(*t);
	free(*t);
	*t = NULL;
}

void
timer_move(struct timer *t, uint64_t when_ms)
{
	t->when = when_ms;
	t->born = t->heap->born++;
	settle(t->heap, t->place, t);
}

uint64_t
timer_when(const struct timer *t)
{
	return t->when;
}

void
timer_heap_init(struct timer_heap *h)
{
	*h = (struct timer_heap){ 0 };
}

void
timer_heap_free(struct timer_heap *h)
{
	size_t i;

	for (i = 0; i < h->count; i++)
		free(h->at[i]);
	free(h->at);
	timer_heap_init(h);
}

/* Makes room for one more. */
static int
grow(struct timer_heap *h, struct err *e)
{
	struct timer **at;
	size_t cap = h->cap > 0 ? h->cap * 2 : 16;

	if (h->count < h->cap)
		return 0;
	if ((at = realloc(h->at, cap * sizeof(struct timer *))) == NULL)
		return err_sys(e, "timer");
	h->at = at;
	h->cap = cap;
	return 0;
}

struct timer *
timer_add(struct timer_heap *h, uint64_t when_ms, timer_fn *fn, void *arg,
    struct err *e)
{
	struct timer *t;

	if (grow(h, e) < 0)
		return NULL;
	if ((t = malloc(sizeof(*t))) == NULL) {
		err_sys(e, "timer");
		return NULL;
	}
	*t = (struct timer){ .heap = h,
		.when = when_ms,
		.born = h->born++,
		.fn = fn,
		.arg = arg };
	lift(h, h->count++, t);
	return t;
}

uint64_t
timer_heap_next(const struct timer_heap *h)
{
	return h->count > 0 ? h->at[0]->when : TIMER_NONE;
}

void
timer_heap_run(struct timer_heap *h, uint64_t now_ms)
{
	uint64_t born = h->born;
	struct timer *t;
	timer_fn *fn;
	void *arg;

	/*
	 * One that a callback makes is due at now_ms or later, so it stands
	 * behind all that were due before: the first young one ends the run.
	 */
	while (h->count > 0) {
		t = h->at[0];
		if (t->when > now_ms || t->born >= born)
			return;
		fn = t->fn;
		arg = t->arg;
		take_out(t);
		free(t);
		fn(arg);
	}
}
