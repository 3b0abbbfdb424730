#include "link.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"
#include "carry/wire.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "proto/frame.h"
#include "tls/tls_stream.h"

#include "registry_mail.h"
#include "worker.h"

enum {
	DIALS_AT_ONCE = 16,
	HOLD_MAX_MS = 3000, /* clients give a handshake up after 5 s */
};

struct link {
	struct worker *worker;
	struct list on; /* worker->links or ->greeted */
	struct wire *wire;
	struct addr peer;
	struct timer *late;
	uint64_t since;            /* accepted, or no longer held */
	int fd;                    /* held, with nothing read of it; -1: not */
	struct newcomer *newcomer; /* it has said HELLO */
	uint32_t in_len;
	bool is_up;
	bool is_ws;   /* from nginx; who it is comes with its request */
	bool counted; /* as one of its address */
	uint8_t in[FRAME_HELLO_MAX];
};

/* --- the end --------------------------------------------------------------- */

/* The process has one dial less, and its address if that is known. */
static void
uncount(struct relay *r, const struct addr *peer)
{
	if (peer != NULL)
		limit_doors_leave(r->doors, peer);
	if (peer != NULL)
		limit_doors_leave(r->dialling, peer);
	count_sub(&r->counts.dials_now, 1);
	count_sub(&r->counts.files_now, 1);
}

/* The peer, once it is known and counted; else NULL. */
static const struct addr *
peer_of(const struct link *k)
{
	return k->counted ? &k->peer : NULL;
}

static void
link_free(struct link **kp)
{
	struct link *k = *kp;

	timer_cancel(&k->late);
	list_remove(&k->on);
	str_wipe(k->in, sizeof(k->in));
	wire_free(&k->wire);
	plat_close(&k->fd);
	newcomer_free(&k->newcomer);
	free(k);
	*kp = NULL;
}

/* Whom a REJECT or a GOAWAY is still on its way to. */
struct parting {
	struct relay *relay;
	struct addr peer;
	bool is_dial;
};

static void
on_parted(void *arg)
{
	struct parting *p = arg;

	if (p->is_dial) {
		uncount(p->relay, &p->peer);
	} else {
		limit_doors_leave(p->relay->doors, &p->peer);
		count_sub(&p->relay->counts.files_now, 1);
	}
	free(p);
}

void
link_part(
    struct relay *r, struct wire **w, const struct addr *peer, bool is_dial)
{
	struct parting now = { r, *peer, is_dial }, *p = malloc(sizeof(*p));

	if (p != NULL) {
		*p = now;
		wire_finish(w, WORKER_FINISH_MS, on_parted, p);
		return;
	}
	wire_free(w);
	if (is_dial) {
		uncount(r, peer);
		return;
	}
	limit_doors_leave(r->doors, peer);
	count_sub(&r->counts.files_now, 1);
}

/* A dial came to nothing; its address waits before the next. */
static void
note_failure(const struct link *k, count_t *count, const char *why)
{
	struct worker *w = k->worker;
	char text[ADDR_TEXT];

	count_add(count, 1);
	if (k->counted)
		limit_doors_fine(w->relay->doors, &k->peer,
		    loop_now(w->loop) + w->tune.limits.penalty_ms);
	log_warn("dial %s: ended, %s",
	    k->counted ? addr_text(text, &k->peer) : "at the link socket", why);
}

static void
fail(struct link *k, count_t *count, const char *why)
{
	note_failure(k, count, why);
	uncount(k->worker->relay, peer_of(k));
	link_free(&k);
}

/* Says REJECT on a dial's wire and ends it. */
static void
say_reject(struct relay *r, struct wire **wire, const struct addr *peer,
    const struct proto_reject *j)
{
	uint8_t frame[FRAME_HEAD + 2048];
	int n = reject_encode(frame, sizeof(frame), j, NULL);

	if (n > 0)
		wire_seal(*wire, frame, (size_t)n);
	link_part(r, wire, peer, true);
}

