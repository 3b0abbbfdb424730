#include "net/loop.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "net/loop_sys.h"
#include "plat/plat.h"

struct hook {
	struct loop *loop;
	struct list on;
	loop_turn_fn *fn; /* NULL: taken off, freed at the turn's end */
	void *arg;
};

struct post {
	struct list on;
	loop_post_fn *fn;
	void *arg;
};

/* Another thread wants a turn. */
static void
on_wake(void *arg, unsigned what)
{
	struct loop *l = arg;

	(void)what;
	plat_slept(l->wake_out);
	loop_again(l->waker, LOOP_READ);
}

/* The way by which other threads end a wait. */
static int
open_waker(struct loop *l, struct err *e)
{
	if (plat_waker(&l->wake_in, &l->wake_out, e) < 0)
		return -1;
	l->waker = loop_watch(l, l->wake_out, LOOP_READ, on_wake, l, e);
	return l->waker != NULL ? 0 : -1;
}

struct loop *
loop_new(struct err *e)
{
	struct loop *l;

	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_sys(e, "loop");
		return NULL;
	}
	l->ep = l->wake_in = l->wake_out = -1;
	l->wish = LOOP_NEVER;
	l->asked = LOOP_NEVER;
	l->now = clock_ms();
	list_init(&l->watches);
	list_init(&l->dead);
	list_init(&l->hooks);
	list_init(&l->posts);
	timer_heap_init(&l->timers);
	pthread_mutex_init(&l->lock, NULL);
	if (loop_sys_open(l, e) < 0 || open_waker(l, e) < 0)
		loop_free(&l);
	return l;
}

/* Frees the watches on a list. */
static void
free_watches(struct list *all)
{
	struct list *n;

	while ((n = all->next) != all) {
		list_remove(n);
		free(LIST_OF(n, struct watch, on));
	}
}

void
loop_free(struct loop **lp)
{
	struct loop *l = *lp;
	struct list *n;

	if (l == NULL)
		return;
	while ((n = l->hooks.next) != &l->hooks) {
		list_remove(n);
		free(LIST_OF(n, struct hook, on));
	}
	while ((n = l->posts.next) != &l->posts) {
		list_remove(n);
		free(LIST_OF(n, struct post, on));
	}
	free_watches(&l->watches);
	free_watches(&l->dead);
	timer_heap_free(&l->timers);
	loop_sys_close(l);
	plat_close(&l->wake_in);
	plat_close(&l->wake_out);
	pthread_mutex_destroy(&l->lock);
	free(l);
	*lp = NULL;
}

struct watch *
loop_watch(struct loop *l, int fd, unsigned what, loop_fn *fn, void *arg,
    struct err *e)
{
	struct watch *w;

	assert(what == LOOP_LISTEN ||
	    (what & ~(unsigned)(LOOP_READ | LOOP_WRITE)) == 0);
	if (fd < 0) {
		err_set(e, "descriptor %d cannot be watched", fd);
		return NULL;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_sys(e, "watch");
		return NULL;
	}
	w->loop = l;
	w->fd = fd;
	w->asked = what;
	w->fn = fn;
	w->arg = arg;
	if (loop_sys_add(w, e) < 0) {
		free(w);
		return NULL;
	}
	list_append(&l->watches, &w->on);
	return w;
}

void
loop_unwatch(struct watch **wp)
{
	struct watch *w = *wp;

	if (w == NULL)
		return;
	if (!w->paused)
		loop_sys_remove(w);
	w->dead = true;
	list_remove(&w->on);
	if (w->loop->in_turn)
		list_append(&w->loop->dead, &w->on);
	else
		free(w);
	*wp = NULL;
}

void
loop_pause(struct watch *w)
{
	assert(w->asked == LOOP_LISTEN);
	if (w->paused)
		return;
	loop_sys_remove(w);
	w->paused = true;
}

int
loop_resume(struct watch *w, struct err *e)
{
	if (!w->paused)
		return 0;
	if (loop_sys_add(w, e) < 0)
		return -1;
	w->paused = false;
	return 0;
}

struct timer *
loop_after(struct loop *l, uint64_t ms, timer_fn *fn, void *arg, struct err *e)
{
	/* Within a turn, timers of one length fire in one go. */
	uint64_t now = l->in_turn ? l->now : clock_ms();

	return timer_add(&l->timers,
	    ms < TIMER_NONE - now ? now + ms : TIMER_NONE, fn, arg, e);
}

