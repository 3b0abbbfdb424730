#include "sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"

enum {
	RUNS_MAX = 400,    /* turns in a row that ask for another */
	ROUNDS_MAX = 6000, /* of settling */
	SHED_PERCENT = 98,
	SILENT_MS = 4000,
};

static const char *const names[SIM_FAMILIES] = {
	[SIM_PLAIN] = "plain",
	[SIM_HARD] = "hard",
	[SIM_ONELINK] = "one link",
	[SIM_TINY] = "tiny windows",
	[SIM_FLOWS] = "flows",
	[SIM_WRAP] = "wrap",
	[SIM_PRESSURE] = "pressure",
	[SIM_CHAOS] = "owners that call back",
	[SIM_SILENCE] = "silence and stopped sides",
};

const char *
sim_family_name(enum sim_family f)
{
	return names[f];
}

const char *
sim_side_name(enum mux_side side)
{
	return side == MUX_RELAY ? "relay" : "client";
}

/* --- chance ---------------------------------------------------------------- */

uint64_t
sim_random(struct sim *s)
{
	uint64_t x = s->rnd += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

uint64_t
sim_below(struct sim *s, uint64_t n)
{
	return n == 0 ? 0 : sim_random(s) % n;
}

bool
sim_chance(struct sim *s, unsigned percent)
{
	return sim_below(s, 100) < percent;
}

uint64_t
sim_between(struct sim *s, uint64_t low, uint64_t high)
{
	return low + sim_below(s, high - low + 1);
}

/* --- words ----------------------------------------------------------------- */

void
sim_say(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->trace)
		return;
	printf("# %8" PRIu64 " ", s->now);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* The first fault counts; what follows from it is noise. */
void
sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->failed)
		return;
	s->failed = true;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	sim_say(s, "FAULT: %s", s->why);
}

/* --- a side ---------------------------------------------------------------- */

static struct sim *
sim_of(struct sim_side *w)
{
	return (
	    struct sim *)((char *)(w - w->side) - offsetof(struct sim, side));
}

static void
on_control(void *arg, struct mux_link *l, const struct frame *f)
{
	struct sim_side *w = arg;
	struct proto_config c;
	struct proto_report r;
	struct err e;

	(void)l;
	if (w->side == MUX_CLIENT
		? f->type != FRAME_CONFIG || config_decode(&c, f, &e) != 0
		: f->type != FRAME_REPORT || report_decode(&r, f, &e) != 0)
		sim_fail(sim_of(w), "a control frame is not what was said");
}

static void
on_wake(void *arg)
{
	struct sim_side *w = arg;

	w->dirty = true;
}

static void
on_links(void *arg, unsigned wanted)
{
	struct sim *s = sim_of(arg);

	if (wanted < 1 || wanted > 4)
		sim_fail(s, "%u links are wanted", wanted);
	if (s->plan.family != SIM_ONELINK && wanted > s->plan.links)
		s->plan.links = wanted;
}

static void
on_goaway(void *arg, const struct proto_goaway *g)
{
	(void)g;
	sim_fail(sim_of(arg), "GOAWAY, and nobody said it");
}

static void
on_broken(void *arg, const char *why)
{
	struct sim_side *w = arg;

	sim_fail(sim_of(w), "%s finds the protocol broken: %s",
	    sim_side_name(w->side), why);
}

static const struct mux_ops ops = {
	.open = ends_on_open,
	.connected = ends_connected,
	.pull = ends_pull,
	.push = ends_push,
	.end = ends_end,
	.datagram = ends_datagram,
	.gone = ends_gone,
	.seal = wire_seal,
	.room = wire_room,
	.link_end = wire_end,
	.link_silent = wire_silent,
	.control = on_control,
	.wake = on_wake,
	.links = on_links,
	.goaway = on_goaway,
	.broken = on_broken,
};

