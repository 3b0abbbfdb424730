#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "proto/hello.h"

enum { CONTROL_EXTRA = 65536, DGRAM_EXTRA = 32768 };

/* Bytes that one side puts on the way to the other. */
static void
put(struct link *k, enum mux_side by, const uint8_t *p, size_t n)
{
	struct wire *w = &k->to[sim_other(by)];

	watch_sent(k->port[by].sim, k, by, p, n);
	if (w->cut || k->port[sim_other(by)].closed)
		return;
	if (w->head + w->len + n > w->cap) {
		if (w->len > 0)
			memmove(w->p, w->p + w->head, w->len);
		w->head = 0;
	}
	if (w->len + n > w->cap) {
		w->cap = 2 * (w->len + n);
		if ((w->p = realloc(w->p, w->cap)) == NULL)
			abort();
	}
	memcpy(w->p + w->head + w->len, p, n);
	w->len += n;
}

/*
 * A list of many streams comes in several frames.  Here there are few, so it is
 * cut smaller than the mux would.
 */
static void
put_list(struct port *o, struct frame f, size_t per_frame)
{
	uint8_t b[FRAME_MAX];
	const uint8_t *at = f.body;
	uint16_t left = f.len;
	uint8_t last = f.flags;

	do {
		f.len = (uint16_t)(left < per_frame ? left : per_frame);
		left = (uint16_t)(left - f.len);
		f.flags = left > 0 ? 0 : last;
		frame_head(b, &f);
		memcpy(b + FRAME_HEAD, at, f.len);
		put(o->link, o->side, b, FRAME_HEAD + (size_t)f.len);
		at += f.len;
	} while (left > 0);
}

/* A record; the mux lets no frame cross from one to the next. */
static void
put_record(struct port *o, const uint8_t *p, size_t n)
{
	struct sim *s = o->sim;
	struct frame f;
	int used;

	for (; n > 0; p += used, n -= (size_t)used) {
		if ((used = frame_decode(&f, p, n, NULL)) <= 0) {
			sim_fail(s, "a frame crosses records");
			return;
		}
		if (f.type == FRAME_RESUME && s->plan.list_max > 0)
			put_list(o, f, s->plan.list_max * RESUME_ENTRY);
		else
			put(o->link, o->side, p, (size_t)used);
	}
}

/*
 * One side is done with a link: it reads no more of it.  What it had sent may
 * still be read by the other, or is lost.
 */
static void
close_port(struct sim *s, struct link *k, enum mux_side side, const char *how)
{
	struct wire *w = &k->to[sim_other(side)];

	if (s->trace)
		sim_say(s, "%s closes link %d(%u): %s", sim_side_name(side),
		    k->id, k->number, how);
	k->port[side].l = NULL;
	k->port[side].closed = true;
	k->to[side].len = 0;
	s->event++;
	s->lost++;
	if (sim_chance(s, 50)) {
		w->len = 0;
		w->cut = true;
	}
	if (s->dial == k && side == MUX_CLIENT)
		s->dial = NULL;
}

/* --- what the mux asks of a link ------------------------------------------- */

int
wire_seal(void *larg, const void *p, size_t n)
{
	struct port *o = larg;
	struct sim *s = o->sim;

	s->work++;
	if (n == 0 || n > SIM_FRAME)
		sim_fail(s, "a record of %zu bytes", n);
	if (o->closed) {
		sim_fail(s, "%s writes to a link that is closed",
		    sim_side_name(o->side));
		return -1;
	}
	if (s->plan.seal_fails && wire_is_dead(o->link) && sim_chance(s, 50))
		return -1;
	put_record(o, p, n);
	return 0;
}

ssize_t
wire_room(void *larg, enum mux_room what)
{
	struct port *o = larg;
	struct wire *w = &o->link->to[sim_other(o->side)];
	ssize_t room = (ssize_t)w->size - (ssize_t)w->len;

	if (o->closed)
		sim_fail(o->sim, "room of a closed link is asked");
	if (what == MUX_ROOM_CONTROL)
		room += CONTROL_EXTRA;
	if (what == MUX_ROOM_DGRAM)
		room += DGRAM_EXTRA;
	if (room <= 0)
		w->owed = true;
	return room;
}

void
wire_end(void *larg, uint16_t code, const char *why)
{
	struct port *o = larg;
	struct sim *s = o->sim;

	if (o->closed)
		sim_fail(s, "link_end of a link that has ended");
	if (!s->side[o->side].in_run)
		sim_fail(s, "link_end outside a turn");
	if (code == CODE_TIMEOUT && !wire_is_dead(o->link) &&
	    strstr(why, "moved") == NULL && s->plan.family != SIM_SILENCE)
		sim_fail(s, "a good link dies: %s", why);
	if (code == CODE_BROKEN && !wire_is_dead(o->link))
		sim_fail(s, "a link is broken: %s", why);
	close_port(s, o->link, o->side, why != NULL ? why : "(no reason)");
}

