#include "visitor.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"
#include "carry/pipe.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proto/code.h"

#include "limit.h"
#include "probe.h"
#include "served.h"
#include "session.h"
#include "visitors.h"

enum {
	REFUSE_AT = 90, /* percent of the memory for streams */
	MINUTE_MS = 60000,
};

/* Which side ended first, for the log. */
enum first_end { NOBODY, VISITOR, SERVICE };

struct visitor {
	struct pipe pipe;
	struct served *tunnel;
	struct list on; /* tunnel->visitors */
	uint64_t number;
	uint64_t since;
	uint8_t peer[ADDR_WIRE];
	uint8_t first_end;
	bool may_be_probe;
	bool is_probe;
	bool is_broken; /* the visitor's own connection */
};

/* --- the log --------------------------------------------------------------- */

static const char *
tunnel_name(const struct served *t, char to[256])
{
	return str_quote(to, 256, t->spec->name);
}

static void
log_refused(const struct served *t, const struct addr *peer, const char *why)
{
	char text[ADDR_TEXT], name[256];

	log_info("visitor %s of tunnel %lld %s: refused, %s",
	    addr_text(text, peer), (long long)t->spec->id, tunnel_name(t, name),
	    why);
}

static void
log_end(const struct visitor *v, const char *why)
{
	const struct served *t = v->tunnel;
	char text[ADDR_TEXT], name[256], in[16], out[16];
	struct addr peer = { 0 };
	uint64_t ms = loop_now(t->session->worker->loop) - v->since;

	addr_get(&peer, v->peer);
	log_info("visitor %s of tunnel %lld %s: %.1f s, %s in, %s out, %s",
	    addr_text(text, &peer), (long long)t->spec->id,
	    tunnel_name(t, name), (double)ms / 1000,
	    str_bytes(in, sizeof(in), v->pipe.in),
	    str_bytes(out, sizeof(out), v->pipe.out), why);
}

/* Why it is over, as a participle phrase. */
static const char *
ending(const struct visitor *v, enum mux_gone how, uint16_t code,
    const char *sentence)
{
	if (v->is_broken)
		return "broken by the visitor";
	if (how == MUX_GONE_CLEAN)
		return v->first_end == SERVICE ? "ended by the service"
					       : "ended by the visitor";
	return code == CODE_RESET ? "reset by the service" : sentence;
}

/* --- the end --------------------------------------------------------------- */

/* Everything but the stream. */
static void
visitor_free(struct visitor *v, enum mux_gone how)
{
	struct served *t = v->tunnel;
	struct counts *c = &t->session->worker->relay->counts;

	pipe_close(&v->pipe, how);
	list_remove(&v->on);
	t->visitor_n--;
	count_sub(&t->spec->counts->visitors_now, 1);
	count_sub(&t->spec->user->visitors_now, 1);
	count_sub(&c->visitors_now, 1);
	count_sub(&c->files_now, 1);
	free(v);
}

static void
on_gone(struct carry_end *end, enum mux_gone how, uint16_t code,
    const char *sentence)
{
	struct visitor *v = (struct visitor *)(void *)end;

	if (!v->is_probe)
		log_end(v, ending(v, how, code, sentence));
	if (code == CODE_MEMORY)
		count_add(
		    &v->tunnel->session->worker->relay->counts.shed_streams, 1);
	visitor_free(v, how);
}

static const struct carry_end_ops end_ops = { .gone = on_gone };

void
visitor_reset_all(struct served *t, uint16_t code)
{
	struct visitor *v;

	while (!list_empty(&t->visitors)) {
		v = LIST_OF(t->visitors.next, struct visitor, on);
		mux_reset(v->pipe.stream, code, NULL);
		log_end(v, code_sentence(code));
		visitor_free(v, MUX_GONE_RESET);
	}
	session_stir(t->session);
}

/* --- who is here ----------------------------------------------------------- */

static void
put(struct visitors *to, const struct visitor *v)
{
	uint64_t now = loop_now(v->tunnel->session->worker->loop);
	struct visitors_one one = { .number = v->number,
		.since = clock_wall_ms() - (int64_t)(now - v->since),
		.bytes_in = v->pipe.in,
		.bytes_out = v->pipe.out };

	addr_get(&one.peer, v->peer);
	visitors_put(to, &one);
}