static bool
side_new(struct sim *s, enum mux_side side)
{
	struct sim_side *w = &s->side[side];
	struct err e;

	w->side = side;
	w->budget.max = s->plan.budget;
	plan_conf(s, side);
	if ((w->pool = pool_new(&w->budget, &e)) == NULL)
		return false;
	s->conf[side].pool = w->pool;
	w->mux = mux_new(&s->conf[side], &ops, w, s->now, &e);
	return w->mux != NULL;
}

/* What the owner of many sessions does when memory runs out. */
static void
shed(struct sim *s, struct sim_side *w)
{
	while (pool_pressure(w->pool) > SHED_PERCENT &&
	    mux_unread_since(w->mux) != UINT64_MAX) {
		w->in_run = true; /* gone() comes at once */
		if (mux_unread_since(w->mux) > s->now ||
		    !mux_shed(w->mux, CODE_MEMORY))
			sim_fail(s, "nothing to shed, though there is");
		w->in_run = false;
		s->sheds++;
		if (s->sheds > 1000)
			sim_fail(s, "shedding has no end");
		if (s->failed)
			return;
	}
}

/* A side that wants no further turn has nothing to do in one. */
static void
check_rest(struct sim *s, struct sim_side *w)
{
	uint64_t before = s->work + s->event;

	w->in_run = true;
	mux_run(w->mux, s->now);
	w->in_run = false;
	watch_turn(s, w->side);
	if (before != s->work + s->event)
		sim_fail(s, "%s had more to do and did not say so",
		    sim_side_name(w->side));
}

/* A side's turns until it has nothing left to do at once. */
static void
run_side(struct sim *s, enum mux_side side)
{
	struct sim_side *w = &s->side[side];
	uint64_t before;
	unsigned idle = 0, runs = 0;
	bool more = true;

	while (more && !s->failed && runs++ < RUNS_MAX) {
		before = s->work + s->event;
		w->in_run = true;
		w->dirty = false;
		more = mux_run(w->mux, s->now);
		w->in_run = false;
		watch_turn(s, side);
		idle = before == s->work + s->event ? idle + 1 : 0;
		if (idle > 20)
			sim_fail(s, "%s turns and turns and does nothing",
			    sim_side_name(side));
		if (!s->draining && sim_chance(s, 30))
			break;
	}
	w->dirty = w->dirty || more;
	/* Where memory is short, waiting a little is all there is to do. */
	if (!w->dirty && !s->failed && !s->plan.limits &&
	    mux_deadline(w->mux) > s->now && sim_chance(s, 20))
		check_rest(s, w);
	if (s->plan.budget != 0 && !s->failed)
		shed(s, w);
}

/* --- what happens ---------------------------------------------------------- */

static struct link *
any_link(struct sim *s)
{
	/* Younger links are more likely to be of interest. */
	int n = s->links < 8 ? s->links : 8;

	if (n == 0)
		return NULL;
	return s->link[s->links - 1 - (int)sim_below(s, (uint64_t)n)];
}

static enum mux_side
any_side(struct sim *s)
{
	return sim_chance(s, 50) ? MUX_RELAY : MUX_CLIENT;
}

static void
move_wire(struct sim *s)
{
	struct link *k = any_link(s);
	enum mux_side side = any_side(s);
	size_t n;

	if (k == NULL)
		return;
	n = sim_chance(s, 30) ? (size_t)sim_between(s, 1, 40)
			      : (size_t)sim_between(s, 1, SIM_FRAME);
	wire_deliver(s, k, side, n);
	if (sim_chance(s, 5))
		k->to[side].size = sim_between(s, 1, s->plan.wire_max);
	wire_ready(s, k, sim_other(side));
}

static void
move_dial(struct sim *s)
{
	unsigned want = s->plan.links;

	if (s->wanted_dial && s->plan.family != SIM_ONELINK)
		want++;
	if (s->dark > 0 || s->dial != NULL ||
	    (s->draining && wire_live(s, MUX_CLIENT) > 0 && !sim_chance(s, 5)))
		return;
	for (int i = 0; i < s->links; i++)
		want -= want > 0 && s->link[i]->port[MUX_CLIENT].l != NULL;
	if (want == 0)
		return;
	s->wanted_dial = false;
	wire_dial(s);
}

