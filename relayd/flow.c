#include "flow.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "carry/carry.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "proto/code.h"

#include "limit.h"
#include "probe.h"
#include "served.h"
#include "session.h"
#include "visitor.h"
#include "visitors.h"

enum {
	BATCH = 32,            /* datagrams in one system call */
	BATCHES = 4,           /* in one turn, for one gate */
	DGRAM_ROOM = 65536,    /* more than any datagram has */
	OUT_BYTES = 512 << 10, /* answers gathered in one turn */
	SECOND_MS = 1000,
	CONTROL = CMSG_SPACE(sizeof(struct in6_pktinfo)),
};

/* Who speaks to whom; all bytes count, so it is zeroed first. */
struct flow_key {
	struct addr peer;
	uint8_t own[16];
};

struct flow {
	struct carry_end end; /* first */
	struct served *tunnel;
	struct gate *gate;
	struct mux_stream *stream;
	struct map_node node;
	struct list age; /* tunnel->asked or ->answered */
	struct flow_key key;
	bool is_answered;
	uint64_t number;
	uint64_t since;
	uint64_t seen;
	uint64_t bytes_in;
	uint64_t bytes_out;
};

struct out {
	struct iovec iov;
	struct sockaddr_storage to;
	_Alignas(struct cmsghdr) char control[CONTROL];
	struct flow *flow;
};

struct flow_box {
	struct mmsghdr in[BATCH];
	struct iovec in_iov[BATCH];
	struct sockaddr_storage from[BATCH];
	_Alignas(struct cmsghdr) char in_control[BATCH][CONTROL];
	uint8_t *in_bytes;
	struct limit_rates *sources; /* datagrams of each address */
	/* answers that wait for the end of the turn, all for one socket */
	struct mmsghdr out[BATCH];
	struct out out_at[BATCH];
	unsigned out_n;
	int out_fd;
	uint8_t *out_bytes;
	size_t out_len;
};

struct flow_box *
flow_box_new(struct err *e)
{
	struct flow_box *b;
	int i;

	if ((b = calloc(1, sizeof(*b))) == NULL ||
	    (b->in_bytes = malloc((size_t)BATCH * DGRAM_ROOM)) == NULL ||
	    (b->out_bytes = malloc(OUT_BYTES)) == NULL) {
		err_sys(e, "datagrams");
		flow_box_free(&b);
		return NULL;
	}
	if ((b->sources = limit_rates_new(e)) == NULL) {
		flow_box_free(&b);
		return NULL;
	}
	for (i = 0; i < BATCH; i++) {
		b->in_iov[i].iov_base = b->in_bytes + (size_t)i * DGRAM_ROOM;
		b->in_iov[i].iov_len = DGRAM_ROOM;
	}
	return b;
}

void
flow_box_free(struct flow_box **bp)
{
	struct flow_box *b = *bp;

	if (b == NULL)
		return;
	limit_rates_free(&b->sources);
	free(b->in_bytes);
	free(b->out_bytes);
	free(b);
	*bp = NULL;
}

static struct worker *
worker_of(const struct served *t)
{
	return t->session->worker;
}

/* --- answers --------------------------------------------------------------- */

static void
count_drop(struct served *t, uint64_t n)
{
	count_own(&t->spec->counts->drops, n);
	count_add(&worker_of(t)->relay->counts.dgrams_dropped, n);
}

/* An answer left; from now on the flow may rest for longer. */
static void
count_sent(struct flow *f, size_t n)
{
	struct served *t = f->tunnel;

	f->bytes_out += n;
	count_own(&t->spec->counts->bytes_out, n);
	count_own(&t->spec->counts->datagrams, 1);
	count_own(&t->session->counts->bytes_out, n);
	count_add(&worker_of(t)->relay->counts.dgrams_out, 1);
}

