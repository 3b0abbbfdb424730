/*
 * mux: a peer that keeps no rules.  The input is a script: frames that are
 * well formed but come in any order, bytes that are no frames, time, links that
 * come and go, local ends that do as they like.  Whatever it says, nothing
 * crashes, nothing leaks, memory has its bound, and every stream and link is
 * ended once.
 */
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/span.h"
#include "must.h"
#include "mux/mux.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"

enum {
	ENDS = 64,
	LINKS = 64,
	NUMBERS = 16,        /* stream numbers that frames speak of */
	RUNS_MAX = 50,       /* turns in a row */
	HELD_MAX = 48 << 20, /* bytes that one hostile peer may cost */
};

struct script {
	const uint8_t *p;
	size_t n;
};

struct end {
	struct mux_stream *s;
	bool used;
	bool udp;
	bool asked; /* the peer opened it: mux_accept() is to come */
	bool dead;  /* has said MUX_BROKEN */
};

struct link {
	struct mux_link *l;
	bool closed;
};

static struct {
	struct mux *mux;
	struct pool *pool;
	uint64_t now;
	struct end end[ENDS];
	struct link link[LINKS];
	unsigned links;
	unsigned link_now;
	uint8_t mood; /* how local ends behave */
	ssize_t room;
	uint64_t round;       /* the last one that the mux said */
	uint64_t at[NUMBERS]; /* where the next DATA of a number belongs */
	unsigned broken;
	bool in_run;
} w;

/* --- reading the script ---------------------------------------------------- */

static uint8_t
take(struct script *s)
{
	if (s->n == 0)
		return 0;
	s->n--;
	return *s->p++;
}

static uint64_t
take_number(struct script *s)
{
	uint8_t how = take(s);

	switch (how % 5) {
	case 0:
		return how / 5;
	case 1:
		return (uint64_t)take(s) << (how / 5);
	case 2:
		return (uint64_t)take(s) << 8 | take(s);
	case 3:
		return UINT64_MAX - take(s);
	default:
		return w.round + how / 5 - 1;
	}
}

/* --- what the mux asks ----------------------------------------------------- */

static uint16_t
on_open(void *arg, struct mux_stream *m, const struct proto_open *o)
{
	(void)arg;
	if (w.mood % 7 == 0)
		return CODE_PAUSED;
	for (int i = 0; i < ENDS; i++) {
		if (w.end[i].used)
			continue;
		w.end[i] = (struct end){ .s = m,
			.used = true,
			.asked = true,
			.udp = o->kind == PROTO_UDP };
		mux_own(m, &w.end[i]);
		return 0;
	}
	return CODE_LIMIT;
}

static struct end *
known(void *sarg)
{
	struct end *e = sarg;

	MUST(e >= w.end && e < w.end + ENDS && e->used && !e->dead);
	return e;
}

static void
on_connected(void *sarg)
{
	MUST(!known(sarg)->asked);
}

static ssize_t
on_pull(void *sarg, const struct span *v, int n, unsigned *flags_out)
{
	struct end *e = known(sarg);

	MUST(w.in_run && !e->udp && n > 0);
	if (w.mood % 11 == 1) {
		e->dead = true;
		return MUX_BROKEN;
	}
	*flags_out = w.mood & 16 ? MUX_EOF : w.mood & 32 ? MUX_MORE : 0;
	if (w.mood & 64)
		return 0;
	for (int i = 0; i < n; i++)
		memset(v[i].p, 7, v[i].n);
	return (ssize_t)v[0].n;
}

static ssize_t
on_push(void *sarg, const struct span *v, int n)
{
	struct end *e = known(sarg);
	uint8_t sum = 0;
	size_t all = 0;

	MUST(w.in_run && !e->udp && !e->asked);
	for (int i = 0; i < n; i++) {
		for (size_t j = 0; j < v[i].n; j++)
			sum = (uint8_t)(sum + ((uint8_t *)v[i].p)[j]);
		all += v[i].n;
	}
	MUST(all > 0);
	if (w.mood % 11 == 2) {
		e->dead = true;
		return MUX_BROKEN;
	}
	return w.mood & 8 ? (ssize_t)(all / (sum % 4 + 1U)) : (ssize_t)all;
}

