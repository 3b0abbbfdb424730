#include "netwatch.h"

#ifdef __linux__

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/loop.h"
#include "plat/plat.h"

enum { SLEPT_MS = 1000 };

struct netwatch {
	struct loop *loop;
	netwatch_fn *fn;
	void *arg;
	int net;   /* netlink */
	int clock; /* fires when the date jumps, also after sleep */
	struct watch *net_watch;
	struct watch *clock_watch;
	int64_t slept; /* how long this computer has slept since its start */
};

/* --- addresses and routes -------------------------------------------------- */

/* The address that a message is about; -1 when there is none. */
static int
address_of(struct addr *a_out, const struct nlmsghdr *h)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	const struct rtattr *r = IFA_RTA(m), *found = NULL;
	size_t left = IFA_PAYLOAD(h);

	for (; RTA_OK(r, left); r = RTA_NEXT(r, left))
		if (r->rta_type == IFA_LOCAL ||
		    (r->rta_type == IFA_ADDRESS && found == NULL))
			found = r;
	memset(a_out, 0, sizeof(*a_out));
	if (found != NULL && m->ifa_family == AF_INET &&
	    RTA_PAYLOAD(found) == 4) {
		memset(a_out->ip + 10, 0xff, 2);
		memcpy(a_out->ip + 12, RTA_DATA(found), 4);
		return 0;
	}
	if (found != NULL && m->ifa_family == AF_INET6 &&
	    RTA_PAYLOAD(found) == 16) {
		memcpy(a_out->ip, RTA_DATA(found), 16);
		return 0;
	}
	return -1;
}

/* Returns whether the rest of the message is worth a look at the routes. */
static bool
on_message(struct netwatch *w, const struct nlmsghdr *h)
{
	struct addr a;

	switch (h->nlmsg_type) {
	case RTM_DELADDR:
		if (address_of(&a, h) == 0)
			w->fn(w->arg, NET_GONE, &a);
		return true;
	case RTM_NEWADDR:
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return true;
	default:
		return false;
	}
}

static void
on_net(void *arg, unsigned what)
{
	struct netwatch *w = arg;
	_Alignas(struct nlmsghdr) char mem[16384];
	const struct nlmsghdr *h;
	bool changed = false;
	ssize_t n;
	size_t left;

	(void)what;
	while ((n = recv(w->net, mem, sizeof(mem), MSG_DONTWAIT)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			changed = true; /* there was more than it could keep */
			continue;
		}
		if (n < 0)
			break;
		left = (size_t)n;
		for (h = (void *)mem; NLMSG_OK(h, left);
		     h = NLMSG_NEXT(h, left))
			changed = on_message(w, h) || changed;
	}
	loop_again(w->net_watch, LOOP_READ);
	if (changed)
		w->fn(w->arg, NET_OTHER, NULL);
}

static int
open_net(struct netwatch *w, struct err *e)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
		    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE };

	w->net = socket(
	    AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (w->net < 0 || bind(w->net, (struct sockaddr *)&at, sizeof(at)) != 0)
		return err_sys(e, "netlink");
	w->net_watch = loop_watch(w->loop, w->net, LOOP_READ, on_net, w, e);
	return w->net_watch == NULL ? -1 : 0;
}

/* --- sleep ----------------------------------------------------------------- */

static int64_t
ms_of(clockid_t id)
{
	struct timespec t = { 0 };

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One of the two clocks stands still while the computer sleeps. */
static int64_t
slept(void)
{
	return ms_of(CLOCK_BOOTTIME) - ms_of(CLOCK_MONOTONIC);
}

/* A timer that never fires by itself, but is told when the date jumps. */
static void
arm(struct netwatch *w)
{
	struct itimerspec far = { .it_value.tv_sec = INT_MAX };

	(void)timerfd_settime(
	    w->clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL);
}

static void
on_clock(void *arg, unsigned what)
{
	struct netwatch *w = arg;
	uint64_t count;
	int64_t now = slept();

	(void)what;
	while (read(w->clock, &count, sizeof(count)) < 0 && errno == EINTR)
		continue;
	arm(w);
	loop_again(w->clock_watch, LOOP_READ);
	w->fn(w->arg, now - w->slept > SLEPT_MS ? NET_WOKE : NET_OTHER, NULL);
	w->slept = now;
}

static int
open_clock(struct netwatch *w, struct err *e)
{
	w->clock = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->clock < 0)
		return err_sys(e, "timer");
	w->slept = slept();
	arm(w);
	w->clock_watch =
	    loop_watch(w->loop, w->clock, LOOP_READ, on_clock, w, e);
	return w->clock_watch == NULL ? -1 : 0;
}

struct netwatch *
netwatch_new(struct loop *l, netwatch_fn *fn, void *arg, struct err *e)
{
	struct netwatch *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_sys(e, "netwatch");
		return NULL;
	}
	w->loop = l;
	w->fn = fn;
	w->arg = arg;
	w->net = w->clock = -1;
	if (open_net(w, e) != 0 || open_clock(w, e) != 0)
		netwatch_free(&w);
	return w;
}

void
netwatch_free(struct netwatch **wp)
{
	struct netwatch *w = *wp;

	if (w == NULL)
		return;
	*wp = NULL;
	loop_unwatch(&w->net_watch);
	loop_unwatch(&w->clock_watch);
	plat_close(&w->net);
	plat_close(&w->clock);
	free(w);
}

#endif