struct hook *
loop_on_turn(struct loop *l, loop_turn_fn *fn, void *arg, struct err *e)
{
	struct hook *h;

	if ((h = calloc(1, sizeof(*h))) == NULL) {
		err_sys(e, "hook");
		return NULL;
	}
	h->loop = l;
	h->fn = fn;
	h->arg = arg;
	list_append(&l->hooks, &h->on);
	l->wish = 0; /* it has not been asked yet */
	return h;
}

void
loop_off_turn(struct hook **hp)
{
	struct hook *h = *hp;

	if (h == NULL)
		return;
	h->fn = NULL;
	if (!h->loop->in_turn) {
		list_remove(&h->on);
		free(h);
	}
	*hp = NULL;
}

int
loop_post(struct loop *l, loop_post_fn *fn, void *arg, struct err *e)
{
	struct post *p;
	bool first;

	if ((p = malloc(sizeof(*p))) == NULL)
		return err_sys(e, "post");
	p->fn = fn;
	p->arg = arg;
	list_init(&p->on);
	pthread_mutex_lock(&l->lock);
	list_append(&l->posts, &p->on);
	first = !l->woken;
	l->woken = true;
	/* Inside the lock: the loop may be freed once fn has been called. */
	if (first)
		plat_wake(l->wake_in);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

void
loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	plat_wake(l->wake_in);
}

/* Calls what other threads have posted until now. */
static void
run_posts(struct loop *l)
{
	struct list mine;
	struct post *p;

	list_init(&mine);
	pthread_mutex_lock(&l->lock);
	list_take(&mine, &l->posts);
	l->woken = false;
	pthread_mutex_unlock(&l->lock);
	while (!list_empty(&mine)) {
		p = LIST_OF(mine.next, struct post, on);
		list_remove(&p->on);
		p->fn(p->arg);
		free(p);
	}
}

/* Asks the hooks when the next turn must come. */
static void
run_hooks(struct loop *l)
{
	struct list *n;
	struct hook *h;
	uint64_t wish;

	l->wish = LOOP_NEVER;
	for (n = l->hooks.next; n != &l->hooks; n = n->next) {
		h = LIST_OF(n, struct hook, on);
		wish = h->fn != NULL ? h->fn(h->arg) : LOOP_NEVER;
		if (wish < l->wish)
			l->wish = wish;
	}
}

/* The turn is over: what was taken off in it can go. */
static void
sweep(struct loop *l)
{
	struct list *n, *next;
	struct hook *h;

	free_watches(&l->dead);
	for (n = l->hooks.next; n != &l->hooks; n = next) {
		next = n->next;
		h = LIST_OF(n, struct hook, on);
		if (h->fn == NULL) {
			list_remove(n);
			free(h);
		}
	}
}

uint64_t
loop_now(const struct loop *l)
{
	return l->now;
}

uint64_t
loop_paused_ms(const struct loop *l)
{
	return l->paused_ms;
}

void
loop_begin(struct loop *l)
{
	l->in_turn = true;
	l->now = clock_ms();
	l->paused_ms = l->now > l->asked ? l->now - l->asked : 0;
}

/* How long to wait: for ever is -1. */
static int
wait_for(struct loop *l, uint64_t max_wait_ms)
{
	uint64_t now = clock_ms(), until = timer_heap_next(&l->timers);

	if (l->wish < until)
		until = l->wish;
	if (max_wait_ms < LOOP_NEVER - now && now + max_wait_ms < until)
		until = now + max_wait_ms;
	/* Counted from the last turn, so that its work shows as well. */
	l->asked = until < l->now ? l->now : until;
	if (until == LOOP_NEVER)
		return -1;
	if (until <= now)
		return 0;
	return until - now < INT_MAX ? (int)(until - now) : INT_MAX;
}

int
loop_turn(struct loop *l, uint64_t max_wait_ms, struct err *e)
{
	assert(!l->in_turn);
	if (loop_sys_wait(l, wait_for(l, max_wait_ms), e) < 0)
		return -1;
	timer_heap_run(&l->timers, l->now);
	run_posts(l);
	run_hooks(l);
	sweep(l);
	l->in_turn = false;
	return 0;
}

int
loop_run(struct loop *l, struct err *e)
{
	/* A stop that came before the start counts too. */
	while (!atomic_exchange(&l->stop, false))
		if (loop_turn(l, LOOP_NEVER, e) < 0)
			return -1;
	return 0;
}
