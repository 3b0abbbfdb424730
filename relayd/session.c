#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/str.h"
#include "carry/wire.h"
#include "log/log.h"
#include "net/loop.h"
#include "proto/code.h"
#include "proto/frame.h"

#include "link.h"
#include "registry_mail.h"
#include "served.h"
#include "visitor.h"

enum {
	REPORTS_PER_S = 4000,
	REPORTS_BURST = 40000, /* what a slow link has gathered */
};

struct session_link {
	struct session *session;
	struct list on;
	struct wire *wire;
	struct mux_link *link;
	struct addr peer;
};

/* --- links ----------------------------------------------------------------- */

/* Its place is free again; that of a wire that finishes is, when it has. */
static void
drop_link(struct session_link *k)
{
	struct relay *r = k->session->worker->relay;

	list_remove(&k->on);
	count_sub(&r->counts.links_now, 1);
	if (k->wire != NULL) {
		limit_doors_leave(r->doors, &k->peer);
		count_sub(&r->counts.files_now, 1);
	}
	count_set(&k->session->counts->links_now,
	    count_get(&k->session->counts->links_now) - 1);
	wire_free(&k->wire);
	free(k);
}

static void
log_link(const struct session_link *k, const char *how)
{
	char text[ADDR_TEXT];

	log_info("session %lld (%s): link %u from %s %s",
	    (long long)k->session->id, k->session->who,
	    mux_link_number(k->link), addr_text(text, &k->peer), how);
}

static void
on_up(void *arg)
{
	(void)arg;
}

static void
on_input(void *arg, struct slab *b, size_t n)
{
	struct session_link *k = arg;

	mux_input(k->link, b, 0, n, loop_now(k->session->worker->loop));
}

static void
on_down(void *arg, enum wire_end how, const char *why)
{
	struct session_link *k = arg;
	struct session *s = k->session;
	char text[160];

	(void)how;
	snprintf(text, sizeof(text), "ended, %s", why);
	log_link(k, text);
	count_add(&s->worker->relay->counts.links_lost, 1);
	mux_leave(&k->link, loop_now(s->worker->loop));
	drop_link(k);
	session_stir(s);
}

static void
on_ready(void *arg)
{
	struct session_link *k = arg;

	session_stir(k->session);
}

static const struct wire_ops link_ops = {
	.up = on_up,
	.input = on_input,
	.down = on_down,
	.ready = on_ready,
};

/* --- what the mux asks ----------------------------------------------------- */

static int
seal(void *larg, const void *p, size_t n)
{
	struct session_link *k = larg;

	return wire_seal(k->wire, p, n);
}

static ssize_t
room(void *larg, enum mux_room what)
{
	struct session_link *k = larg;

	return wire_room(k->wire, what);
}

/* The mux has done with a link: what it still says is sent. */
static void
on_link_end(void *larg, uint16_t code, const char *why)
{
	struct session_link *k = larg;
	char text[160];

	snprintf(text, sizeof(text), "closed, %s", why);
	log_link(k, text);
	count_add(&k->session->worker->relay->counts.links_lost, 1);
	if (code != CODE_TIMEOUT)
		link_part(k->session->worker->relay, &k->wire, &k->peer, false);
	drop_link(k);
}

/* No kind of tunnel lets a client open streams. */
static uint16_t
on_open(void *arg, struct mux_stream *st, const struct proto_open *o)
{
	struct session *s = arg;

	(void)st;
	(void)o;
	count_add(&s->worker->relay->counts.refused_opens, 1);
	return CODE_NOT_ALLOWED;
}

static void
on_broken(void *arg, const char *why)
{
	struct session *s = arg;

	count_add(&s->worker->relay->counts.sessions_broken, 1);
	session_end(s, CODE_BROKEN, true, why);
}

/* A client with a thousand tunnels does not need so many. */
static bool
reports_too_often(struct session *s)
{
	uint32_t wait_ms;

	return !limit_take(&s->reports, REPORTS_PER_S, REPORTS_BURST,
	    loop_now(s->worker->loop), &wait_ms);
}