void
visitor_each(struct served *t, struct visitors *to)
{
	uint64_t wanted = visitors_wanted(to);
	struct visitor *v;
	struct list *n;

	for (n = t->visitors.next; n != &t->visitors; n = n->next) {
		v = LIST_OF(n, struct visitor, on);
		if (wanted == 0 && !v->is_probe)
			put(to, v);
		if (wanted == 0 || v->number != wanted)
			continue;
		mux_reset(v->pipe.stream, CODE_RESET, NULL);
		log_end(v, "cut off by hand");
		visitor_free(v, MUX_GONE_RESET);
		session_stir(t->session);
		visitors_kicked(to);
		return;
	}
}

/* --- bytes ----------------------------------------------------------------- */

/* A probe that came from elsewhere and was not held back. */
static bool
is_probe(struct visitor *v, const struct span *s, ssize_t n)
{
	struct served *t = v->tunnel;

	v->may_be_probe = false;
	if (n < PROBE_NONCE || s->n < PROBE_NONCE ||
	    !probe_is(t, s->p, (size_t)n))
		return false;
	v->is_probe = true;
	count_add(&t->session->worker->relay->counts.probes, 1);
	return true;
}

ssize_t
visitor_pull(void *sarg, const struct span *s, int n, unsigned *flags_out)
{
	struct visitor *v = sarg;
	ssize_t got = pipe_pull(&v->pipe, s, n, flags_out);

	if (got > 0) {
		if (v->may_be_probe && is_probe(v, s, got))
			return MUX_BROKEN;
		count_own(&v->tunnel->spec->counts->bytes_in, (uint64_t)got);
		count_own(&v->tunnel->session->counts->bytes_in, (uint64_t)got);
	}
	if (got == MUX_BROKEN)
		v->is_broken = true;
	else if (*flags_out & MUX_EOF && v->first_end == NOBODY)
		v->first_end = v->pipe.shut ? SERVICE : VISITOR;
	return got;
}

ssize_t
visitor_push(void *sarg, const struct span *s, int n)
{
	struct visitor *v = sarg;
	ssize_t put = pipe_push(&v->pipe, s, n);

	if (put > 0) {
		count_own(&v->tunnel->spec->counts->bytes_out, (uint64_t)put);
		count_own(
		    &v->tunnel->session->counts->bytes_out, (uint64_t)put);
	} else if (put == MUX_BROKEN) {
		v->is_broken = true;
	}
	return put;
}

/* --- coming in ------------------------------------------------------------- */

static const char *
refuse(count_t *count, const char *why)
{
	count_add(count, 1);
	return why;
}

bool
visitor_is_shut_out(const struct served *t, const struct addr *peer)
{
	const struct tunnel_spec *spec = t->spec;

	return addr_nets_has(&spec->deny, peer) ||
	    (spec->allow.count > 0 && !addr_nets_has(&spec->allow, peer));
}

/* The lists of the tunnel, and how often an address may come. */
static const char *
why_not_from_there(struct served *t, const struct addr *peer)
{
	struct worker *w = t->session->worker;
	struct counts *c = &w->relay->counts;
	const struct tunnel_spec *spec = t->spec;

	if (visitor_is_shut_out(t, peer))
		return refuse(&c->refused_list,
		    "the tunnel's allow and deny lists keep it out");
	if (spec->rate > 0 && t->rates != NULL &&
	    !limit_rates_take(
		t->rates, peer, spec->rate, MINUTE_MS, loop_now(w->loop)))
		return refuse(
		    &c->refused_rate, "too many from its address a minute");
	return NULL;
}