static void
move_cut(struct sim *s)
{
	struct link *k = any_link(s);

	if (k == NULL || s->plan.cuts == 0 || wire_is_dead(k))
		return;
	s->plan.cuts--;
	wire_cut(s, k);
}

static void
move_abandon(struct sim *s)
{
	if (s->plan.abandons == 0 || s->dial == NULL)
		return;
	s->plan.abandons--;
	wire_abandon(s);
}

static void
move_dark(struct sim *s)
{
	if (s->plan.darks == 0)
		return;
	s->plan.darks--;
	s->dark = (unsigned)sim_between(s, 5, 80);
	sim_say(s, "-- darkness");
	for (int i = 0; i < s->links; i++) {
		if (!wire_is_dead(s->link[i]))
			wire_cut(s, s->link[i]);
	}
}

static void
move_notice(struct sim *s)
{
	struct link *k = any_link(s);
	enum mux_side side = any_side(s);

	if (k != NULL && wire_may_notice(s, k, side))
		wire_notice(s, k, side);
}

static void
move_reset(struct sim *s)
{
	struct end *e;

	if (s->plan.resets == 0 || s->pairs == 0)
		return;
	e = &s->pair[sim_below(s, s->pairs)]->end[any_side(s)];
	if (!e->known || e->failing)
		return;
	s->plan.resets--;
	ends_reset(s, e, CODE_RESET);
}

static void
move_end(struct sim *s)
{
	if (s->pairs > 0)
		ends_move(
		    s, &s->pair[sim_below(s, s->pairs)]->end[any_side(s)]);
}

/* A frame that is none of the mux's business. */
static void
move_say(struct sim *s)
{
	static struct proto_config c;
	static struct proto_report r;
	uint8_t b[FRAME_MAX];
	enum mux_side side = any_side(s);
	struct err e;
	int n;

	c.tunnel = r.tunnel = 7;
	c.kind = PROTO_TCP;
	c.state = PROTO_ACTIVE;
	r.lamp = PROTO_LAMP_SERVICE;
	strcpy(c.name, "a tunnel");
	strcpy(c.target_host, "127.0.0.1");
	n = side == MUX_RELAY ? config_encode(b, sizeof(b), &c, &e)
			      : report_encode(b, sizeof(b), &r, &e);
	if (n < 0) {
		sim_fail(s, "control frame: %s", e.text);
		return;
	}
	if (mux_say(s->side[side].mux, b, (size_t)n, &e) == 0) {
		if (mux_is_dark(s->side[side].mux))
			sim_fail(s, "said in the dark");
	}
}

/*
 * Both sides were stopped for hours.  Links whose wires are whole must live,
 * when what is under way arrives soon after.
 */
static void
move_jump(struct sim *s)
{
	if (s->plan.jumps == 0)
		return;
	s->plan.jumps--;
	s->now += sim_between(s, 60000, 100000000);
	sim_say(s, "-- the clock has jumped");
}

static void
move_open(struct sim *s)
{
	ends_open(s, any_side(s));
}

/* What may happen next, and how often; one without a weight asks the plan. */
static const struct {
	unsigned weight;
	void (*move)(struct sim *s);
} moves[] = {
	{ 400, move_wire },
	{ 250, move_end },
	{ 60, move_notice },
	{ 60, move_dial },
	{ 40, move_open },
	{ 0, move_cut },
	{ 8, move_reset },
	{ 40, move_abandon },
	{ 3, move_say },
	{ 2, move_dark },
	{ 2, move_jump },
};

