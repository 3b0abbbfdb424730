#include "sim.h"

static uint64_t
pick(struct sim *s, const uint64_t *of, size_t n)
{
	return of[sim_below(s, n)];
}

static void
plan_family(struct sim *s)
{
	struct sim_plan *p = &s->plan;

	switch (p->family) {
	case SIM_HARD:
		p->cuts = (unsigned)sim_between(s, 10, 60);
		p->cut_weight = 120;
		p->pairs += 6;
		p->resets = (unsigned)sim_between(s, 2, 12);
		p->abandons = (unsigned)sim_between(s, 3, 15);
		break;
	case SIM_ONELINK:
		p->links = 1;
		break;
	case SIM_TINY:
		p->wire_max = sim_between(s, 1, 300);
		p->len_max = sim_between(s, 0, 1500);
		break;
	case SIM_FLOWS:
		p->flows = 60;
		break;
	case SIM_PRESSURE:
		p->limits = true;
		p->pairs = (unsigned)sim_between(s, 2, SIM_PAIRS - 4);
		p->len_max = sim_between(s, 1000, 200000);
		p->budget = sim_between(s, 40000, 600000);
		p->slow = (unsigned)sim_between(s, 5, 60);
		p->flows = 20;
		break;
	case SIM_CHAOS:
		p->chaos = true;
		p->resets = 5;
		p->cuts = 10;
		p->flows = 20;
		p->pairs += 5;
		break;
	case SIM_SILENCE:
		p->tick_ms = (uint32_t)sim_between(s, 50, 1500);
		p->len_max = sim_between(s, 0, 3000);
		break;
	default:
		break;
	}
}

void
plan_draw(struct sim *s)
{
	static const uint64_t steps[] = { 30, 100, 400, 1500, 4000 };
	static const uint64_t none_or_few[] = { 0, 0, 1, 2 };
	static const uint64_t wires[] = { 200, 5000, 40000, 300000 };
	static const uint64_t lens[] = { 20, 300, 5000, 60000 };
	struct sim_plan *p = &s->plan;

	p->family = (enum sim_family)(s->seed % SIM_FAMILIES);
	p->steps = (unsigned)pick(s, steps, 5);
	p->links = (unsigned)sim_between(s, 1, 4);
	p->pairs = (unsigned)sim_between(s, 1, 6 + p->steps / 150);
	p->cuts = (unsigned)sim_between(s, 0, 20);
	p->cut_weight = (unsigned)sim_between(s, 5, 60);
	p->darks = (unsigned)pick(s, none_or_few, 4);
	p->resets = (unsigned)pick(s, none_or_few, 4);
	p->abandons = (unsigned)pick(s, none_or_few, 4);
	p->breaks = (unsigned)pick(s, none_or_few, 4);
	p->refusals = (unsigned)pick(s, none_or_few, 4);
	p->jumps = (unsigned)pick(s, none_or_few, 4);
	p->tick_ms = (uint32_t)sim_between(s, 0, 3);
	p->wire_max = pick(s, wires, 4);
	p->len_max = pick(s, lens, 4);
	p->relay_notices = sim_chance(s, 50);
	p->seal_fails = sim_chance(s, 50);
	p->slow = 60;
	p->list_max = sim_below(s, 4);
	p->flows = sim_chance(s, 20) ? 20 : 0;
	plan_family(s);
	if (sim_chance(s, 15))
		p->cuts = p->darks = 0;
}

static void
plan_windows(struct sim *s, struct mux_conf *c)
{
	static const uint64_t tiny[] = { 1, 2, 3, 7, 64, 500 };
	static const uint64_t some[] = { 64, 1000, 4096, 16368, 65536 };
	uint64_t first =
	    s->plan.family == SIM_TINY ? pick(s, tiny, 6) : pick(s, some, 5);

	if (s->plan.family == SIM_PRESSURE)
		first = pick(s, some + 2, 3);
	if (s->plan.len_max > first * 100)
		s->plan.len_max = first * 100;
	c->window_first = (uint32_t)first;
	c->window_max = (uint32_t)(first * sim_between(s, 1, 8));
}

void
plan_conf(struct sim *s, enum mux_side side)
{
	struct mux_conf *c = &s->conf[side];

	mux_conf_default(c, side);
	if (side == MUX_RELAY)
		plan_windows(s, c);
	else {
		c->window_first = s->conf[MUX_RELAY].window_first;
		c->window_max = s->conf[MUX_RELAY].window_max;
	}
	c->opens_per_s = 0;
	c->first_number = side == MUX_RELAY ? 1 : 2;
	if (s->plan.family == SIM_WRAP)
		c->first_number = UINT32_MAX - 1 -
		    (uint32_t)sim_below(s, 3) * 2 + (side == MUX_RELAY);
	if (s->plan.limits) {
		c->streams_max = (uint32_t)sim_between(s, 2, 12);
		c->held_max =
		    sim_chance(s, 50) ? sim_between(s, 20000, 300000) : 0;
	}
	if (side == MUX_RELAY && !s->plan.relay_notices) {
		c->ping_idle_ms = c->ping_sent_ms = UINT32_MAX / 4;
		c->dead_ms = UINT32_MAX / 4;
	}
}