static void
on_control(void *arg, struct mux_link *l, const struct frame *f)
{
	struct session *s = arg;
	struct proto_report r;
	struct served *t;
	struct err e;

	(void)l;
	if (f->type != FRAME_REPORT)
		return;
	if (reports_too_often(s)) {
		on_broken(s, "REPORTs beyond all need");
		return;
	}
	if (report_decode(&r, f, &e) == -1) {
		session_end(s, CODE_BROKEN, true, e.text);
		return;
	}
	if ((t = session_tunnel(s, r.tunnel)) != NULL)
		served_report(t, &r);
}

static void
on_goaway(void *arg, const struct proto_goaway *g)
{
	struct session *s = arg;

	session_end(s, CODE_GONE, false,
	    g->sentence[0] != '\0' ? g->sentence : "the client has ended");
}

static void
on_wake(void *arg)
{
	session_stir(arg);
}

static struct mux *
make_mux(struct session *s, struct err *e)
{
	struct worker *w = s->worker;
	const struct adit_conf_limits *l = &w->tune.limits;
	struct mux_ops ops = {
		.open = on_open,
		.link_end = on_link_end,
		.control = on_control,
		.goaway = on_goaway,
		.broken = on_broken,
		.wake = on_wake,
	};
	struct mux_conf c;

	mux_conf_default(&c, MUX_RELAY);
	c.pool = w->carry.pool;
	c.window_first = l->window_first_kb << 10;
	c.window_max = l->window_max_kb << 10;
	if (c.window_max < c.window_first)
		c.window_max = c.window_first;
	c.streams_max = l->streams_per_session;
	c.held_max = w->relay->budget.max / 4;
	c.group_held = &s->user->held;
	c.group_max = w->relay->budget.max * l->memory_per_user / 100;
	c.opens_per_s = l->opens_per_s;
	c.opens_burst = l->opens_burst;
	c.ping_idle_ms = l->heartbeat_ms;
	carry_ops(&ops);
	ops.pull = visitor_pull;
	ops.push = visitor_push;
	ops.seal = seal;
	ops.room = room;
	return mux_new(&c, &ops, s, loop_now(w->loop), e);
}

/* --- the turn -------------------------------------------------------------- */

void
session_stir(struct session *s)
{
	if (list_empty(&s->stirred))
		list_append(&s->worker->stirred, &s->stirred);
}

static void
on_due(void *arg)
{
	struct session *s = arg;

	s->due = NULL;
	session_stir(s);
}

/*
 * The timer may fire too early, never too late: it is moved only when the mux
 * wants its run sooner, so that bytes that flow do not touch the heap.
 */
static void
wait_for_mux(struct session *s)
{
	struct loop *l = s->worker->loop;
	uint64_t due = mux_deadline(s->mux), now = loop_now(l);

	if (due == UINT64_MAX || (s->due != NULL && timer_when(s->due) <= due))
		return;
	if (s->due != NULL) {
		timer_move(s->due, due);
		return;
	}
	s->due = loop_after(l, due > now ? due - now : 0, on_due, s, NULL);
	if (s->due == NULL)
		session_stir(s); /* without memory: look in each turn */
}

static void
on_hold(void *arg)
{
	struct session *s = arg;
	struct list *n;

	s->hold = NULL;
	s->is_held = true;
	for (n = s->tunnels.next; n != &s->tunnels; n = n->next)
		served_hold(LIST_OF(n, struct served, on));
}

static void
on_grace(void *arg)
{
	struct session *s = arg;

	s->grace = NULL;
	session_end(s, CODE_TIMEOUT, false, "lost: no link returned in time");
}

