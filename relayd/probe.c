#include "probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"
#include "plat/plat.h"

#include "served.h"
#include "session.h"
#include "visitor.h"

/* A visitor of whom nobody knows yet whether it is the probe. */
struct held {
	struct served *tunnel;
	struct list on; /* tunnel->held */
	struct watch *watch;
	struct timer *timer;
	struct addr peer;
	struct addr own;
	int fd;
};

void
probe_begin(struct served *t, const uint8_t nonce[PROBE_NONCE])
{
	memcpy(t->nonce, nonce, PROBE_NONCE);
	t->probe_until = loop_now(t->session->worker->loop) + PROBE_OPEN_MS;
}

bool
probe_is_open(const struct served *t)
{
	return loop_now(t->session->worker->loop) < t->probe_until;
}

bool
probe_is(const struct served *t, const void *p, size_t n)
{
	return n >= PROBE_NONCE && probe_is_open(t) &&
	    str_equal_secret(p, t->nonce, PROBE_NONCE);
}

/* Takes it off its watch; its socket is the caller's. */
static int
release(struct held **hp)
{
	struct held *h = *hp;
	int fd = h->fd;

	loop_unwatch(&h->watch);
	timer_cancel(&h->timer);
	list_remove(&h->on);
	free(h);
	*hp = NULL;
	return fd;
}

enum verdict { PROBE_YES, PROBE_NO, PROBE_WAIT };

/* Looks at the first bytes and leaves them where they are. */
static enum verdict
judge(const struct served *t, int fd)
{
	uint8_t p[PROBE_NONCE];
	ssize_t n = recv(fd, p, sizeof(p), MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return PROBE_WAIT;
	if (n <= 0)
		return PROBE_NO; /* it has ended: the usual way tells */
	if (!str_equal_secret(p, t->nonce, (size_t)n))
		return PROBE_NO;
	return n == PROBE_NONCE ? PROBE_YES : PROBE_WAIT;
}

/* It has arrived; that is all it came for. */
static void
count_probe(struct served *t, int *fd)
{
	struct counts *c = &t->session->worker->relay->counts;

	count_add(&c->probes, 1);
	count_sub(&c->files_now, 1);
	plat_close(fd);
}

static void
let_in(struct held *h)
{
	struct served *t = h->tunnel;
	struct addr peer = h->peer, own = h->own;

	visitor_enter(t, release(&h), &peer, &own);
}

static void
on_ready(void *arg, unsigned what)
{
	struct held *h = arg;
	struct served *t = h->tunnel;
	enum verdict v = judge(t, h->fd);
	int fd;

	if (v == PROBE_WAIT && (what & LOOP_HUP) == 0) {
		loop_again(h->watch, LOOP_READ);
		return;
	}
	if (v != PROBE_YES) {
		let_in(h);
		return;
	}
	fd = release(&h);
	count_probe(t, &fd);
}

static void
on_time(void *arg)
{
	struct held *h = arg;

	h->timer = NULL;
	let_in(h);
}

/* Waits for the first bytes; -1: it could not be, fd is still the caller's. */
static int
hold_back(
    struct served *t, int fd, const struct addr *peer, const struct addr *own)
{
	struct loop *l = t->session->worker->loop;
	struct held *h;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return -1;
	h->tunnel = t;
	h->fd = fd;
	h->peer = *peer;
	h->own = *own;
	list_init(&h->on);
	list_append(&t->held, &h->on);
	h->watch = loop_watch(l, fd, LOOP_READ, on_ready, h, NULL);
	h->timer = loop_after(l, PROBE_HOLD_MS, on_time, h, NULL);
	if (h->watch == NULL || h->timer == NULL) {
		release(&h);
		return -1;
	}
	return 0;
}

void
probe_or_visitor(
    struct served *t, int fd, const struct addr *peer, const struct addr *own)
{
	enum verdict v = judge(t, fd);

	if (v == PROBE_YES)
		count_probe(t, &fd);
	else if (v == PROBE_NO ||
	    (!session_is_at(t->session, peer) &&
		!visitor_is_shut_out(t, peer)) ||
	    hold_back(t, fd, peer, own) == -1)
		visitor_enter(t, fd, peer, own);
}

void
probe_drop_all(struct served *t)
{
	struct held *h;
	int fd;

	while (!list_empty(&t->held)) {
		h = LIST_OF(t->held.next, struct held, on);
		fd = release(&h);
		count_sub(&t->session->worker->relay->counts.files_now, 1);
		plat_close_reset(&fd);
	}
}
