#include "link.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/pool.h"
#include "base/str.h"
#include "carry/carry.h"
#include "client_conf.h"
#include "flow.h"
#include "mux/mux.h"
#include "net/dial.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "proxy.h"
#include "through.h"
#include "tls/tls_stream.h"

enum {
	FINISH_MS = 2000,
	ANSWER_MAX = FRAME_HEAD + FRAME_BODY_MAX, /* of the answer to HELLO */
};

_Static_assert((int)LINK_VIA_MAX == (int)PROXY_TEXT, "a proxy's name fits");

static const char *
state_words(const struct link *k)
{
	switch (k->state) {
	case LINK_TLS:
		return door_is_ws(k->door)
		    ? "no WebSocket came up in time"
		    : "the TLS handshake got no answer in time";
	case LINK_HELLO:
		return "the relay did not answer in time";
	default:
		return "no answer in time";
	}
}

static void
on_late(void *arg)
{
	struct link *k = arg;

	k->deadline = NULL;
	k->ops->failed(k->arg, k, LINK_FAIL_PEER, state_words(k));
}

/* The one door through which a link comes into another state. */
static int
enter(struct link *k, enum link_state next, struct err *e)
{
	uint64_t within = LINK_TLS_MS, spent;

	timer_cancel(&k->deadline);
	switch (next) {
	case LINK_TLS:
		assert(k->state == LINK_CONNECTING);
		if (door_is_ws(k->door))
			within += LINK_UPGRADE_MS;
		k->since = loop_now(k->carry->loop);
		break;
	case LINK_HELLO:
		assert(k->state == LINK_TLS);
		spent = loop_now(k->carry->loop) - k->since;
		within = spent < LINK_HELLO_MS ? LINK_HELLO_MS - spent : 0;
		break;
	default:
		assert(next == LINK_READY && k->state == LINK_HELLO);
		k->since = loop_now(k->carry->loop);
		k->state = next;
		return 0;
	}
	k->state = next;
	k->deadline = loop_after(k->carry->loop, within, on_late, k, e);
	return k->deadline == NULL ? -1 : 0;
}

static void
fail(struct link *k, enum link_fail how, const struct err *why)
{
	k->ops->failed(k->arg, k, how, why->text);
}

/* --- TLS, HELLO and the answer --------------------------------------------- */

static int
say_hello(struct link *k, struct err *e)
{
	uint8_t frame[FRAME_HELLO_MAX];
	struct proto_hello *h;
	int n;

	if ((h = calloc(1, sizeof(*h))) == NULL)
		return err_sys(e, "HELLO");
	if ((n = k->ops->hello(k->arg, h, e)) == 0 &&
	    (n = hello_encode(frame, sizeof(frame), h, e)) > 0 &&
	    wire_seal(k->wire, frame, (size_t)n) != 0)
		n = err_set(e, "the connection broke off");
	str_wipe(frame, sizeof(frame));
	str_wipe(h, sizeof(*h));
	free(h);
	return n < 0 ? -1 : 0;
}

static void
on_up(void *arg)
{
	struct link *k = arg;
	struct err e;

	wire_local(k->wire, &k->local);
	if (enter(k, LINK_HELLO, &e) != 0 || say_hello(k, &e) != 0)
		fail(k, LINK_FAIL_PEER, &e);
}

/*
 * The first frame is whole.  Returns false when the link is no longer there, or
 * is not ready.
 */
static bool
on_answer(struct link *k, const struct frame *f)
{
	struct proto_welcome *w;
	struct proto_reject r;
	struct err e;
	int rc;

	if (f->type == FRAME_REJECT && reject_decode(&r, f, &e) == 0) {
		k->ops->reject(k->arg, k, &r);
		return false;
	}
	if (f->type != FRAME_WELCOME) {
		if (f->type != FRAME_REJECT)
			err_set(&e, "it answers HELLO with %s",
			    frame_name(f->type));
		fail(k, LINK_FAIL_PEER, &e);
		return false;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_sys(&e, "WELCOME");
		fail(k, LINK_FAIL_NET, &e);
		return false;
	}
	if ((rc = welcome_decode(w, f, &e)) == 0 &&
	    (rc = enter(k, LINK_READY, &e)) == 0)
		rc = k->ops->welcome(k->arg, k, w, &e);
	str_wipe(w, sizeof(*w));
	free(w);
	if (rc != 0)
		fail(k, LINK_FAIL_PEER, &e);
	return rc == 0;
}