static void
move(struct sim *s)
{
	uint64_t all = s->plan.cut_weight, at;
	size_t i;

	for (i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		all += moves[i].weight;
	at = sim_below(s, all);
	for (i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		uint64_t w = moves[i].move == move_cut ? s->plan.cut_weight
						       : moves[i].weight;

		if (at < w)
			break;
		at -= w;
	}
	moves[i].move(s);
}

static void
run_sides(struct sim *s, unsigned percent)
{
	for (int i = 0; i < 2 && !s->failed; i++) {
		enum mux_side side = (enum mux_side)i;

		if (mux_deadline(s->side[i].mux) <= s->now ||
		    (s->side[i].dirty && sim_chance(s, percent)))
			run_side(s, side);
	}
}

static void
step(struct sim *s)
{
	s->now += sim_below(s, s->plan.tick_ms + 1);
	if (s->dark > 0)
		s->dark--;
	move(s);
	if (!s->failed)
		run_sides(s, 70);
}

/* --- the end --------------------------------------------------------------- */

static bool
is_quiet(struct sim *s)
{
	struct mux_stats st;

	for (int i = 0; i < 2; i++) {
		mux_stats(s->side[i].mux, &st);
		if (st.streams + st.flows + st.resets > 0)
			return false;
	}
	for (unsigned i = 0; i < s->pairs; i++) {
		if (s->pair[i]->end[0].known || s->pair[i]->end[1].known)
			return false;
	}
	return true;
}

/* True when something was under way. */
static bool
drain_wires(struct sim *s)
{
	bool moved = false;
	struct link *k;

	for (int i = 0; i < s->links && !s->failed; i++) {
		k = s->link[i];
		for (int j = 0; j < 2 && !s->failed; j++) {
			enum mux_side side = (enum mux_side)j;

			if (k->to[j].len > 0 && !k->port[j].closed) {
				moved = true;
				wire_deliver(s, k, side,
				    sim_between(s, 1, 2 * SIM_FRAME));
			}
			if (!s->failed)
				wire_ready(s, k, sim_other(side));
			if (wire_may_notice(s, k, side) && sim_chance(s, 40)) {
				moved = true;
				wire_notice(s, k, side);
			}
		}
	}
	return moved;
}

static void
drain_round(struct sim *s)
{
	uint64_t due, d;
	bool moved;

	moved = drain_wires(s);
	if (s->failed)
		return;
	move_dial(s);
	for (unsigned i = 0; i < s->pairs && !s->failed; i++) {
		ends_drain(s, &s->pair[i]->end[0]);
		ends_drain(s, &s->pair[i]->end[1]);
	}
	s->now += sim_below(s, 20);
	due = mux_deadline(s->side[0].mux);
	d = mux_deadline(s->side[1].mux);
	due = d < due ? d : due;
	if (!moved && !s->side[0].dirty && !s->side[1].dirty && due > s->now &&
	    due != UINT64_MAX)
		s->now = due;
	run_sides(s, 100);
}

static void
tell_left(struct sim *s)
{
	struct mux_stats a, b;

	mux_stats(s->side[MUX_RELAY].mux, &a);
	mux_stats(s->side[MUX_CLIENT].mux, &b);
	sim_fail(s,
	    "does not settle: relay %u streams %u flows %u resets,"
	    " client %u streams %u flows %u resets",
	    a.streams, a.flows, a.resets, b.streams, b.flows, b.resets);
}

/* What is under way arrives, and nothing new begins. */
static void
rest(struct sim *s)
{
	unsigned n;

	for (n = 0; n < ROUNDS_MAX && !s->failed; n++) {
		if (!drain_wires(s) && !s->side[0].dirty && !s->side[1].dirty)
			return;
		if (!s->failed)
			run_sides(s, 100);
	}
	sim_fail(s, "never at rest");
}

/* No more mischief: everything must come to its end. */
static void
settle(struct sim *s)
{
	unsigned n;

	sim_say(s, "-- settling");
	s->draining = true;
	s->dark = 0;
	for (n = 0; n < ROUNDS_MAX && !s->failed && !is_quiet(s); n++)
		drain_round(s);
	if (!s->failed && !is_quiet(s))
		tell_left(s);
	for (n = 0; n < 30 && !s->failed; n++)
		drain_round(s);
	rest(s);
}

/*
 * After all that, the session is as good as new: a stream from each side comes
 * through the loss of a link.
 */
static void
epilogue(struct sim *s)
{
	bool limits = s->plan.limits;

	sim_say(s, "-- epilogue");
	s->draining = false;
	s->plan.refusals = s->plan.breaks = s->plan.cuts = s->plan.resets = 0;
	s->plan.chaos = false;
	s->plan.flows = 0;
	s->plan.abandons = s->plan.darks = s->plan.jumps = 0;
	s->plan.pairs = s->pairs;
	s->plan.limits = false;
	for (int i = 0; i < 2 && s->plan.pairs < SIM_PAIRS; i++) {
		s->plan.pairs++;
		ends_open(s, (enum mux_side)i);
	}
	s->plan.limits = limits;
	for (unsigned i = 0; i < 60 && !s->failed; i++)
		step(s);
	for (int i = 0; i < s->links && !s->failed; i++) {
		if (!wire_is_dead(s->link[i]) && s->link[i]->welcomed) {
			wire_cut(s, s->link[i]);
			break;
		}
	}
	if (!s->failed)
		settle(s);
}

static void
judge_pair(struct sim *s, struct pair *p)
{
	struct end *a = &p->end[0], *b = &p->end[1];

	if (p->udp || p->excused)
		return;
	if (!a->over || !b->over || a->how != MUX_GONE_CLEAN ||
	    b->how != MUX_GONE_CLEAN)
		sim_fail(s, "stream %" PRIu32 " did not end well on both sides",
		    p->number);
	if (a->in != b->len || b->in != a->len)
		sim_fail(s, "stream %" PRIu32 " lost bytes", p->number);
}

static void
judge(struct sim *s)
{
	struct mux_stats st;

	for (unsigned i = 0; i < s->pairs && !s->failed; i++)
		judge_pair(s, s->pair[i]);
	for (int i = 0; i < 2 && !s->failed; i++) {
		mux_stats(s->side[i].mux, &st);
		s->resumed += st.resumed;
		s->rounds += st.rounds;
		if (st.held != 0 || pool_held(s->side[i].pool) != 0)
			sim_fail(s,
			    "%s holds %" PRIu64 " bytes, its pool %zu, at rest",
			    sim_side_name((enum mux_side)i), st.held,
			    pool_held(s->side[i].pool));
		if (st.broken != 0)
			sim_fail(s, "%s broke %" PRIu64 " streams",
			    sim_side_name((enum mux_side)i), st.broken);
	}
}

static void
close_all(struct sim *s)
{
	for (int i = 0; i < 2; i++) {
		struct sim_side *w = &s->side[i];

		for (unsigned j = 0; j < s->pairs; j++)
			s->pair[j]->excused = true;
		w->in_run = true;
		mux_free(&w->mux, CODE_CLOSING, "the end");
		if (w->pool != NULL && pool_held(w->pool) != 0)
			sim_fail(s, "%s leaves %zu bytes in its pool",
			    sim_side_name((enum mux_side)i),
			    pool_held(w->pool));
		pool_free(&w->pool);
	}
	for (unsigned j = 0; j < s->pairs; j++) {
		if (s->pair[j]->end[0].known || s->pair[j]->end[1].known)
			sim_fail(s, "stream %" PRIu32 " outlives its session",
			    s->pair[j]->number);
		free(s->pair[j]);
	}
	for (int i = 0; i < s->links; i++) {
		for (int j = 0; j < 2; j++) {
			if (s->link[i]->port[j].l != NULL)
				sim_fail(s, "a link outlives its session");
		}
		wire_free(s->link[i]);
	}
}

bool
sim_run(struct sim *s, uint64_t seed, bool trace)
{
	memset(s, 0, sizeof(*s));
	s->seed = s->rnd = seed;
	s->trace = trace;
	s->now = 1000;
	plan_draw(s);
	if (!side_new(s, MUX_RELAY) || !side_new(s, MUX_CLIENT))
		sim_fail(s, "no side");
	for (unsigned i = 0; i < s->plan.steps && !s->failed; i++)
		step(s);
	if (!s->failed)
		settle(s);
	if (!s->failed)
		epilogue(s);
	if (!s->failed)
		judge(s);
	close_all(s);
	return !s->failed;
}