void
wire_silent(void *larg)
{
	struct port *o = larg;

	o->sim->wanted_dial = true;
}

/* There is room again: the mux is given a turn. */
void
wire_ready(struct sim *s, struct link *k, enum mux_side side)
{
	struct wire *w = &k->to[sim_other(side)];

	if (!w->owed || k->port[side].l == NULL || w->len >= w->size)
		return;
	w->owed = false;
	s->side[side].dirty = true;
}

/* --- a link's beginning ---------------------------------------------------- */

/* The client dials: HELLO with the links that it holds. */
void
wire_dial(struct sim *s)
{
	static struct proto_hello h;
	uint8_t b[FRAME_HELLO_MAX];
	struct link *k;
	struct err e;
	int n;

	if (s->links == SIM_LINKS) {
		sim_fail(s, "%d links and no end", s->links);
		return;
	}
	if ((k = calloc(1, sizeof(*k))) == NULL)
		abort();
	k->id = s->links;
	s->link[s->links++] = s->dial = k;
	for (int i = 0; i < 2; i++) {
		k->port[i].sim = s;
		k->port[i].link = k;
		k->port[i].side = (enum mux_side)i;
		k->to[i].size = 1 + sim_below(s, s->plan.wire_max);
	}
	h.version_count = 1;
	h.versions[0][0] = h.versions[0][1] = PROTO_VERSION;
	h.has_key = true;
	h.link_count = mux_links(s->side[MUX_CLIENT].mux, h.links);
	strcpy(h.program, "sim");
	strcpy(h.system, "sim");
	strcpy(h.computer, "sim");
	if ((n = hello_encode(b, sizeof(b), &h, &e)) < 0) {
		sim_fail(s, "hello: %s", e.text);
		return;
	}
	put(k, MUX_CLIENT, b, (size_t)n);
}

/* The client gives a dial up; its HELLO may arrive all the same. */
void
wire_abandon(struct sim *s)
{
	if (s->dial != NULL)
		close_port(s, s->dial, MUX_CLIENT, "dial given up");
}

/* Client's links beyond the first live only when the relay wants them. */
static void
say_links(struct sim *s, struct mux_link *l)
{
	struct frame f = { .type = FRAME_LINKS, .offset = s->plan.links };
	uint8_t b[FRAME_HEAD];

	frame_head(b, &f);
	if (mux_link_say(l, b, sizeof(b), NULL) != 0)
		sim_fail(s, "LINKS could not be said");
}

static void
say_welcome(struct sim *s, struct link *k)
{
	static struct proto_welcome w;
	struct mux *m = s->side[MUX_RELAY].mux;
	struct port *o = &k->port[MUX_RELAY];
	uint8_t b[FRAME_MAX];
	struct err e;
	int n;

	w.version = PROTO_VERSION;
	w.link = k->number = mux_link_number(o->l);
	w.resumed = s->started;
	w.round = mux_round(m);
	w.heartbeat_ms = 30000;
	w.grace_ms = 60000;
	w.streams_max = s->conf[MUX_RELAY].streams_max;
	w.window = s->conf[MUX_RELAY].window_first;
	w.session = 1;
	if ((n = welcome_encode(b, sizeof(b), &w, &e)) < 0 ||
	    mux_link_say(o->l, b, (size_t)n, &e) != 0)
		sim_fail(s, "welcome: %s", e.text);
	if (s->plan.links > 1)
		say_links(s, o->l);
	if (s->started)
		mux_resume(m);
	s->started = true;
}

static void
on_hello(struct sim *s, struct link *k, const struct frame *f)
{
	static struct proto_hello h;
	struct mux *m = s->side[MUX_RELAY].mux;
	struct port *o = &k->port[MUX_RELAY];
	struct err e;

	if (f->type != FRAME_HELLO || hello_decode(&h, f, &e) != 0) {
		sim_fail(s, "not a HELLO");
		return;
	}
	mux_leave_unnamed(m, h.links, h.link_count);
	if ((o->l = mux_join(m, o, 0, 0, s->now, &e)) == NULL) {
		sim_fail(s, "relay's join: %s", e.text);
		return;
	}
	say_welcome(s, k);
}

static void
on_welcome(struct sim *s, struct link *k, const struct frame *f)
{
	static struct proto_welcome w;
	struct port *o = &k->port[MUX_CLIENT];
	struct err e;

	if (f->type != FRAME_WELCOME || welcome_decode(&w, f, &e) != 0) {
		sim_fail(s, "not a WELCOME");
		return;
	}
	k->welcomed = true;
	s->dial = NULL;
	o->l =
	    mux_join(s->side[MUX_CLIENT].mux, o, w.link, w.round, s->now, &e);
	if (o->l == NULL)
		sim_fail(s, "client's join: %s", e.text);
}