/* The last link is gone: everybody waits for a while. */
static void
go_dark(struct session *s)
{
	struct worker *w = s->worker;
	struct list *n;

	s->is_dark = true;
	s->dark_since = loop_now(w->loop);
	count_add(&w->relay->counts.sessions_dark_now, 1);
	for (n = s->tunnels.next; n != &s->tunnels; n = n->next)
		served_pause(LIST_OF(n, struct served, on));
	s->hold = loop_after(w->loop, w->tune.hold_ms, on_hold, s, NULL);
	s->grace = loop_after(w->loop, w->tune.grace_ms, on_grace, s, NULL);
	if (s->hold == NULL || s->grace == NULL) {
		session_end(s, CODE_MEMORY, false, "out of memory");
		return;
	}
	log_info("session %lld (%s): dark, its visitors wait", (long long)s->id,
	    s->who);
	registry_dark(w->relay, s->id, true);
}

static void
go_live(struct session *s)
{
	struct worker *w = s->worker;
	struct list *n, *next;

	timer_cancel(&s->hold);
	timer_cancel(&s->grace);
	s->is_dark = s->is_held = false;
	count_sub(&w->relay->counts.sessions_dark_now, 1);
	for (n = s->tunnels.next; n != &s->tunnels; n = next) {
		next = n->next;
		served_resume(LIST_OF(n, struct served, on));
	}
	log_info("session %lld (%s): back after %.1f s", (long long)s->id,
	    s->who, (double)(loop_now(w->loop) - s->dark_since) / 1000);
	registry_dark(w->relay, s->id, false);
}

/* Tells the client, gives everything back, leaves the map. */
static void
finish(struct session *s)
{
	struct worker *w = s->worker;
	struct served *t;

	session_tick(s);
	if (s->end_tells) {
		mux_goaway(s->mux, s->end_code, 0, s->end_why);
		mux_run(s->mux, loop_now(w->loop));
	}
	while (!list_empty(&s->tunnels)) {
		t = LIST_OF(s->tunnels.next, struct served, on);
		served_free(&t, s->end_code);
	}
	mux_free(&s->mux, s->end_code, s->end_why);
	timer_cancel(&s->due);
	timer_cancel(&s->hold);
	timer_cancel(&s->grace);
	list_remove(&s->stirred);
	map_remove(&w->sessions, &s->node);
	if (s->is_dark)
		count_sub(&w->relay->counts.sessions_dark_now, 1);
	count_sub(&w->relay->counts.sessions_now, 1);
	log_info("session %lld (%s): ended, %s", (long long)s->id, s->who,
	    s->end_why);
	registry_ended(w->relay, s->id, s->end_code, s->end_why);
	s->counts = NULL;
	list_append(&w->ended, &s->ended);
}

bool
session_run(struct session *s)
{
	bool more = mux_run(s->mux, loop_now(s->worker->loop));

	if (!s->is_ending && !s->is_dark && mux_is_dark(s->mux))
		go_dark(s);
	if (s->is_ending) {
		finish(s);
		return false;
	}
	if (more)
		session_stir(s);
	else
		wait_for_mux(s);
	return more;
}

void
session_end(struct session *s, uint16_t code, bool tell, const char *why)
{
	if (s->is_ending)
		return;
	s->is_ending = true;
	s->end_code = code;
	s->end_tells = tell;
	str_copy(s->end_why, sizeof(s->end_why), why);
	session_stir(s);
}

void
session_free(struct session **s)
{
	list_remove(&(*s)->ended);
	map_free(&(*s)->by_tunnel);
	str_wipe((*s)->key, sizeof((*s)->key));
	free(*s);
	*s = NULL;
}

/* --- questions ------------------------------------------------------------- */

struct session *
session_find(struct worker *w, int64_t id)
{
	return MAP_OF(map_get(&w->sessions, &id), struct session, node);
}

struct served *
session_tunnel(struct session *s, int64_t tunnel)
{
	return MAP_OF(map_get(&s->by_tunnel, &tunnel), struct served, node);
}

