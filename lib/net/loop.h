/*
 * loop: waits for sockets, timers and other threads, and calls back.
 *
 * A turn: wait; tell the events; fire the timers; run what other threads have
 * posted; call the turn hooks, which flush and say how long the next wait may
 * be.  A loop belongs to one thread; only loop_post() and loop_stop() may be
 * called from others.
 *
 * Events are told once (edge).  Who is told LOOP_READ reads until EAGAIN or a
 * short read, and only then says loop_again(w, LOOP_READ); the same holds for
 * writing.  Who stops earlier remembers that the socket is still ready: it
 * will not be told again.  What is ready when the watch is made is told too.
 *
 * LOOP_HUP is told once: the peer will send no more, or the connection is
 * broken.  Remember it: from then on a short read no longer means "drained",
 * read on until 0 or an error.  It comes together with LOOP_READ, and when
 * the connection is broken with LOOP_WRITE as well.  The owner of a datagram
 * socket ignores it.
 *
 * loop_epoll.c serves Linux, loop_poll.c all others, and Linux too when
 * everything is compiled with -DLOOP_POLL.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "net/timer.h"

#if !defined(__linux__) && !defined(LOOP_POLL)
#define LOOP_POLL
#endif

struct err;
struct loop;
struct watch;
struct hook;

enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_HUP = 4,
	LOOP_LISTEN = 8, /* asked only: see loop_watch() */
};

#define LOOP_NEVER UINT64_MAX

typedef void loop_fn(void *arg, unsigned what);
typedef void loop_post_fn(void *arg);

/*
 * Called at the end of every turn.  Returns the time (loop_now() scale) at
 * which the next turn must come at the latest: LOOP_NEVER when it has no
 * wish, 0 to have it at once.
 */
typedef uint64_t loop_turn_fn(void *arg);

struct loop *loop_new(struct err *e);

/*
 * Watches, hooks, timers and posts that are left are forgotten; their
 * pointers are dead.  Cancel what other threads may still post to first.
 */
void loop_free(struct loop **l);

/*
 * Tells fn what happens on fd: what is LOOP_READ, LOOP_WRITE or both, and
 * LOOP_HUP comes unasked.  LOOP_LISTEN, alone, is for listening sockets: told
 * LOOP_READ in every turn for as long as a visitor waits, and to one loop
 * when several watch the same socket.  The fd stays the caller's: unwatch it
 * before it is closed.  A descriptor has at most one watch in a loop.
 */
struct watch *loop_watch(struct loop *l, int fd, unsigned what, loop_fn *fn,
    void *arg, struct err *e);

/*
 * Ends a watch and leaves NULL behind; NULL is welcome.  No event of it is
 * told after that, also not those of the batch that is being told.
 */
void loop_unwatch(struct watch **w);

/*
 * The owner has read (LOOP_READ) or written (LOOP_WRITE) until the system
 * would take or give no more, and wants to be told when that changes.
 */
#ifdef LOOP_POLL
void loop_again(struct watch *w, unsigned what);
#else
static inline void
loop_again(struct watch *w, unsigned what)
{
	(void)w;
	(void)what; /* epoll tells each edge by itself */
}
#endif

/*
 * A listening socket stops or goes on being watched; visitors wait in the
 * kernel's queue meanwhile.  Pausing twice or resuming twice is harmless.
 * Pause before the socket is held (net/listen.h): one that does not listen
 * would be told for ever.
 */
void loop_pause(struct watch *w);
int loop_resume(struct watch *w, struct err *e);

/*
 * Calls fn(arg) once, ms milliseconds from now, and not within this turn.  The
 * timer is gone before fn is called: clear the pointer there.
 */
struct timer *loop_after(
    struct loop *l, uint64_t ms, timer_fn *fn, void *arg, struct err *e);

/* Hooks are called in the order in which they were made. */
struct hook *loop_on_turn(
    struct loop *l, loop_turn_fn *fn, void *arg, struct err *e);
void loop_off_turn(struct hook **h);

/*
 * From any thread: fn(arg) is called by the loop's own thread.  Nothing is
 * dropped, and what one thread posts is called in its order.  -1 only when
 * there is no memory.
 */
int loop_post(struct loop *l, loop_post_fn *fn, void *arg, struct err *e);

/* Milliseconds on clock_ms()'s scale when this turn began. */
uint64_t loop_now(const struct loop *l);

/*
 * How many milliseconds later than asked this turn began: what the wait took
 * too long and what the turn before it worked.  Seconds mean that this
 * process was stopped, or its machine: others have not been silent, we have
 * not listened.
 */
uint64_t loop_paused_ms(const struct loop *l);

/* Turns until loop_stop(); -1 when waiting itself fails. */
int loop_run(struct loop *l, struct err *e);

/* From any thread; loop_run() returns after the turn that it is in. */
void loop_stop(struct loop *l);

/* One turn that waits at most max_wait_ms. */
int loop_turn(struct loop *l, uint64_t max_wait_ms, struct err *e);

#endif