/* The same for one that broke the rules before anybody could know it. */
static void
fail_saying(struct link *k, uint16_t code, const char *why)
{
	struct proto_reject j = { .code = code };
	struct relay *r = k->worker->relay;

	str_copy(j.sentence, sizeof(j.sentence), why);
	note_failure(k, &r->counts.refused_hello, why);
	say_reject(r, &k->wire, &k->peer, &j); /* it is up: it is counted */
	link_free(&k);
}

/* --- who may dial ---------------------------------------------------------- */

/*
 * What the limits say to one more dial of an address: NULL, and it is counted,
 * or the counter of its refusal.  After a HELLO of its address that failed it
 * has to wait: behind that address there may be others who mean well, so it is
 * held, as one of those that an address may dial at a time.
 */
static count_t *
refusal(struct worker *w, const struct addr *peer, uint64_t *hold_ms_out)
{
	struct relay *r = w->relay;

	*hold_ms_out = limit_doors_wait_ms(r->doors, peer, loop_now(w->loop));
	if (*hold_ms_out > HOLD_MAX_MS)
		return &r->counts.refused_penalty;
	if (!limit_doors_enter(
		r->doors, peer, w->tune.limits.links_per_address))
		return &r->counts.refused_links;
	/* one address cannot keep all others from dialling */
	if (limit_doors_enter(
		r->dialling, peer, w->tune.limits.handshakes / 2 + 1))
		return NULL;
	limit_doors_leave(r->doors, peer);
	return &r->counts.refused_dials;
}

static bool
is_crowded(struct worker *w)
{
	struct counts *c = &w->relay->counts;

	if (count_get(&c->dials_now) < w->tune.limits.handshakes)
		return false;
	count_add(&c->refused_dials, 1);
	return true;
}

/* nginx has said who it is. */
static bool
may_come(struct link *k, uint64_t *hold_ms_out)
{
	count_t *why;

	wire_peer(k->wire, &k->peer);
	if ((why = refusal(k->worker, &k->peer, hold_ms_out)) != NULL) {
		count_add(why, 1);
		return false;
	}
	k->counted = true;
	return true;
}

/* --- HELLO ----------------------------------------------------------------- */

static int hold(struct link *k, uint64_t ms, struct err *e);

static void
on_up(void *arg)
{
	struct link *k = arg;
	struct worker *w = k->worker;
	uint64_t by = k->since + w->tune.limits.hello_ms, wait = 0;
	struct err e;

	if (k->is_ws && !may_come(k, &wait)) {
		uncount(w->relay, NULL);
		link_free(&k);
		return;
	}
	k->is_up = true;
	timer_move(k->late, by);
	if (wait == 0)
		return;
	wire_pause(k->wire);
	if (hold(k, wait, &e) == -1)
		fail(k, &w->relay->counts.refused_hello, e.text);
}

/* It goes on its way at the end of this turn, outside of the wire's calls. */
static void
greet(struct link *k, const struct frame *f)
{
	struct worker *w = k->worker;
	struct newcomer *n;
	struct err e;

	if ((n = calloc(1, sizeof(*n))) == NULL) {
		fail(k, &w->relay->counts.refused_hello, "out of memory");
		return;
	}
	k->newcomer = n;
	if (hello_decode(&n->hello, f, &e) == -1) {
		fail_saying(k, CODE_BROKEN, e.text);
		return;
	}
	n->peer = k->peer;
	n->from = w->index;
	n->since = k->since;
	str_wipe(k->in, sizeof(k->in));
	wire_pause(k->wire);
	list_remove(&k->on);
	list_append(&w->greeted, &k->on);
}

