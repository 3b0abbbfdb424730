#include "net/loop.h"

#if !defined(LOOP_POLL)

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"
#include "net/loop_sys.h"

enum { BATCH = 256 };

int
loop_sys_open(struct loop *l, struct err *e)
{
	if ((l->ep = epoll_create1(EPOLL_CLOEXEC)) < 0)
		return err_sys(e, "epoll_create1");
	return 0;
}

void
loop_sys_close(struct loop *l)
{
	if (l->ep >= 0)
		close(l->ep);
}

/* What epoll is told once, and never again while bytes flow. */
static uint32_t
interest(unsigned asked)
{
	if ((asked & LOOP_LISTEN) != 0)
		return EPOLLIN | EPOLLEXCLUSIVE;
	return EPOLLET | EPOLLRDHUP |
	    ((asked & LOOP_READ) != 0 ? (uint32_t)EPOLLIN : 0) |
	    ((asked & LOOP_WRITE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

int
loop_sys_add(struct watch *w, struct err *e)
{
	struct epoll_event ev = { .events = interest(w->asked), .data.ptr = w };

	if (epoll_ctl(w->loop->ep, EPOLL_CTL_ADD, w->fd, &ev) < 0)
		return err_sys(e, "epoll_ctl");
	return 0;
}

void
loop_sys_remove(struct watch *w)
{
	/* The pointer is for kernels before 2.6.9 and valgrind. */
	struct epoll_event ev = { 0 };

	epoll_ctl(w->loop->ep, EPOLL_CTL_DEL, w->fd, &ev);
}

/* epoll's words in ours. */
static unsigned
said(uint32_t events, unsigned asked)
{
	unsigned what = 0;

	if ((asked & LOOP_LISTEN) != 0)
		return LOOP_READ;
	if ((events & EPOLLIN) != 0)
		what |= LOOP_READ;
	if ((events & EPOLLOUT) != 0)
		what |= LOOP_WRITE;
	if ((events & EPOLLRDHUP) != 0)
		what |= LOOP_READ | LOOP_HUP;
	if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		what |= LOOP_READ | LOOP_WRITE | LOOP_HUP;
	return what;
}

int
loop_sys_wait(struct loop *l, int wait_ms, struct err *e)
{
	struct epoll_event ev[BATCH];
	struct watch *w;
	int i, n;

	n = epoll_wait(l->ep, ev, BATCH, wait_ms);
	if (n < 0 && errno != EINTR)
		return err_sys(e, "epoll_wait");
	loop_begin(l);
	for (i = 0; i < n; i++) {
		w = ev[i].data.ptr;
		if (!w->dead && !w->paused)
			w->fn(w->arg, said(ev[i].events, w->asked));
	}
	return 0;
}

#else
typedef int loop_epoll_is_not_used;
#endif
