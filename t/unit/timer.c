#include "net/timer.h"

#include "base/err.h"
#include "tap.h"

enum { MANY = 20000 };

static struct timer_heap heap;
static int fired[8];
static int count;
static uint64_t last;
static bool sorted = true;
static struct timer *other;

static void
on_one(void *arg)
{
	fired[count++ & 7] = *(int *)arg;
}

static void
on_many(void *arg)
{
	uint64_t when = *(uint64_t *)arg;

	sorted = sorted && when >= last;
	last = when;
	count++;
}

static void
on_cancel_other(void *arg)
{
	(void)arg;
	timer_cancel(&other);
	count++;
}

static void
on_again(void *arg)
{
	count++;
	timer_add(&heap, 0, on_again, arg, NULL);
}

static void
test_order(void)
{
	static int n[] = { 0, 1, 2, 3 };
	struct timer *t;

	timer_heap_init(&heap);
	ok(timer_heap_next(&heap) == TIMER_NONE, "an empty heap has no next");
	timer_add(&heap, 30, on_one, &n[3], NULL);
	timer_add(&heap, 10, on_one, &n[0], NULL);
	timer_add(&heap, 20, on_one, &n[1], NULL);
	timer_add(&heap, 20, on_one, &n[2], NULL);
	is_int(timer_heap_next(&heap), 10, "the first is the earliest");
	timer_heap_run(&heap, 9);
	is_int(count, 0, "none fires before its time");
	timer_heap_run(&heap, 20);
	is_int(count, 3, "all that are due fire");
	ok(fired[0] == 0 && fired[1] == 1 && fired[2] == 2,
	    "by time, then in the order they were made");
	t = timer_add(&heap, 40, on_one, &n[0], NULL);
	timer_move(t, 25);
	is_int(timer_when(t), 25, "a timer can be moved");
	is_int(timer_heap_next(&heap), 25, "to the front too");
	timer_cancel(&t);
	ok(t == NULL, "cancelling leaves NULL");
	timer_cancel(&t);
	is_int(timer_heap_next(&heap), 30, "a cancelled one is gone");
	timer_heap_free(&heap);
}

static void
test_callbacks(void)
{
	count = 0;
	timer_add(&heap, 1, on_cancel_other, NULL, NULL);
	other = timer_add(&heap, 2, on_one, &count, NULL);
	timer_heap_run(&heap, 5);
	is_int(count, 1, "one timer may cancel another that is due");
	count = 0;
	timer_add(&heap, 0, on_again, NULL, NULL);
	timer_heap_run(&heap, 5);
	is_int(count, 1, "one made by a callback waits for the next run");
	timer_heap_run(&heap, 5);
	is_int(count, 2, "and fires then");
	timer_heap_free(&heap);
}

static void
test_many(void)
{
	static uint64_t when[MANY];
	static struct timer *t[MANY];
	uint32_t seed = 7;
	int i, left = MANY;

	count = 0;
	for (i = 0; i < MANY; i++) {
		seed = seed * 1664525 + 1013904223;
		when[i] = seed >> 12;
		t[i] = timer_add(&heap, when[i], on_many, &when[i], NULL);
	}
	for (i = 0; i < MANY; i += 3, left--)
		timer_cancel(&t[i]);
	for (i = 1; i < MANY; i += 3) {
		seed = seed * 1664525 + 1013904223;
		when[i] = seed >> 12;
		timer_move(t[i], when[i]);
	}
	timer_heap_run(&heap, UINT32_MAX);
	is_int(count, left, "20,000 timers, a third cancelled, the rest fire");
	ok(sorted, "in order, though a third was moved");
	timer_heap_free(&heap);
}

int
main(void)
{
	test_order();
	test_callbacks();
	test_many();
	return tap_done();
}