bool
session_is_at(const struct session *s, const struct addr *a)
{
	struct list *n;

	for (n = s->links.next; n != &s->links; n = n->next)
		if (addr_same_ip(&LIST_OF(n, struct session_link, on)->peer, a))
			return true;
	return false;
}

/* What came to its returns and to its user's share since the last look. */
static void
count_streams(struct session *s, const struct mux_stats *st)
{
	struct counts *c = &s->worker->relay->counts;

	count_add(&c->streams_resumed, st->resumed - s->resumed);
	count_add(&c->streams_broken, st->broken - s->broken);
	count_add(&c->shed_user, st->shed - s->shed);
	s->resumed = st->resumed;
	s->broken = st->broken;
	s->shed = st->shed;
}

void
session_tick(struct session *s)
{
	struct mux_stats st;
	struct session_link *k;
	struct list *n;
	uint64_t heard = 0, now = loop_now(s->worker->loop), at;
	uint64_t owed = UINT64_MAX;

	mux_stats(s->mux, &st);
	count_set(&s->counts->streams_now, st.streams);
	count_set(&s->counts->flows_now, st.flows);
	count_set(&s->counts->held, st.held);
	count_streams(s, &st);
	for (n = s->links.next; n != &s->links; n = n->next) {
		k = LIST_OF(n, struct session_link, on);
		at = mux_link_owes(k->link, now);
		owed = at < owed ? at : owed;
		at = mux_link_heard(k->link);
		if (at <= heard)
			continue;
		heard = at;
		count_set(&s->counts->rtt_ms, mux_link_rtt_ms(k->link));
	}
	count_set(&s->counts->owes_since, owed != UINT64_MAX ? owed : 0);
	if (heard != 0)
		count_set(&s->counts->heard,
		    (uint64_t)clock_wall_ms() - (now - heard));
}

/* --- coming home ----------------------------------------------------------- */

static struct session *
session_new(struct worker *w, struct newcomer *n, struct err *e)
{
	struct session *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_sys(e, "session");
		return NULL;
	}
	s->worker = w;
	s->id = n->session;
	s->counts = n->counts;
	s->user = n->user;
	memcpy(s->key, n->key, sizeof(s->key));
	str_copy(s->who, sizeof(s->who), n->who);
	list_init(&s->links);
	list_init(&s->tunnels);
	list_init(&s->stirred);
	list_init(&s->ended);
	if (map_init(&s->by_tunnel, sizeof(int64_t), e) == -1 ||
	    (s->mux = make_mux(s, e)) == NULL ||
	    map_add(&w->sessions, &s->node, &s->id, e) == -1) {
		mux_free(&s->mux, CODE_NONE, "");
		map_free(&s->by_tunnel);
		free(s);
		return NULL;
	}
	count_add(&w->relay->counts.sessions_now, 1);
	count_add(&w->relay->counts.sessions, 1);
	return s;
}

static void
say_welcome(struct session *s, struct session_link *k, const struct newcomer *n)
{
	const struct adit_conf_limits *l = &s->worker->tune.limits;
	uint8_t frame[FRAME_HEAD + 1024];
	struct proto_welcome hi = {
		.version = hello_version(&n->hello),
		.link = mux_link_number(k->link),
		.resumed = n->resumed,
		.round = mux_round(s->mux),
		.heartbeat_ms = l->heartbeat_ms,
		.grace_ms = s->worker->tune.grace_ms,
		.streams_max = l->streams_per_session,
		.window = l->window_first_kb << 10,
		.session = (uint64_t)s->id,
	};
	int len;

	memcpy(hi.key, s->key, sizeof(hi.key));
	len = welcome_encode(frame, sizeof(frame), &hi, NULL);
	if (len > 0)
		mux_link_say(k->link, frame, (size_t)len, NULL);
	str_wipe(frame, sizeof(frame));
	str_wipe(hi.key, sizeof(hi.key));
}