/* Sends what is gathered; what the system does not take is dropped. */
static void
flush(struct flow_box *b)
{
	unsigned done = 0, i;
	int n;

	while (done < b->out_n) {
		n = sendmmsg(b->out_fd, b->out + done, b->out_n - done,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		for (i = done; n > 0 && i < done + (unsigned)n; i++)
			count_sent(b->out_at[i].flow, b->out_at[i].iov.iov_len);
		if (n > 0) {
			done += (unsigned)n;
			continue;
		}
		/* this one cannot go (its way is gone); the next may */
		count_drop(b->out_at[done].flow->tunnel, 1);
		done++;
	}
	b->out_n = 0;
	b->out_len = 0;
}

void
flow_flush(struct worker *w)
{
	flush(w->flows);
}

/* The address that the visitor spoke to is the one that answers. */
static void
say_from(struct msghdr *h, char *control, const struct flow *f, int family)
{
	struct in6_pktinfo six = { 0 };
	struct in_pktinfo four = { 0 };
	struct cmsghdr *c;
	bool is_six = family == AF_INET6;

	memset(control, 0, CONTROL);
	h->msg_control = control;
	h->msg_controllen =
	    is_six ? CMSG_SPACE(sizeof(six)) : CMSG_SPACE(sizeof(four));
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = is_six ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = is_six ? IPV6_PKTINFO : IP_PKTINFO;
	c->cmsg_len = is_six ? CMSG_LEN(sizeof(six)) : CMSG_LEN(sizeof(four));
	if (is_six) {
		memcpy(&six.ipi6_addr, f->key.own, 16);
		six.ipi6_ifindex = f->key.peer.scope;
		memcpy(CMSG_DATA(c), &six, sizeof(six));
	} else {
		memcpy(&four.ipi_spec_dst, f->key.own + 12, 4);
		memcpy(CMSG_DATA(c), &four, sizeof(four));
	}
}

/* A place for an answer of n bytes to f. */
static uint8_t *
gather(struct flow *f, size_t n)
{
	struct flow_box *b = worker_of(f->tunnel)->flows;
	struct msghdr *h;
	struct out *o;

	if (b->out_n > 0 &&
	    (b->out_fd != f->gate->fd || b->out_n == BATCH ||
		n > OUT_BYTES - b->out_len))
		flush(b);
	b->out_fd = f->gate->fd;
	o = &b->out_at[b->out_n];
	h = &b->out[b->out_n].msg_hdr;
	*h = (struct msghdr){
		.msg_name = &o->to, .msg_iov = &o->iov, .msg_iovlen = 1
	};
	h->msg_namelen =
	    addr_to_sockaddr(&f->key.peer, f->gate->family, &o->to);
	if (h->msg_namelen == 0)
		return NULL;
	o->flow = f;
	o->iov.iov_base = b->out_bytes + b->out_len;
	o->iov.iov_len = n;
	say_from(h, o->control, f, f->gate->family);
	b->out_n++;
	b->out_len += n;
	return o->iov.iov_base;
}

static void
touch(struct flow *f)
{
	struct served *t = f->tunnel;

	f->seen = loop_now(worker_of(t)->loop);
	list_remove(&f->age);
	list_append(f->is_answered ? &t->answered : &t->asked, &f->age);
}

static void
on_datagram(struct carry_end *end, const struct span *v, int n)
{
	struct flow *f = (struct flow *)(void *)end;
	struct served *t = f->tunnel;
	size_t len = 0;
	uint8_t *to;
	int i;

	for (i = 0; i < n; i++)
		len += v[i].n;
	f->is_answered = true;
	touch(f);
	/* a port that is held or let go says nothing any more */
	if (f->gate == NULL || t->udp_n == 0 || (to = gather(f, len)) == NULL) {
		count_drop(t, 1);
		return;
	}
	for (i = 0; i < n; i++) {
		memcpy(to, v[i].p, v[i].n);
		to += v[i].n;
	}
}

/* --- a flow's end ---------------------------------------------------------- */

static void
log_end(const struct flow *f, const char *why)
{
	const struct served *t = f->tunnel;
	char text[ADDR_TEXT], name[256], in[16], out[16];
	uint64_t ms = loop_now(worker_of(t)->loop) - f->since;

	log_info(
	    "visitor %s (udp) of tunnel %lld %s: %.1f s, %s in, %s out, %s",
	    addr_text(text, &f->key.peer), (long long)t->spec->id,
	    str_quote(name, sizeof(name), t->spec->name), (double)ms / 1000,
	    str_bytes(in, sizeof(in), f->bytes_in),
	    str_bytes(out, sizeof(out), f->bytes_out), why);
}

/* Its stream is gone already. */
static void
flow_free(struct flow *f)
{
	struct served *t = f->tunnel;
	struct worker *w = worker_of(t);
	struct counts *c = &w->relay->counts;

	flush(w->flows); /* an answer that waits points here */
	map_remove(&t->flows, &f->node);
	list_remove(&f->age);
	t->flow_n--;
	count_sub(&t->spec->counts->visitors_now, 1);
	count_sub(&t->spec->user->visitors_now, 1);
	count_sub(&c->flows_now, 1);
	free(f);
}

static void
on_gone(struct carry_end *end, enum mux_gone how, uint16_t code,
    const char *sentence)
{
	struct flow *f = (struct flow *)(void *)end;

	(void)how;
	(void)code;
	log_end(f, sentence);
	flow_free(f);
}

static const struct carry_end_ops end_ops = {
	.gone = on_gone,
	.datagram = on_datagram,
};

/* Ended by us. */
static void
flow_end(struct flow *f, uint16_t code, const char *why)
{
	mux_reset(f->stream, code, NULL);
	log_end(f, why);
	session_stir(f->tunnel->session);
	flow_free(f);
}

void
flow_reset_all(struct served *t, uint16_t code)
{
	while (!list_empty(&t->asked))
		flow_end(LIST_OF(t->asked.next, struct flow, age), code,
		    code_sentence(code));
	while (!list_empty(&t->answered))
		flow_end(LIST_OF(t->answered.next, struct flow, age), code,
		    code_sentence(code));
}

static void
put_all(struct visitors *to, const struct list *flows)
{
	const struct flow *f;
	const struct list *n;
	uint64_t now;

	for (n = flows->next; n != flows; n = n->next) {
		f = LIST_OF(n, const struct flow, age);
		now = loop_now(worker_of(f->tunnel)->loop);
		visitors_put(to,
		    &(struct visitors_one){ .number = f->number,
			.is_udp = true,
			.peer = f->key.peer,
			.since = clock_wall_ms() - (int64_t)(now - f->since),
			.bytes_in = f->bytes_in,
			.bytes_out = f->bytes_out });
	}
}

/* The flow of this number, or NULL. */
static struct flow *
find(const struct list *flows, uint64_t number)
{
	struct flow *f;
	struct list *n;

	for (n = flows->next; n != flows; n = n->next) {
		f = LIST_OF(n, struct flow, age);
		if (f->number == number)
			return f;
	}
	return NULL;
}

void
flow_each(struct served *t, struct visitors *to)
{
	uint64_t wanted = visitors_wanted(to);
	struct flow *f;

	if (wanted == 0) {
		put_all(to, &t->asked);
		put_all(to, &t->answered);
	} else if ((f = find(&t->asked, wanted)) != NULL ||
	    (f = find(&t->answered, wanted)) != NULL) {
		flow_end(f, CODE_RESET, "cut off by hand");
		visitors_kicked(to);
	}
}

static void
expire_list(struct list *l, uint64_t idle_ms, uint64_t now)
{
	struct flow *f;

	while (!list_empty(l)) {
		f = LIST_OF(l->next, struct flow, age);
		if (now - f->seen < idle_ms)
			return;
		flow_end(f, CODE_IDLE, "idle");
	}
}

void
flow_expire(struct served *t, uint64_t now)
{
	const struct adit_conf_limits *l = &worker_of(t)->tune.limits;

	expire_list(&t->asked, (uint64_t)l->flow_idle_s * 1000, now);
	expire_list(
	    &t->answered, (uint64_t)l->flow_answered_idle_s * 1000, now);
}

/* --- a flow's birth -------------------------------------------------------- */

/*
 * Makes room for one more: the one that has been silent the longest goes, those
 * that were never answered before all others.
 */
static bool
make_room(struct served *t)
{
	struct worker *w = worker_of(t);
	struct counts *c = &w->relay->counts;
	const struct adit_conf_limits *l = &w->tune.limits;
	struct list *from;

	if (t->flow_n < l->flows_per_tunnel &&
	    count_get(&c->flows_now) < l->flows)
		return true;
	from = !list_empty(&t->asked) ? &t->asked : &t->answered;
	if (list_empty(from))
		return false;
	count_add(&c->evicted_flows, 1);
	flow_end(LIST_OF(from->next, struct flow, age), CODE_LIMIT,
	    "ended early to make room");
	return true;
}

static int
open_stream(struct flow *f)
{
	struct served *t = f->tunnel;
	struct proto_open o = { .kind = PROTO_UDP,
		.tunnel = (uint32_t)t->spec->id };
	struct addr own = { .port = listen_port_number(t->spec->udp) };

	memcpy(own.ip, f->key.own, sizeof(own.ip));
	addr_put(o.visitor, &f->key.peer);
	addr_put(o.local, &own);
	f->stream = mux_open(t->session->mux, &o, f, NULL);
	return f->stream == NULL ? -1 : 0;
}

static void
count_in(struct flow *f)
{
	struct served *t = f->tunnel;
	struct counts *c = &worker_of(t)->relay->counts;

	t->flow_n++;
	count_add(&t->spec->counts->visitors_now, 1);
	count_add(&t->spec->counts->visitors, 1);
	count_add(&t->spec->user->visitors_now, 1);
	count_own(&t->session->counts->streams_in, 1);
	count_add(&c->flows_now, 1);
	count_add(&c->flows, 1);
}

/* NULL: it may not be; counted there where the reason is known. */
static struct flow *
flow_new(struct gate *g, const struct flow_key *key)
{
	struct served *t = g->tunnel;
	struct flow *f;

	if (visitor_why_not(t, &key->peer) != NULL || !make_room(t) ||
	    (f = calloc(1, sizeof(*f))) == NULL) {
		count_add(&t->spec->counts->refused, 1);
		return NULL;
	}
	f->end.ops = &end_ops;
	f->tunnel = t;
	f->gate = g;
	f->key = *key;
	f->number = visitors_number(worker_of(t));
	f->since = loop_now(worker_of(t)->loop);
	list_init(&f->age);
	if (map_add(&t->flows, &f->node, &f->key, NULL) == -1) {
		free(f);
		return NULL;
	}
	if (open_stream(f) == -1) {
		count_add(&worker_of(t)->relay->counts.refused_session, 1);
		map_remove(&t->flows, &f->node);
		free(f);
		return NULL;
	}
	count_in(f);
	touch(f);
	return f;
}

/* --- what arrives ---------------------------------------------------------- */

/* The address that a datagram was sent to. */
static void
own_address(uint8_t own[16], struct msghdr *h)
{
	struct in6_pktinfo six;
	struct in_pktinfo four;
	struct cmsghdr *c;

	memset(own, 0, 16);
	for (c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&six, CMSG_DATA(c), sizeof(six));
			memcpy(own, &six.ipi6_addr, 16);
		} else if (c->cmsg_level == IPPROTO_IP &&
		    c->cmsg_type == IP_PKTINFO) {
			memcpy(&four, CMSG_DATA(c), sizeof(four));
			own[10] = own[11] = 0xff;
			memcpy(own + 12, &four.ipi_addr, 4);
		}
	}
}

