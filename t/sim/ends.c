#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/span.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"

enum { DGRAM_BYTES = 65507 };

/* The byte that a side sends at a place of a stream. */
static uint8_t
byte_at(const struct end *e, uint64_t at)
{
	uint64_t x = at / 8 + ((uint64_t)e->pair->index << 33) +
	    ((uint64_t)e->side << 32);

	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	return (uint8_t)(x >> (8 * (at % 8)));
}

static uint64_t
hash(uint64_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

struct pair *
ends_find(struct sim *s, uint32_t number)
{
	for (unsigned i = 0; i < s->pairs; i++) {
		if (s->pair[i]->number == number)
			return s->pair[i];
	}
	return NULL;
}

/* What a side will send on a stream: nothing, a little, or a lot. */
static uint64_t
draw_len(struct sim *s)
{
	uint64_t max = s->plan.len_max;

	switch (sim_below(s, 5)) {
	case 0:
		return 0;
	case 1:
		return sim_below(s, 10);
	case 2:
		return sim_below(s, max / 20 + 2);
	default:
		return sim_below(s, max + 1);
	}
}

static void
end_init(struct sim *s, struct pair *p, enum mux_side side)
{
	struct end *e = &p->end[side];

	e->sim = s;
	e->pair = p;
	e->side = side;
	e->len = p->udp ? 0 : draw_len(s);
	e->told = e->said = s->conf[side].window_first;
	e->spoke_on = e->left = -1;
}

static void
set_known(struct end *e, struct mux_stream *m)
{
	e->known = true;
	e->s = m;
}

/* The last word about a stream, whoever says it. */
static void
set_over(struct end *e, enum mux_gone how)
{
	e->known = false;
	e->over = true;
	e->how = how;
	e->s = NULL;
}

/* One side opens a stream or a flow. */
void
ends_open(struct sim *s, enum mux_side side)
{
	struct proto_open o = { .kind = PROTO_TCP };
	struct mux_stream *m;
	struct pair *p;
	struct err e;

	if (s->pairs == SIM_PAIRS || s->pairs >= s->plan.pairs)
		return;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		abort();
	p->index = s->pairs;
	p->opener = side;
	p->udp = sim_chance(s, s->plan.flows);
	end_init(s, p, MUX_RELAY);
	end_init(s, p, MUX_CLIENT);
	o.tunnel = p->index + 1;
	o.kind = p->udp ? PROTO_UDP : PROTO_TCP;
	memset(o.visitor, (int)p->index, sizeof(o.visitor));
	memset(o.local, (int)p->index + 1, sizeof(o.local));
	m = mux_open(s->side[side].mux, &o, &p->end[side], &e);
	if (m == NULL) {
		if (!s->plan.limits)
			sim_fail(s, "open: %s", e.text);
		free(p);
		return;
	}
	p->number = mux_stream_number(m);
	if (p->number == 0 || p->number % 2 != (side == MUX_RELAY) ||
	    ends_find(s, p->number) != NULL)
		sim_fail(s, "%s opens number %" PRIu32, sim_side_name(side),
		    p->number);
	s->pair[s->pairs++] = p;
	if (s->trace)
		sim_say(s,
		    "%s opens %s %" PRIu32 ", %" PRIu64 " and %" PRIu64
		    " bytes",
		    sim_side_name(side), p->udp ? "flow" : "stream", p->number,
		    p->end[side].len, p->end[sim_other(side)].len);
	set_known(&p->end[side], m);
	p->end[side].accepted = true;
	if (sim_chance(s, 70))
		mux_readable(m);
	else
		p->end[side].owes_read = true;
}

uint16_t
ends_on_open(void *arg, struct mux_stream *m, const struct proto_open *o)
{
	struct sim_side *w = arg;
	struct sim *s =
	    (struct sim *)((char *)(w - w->side) - offsetof(struct sim, side));
	struct pair *p = ends_find(s, o->stream);
	struct end *e;

	if (p == NULL || p->index + 1 != o->tunnel || p->opener == w->side ||
	    o->visitor[17] != (uint8_t)p->index ||
	    o->local[0] != (uint8_t)(p->index + 1) ||
	    mux_stream_number(m) != o->stream ||
	    o->kind != (p->udp ? PROTO_UDP : PROTO_TCP)) {
		sim_fail(
		    s, "OPEN of %" PRIu32 " is not what was opened", o->stream);
		return CODE_BROKEN;
	}
	e = &p->end[w->side];
	if (e->known || e->over) {
		sim_fail(s, "stream %" PRIu32 " is opened twice", o->stream);
		return CODE_BROKEN;
	}
	if (!s->draining && s->plan.refusals > 0 && sim_chance(s, 20)) {
		s->plan.refusals--;
		p->excused = true;
		set_over(e, MUX_GONE_RESET);
		return CODE_PAUSED;
	}
	set_known(e, m);
	mux_own(m, e);
	if (sim_chance(s, 50) && !p->udp) {
		e->accepted = true;
		mux_accept(m);
	}
	e->owes_read = true;
	ends_chaos(s, w->side);
	return 0;
}

void
ends_connected(void *sarg)
{
	struct end *e = sarg;
	struct end *o = &e->pair->end[sim_other(e->side)];

	if (!e->known || e->side != e->pair->opener || e->connected)
		sim_fail(e->sim, "connected out of turn");
	if (!o->accepted)
		sim_fail(e->sim, "connected, but nobody accepted");
	e->connected = true;
	ends_chaos(e->sim, e->side);
}

/* The owner ends it. */
void
ends_reset(struct sim *s, struct end *e, uint16_t code)
{
	struct mux_stream *m = e->s;

	if (s->trace)
		sim_say(s, "%s's owner resets %" PRIu32, sim_side_name(e->side),
		    e->pair->number);
	e->pair->excused = true;
	set_over(e, MUX_GONE_RESET);
	mux_reset(m, code, sim_chance(s, 50) ? "enough" : NULL);
}

/* --- what the mux asks of a local end -------------------------------------- */

static bool
is_ready(struct end *e, const char *what)
{
	if (!e->known || e->failing || e->pair->udp || !e->accepted ||
	    !e->sim->side[e->side].in_run) {
		sim_fail(e->sim, "%s: %s of %" PRIu32 " out of turn",
		    sim_side_name(e->side), what, e->pair->number);
		return false;
	}
	e->sim->work++;
	return true;
}

static bool
breaks(struct end *e)
{
	struct sim *s = e->sim;

	if (s->draining || s->plan.breaks == 0 || !sim_chance(s, 5))
		return false;
	s->plan.breaks--;
	e->failing = e->pair->excused = true;
	if (s->trace)
		sim_say(s, "%s's end of %" PRIu32 " breaks",
		    sim_side_name(e->side), e->pair->number);
	return true;
}

ssize_t
ends_pull(void *sarg, const struct span *v, int n, unsigned *flags_out)
{
	struct end *e = sarg;
	struct sim *s = e->sim;
	size_t got = 0;
	uint64_t want;

	*flags_out = 0;
	if (!is_ready(e, "pull"))
		return MUX_BROKEN;
	if (e->eof)
		sim_fail(s, "pull behind the end of %" PRIu32, e->pair->number);
	ends_chaos(s, e->side);
	if (!e->known || breaks(e))
		return MUX_BROKEN;
	want = e->avail - e->pos;
	if (sim_chance(s, 20))
		want = sim_below(s, want + 1);
	for (int i = 0; i < n && got < want; i++) {
		for (size_t j = 0; j < v[i].n && got < want; j++, got++)
			((uint8_t *)v[i].p)[j] = byte_at(e, e->pos + got);
	}
	e->pos += got;
	if (e->pos == e->len && e->eof_ready && sim_chance(s, 70)) {
		e->eof = true;
		*flags_out = MUX_EOF;
	} else if (got > 0 && e->pos < e->avail && sim_chance(s, 50)) {
		*flags_out = MUX_MORE;
	} else {
		e->owes_read = true;
	}
	return (ssize_t)got;
}

ssize_t
ends_push(void *sarg, const struct span *v, int n)
{
	struct end *e = sarg;
	struct sim *s = e->sim;
	struct end *o = &e->pair->end[sim_other(e->side)];
	size_t all = 0, take, at = 0;

	if (!is_ready(e, "push"))
		return MUX_BROKEN;
	if (e->ended || (e->side == e->pair->opener && !e->connected))
		sim_fail(s, "push of %" PRIu32 " out of turn", e->pair->number);
	for (int i = 0; i < n; i++)
		all += v[i].n;
	if (all == 0 || e->in + all > o->pos)
		sim_fail(s, "push of %zu bytes, %" PRIu64 " were sent", all,
		    o->pos - e->in);
	ends_chaos(s, e->side);
	if (!e->known || breaks(e))
		return MUX_BROKEN;
	take = sim_chance(s, 60) ? all : (size_t)sim_below(s, all + 1);
	for (int i = 0; i < n && at < take; i++) {
		for (size_t j = 0; j < v[i].n && at < take; j++, at++) {
			if (((uint8_t *)v[i].p)[j] == byte_at(o, e->in + at))
				continue;
			sim_fail(s, "byte %" PRIu64 " of %" PRIu32 " differs",
			    e->in + at, e->pair->number);
			return MUX_BROKEN;
		}
	}
	e->in += take;
	s->bytes += take;
	e->blocked = take < all;
	return (ssize_t)take;
}

void
ends_end(void *sarg)
{
	struct end *e = sarg;
	struct end *o = &e->pair->end[sim_other(e->side)];

	if (!is_ready(e, "end"))
		return;
	if (e->ended || !o->eof || e->in != o->len)
		sim_fail(e->sim,
		    "end of %" PRIu32 " after %" PRIu64 " of %" PRIu64 " bytes",
		    e->pair->number, e->in, o->len);
	e->ended = true;
	ends_chaos(e->sim, e->side);
}

void
ends_gone(void *sarg, enum mux_gone how, uint16_t code, const char *sentence)
{
	struct end *e = sarg;
	struct sim *s = e->sim;
	struct end *o = &e->pair->end[sim_other(e->side)];

	if (s->trace)
		sim_say(s, "%s: %" PRIu32 " is gone, %s, code %u (%s)",
		    sim_side_name(e->side), e->pair->number,
		    how == MUX_GONE_CLEAN ? "clean" : "reset", code,
		    sentence != NULL ? sentence : "");
	if (!e->known || !s->side[e->side].in_run)
		sim_fail(s, "gone of %" PRIu32 " out of turn", e->pair->number);
	if (s->plan.limits && (code == CODE_LIMIT || code == CODE_MEMORY))
		e->pair->excused = true;
	if (e->pair->udp && s->lost > 0)
		e->pair->excused = true;
	if (how == MUX_GONE_RESET && !e->pair->excused)
		sim_fail(s, "%s: %" PRIu32 " is reset, code %u, nobody asked",
		    sim_side_name(e->side), e->pair->number, code);
	if (how == MUX_GONE_CLEAN &&
	    (!e->ended || !e->eof || e->failing || o->arrived != e->len ||
		!o->fin_arrived ||
		(e->side == e->pair->opener && !e->connected)))
		sim_fail(s, "%s: %" PRIu32 " is clean before it is",
		    sim_side_name(e->side), e->pair->number);
	set_over(e, how);
	ends_chaos(s, e->side);
}

/* --- datagrams ------------------------------------------------------------- */

static void
send_datagram(struct sim *s, struct end *e)
{
	static uint8_t b[DGRAM_BYTES];
	static const uint32_t sizes[] = { 0, 1, 64, 1200, 16368, 16369,
		DGRAM_BYTES };
	struct dgram *d = &e->dgram[e->dgrams];
	uint32_t n;

	if (e->dgrams == SIM_DGRAMS)
		return;
	n = sizes[sim_below(s, 7)];
	if (sim_chance(s, 60))
		n = (uint32_t)sim_below(
		    s, sim_chance(s, 80) ? 1500 : DGRAM_BYTES);
	for (uint32_t i = 0; i < n; i++)
		b[i] = byte_at(e, (uint64_t)e->dgrams << 20 | i);
	d->len = n;
	d->hash = hash(e->pair->index * 2 + (unsigned)e->side, b, n);
	if (mux_datagram(e->s, b, n) == 1) {
		e->dgrams++;
		s->dgrams_sent++;
	}
}

void
ends_datagram(void *sarg, const struct span *v, int n)
{
	struct end *e = sarg;
	struct sim *s = e->sim;
	struct end *o = &e->pair->end[sim_other(e->side)];
	uint64_t h = o->pair->index * 2 + (unsigned)o->side;
	size_t len = 0;

	if (!e->known || !e->pair->udp)
		sim_fail(
		    s, "datagram of %" PRIu32 " out of turn", e->pair->number);
	for (int i = 0; i < n; i++) {
		h = hash(h, v[i].p, v[i].n);
		len += v[i].n;
	}
	for (unsigned i = 0; i < o->dgrams; i++) {
		if (o->dgram[i].got || o->dgram[i].len != len ||
		    o->dgram[i].hash != h)
			continue;
		o->dgram[i].got = true;
		s->dgrams_got++;
		ends_chaos(s, e->side);
		return;
	}
	sim_fail(s, "a datagram of %zu bytes on %" PRIu32 ", nobody sent it",
	    len, e->pair->number);
}

/* --- what happens at a local end ------------------------------------------- */

static void
say_readable(struct end *e)
{
	e->owes_read = false;
	mux_readable(e->s);
}

/* The service answers: it is connected, or it is not. */
static void
connect_end(struct sim *s, struct end *e)
{
	if (!s->draining && s->plan.refusals > 0 && sim_chance(s, 10)) {
		s->plan.refusals--;
		ends_reset(s, e, CODE_REFUSED);
		return;
	}
	e->accepted = true;
	mux_accept(e->s);
}

static void
produce(struct sim *s, struct end *e)
{
	e->avail += sim_below(s, e->len - e->avail + 1);
	if (sim_chance(s, 30))
		e->avail = e->len;
	if (e->avail == e->len && sim_chance(s, 30))
		e->eof_ready = true;
	if (sim_chance(s, 70))
		say_readable(e);
	else
		e->owes_read = true;
}

/* One thing of chance. */
void
ends_move(struct sim *s, struct end *e)
{
	if (!e->known || e->failing)
		return;
	if (e->pair->udp) {
		send_datagram(s, e);
		return;
	}
	if (!e->accepted) {
		if (sim_chance(s, 30))
			connect_end(s, e);
		return;
	}
	if (e->blocked && sim_chance(s, s->plan.slow)) {
		e->blocked = false;
		mux_writable(e->s);
		return;
	}
	if (e->avail < e->len || !e->eof_ready)
		produce(s, e);
	else if (e->owes_read)
		say_readable(e);
}

/* Everything that is still to come, comes. */
void
ends_drain(struct sim *s, struct end *e)
{
	if (!e->known || e->failing)
		return;
	if (e->pair->udp) {
		ends_reset(s, e, CODE_IDLE);
		return;
	}
	if (!e->accepted)
		connect_end(s, e);
	if (e->blocked) {
		e->blocked = false;
		mux_writable(e->s);
	}
	if (e->avail < e->len || !e->eof_ready) {
		e->avail = e->len;
		e->eof_ready = e->owes_read = true;
	}
	if (e->owes_read && !e->eof)
		say_readable(e);
}

/* An owner who calls back into the mux from its own callback. */
void
ends_chaos(struct sim *s, enum mux_side side)
{
	struct mux_stats st;
	struct end *e;
	struct link *k;

	if (!s->plan.chaos || s->draining || s->in_chaos || s->pairs == 0 ||
	    s->failed || !sim_chance(s, 12))
		return;
	s->in_chaos = true;
	e = &s->pair[sim_below(s, s->pairs)]->end[side];
	k = s->link[sim_below(s, (uint64_t)s->links)];
	switch (sim_below(s, 7)) {
	case 0:
		ends_open(s, side);
		break;
	case 1:
		if (s->plan.cuts > 0 && k->port[side].l != NULL) {
			s->plan.cuts--;
			wire_cut(s, k);
			wire_notice(s, k, side);
		}
		break;
	case 2:
		if (s->plan.resets > 0 && e->known && !e->failing) {
			s->plan.resets--;
			ends_reset(s, e, CODE_RESET);
		}
		break;
	case 3:
		mux_stats(s->side[side].mux, &st);
		(void)mux_is_dark(s->side[side].mux);
		(void)mux_deadline(s->side[side].mux);
		break;
	default:
		ends_move(s, e);
	}
	s->in_chaos = false;
}
