#include "net/loop.h"

#if defined(LOOP_POLL)

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/err.h"
#include "net/loop_sys.h"

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* a system without it says POLLHUP */
#endif

int
loop_sys_open(struct loop *l, struct err *e)
{
	(void)l;
	(void)e;
	return 0;
}

void
loop_sys_close(struct loop *l)
{
	free(l->polled);
	free(l->polled_of);
}

int
loop_sys_add(struct watch *w, struct err *e)
{
	struct list *n;
	const struct list *all = &w->loop->watches;

	for (n = all->next; n != all; n = n->next)
		if (LIST_OF(n, struct watch, on)->fd == w->fd &&
		    LIST_OF(n, struct watch, on) != w)
			return err_set(
			    e, "descriptor %d is watched already", w->fd);
	w->wants = w->asked;
	w->hung_up = false;
	return 0;
}

void
loop_sys_remove(struct watch *w)
{
	w->wants = 0;
}

void
loop_again(struct watch *w, unsigned what)
{
	w->wants |= what & w->asked;
}

/* Makes the two arrays large enough for count watches. */
static int
reserve(struct loop *l, size_t count, struct err *e)
{
	struct pollfd *fds;
	struct watch **of;
	size_t cap = count + count / 2 + 16;

	if (count <= l->polled_cap)
		return 0;
	if ((fds = realloc(l->polled, cap * sizeof(*fds))) == NULL)
		return err_sys(e, "poll");
	l->polled = fds;
	if ((of = realloc(l->polled_of, cap * sizeof(struct watch *))) == NULL)
		return err_sys(e, "poll");
	l->polled_of = of;
	l->polled_cap = cap;
	return 0;
}

/* Our words in poll's; -1 when w is to be left out for now. */
static int
asked(const struct watch *w)
{
	int events = 0;

	if (w->paused)
		return -1;
	if ((w->asked & LOOP_LISTEN) != 0)
		return POLLIN;
	/* POLLHUP cannot be masked: once it is told, it would be for ever. */
	if (w->wants == 0 && w->hung_up)
		return -1;
	if ((w->wants & LOOP_READ) != 0)
		events |= POLLIN;
	if ((w->wants & LOOP_WRITE) != 0)
		events |= POLLOUT;
	if (!w->hung_up)
		events |= POLLRDHUP;
	return events;
}

/* Fills the arrays; returns how many. */
static long
collect(struct loop *l, struct err *e)
{
	struct list *n;
	struct watch *w;
	size_t count = 0;
	int events;

	for (n = l->watches.next; n != &l->watches; n = n->next)
		count++;
	if (reserve(l, count, e) < 0)
		return -1;
	count = 0;
	for (n = l->watches.next; n != &l->watches; n = n->next) {
		w = LIST_OF(n, struct watch, on);
		if ((events = asked(w)) < 0)
			continue;
		l->polled[count] =
		    (struct pollfd){ .fd = w->fd, .events = (short)events };
		l->polled_of[count++] = w;
	}
	return (long)count;
}

/* What poll answered, in our words; each is told once. */
static unsigned
said(struct watch *w, short revents)
{
	unsigned what = 0;

	if ((w->asked & LOOP_LISTEN) != 0)
		return revents != 0 ? LOOP_READ : 0;
	if ((revents & POLLIN) != 0)
		what |= LOOP_READ;
	if ((revents & POLLOUT) != 0)
		what |= LOOP_WRITE;
	if ((revents & POLLRDHUP) != 0)
		what |= LOOP_READ | LOOP_HUP;
	if ((revents & POLLHUP) != 0)
		what |= LOOP_READ | LOOP_WRITE | LOOP_HUP;
	if ((revents & (POLLERR | POLLNVAL)) != 0)
		what |= LOOP_READ | LOOP_WRITE | LOOP_HUP;
	if (w->hung_up)
		what &= w->wants;
	if ((what & LOOP_HUP) != 0)
		w->hung_up = true;
	w->wants &= ~what;
	return what;
}

int
loop_sys_wait(struct loop *l, int wait_ms, struct err *e)
{
	struct watch *w;
	unsigned what;
	long i, count;
	int n;

	if ((count = collect(l, e)) < 0)
		return -1;
	n = poll(l->polled, (unsigned long)count, wait_ms);
	if (n < 0 && errno != EINTR)
		return err_sys(e, "poll");
	loop_begin(l);
	for (i = 0; n > 0 && i < count; i++) {
		w = l->polled_of[i];
		if (l->polled[i].revents == 0 || w->dead || w->paused)
			continue;
		n--;
		if ((what = said(w, l->polled[i].revents)) != 0)
			w->fn(w->arg, what);
	}
	return 0;
}

#else
typedef int loop_poll_is_not_used;
#endif