static void
on_input(void *arg, struct slab *b, size_t n)
{
	struct link *k = arg;
	struct frame f;
	struct err e;
	int len;

	if (k->newcomer != NULL || n > sizeof(k->in) - k->in_len) {
		fail_saying(k, CODE_BROKEN, "more than a HELLO before WELCOME");
		return;
	}
	memcpy(k->in + k->in_len, b->data, n);
	str_wipe(b->data, n);
	k->in_len += (uint32_t)n;
	if (k->in[0] != FRAME_HELLO) {
		fail_saying(k, CODE_BROKEN, "its first frame is not HELLO");
		return;
	}
	len = frame_decode(&f, k->in, k->in_len, &e);
	if (len == 0 && k->in_len >= FRAME_HEAD &&
	    get16(k->in + 2) > sizeof(k->in) - FRAME_HEAD)
		len = err_set(
		    &e, "HELLO of %u bytes", FRAME_HEAD + get16(k->in + 2));
	if (len == 0)
		return;
	if (len > 0 && (uint32_t)len < k->in_len)
		len = err_set(&e, "bytes behind HELLO before WELCOME");
	if (len == -1)
		fail_saying(k, CODE_BROKEN, e.text);
	else
		greet(k, &f);
}

static void
on_down(void *arg, enum wire_end how, const char *why)
{
	struct link *k = arg;
	struct counts *c = &k->worker->relay->counts;

	(void)how;
	fail(k, k->is_up ? &c->refused_hello : &c->refused_handshake, why);
}

static void
on_ready(void *arg)
{
	(void)arg;
}

static const struct wire_ops dial_ops = {
	.up = on_up,
	.input = on_input,
	.down = on_down,
	.ready = on_ready,
};

static void
on_late(void *arg)
{
	struct link *k = arg;
	struct counts *c = &k->worker->relay->counts;

	k->late = NULL;
	if (k->is_up)
		fail(k, &c->refused_hello, "HELLO took too long");
	else
		fail(k, &c->refused_handshake, "the handshake took too long");
}

/* --- accepting ------------------------------------------------------------- */

/* TLS at the relay's own port, HTTP at the link socket.  Takes fd over. */
static struct wire *
new_wire(struct link *k, int fd, struct err *e)
{
	struct worker *w = k->worker;
	struct tls_stream *tls;

	if (k->is_ws)
		return wire_new_ws_server(&w->carry, fd, &dial_ops, k, e);
	if ((tls = tls_stream_server(w->relay->tls, e)) != NULL)
		return wire_new(&w->carry, fd, tls, &dial_ops, k, e);
	plat_close(&fd);
	return NULL;
}

/* The handshake begins. */
static int
begin(struct link *k, int fd, struct err *e)
{
	struct worker *w = k->worker;

	k->late =
	    loop_after(w->loop, w->tune.limits.handshake_ms, on_late, k, e);
	if (k->late == NULL)
		plat_close(&fd);
	else
		k->wire = new_wire(k, fd, e);
	return k->wire == NULL ? -1 : 0;
}

/* Its wait is over; whatever others of its address did meanwhile. */
static void
on_held(void *arg)
{
	struct link *k = arg;
	struct worker *w = k->worker;
	struct err e;
	int fd = k->fd, rc = 0;

	k->late = NULL;
	k->fd = -1;
	k->since = loop_now(w->loop);
	if (k->wire == NULL)
		rc = begin(k, fd, &e);
	else if ((k->late = loop_after(w->loop, w->tune.limits.hello_ms,
		      on_late, k, &e)) == NULL)
		rc = -1;
	else
		wire_resume(k->wire);
	if (rc == -1)
		fail(k, &w->relay->counts.refused_handshake, e.text);
}

static int
hold(struct link *k, uint64_t ms, struct err *e)
{
	struct worker *w = k->worker;

	timer_cancel(&k->late);
	count_add(&w->relay->counts.held_dials, 1);
	k->late = loop_after(w->loop, ms, on_held, k, e);
	return k->late == NULL ? -1 : 0;
}

/* Takes fd over; peer is NULL as long as it is not known. */
static int
link_new(struct worker *w, int fd, const struct addr *peer, uint64_t hold_ms,
    struct err *e)
{
	struct link *k;
	int rc;