static void
on_end(void *sarg)
{
	MUST(!known(sarg)->udp);
}

static void
on_datagram(void *sarg, const struct span *v, int n)
{
	size_t all = 0;

	MUST(known(sarg)->udp);
	for (int i = 0; i < n; i++)
		all += v[i].n;
	MUST(all <= 65507);
}

static void
on_gone(void *sarg, enum mux_gone how, uint16_t code, const char *sentence)
{
	struct end *e = sarg;

	(void)how;
	(void)code;
	MUST(e->used && w.in_run && strlen(sentence) < 300);
	e->used = false;
}

/* Keeps the round that was said last, so that a script can answer it. */
static int
on_seal(void *larg, const void *p, size_t n)
{
	struct link *k = larg;
	const uint8_t *at = p;
	struct frame f;
	int used;

	MUST(!k->closed && n > 0 && n <= FRAME_MAX);
	for (; n > 0; at += used, n -= (size_t)used) {
		used = frame_decode(&f, at, n, NULL);
		MUST(used > 0); /* no frame of ours crosses records */
		if (f.type == FRAME_RESUME)
			w.round = f.offset;
	}
	return w.mood % 13 == 3 ? -1 : 0;
}

static ssize_t
on_room(void *larg, enum mux_room what)
{
	MUST(!((struct link *)larg)->closed);
	return what == MUX_ROOM_DATA ? w.room : w.room + 20000;
}

static void
on_link_end(void *larg, uint16_t code, const char *why)
{
	struct link *k = larg;

	(void)code;
	MUST(!k->closed && w.in_run && why != NULL);
	k->closed = true;
	k->l = NULL;
}

static void
on_silent(void *larg)
{
	MUST(!((struct link *)larg)->closed);
}

static void
on_control(void *arg, struct mux_link *l, const struct frame *f)
{
	(void)arg;
	(void)l;
	MUST(f->type == FRAME_CONFIG || f->type == FRAME_REPORT);
}

static void
on_links(void *arg, unsigned wanted)
{
	(void)arg;
	MUST(wanted >= 1 && wanted <= 4);
}

static void
on_goaway(void *arg, const struct proto_goaway *g)
{
	(void)arg;
	MUST(strlen(g->sentence) <= PROTO_TEXT_MAX);
}

static void
on_broken(void *arg, const char *why)
{
	(void)arg;
	MUST(w.in_run && ++w.broken == 1 && *why != '\0');
}

static const struct mux_ops ops = {
	.open = on_open,
	.connected = on_connected,
	.pull = on_pull,
	.push = on_push,
	.end = on_end,
	.datagram = on_datagram,
	.gone = on_gone,
	.seal = on_seal,
	.room = on_room,
	.link_end = on_link_end,
	.link_silent = on_silent,
	.control = on_control,
	.links = on_links,
	.goaway = on_goaway,
	.broken = on_broken,
};

/* --- what the script can do ------------------------------------------------ */

static void
run(void)
{
	struct mux_stats st;

	w.in_run = true;
	for (int i = 0; i < RUNS_MAX && mux_run(w.mux, w.now); i++)
		;
	w.in_run = false;
	mux_stats(w.mux, &st);
	MUST(pool_held(w.pool) <= HELD_MAX && st.held <= HELD_MAX);
	MUST(mux_deadline(w.mux) > 0);
}

static void
do_join(struct script *s)
{
	struct link *k = &w.link[w.links];
	uint8_t number = take(s);
	struct err e;

	if (w.links == LINKS)
		return;
	k->l = mux_join(w.mux, k, number, take_number(s), w.now, &e);
	if (k->l == NULL)
		return;
	w.link_now = w.links++;
	if (number & 1)
		mux_resume(w.mux);
}

