#include "flow.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "carry/carry.h"
#include "lamp.h"
#include "mux/mux.h"
#include "net/addr.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "plat/dgram.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "proxy_head.h"
#include "tunnel.h"

enum {
	DATAGRAM_MAX = 65536,
	ROUNDS_MAX = 4, /* batches of one flow in a turn */
	RCVBUF = 4 << 20,
};

struct flow {
	struct carry_end end; /* first */
	struct list on;
	struct tunnel *tunnel;
	struct mux_stream *stream;
	int fd;
	struct watch *watch;
	struct lookup *lookup;
	struct buf
	    waiting; /* datagrams that came before fd: u16 length, bytes */
	struct addr visitor;
	struct addr own;
	bool headed;        /* the PROXY header has been said */
	uint64_t spoken_at; /* by either side */
	bool asked;         /* the visitor has spoken */
	bool answered;      /* the service has */
	uint64_t in;        /* bytes from the visitor */
	uint64_t out;
};

int
flow_socket(const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(to, AF_UNSPEC, &ss);
	int fd, size = RCVBUF;

	if ((fd = plat_socket(addr_family(to), SOCK_DGRAM, 0, NULL)) < 0)
		return -1;
	(void)setsockopt(
	    fd, SOL_SOCKET, SO_RCVBUF, (const void *)&size, sizeof(size));
	if (connect(fd, (struct sockaddr *)&ss, n) != 0)
		plat_close(&fd);
	return fd;
}

static void
flow_free(struct flow **fp)
{
	struct flow *f = *fp;
	struct tunnel *t = f->tunnel;

	*fp = NULL;
	lookup_cancel(&f->lookup);
	loop_unwatch(&f->watch);
	plat_close(&f->fd);
	buf_free(&f->waiting);
	list_remove(&f->on);
	t->visitors--;
	t->all->flow_count--;
	t->in += f->in;
	t->out += f->out;
	free(f);
}

static void
on_gone(struct carry_end *end, enum mux_gone how, uint16_t code,
    const char *sentence)
{
	struct flow *f = (struct flow *)(void *)end;

	(void)how;
	(void)code;
	(void)sentence;
	flow_free(&f);
}

/* Ends it from our side. */
static void
finish(struct flow *f, uint16_t code)
{
	mux_reset(f->stream, code, NULL);
	flow_free(&f);
}

/* --- from the visitor ------------------------------------------------------ */

/* One datagram to the service; the first may have a PROXY header before it. */
static void
to_service(struct flow *f, const struct span *v, int n)
{
	struct span with[64];
	uint8_t head[PROXY_HEAD_MAX];
	int i;

	if (!f->headed && n < 64) {
		with[0].p = head;
		with[0].n = proxy_head(
		    head, f->tunnel->c.proxy, true, &f->visitor, &f->own);
		if (with[0].n > 0) {
			for (i = 0; i < n; i++)
				with[i + 1] = v[i];
			v = with;
			n++;
		}
	}
	f->headed = true;
	/* What the socket does not take is lost, as on any network. */
	if (dgram_send(f->fd, v, n) != 0 && errno == ECONNREFUSED) {
		lamp_service_is(f->tunnel, DIAL_REFUSED);
		(void)dgram_send(f->fd, v, n); /* that was the one before */
	}
}

static void
keep(struct flow *f, const struct span *v, int n, size_t len)
{
	uint8_t head[2];
	int i;

	if (len > UINT16_MAX ||
	    buf_len(&f->waiting) + len + 2 > FLOW_WAITING_MAX)
		return;
	put16(head, (uint16_t)len);
	if (buf_room(&f->waiting, len + 2, NULL) == NULL)
		return;
	(void)buf_add(&f->waiting, head, 2, NULL);
	for (i = 0; i < n; i++)
		(void)buf_add(&f->waiting, v[i].p, v[i].n, NULL);
}

static void
on_datagram(struct carry_end *end, const struct span *v, int n)
{
	struct flow *f = (struct flow *)(void *)end;
	size_t len = 0;
	int i;

	for (i = 0; i < n; i++)
		len += v[i].n;
	f->in += len;
	f->asked = true;
	f->spoken_at = loop_now(f->tunnel->all->carry->loop);
	if (f->fd >= 0)
		to_service(f, v, n);
	else
		keep(f, v, n, len);
}

static const struct carry_end_ops end_ops = {
	.gone = on_gone,
	.datagram = on_datagram,
};

static void
send_waiting(struct flow *f)
{
	struct span v;

	while (buf_len(&f->waiting) >= 2) {
		v.n = get16(buf_data(&f->waiting));
		v.p = buf_data(&f->waiting) + 2;
		to_service(f, &v, 1);
		buf_drop(&f->waiting, v.n + 2);
	}
	buf_free(&f->waiting);
}

/* --- from the service ------------------------------------------------------ */

/* One batch; returns how many, -1 when the service refuses. */
static int
read_batch(struct flow *f)
{
	struct span v[DGRAM_BATCH];
	uint8_t *mem = f->tunnel->all->batch;
	int i, n;

	for (i = 0; i < DGRAM_BATCH; i++)
		v[i] = (struct span){ mem + (size_t)i * DATAGRAM_MAX,
			DATAGRAM_MAX };
	n = dgram_recv(f->fd, v, DGRAM_BATCH);
	for (i = 0; i < n; i++) {
		f->out += v[i].n;
		(void)mux_datagram(f->stream, v[i].p, v[i].n);
	}
	return n;
}