/* The probe of a UDP port gets itself as its answer. */
static void
answer_probe(struct gate *g, const struct msghdr *h, size_t n)
{
	struct served *t = g->tunnel;

	count_add(&worker_of(t)->relay->counts.probes, 1);
	sendto(g->fd, h->msg_iov->iov_base, n, MSG_DONTWAIT | MSG_NOSIGNAL,
	    h->msg_name, h->msg_namelen);
}

/* Its address has sent more than its share in this second. */
static bool
is_too_often(struct served *t, const struct addr *peer)
{
	struct worker *w = worker_of(t);
	uint32_t many = w->tune.limits.flow_packets_per_s;

	if (many == 0 ||
	    limit_rates_take(
		w->flows->sources, peer, many, SECOND_MS, loop_now(w->loop)))
		return false;
	count_add(&w->relay->counts.dropped_rate, 1);
	return true;
}

static void
take(struct gate *g, struct msghdr *h, size_t n)
{
	struct served *t = g->tunnel;
	struct flow_key key;
	struct addr peer;
	struct flow *f;

	if (addr_from_sockaddr(&peer, h->msg_name, NULL) == -1)
		return;
	if (is_too_often(t, &peer)) {
		count_drop(t, 1);
		return;
	}
	memset(&key, 0, sizeof(key));
	memcpy(key.peer.ip, peer.ip, sizeof(peer.ip));
	key.peer.port = peer.port;
	key.peer.scope = peer.scope;
	own_address(key.own, h);
	if (n == PROBE_NONCE && probe_is(t, h->msg_iov->iov_base, n)) {
		answer_probe(g, h, n);
		return;
	}
	f = MAP_OF(map_get(&t->flows, &key), struct flow, node);
	if (f == NULL && (f = flow_new(g, &key)) == NULL) {
		count_drop(t, 1);
		return;
	}
	touch(f);
	count_add(&worker_of(t)->relay->counts.dgrams_in, 1);
	if (mux_datagram(f->stream, h->msg_iov->iov_base, n) == 0) {
		count_drop(t, 1);
		return;
	}
	f->bytes_in += n;
	count_own(&t->spec->counts->bytes_in, n);
	count_own(&t->spec->counts->datagrams, 1);
	count_own(&t->session->counts->bytes_in, n);
}