	if ((k = calloc(1, sizeof(*k))) == NULL) {
		plat_close(&fd);
		return err_sys(e, "dial");
	}
	k->worker = w;
	k->is_ws = peer == NULL;
	if (peer != NULL) {
		k->peer = *peer;
		k->counted = true;
	}
	k->since = loop_now(w->loop);
	list_init(&k->on);
	list_append(&w->links, &k->on);
	k->fd = hold_ms > 0 ? fd : -1;
	rc = hold_ms > 0 ? hold(k, hold_ms, e) : begin(k, fd, e);
	if (rc == -1)
		link_free(&k);
	return rc;
}

static void
take_dial(struct worker *w, int fd, const struct addr *peer)
{
	struct counts *c = &w->relay->counts;
	count_t *why;
	struct err e;
	char text[ADDR_TEXT];
	uint64_t hold_ms = 0;

	count_add(&c->dials, 1);
	if (is_crowded(w)) {
		plat_close_reset(&fd);
		return;
	}
	if (peer != NULL && (why = refusal(w, peer, &hold_ms)) != NULL) {
		count_add(why, 1);
		plat_close_reset(&fd);
		return;
	}
	count_add(&c->dials_now, 1);
	count_add(&c->files_now, 1);
	if (link_new(w, fd, peer, hold_ms, &e) == 0)
		return;
	log_warn("dial %s: ended, %s",
	    peer != NULL ? addr_text(text, peer) : "at the link socket",
	    e.text);
	uncount(w->relay, peer);
}

static int
accept_at(const struct door *d, struct addr *peer_out)
{
	return d->is_ws ? listen_unix_accept(d->fd, NULL)
			: listen_accept(d->fd, peer_out, NULL, NULL);
}

void
link_on_door(void *arg, unsigned what)
{
	struct door *d = arg;
	struct worker *w = d->worker;
	struct addr peer;
	int fd, n;

	(void)what;
	for (n = 0; n < DIALS_AT_ONCE; n++) {
		if (worker_is_full(w, true)) {
			worker_shut_doors(w);
			return;
		}
		fd = accept_at(d, &peer);
		if (fd == LISTEN_FULL)
			w->full = true;
		else if (fd < 0)
			return;
		else
			take_dial(w, fd, d->is_ws ? NULL : &peer);
	}
}

/* --- on its way ------------------------------------------------------------ */

void
link_hand_over(struct worker *w)
{
	struct link *k;
	struct newcomer *n;

	while (!list_empty(&w->greeted)) {
		k = LIST_OF(w->greeted.next, struct link, on);
		n = k->newcomer;
		n->wire = k->wire;
		wire_release(n->wire);
		k->newcomer = NULL;
		k->wire = NULL;
		link_free(&k);
		registry_hello(w->relay, n);
	}
}

/* A wire that is about to end has nothing to tell. */
static void
on_nothing(void *arg, enum wire_end how, const char *why)
{
	(void)arg;
	(void)how;
	(void)why;
}

static void
on_late_input(void *arg, struct slab *b, size_t n)
{
	(void)arg;
	(void)b;
	(void)n;
}

static const struct wire_ops last_ops = {
	.up = on_ready,
	.input = on_late_input,
	.down = on_nothing,
	.ready = on_ready,
};

void
link_reject(struct worker *w, struct newcomer *n)
{
	struct wire *wire = n->wire;

	n->wire = NULL;
	if (wire_adopt(wire, &w->carry, &last_ops, NULL, NULL) == -1) {
		wire_free(&wire);
		uncount(w->relay, &n->peer);
	} else {
		say_reject(w->relay, &wire, &n->peer, &n->reject);
	}
	if (n->reject.code == CODE_TOKEN || n->reject.code == CODE_REVOKED ||
	    n->reject.code == CODE_VERSION)
		limit_doors_fine(w->relay->doors, &n->peer,
		    loop_now(w->loop) + w->tune.limits.penalty_ms);
	newcomer_free(&n);
}

void
link_drop_all(struct worker *w)
{
	struct link *k;

	list_take(&w->links, &w->greeted);
	while (!list_empty(&w->links)) {
		k = LIST_OF(w->links.next, struct link, on);
		uncount(w->relay, peer_of(k));
		link_free(&k);
	}
}