static void
do_leave(struct script *s)
{
	uint8_t named[4] = { 0 };
	struct link *k;

	if (take(s) % 4 == 0) {
		named[0] = take(s);
		mux_leave_unnamed(w.mux, named, 1);
		return;
	}
	if (w.links == 0)
		return;
	k = &w.link[take(s) % w.links];
	if (k->l == NULL)
		return;
	mux_leave(&k->l, w.now);
	MUST(k->l == NULL);
	k->closed = true;
}

/* Bytes for a link, cut into pieces as the script says. */
static void
feed(struct script *s, const uint8_t *p, size_t n)
{
	struct link *k = &w.link[w.link_now];
	struct slab *b;
	size_t piece, off;
	uint8_t how = take(s);

	while (n > 0 && k->l != NULL && w.links > 0) {
		off = how % 3 == 1 ? how : 0;
		piece = how < 128 ? n : how - 127U;
		piece = piece < n ? piece : n;
		piece = piece < POOL_LARGE - off ? piece : POOL_LARGE - off;
		if ((b = pool_get(w.pool, POOL_LARGE)) == NULL)
			return;
		memcpy(b->data + off, p, piece);
		mux_input(k->l, b, off, piece, w.now);
		slab_unref(&b);
		p += piece;
		n -= piece;
		if (how % 5 == 2)
			run();
	}
}

static uint16_t
resume_body(struct script *s, uint8_t *body)
{
	struct resume_entry r;
	unsigned count = take(s) % 8;

	for (unsigned i = 0; i < count; i++) {
		r.stream = take(s) % NUMBERS;
		r.flags = take(s) % 8;
		r.code = take(s);
		r.received = take_number(s);
		r.limit = take_number(s);
		resume_put(body + (size_t)i * RESUME_ENTRY, &r);
	}
	return (uint16_t)(count * RESUME_ENTRY);
}

static int
say_open(struct script *s, uint8_t *frame, uint32_t number)
{
	struct proto_open o = { .stream = number, .tunnel = 1 };

	o.kind = take(s) % 2 ? PROTO_TCP : PROTO_UDP;
	return open_encode(frame, FRAME_MAX, &o, NULL);
}

static int
say_goaway(struct script *s, uint8_t *frame)
{
	struct proto_goaway g = { .code = take(s), .sentence = "so long" };

	return goaway_encode(frame, FRAME_MAX, &g, NULL);
}

/* The body and the place that a frame of this type usually has. */
static void
fill(struct script *s, struct frame *f, uint8_t *body)
{
	switch (f->type) {
	case FRAME_DATA:
	case FRAME_DGRAM:
		f->len = (uint16_t)(take(s) * (f->flags & 0x40 ? 64 : 1));
		f->flags &= 0x0f;
		if (f->type == FRAME_DATA && f->len == 0)
			f->len = 1;
		if (take(s) % 8 != 0)
			f->offset = w.at[f->stream % NUMBERS];
		w.at[f->stream % NUMBERS] = f->offset + f->len;
		break;
	case FRAME_FIN:
		if (take(s) % 8 != 0)
			f->offset = w.at[f->stream % NUMBERS];
		break;
	case FRAME_ACK:
		put64(body, take_number(s));
		f->len = 8;
		break;
	case FRAME_RESET:
		put16(body, take(s));
		f->len = 2;
		break;
	case FRAME_RESUME:
		f->stream = (uint32_t)take(s) << 24 | (uint32_t)take(s) << 16;
		if (take(s) % 4 != 0)
			f->offset = w.round;
		f->len = resume_body(s, body);
		break;
	default:
		f->len = take(s) % 3 == 0 ? take(s) : 0;
		break;
	}
}

static void
do_frame(struct script *s)
{
	static uint8_t b[FRAME_MAX];
	struct frame f = { 0 };
	int n;

	f.type = take(s) % 0x14;
	f.stream = take(s) % NUMBERS;
	f.flags = take(s);
	f.offset = take_number(s);
	if (f.type == FRAME_OPEN) {
		w.at[f.stream % NUMBERS] = 0;
		n = say_open(s, b, f.stream);
	} else if (f.type == FRAME_GOAWAY) {
		n = say_goaway(s, b);
	} else {
		fill(s, &f, b + FRAME_HEAD);
		frame_head(b, &f);
		n = FRAME_HEAD + f.len;
	}
	if (n > 0)
		feed(s, b, (size_t)n);
}