/* One system call; how many came. */
static int
receive(struct flow_box *b, int fd)
{
	int i, n;

	for (i = 0; i < BATCH; i++)
		b->in[i].msg_hdr = (struct msghdr){
			.msg_name = &b->from[i],
			.msg_namelen = sizeof(b->from[i]),
			.msg_iov = &b->in_iov[i],
			.msg_iovlen = 1,
			.msg_control = b->in_control[i],
			.msg_controllen = CONTROL,
		};
	do
		n = recvmmsg(fd, b->in, BATCH, MSG_DONTWAIT, NULL);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool
has_map(struct served *t)
{
	if (!t->has_flows)
		t->has_flows =
		    map_init(&t->flows, sizeof(struct flow_key), NULL) == 0;
	return t->has_flows;
}

void
flow_on_gate(void *arg, unsigned what)
{
	struct gate *g = arg;
	struct served *t = g->tunnel;
	struct flow_box *b = worker_of(t)->flows;
	int i, n, turn;

	(void)what;
	for (turn = 0; turn < BATCHES && has_map(t); turn++) {
		n = receive(b, g->fd);
		for (i = 0; i < n; i++)
			take(g, &b->in[i].msg_hdr, b->in[i].msg_len);
		if (n < BATCH)
			return;
	}
}