static void
on_ready(void *arg, unsigned what)
{
	struct flow *f = arg;
	struct tunnel *t = f->tunnel;
	bool answered = false;
	int n, rounds = 0;

	(void)what;
	do {
		n = read_batch(f);
		answered = answered || n > 0;
		if (n < 0 && errno == ECONNREFUSED)
			lamp_service_is(t, DIAL_REFUSED);
	} while ((n == DGRAM_BATCH || n < 0) && ++rounds < ROUNDS_MAX);
	if (answered) {
		f->answered = true;
		f->spoken_at = loop_now(t->all->carry->loop);
		lamp_service_is(t, DIAL_OK);
	}
	if (rounds < ROUNDS_MAX) {
		loop_again(f->watch, LOOP_READ);
		return;
	}
	/* More waits, and would not be told again: watch it anew. */
	loop_unwatch(&f->watch);
	f->watch = loop_watch(
	    t->all->carry->loop, f->fd, LOOP_READ, on_ready, f, NULL);
	if (f->watch == NULL)
		finish(f, CODE_LIMIT);
}

/* --- birth and end --------------------------------------------------------- */

static uint16_t
connect_to(struct flow *f, const struct addr *to, size_t count)
{
	struct tunnel *t = f->tunnel;
	struct err e;
	size_t i;

	for (i = 0; i < count && f->fd < 0; i++) {
		struct addr at = to[i];

		at.port = t->c.target_port;
		f->fd = flow_socket(&at);
	}
	if (f->fd < 0)
		return CODE_UNREACHABLE;
	f->watch =
	    loop_watch(t->all->carry->loop, f->fd, LOOP_READ, on_ready, f, &e);
	if (f->watch == NULL)
		return CODE_LIMIT;
	send_waiting(f);
	return 0;
}

static void
on_found(
    void *arg, const struct addr *found, size_t count, const struct err *why)
{
	struct flow *f = arg;
	uint16_t code = CODE_NAME;

	(void)why;
	f->lookup = NULL;
	if (count > 0)
		code = connect_to(f, found, count);
	else
		lamp_service_is(f->tunnel, DIAL_NAME);
	if (code != 0)
		finish(f, code);
}

static uint16_t
begin(struct flow *f)
{
	struct tunnel *t = f->tunnel;

	if (t->all->batch == NULL &&
	    (t->all->batch = malloc((size_t)DGRAM_BATCH * DATAGRAM_MAX)) ==
		NULL)
		return CODE_MEMORY;
	if (t->here_count > 0)
		return connect_to(f, t->here, t->here_count);
	f->lookup = lookup_start(
	    t->all->carry->loop, t->c.target_host, on_found, f, NULL);
	return f->lookup == NULL ? CODE_LIMIT : 0;
}

uint16_t
flow_open(struct tunnel *t, struct mux_stream *s, const struct proto_open *o)
{
	uint64_t now = loop_now(t->all->carry->loop);
	struct flow *f;
	uint16_t code;

	if ((f = calloc(1, sizeof(*f))) == NULL)
		return CODE_MEMORY;
	f->end.ops = &end_ops;
	f->tunnel = t;
	f->stream = s;
	f->fd = -1;
	f->spoken_at = now;
	buf_init(&f->waiting, FLOW_WAITING_MAX);
	addr_get(&f->visitor, o->visitor);
	addr_get(&f->own, o->local);
	list_init(&f->on);
	list_append(&t->flows, &f->on);
	t->visitors++;
	t->visitors_ever++;
	if (t->all->flow_count++ == 0)
		t->all->sweep_at = now + FLOW_SWEEP_MS;
	mux_own(s, &f->end);
	if ((code = begin(f)) != 0) {
		mux_own(s, NULL);
		flow_free(&f);
		return code;
	}
	mux_accept(s);
	return 0;
}

void
flow_traffic(const struct tunnel *t, uint64_t *in_out, uint64_t *out_out)
{
	const struct list *n;
	const struct flow *f;

	for (n = t->flows.next; n != &t->flows; n = n->next) {
		f = LIST_OF(n, const struct flow, on);
		*in_out += f->in;
		*out_out += f->out;
	}
}

static void
sweep_one(struct tunnel *t, uint64_t now)
{
	struct list *n, *next;
	struct flow *f;

	for (n = t->flows.next; n != &t->flows; n = next) {
		next = n->next;
		f = LIST_OF(n, struct flow, on);
		if (now - f->spoken_at >= (uint64_t)(f->asked && f->answered
						  ? FLOW_BOTH_MS
						  : FLOW_ONE_MS))
			finish(f, CODE_IDLE);
	}
}

void
flow_sweep(struct tunnels *t, uint64_t now)
{
	struct list *n;

	for (n = t->list.next; n != &t->list; n = n->next)
		sweep_one(LIST_OF(n, struct tunnel, on), now);
	t->sweep_at = t->flow_count > 0 ? now + FLOW_SWEEP_MS : LOOP_NEVER;
}

void
flow_orphan(struct tunnel *t)
{
	struct list *n, *next;

	for (n = t->flows.next; n != &t->flows; n = next) {
		next = n->next;
		finish(LIST_OF(n, struct flow, on), CODE_GONE);
	}
}