const char *
visitor_why_not(struct served *t, const struct addr *peer)
{
	struct worker *w = t->session->worker;
	struct counts *c = &w->relay->counts;
	const struct adit_conf_limits *l = &w->tune.limits;
	const struct tunnel_spec *spec = t->spec;
	const char *why;

	if ((why = why_not_from_there(t, peer)) != NULL)
		return why;
	if (spec->visitors_max > 0 && t->visitor_n >= spec->visitors_max)
		return refuse(
		    &c->refused_tunnel, "the tunnel's own limit is reached");
	if (t->visitor_n >= l->streams_per_tunnel)
		return refuse(
		    &c->refused_tunnel, "limits.streams_per_tunnel is reached");
	if (count_get(&spec->user->visitors_now) >= l->streams_per_user)
		return refuse(
		    &c->refused_user, "limits.streams_per_user is reached");
	if (count_get(&c->visitors_now) >= l->streams)
		return refuse(
		    &c->refused_visitors, "limits.streams is reached");
	if (pool_pressure(w->carry.pool) >= REFUSE_AT)
		return refuse(&c->refused_memory,
		    "relay.memory_mb is used up to 90 percent");
	return NULL;
}

static void
turn_away(struct served *t, int fd, const struct addr *peer, const char *why)
{
	log_refused(t, peer, why);
	count_add(&t->spec->counts->refused, 1);
	count_sub(&t->session->worker->relay->counts.files_now, 1);
	plat_close_reset(&fd);
}

static void
count_in(struct visitor *v)
{
	struct served *t = v->tunnel;
	struct counts *c = &t->session->worker->relay->counts;

	list_append(&t->visitors, &v->on);
	t->visitor_n++;
	count_add(&t->spec->counts->visitors_now, 1);
	count_add(&t->spec->counts->visitors, 1);
	count_add(&t->spec->user->visitors_now, 1);
	count_own(&t->session->counts->streams_in, 1);
	count_add(&c->visitors_now, 1);
	count_add(&c->visitors, 1);
}

/* The stream and its first bytes. */
static int
open_stream(struct visitor *v, const struct addr *own, struct err *e)
{
	struct served *t = v->tunnel;
	struct proto_open o = { .kind = PROTO_TCP,
		.tunnel = (uint32_t)t->spec->id };
	struct mux_stream *s;

	memcpy(o.visitor, v->peer, sizeof(o.visitor));
	addr_put(o.local, own);
	if ((s = mux_open(t->session->mux, &o, v, e)) == NULL) {
		count_add(
		    &t->session->worker->relay->counts.refused_session, 1);
		return -1;
	}
	count_in(v);
	pipe_attach(&v->pipe, s);
	return 0;
}

void
visitor_enter(
    struct served *t, int fd, const struct addr *peer, const struct addr *own)
{
	struct worker *w = t->session->worker;
	const char *why = visitor_why_not(t, peer);
	struct visitor *v;
	struct err e;

	if (why != NULL || (v = calloc(1, sizeof(*v))) == NULL) {
		turn_away(t, fd, peer, why != NULL ? why : "out of memory");
		return;
	}
	v->tunnel = t;
	v->number = visitors_number(w);
	v->since = loop_now(w->loop);
	v->pipe.end.ops = &end_ops;
	v->may_be_probe = probe_is_open(t);
	addr_put(v->peer, peer);
	list_init(&v->on);
	if (pipe_open(&v->pipe, &w->carry, fd, &e) == 0 &&
	    open_stream(v, own, &e) == 0)
		return;
	log_refused(t, peer, e.text);
	count_add(&t->spec->counts->refused, 1);
	count_sub(&w->relay->counts.files_now, 1);
	if (v->pipe.watch != NULL)
		pipe_close(&v->pipe, MUX_GONE_RESET);
	free(v);
}

void
visitor_on_gate(void *arg, unsigned what)
{
	struct gate *g = arg;
	struct served *t = g->tunnel;
	struct worker *w = t->session->worker;
	struct addr peer, own;
	struct err e;
	int fd, n;

	(void)what;
	for (n = 0; n < WORKER_ACCEPTS && t->is_open && !t->is_paused; n++) {
		if (worker_is_full(w, false)) {
			w->gates_shut = true;
			worker_say_full(w, "visitors");
			served_pause(t);
			return;
		}
		fd = listen_accept(g->fd, &peer, &own, &e);
		if (fd == LISTEN_FULL) {
			w->full = true;
			continue;
		}
		if (fd < 0)
			return;
		count_add(&w->relay->counts.files_now, 1);
		if (probe_is_open(t))
			probe_or_visitor(t, fd, &peer, &own);
		else
			visitor_enter(t, fd, &peer, &own);
	}
}