static void
do_raw(struct script *s)
{
	size_t n = take(s);
	const uint8_t *p;

	n = n < s->n ? n : s->n;
	p = s->p;
	s->p += n;
	s->n -= n;
	feed(s, p, n);
}

static void
do_open(struct script *s)
{
	struct proto_open o = { .tunnel = 1, .kind = PROTO_TCP };
	struct err err;

	if (take(s) % 3 == 0)
		o.kind = PROTO_UDP;
	for (int i = 0; i < ENDS; i++) {
		if (w.end[i].used)
			continue;
		w.end[i] = (struct end){ .udp = o.kind == PROTO_UDP };
		w.end[i].s = mux_open(w.mux, &o, &w.end[i], &err);
		w.end[i].used = w.end[i].s != NULL;
		return;
	}
}

static void
do_end(struct script *s)
{
	static const uint8_t dgram[65507];
	struct end *e = &w.end[take(s) % ENDS];
	uint8_t what = take(s);

	if (!e->used) {
		do_open(s);
		return;
	}
	switch (what % 6) {
	case 0:
		e->used = false;
		mux_reset(e->s, CODE_RESET, what & 16 ? "so be it" : NULL);
		break;
	case 1:
		if (e->udp)
			mux_datagram(e->s, dgram, (size_t)take(s) * 256);
		break;
	case 2:
		mux_writable(e->s);
		break;
	default:
		if (e->asked && !e->udp)
			mux_accept(e->s);
		e->asked = e->asked && e->udp;
		mux_readable(e->s);
	}
}

static void
do_shed(void)
{
	w.in_run = true;
	mux_shed(w.mux, CODE_MEMORY);
	w.in_run = false;
}

static void
step(struct script *s)
{
	switch (take(s) % 16) {
	case 0:
		do_join(s);
		break;
	case 1:
		do_leave(s);
		break;
	case 2:
		w.link_now = w.links > 0 ? take(s) % w.links : 0;
		break;
	case 3:
		w.now += take_number(s) % 100000;
		run();
		break;
	case 4:
		w.mood = take(s);
		w.room = (ssize_t)take(s) * 256 - 1000;
		break;
	case 5:
		do_raw(s);
		break;
	case 6:
	case 7:
	case 8:
		do_end(s);
		break;
	case 9:
		do_shed();
		break;
	case 10:
		run();
		break;
	default:
		do_frame(s);
	}
}

static bool
begin(struct script *s)
{
	struct mux_conf c;
	struct err e;
	uint8_t how = take(s);

	memset(&w, 0, sizeof(w));
	w.now = 1000;
	w.mood = 1 << 5;
	w.room = 60000;
	mux_conf_default(&c, how & 1 ? MUX_RELAY : MUX_CLIENT);
	c.first_number = how & 1 ? 1 : 2;
	c.window_first = 1U << (how >> 1 & 15);
	c.window_max = c.window_first * 4;
	c.streams_max = how & 32 ? 4 : 60;
	c.held_max = how & 64 ? 100000 : 0;
	if ((w.pool = pool_new(NULL, &e)) == NULL)
		return false;
	c.pool = w.pool;
	w.mux = mux_new(&c, &ops, NULL, w.now, &e);
	return w.mux != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct script s = { p, n };

	MUST(begin(&s));
	while (s.n > 0 && w.broken == 0)
		step(&s);
	run();
	w.in_run = true;
	mux_free(&w.mux, CODE_CLOSING, "the end");
	for (int i = 0; i < ENDS; i++)
		MUST(!w.end[i].used);
	for (unsigned i = 0; i < w.links; i++)
		MUST(w.link[i].closed);
	MUST(pool_held(w.pool) == 0);
	pool_free(&w.pool);
	return 0;
}