static void
on_input(void *arg, struct slab *b, size_t n)
{
	struct link *k = arg;
	uint64_t now = loop_now(k->carry->loop);
	struct frame f;
	struct err e;
	size_t before = buf_len(&k->in);
	int len;

	if (k->state == LINK_READY) {
		if (k->mux != NULL)
			mux_input(k->mux, b, 0, n, now);
		return;
	}
	if (buf_add(&k->in, b->data, n, &e) != 0 ||
	    (len = frame_decode(&f, buf_data(&k->in), before + n, &e)) < 0) {
		fail(k, LINK_FAIL_PEER, &e);
		return;
	}
	if (len == 0 || !on_answer(k, &f))
		return;
	buf_free(&k->in);
	/* What follows WELCOME is the session's. */
	n -= (size_t)len - before;
	if (n > 0 && k->mux != NULL)
		mux_input(k->mux, b, (size_t)len - before, n, now);
}

static void
on_down(void *arg, enum wire_end how, const char *why)
{
	struct link *k = arg;

	if (k->state == LINK_READY)
		k->ops->down(k->arg, k, why);
	else
		k->ops->failed(k->arg, k,
		    how == WIRE_TRUST      ? LINK_FAIL_TRUST
			: how == WIRE_LOST ? LINK_FAIL_NET
					   : LINK_FAIL_PEER,
		    why);
}

static void
on_room(void *arg)
{
	(void)arg; /* the session has a turn after each event anyway */
}

static const struct wire_ops wire_ops = { on_up, on_input, on_down, on_room };

/* --- birth and end --------------------------------------------------------- */

static int
begin_tls(struct link *k, int fd, struct err *e)
{
	struct tls_stream *t;

	if ((t = tls_stream_client(k->door->ctx, k->door->host, e)) == NULL) {
		plat_close(&fd);
		return -1;
	}
	if (door_is_ws(k->door))
		k->wire = wire_new_ws(k->carry, fd, t, k->door->authority,
		    k->door->path, &wire_ops, k, e);
	else
		k->wire = wire_new(k->carry, fd, t, &wire_ops, k, e);
	return k->wire == NULL ? -1 : enter(k, LINK_TLS, e);
}

static void
on_dialled(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct link *k = arg;
	struct err e;

	k->dial = NULL;
	if (r != DIAL_OK) {
		fail(k, LINK_FAIL_NET, why);
		return;
	}
	k->peer = *peer;
	if (begin_tls(k, fd, &e) != 0)
		fail(k, LINK_FAIL_NET, &e);
}

static void
on_through(void *arg, enum through_result r, int fd, const struct addr *peer,
    const struct proxy *p, const struct err *why)
{
	struct link *k = arg;

	k->through = NULL;
	if (p != NULL)
		(void)proxy_text(k->via, p);
	if (r == THROUGH_NONE)
		fail(k, LINK_FAIL_NONE, why);
	else
		on_dialled(
		    k, r == THROUGH_OK ? DIAL_OK : DIAL_FAILED, fd, peer, why);
}

/* Directly, or through a proxy. */
static int
start(struct link *k, const struct proxy_conf *p, struct err *e)
{
	const struct door *d = k->door;
	struct loop *l = k->carry->loop;

	if (p == NULL)
		k->dial = dial_start(
		    l, d->host, d->port, DIAL_DOOR_MS, on_dialled, k, e);
	else
		k->through =
		    through_start(l, p, d->host, d->port, on_through, k, e);
	return k->dial == NULL && k->through == NULL ? -1 : 0;
}

struct link *
link_new(struct carry *c, const struct door *d, const struct proxy_conf *p,
    const struct link_ops *ops, void *arg, struct err *e)
{
	struct link *k;

	if ((k = calloc(1, sizeof(*k))) == NULL) {
		err_sys(e, "link");
		return NULL;
	}
	list_init(&k->on);
	k->carry = c;
	k->door = d;
	k->ops = ops;
	k->arg = arg;
	k->since = loop_now(c->loop);
	buf_init(&k->in, ANSWER_MAX + POOL_LARGE);
	if (start(k, p, e) != 0)
		link_free(&k);
	return k;
}

bool
link_is_at_home(const struct link *k)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	struct addr own;
	bool same;
	int fd;

	/* Connecting a datagram socket sends nothing, but chooses the way. */
	if ((fd = flow_socket(&k->peer)) < 0)
		return false;
	same = getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
	    addr_from_sockaddr(&own, (struct sockaddr *)&ss, NULL) == 0 &&
	    addr_same_ip(&own, &k->local);
	plat_close(&fd);
	return same;
}

static void
release(struct link *k)
{
	assert(k->mux == NULL);
	list_remove(&k->on);
	dial_cancel(&k->dial);
	through_cancel(&k->through);
	timer_cancel(&k->deadline);
	buf_free(&k->in);
	free(k);
}

void
link_free(struct link **kp)
{
	struct link *k = *kp;

	if (k == NULL)
		return;
	*kp = NULL;
	wire_free(&k->wire);
	release(k);
}

void
link_finish(struct link **kp)
{
	struct link *k = *kp;

	if (k == NULL)
		return;
	*kp = NULL;
	wire_finish(&k->wire, FINISH_MS, NULL, NULL);
	release(k);
}