/* The link joins; NULL when it cannot, and the wire is gone. */
static struct session_link *
join(struct session *s, struct newcomer *n, struct err *e)
{
	struct worker *w = s->worker;
	struct session_link *k = calloc(1, sizeof(*k));
	struct wire *wire = n->wire;

	n->wire = NULL;
	if (k == NULL) {
		err_sys(e, "link");
		wire_adopt(wire, &w->carry, &link_ops, NULL, NULL);
		wire_free(&wire);
		return NULL;
	}
	k->session = s;
	k->wire = wire;
	k->peer = n->peer;
	mux_leave_unnamed(s->mux, n->hello.links, n->hello.link_count);
	if (wire_adopt(wire, &w->carry, &link_ops, k, e) == -1 ||
	    (k->link = mux_join(s->mux, k, 0, 0, loop_now(w->loop), e)) ==
		NULL) {
		wire_free(&k->wire);
		free(k);
		return NULL;
	}
	list_init(&k->on);
	list_append(&s->links, &k->on);
	limit_doors_leave(w->relay->dialling, &n->peer);
	count_sub(&w->relay->counts.dials_now, 1);
	count_add(&w->relay->counts.links_now, 1);
	count_set(&s->counts->links_now, count_get(&s->counts->links_now) + 1);
	return k;
}

/* What a fresh session is given; the client hears of it behind WELCOME. */
static void
take_tunnels(struct session *s, struct newcomer *n)
{
	struct tunnel_spec *spec;

	while (n->spec_n > 0) {
		spec = n->specs[--n->spec_n];
		served_tell(s, spec, false);
	}
}

static void
say_tunnels(struct session *s, struct mux_link *l)
{
	struct list *n, *next;

	for (n = s->tunnels.next; n != &s->tunnels; n = next) {
		next = n->next;
		served_say(
		    LIST_OF(n, struct served, on), l, next == &s->tunnels);
	}
}

/* A dial that cannot join: uncounted, and a fresh session with it. */
static void
turn_away(struct worker *w, struct newcomer *n, const char *why)
{
	limit_doors_leave(w->relay->dialling, &n->peer);
	count_sub(&w->relay->counts.dials_now, 1);
	count_sub(&w->relay->counts.files_now, 1);
	limit_doors_leave(w->relay->doors, &n->peer);
	log_warn("session %lld (%s): a link cannot join, %s",
	    (long long)n->session, n->who, why);
	newcomer_free(&n);
}

static void
free_unborn(struct worker *w, struct newcomer *n)
{
	struct tunnel_spec *t;
	struct wire *wire = n->wire;

	n->wire = NULL;
	wire_adopt(wire, &w->carry, &link_ops, NULL, NULL);
	wire_free(&wire);
	while (n->spec_n > 0) {
		t = n->specs[--n->spec_n];
		if (t->serve)
			registry_let_go(
			    w->relay, n->session, true, t->id, NULL);
		tunnel_spec_free(&t);
	}
	registry_ended(
	    w->relay, n->session, CODE_MEMORY, "it could not be made");
}

void
session_adopt(struct worker *w, struct newcomer *n)
{
	struct session *s = session_find(w, n->session);
	struct session_link *k;
	struct err e;

	if (!n->fresh && (s == NULL || s->is_ending)) {
		registry_homeless(w->relay, n);
		return;
	}
	if (n->fresh && (s = session_new(w, n, &e)) == NULL) {
		free_unborn(w, n);
		turn_away(w, n, e.text);
		return;
	}
	if ((k = join(s, n, &e)) != NULL)
		log_link(k, n->fresh ? "begins it" : "joins it");
	if (n->fresh)
		take_tunnels(s, n);
	if (k == NULL) {
		session_stir(s); /* a fresh one is dark now */
		turn_away(w, n, e.text);
		return;
	}
	say_welcome(s, k, n);
	say_tunnels(s, k->link);
	if (n->resumed)
		mux_resume(s->mux);
	if (n->resumed)
		count_add(&w->relay->counts.returns, 1);
	session_stir(s);
	if (s->is_dark)
		go_live(s);
	newcomer_free(&n);
}