/* Bytes for the mux, in a slab and at a place of any kind. */
static void
input(struct sim *s, struct port *o, const uint8_t *p, size_t n)
{
	struct slab *b;
	size_t off, take;

	while (n > 0 && o->l != NULL && !o->closed) {
		b = pool_get(s->side[o->side].pool,
		    n > POOL_SMALL || sim_chance(s, 50) ? POOL_LARGE
							: POOL_SMALL);
		if (b == NULL)
			abort();
		off = sim_chance(s, 50) ? 0 : sim_below(s, b->cap / 2);
		take = b->cap - off < n ? b->cap - off : n;
		memcpy(b->data + off, p, take);
		mux_input(o->l, b, off, take, s->now);
		slab_unref(&b);
		p += take;
		n -= take;
	}
}

/* Whether the side's mux still reads this link, as it says itself. */
static bool
is_read(const struct sim *s, const struct link *k, enum mux_side side)
{
	uint8_t live[4];
	unsigned n = mux_links(s->side[side].mux, live);

	return memchr(live, (int)k->number, n) != NULL;
}

/* Bytes before a link has joined: one frame, and perhaps more behind it. */
static void
greet(struct sim *s, struct link *k, enum mux_side side, const uint8_t *p,
    size_t n)
{
	struct frame f;
	struct err e;
	int used;

	if (k->hello_len + n > sizeof(k->hello)) {
		sim_fail(s, "a greeting without an end");
		return;
	}
	memcpy(k->hello + k->hello_len, p, n);
	k->hello_len += n;
	if ((used = frame_decode(&f, k->hello, k->hello_len, &e)) < 0)
		sim_fail(s, "greeting: %s", e.text);
	if (used <= 0)
		return;
	n = k->hello_len - (size_t)used;
	k->hello_len = 0;
	if (side == MUX_RELAY)
		on_hello(s, k, &f);
	else
		on_welcome(s, k, &f);
	if (s->failed || !is_read(s, k, side))
		return; /* a link may be closed the moment that it joins */
	watch_got(s, k, side, k->hello, (size_t)used + n);
	if (!s->failed)
		input(s, &k->port[side], k->hello + used, n);
}

/* Up to n of the bytes under way arrive. */
void
wire_deliver(struct sim *s, struct link *k, enum mux_side side, size_t n)
{
	struct wire *w = &k->to[side];
	uint8_t b[SIM_FRAME];

	if (n > w->len)
		n = w->len;
	if (n > sizeof(b))
		n = sizeof(b);
	if (k->port[side].l == NULL && n > sizeof(k->hello) - k->hello_len)
		n = sizeof(k->hello) - k->hello_len;
	if (n == 0 || k->port[side].closed)
		return;
	memcpy(b, w->p + w->head, n);
	w->head += n;
	w->len -= n;
	if (w->len == 0)
		w->head = 0;
	if (k->port[side].l == NULL) {
		greet(s, k, side, b, n);
		return;
	}
	if (is_read(s, k, side))
		watch_got(s, k, side, b, n);
	if (!s->failed)
		input(s, &k->port[side], b, n);
}

/* --- a link's end ---------------------------------------------------------- */

void
wire_cut(struct sim *s, struct link *k)
{
	if (s->trace)
		sim_say(s, "-- link %d(%u) is cut", k->id, k->number);
	s->cuts++;
	for (int i = 0; i < 2; i++) {
		k->to[i].cut = true;
		k->to[i].len = 0;
	}
}

bool
wire_is_dead(const struct link *k)
{
	return k->to[0].cut || k->to[1].cut || k->port[0].closed ||
	    k->port[1].closed;
}

/* Whether a side could find out by itself now that a link is dead. */
bool
wire_may_notice(const struct sim *s, const struct link *k, enum mux_side side)
{
	if (k->port[side].closed || !wire_is_dead(k))
		return false;
	if (side == MUX_CLIENT)
		return k->port[side].l != NULL || s->dial == k;
	return k->port[side].l != NULL &&
	    (s->plan.relay_notices || !k->welcomed);
}

void
wire_notice(struct sim *s, struct link *k, enum mux_side side)
{
	struct port *o = &k->port[side];

	if (o->l != NULL)
		mux_leave(&o->l, s->now);
	if (o->l != NULL)
		sim_fail(s, "mux_leave leaves its pointer");
	close_port(s, k, side, "notices");
}

/* How many links a side holds whose wire is whole. */
unsigned
wire_live(const struct sim *s, enum mux_side side)
{
	unsigned n = 0;

	for (int i = 0; i < s->links; i++)
		n += s->link[i]->port[side].l != NULL &&
		    !wire_is_dead(s->link[i]);
	return n;
}

void
wire_free(struct link *k)
{
	free(k->to[0].p);
	free(k->to[1].p);
	free(k);
}
