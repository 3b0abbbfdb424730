/*
 * timer: deadlines in order of time.  The heap knows no clock: times are
 * arguments, in milliseconds.  Programs make timers with loop_after() and
 * need timer_cancel() and timer_move() alone; the rest is for the loop.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct timer;

#define TIMER_NONE UINT64_MAX /* a time that never comes */

typedef void timer_fn(void *arg);

/*
 * Calls a pending timer off and leaves NULL behind; NULL is welcome.  Never
 * for one that has fired: its callback clears the owner's pointer first.
 */
void timer_cancel(struct timer **t);

/* A pending timer fires at when_ms instead.  Cannot fail. */
void timer_move(struct timer *t, uint64_t when_ms);

/* When a pending timer will fire. */
uint64_t timer_when(const struct timer *t);

struct timer_heap {
	struct timer **at;
	size_t count;
	size_t cap;
	uint64_t born; /* timers made so far: equal times fire in this order */
};

void timer_heap_init(struct timer_heap *h);

/* Forgets all that are pending, without calling anybody. */
void timer_heap_free(struct timer_heap *h);

/*
 * Calls fn(arg) once, when timer_heap_run() is told when_ms or later.  The
 * timer is gone before fn is called.  NULL when there is no memory.
 */
struct timer *timer_add(struct timer_heap *h, uint64_t when_ms, timer_fn *fn,
    void *arg, struct err *e);

/* When the first one is due; TIMER_NONE when there is none. */
uint64_t timer_heap_next(const struct timer_heap *h);

/*
 * Fires all that are due at now_ms and were there before the call; those
 * made by a callback wait for the next call.
 */
void timer_heap_run(struct timer_heap *h, uint64_t now_ms);

#endif
