#include "sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/ctl.h"
#include "proto/frame.h"

/* One line for each frame, when the seed is told aloud. */
static void
tell(struct sim *s, const char *what, struct link *k, enum mux_side side,
    const struct frame *f)
{
	struct resume_entry r;

	if (!s->trace)
		return;
	sim_say(s,
	    "%s %s link %d(%u): %s flags %u stream %" PRIu32 " offset %" PRIu64
	    " len %u",
	    sim_side_name(side), what, k->id, k->number, frame_name(f->type),
	    f->flags, f->stream, f->offset, f->len);
	if (f->type == FRAME_ACK && f->len == 8)
		sim_say(s, "    limit %" PRIu64, get64(f->body));
	for (unsigned n = 0;
	     f->type == FRAME_RESUME && n + RESUME_ENTRY <= f->len;
	     n += RESUME_ENTRY) {
		resume_get(&r, f->body + n);
		sim_say(s,
		    "    stream %" PRIu32 " flags %u code %u received %" PRIu64
		    " limit %" PRIu64,
		    r.stream, r.flags, r.code, r.received, r.limit);
	}
}

/*
 * A frame that only the link of its stream's attachment may carry.  A stream
 * changes its link only after the LAST of a list on the new one, and only when
 * the old one is given up (which the end of the turn must show).
 */
static void
check_link(struct sim *s, struct link *k, struct end *e, const struct frame *f)
{
	uint64_t last_at = k->port[e->side].last_at;

	s->event++;
	if (f->type == FRAME_OPEN) /* judged anywhere, then free to choose */
		last_at = s->last_at[e->side];
	if (e->spoke_on != -1 && e->spoke_on != k->id) {
		if (last_at <= e->spoke_at)
			sim_fail(s,
			    "%s sends %s of stream %" PRIu32
			    " on link %d, it belongs to link %d",
			    sim_side_name(e->side), frame_name(f->type),
			    f->stream, k->id, e->spoke_on);
		e->left = e->spoke_on;
		s->switched[e->side] = true;
	}
	e->spoke_on = k->id;
	e->spoke_at = s->event;
}

/* A limit that a side tells never falls and covers what has arrived. */
static void
check_limit(struct sim *s, struct end *e, uint64_t received, uint64_t limit)
{
	if (limit < e->said)
		sim_fail(s,
		    "%s: limit of stream %" PRIu32 " falls from %" PRIu64
		    " to %" PRIu64,
		    sim_side_name(e->side), e->pair->number, e->said, limit);
	if (limit < received)
		sim_fail(s, "limit %" PRIu64 " below received %" PRIu64, limit,
		    received);
	if (received > e->arrived)
		sim_fail(s,
		    "%s says it has %" PRIu64 " of stream %" PRIu32
		    ", only %" PRIu64 " came",
		    sim_side_name(e->side), received, e->pair->number,
		    e->arrived);
	e->said = limit;
}

static void
sent_data(struct sim *s, struct end *e, const struct frame *f)
{
	uint64_t last = f->offset + f->len;

	if (last > e->told)
		sim_fail(s,
		    "%s sends stream %" PRIu32 " up to %" PRIu64
		    ", its limit is %" PRIu64,
		    sim_side_name(e->side), f->stream, last, e->told);
	if (f->offset > e->high)
		sim_fail(s, "%s leaves a hole in stream %" PRIu32,
		    sim_side_name(e->side), f->stream);
	if (last > e->pos)
		sim_fail(s, "%s sends bytes that nobody wrote",
		    sim_side_name(e->side));
	if (last > e->high)
		e->high = last;
}

static void
sent_ack(struct sim *s, struct end *e, const struct frame *f)
{
	if (!e->pair->udp)
		check_limit(s, e, f->offset, get64(f->body));
	if ((f->flags & FRAME_END) != 0 && !e->fin_arrived)
		sim_fail(s, "%s acknowledges a FIN that never came",
		    sim_side_name(e->side));
	if (e->side != e->pair->opener && !e->accepted)
		sim_fail(s, "%s says connected before it is",
		    sim_side_name(e->side));
}

static void
sent_resume(struct sim *s, enum mux_side by, const struct frame *f)
{
	struct resume_entry r;
	struct pair *p;

	for (unsigned n = 0; n + RESUME_ENTRY <= f->len; n += RESUME_ENTRY) {
		resume_get(&r, f->body + n);
		if ((p = ends_find(s, r.stream)) == NULL) {
			sim_fail(s, "RESUME lists a number never opened");
			return;
		}
		if ((r.flags & (RESUME_RESET | RESUME_UDP)) != 0)
			continue;
		check_limit(s, &p->end[by], r.received, r.limit);
		if ((r.flags & RESUME_END) != 0 && !p->end[by].fin_arrived)
			sim_fail(s, "RESUME names an END that never came");
	}
}

/* What one side says: is it true, and may it say it here and now? */
static void
on_sent(struct sim *s, struct link *k, enum mux_side by, const struct frame *f)
{
	struct pair *p;
	struct end *e;

	tell(s, "sends on", k, by, f);
	s->frames++;
	if (f->type == FRAME_RESUME)
		sent_resume(s, by, f);
	if (f->type < FRAME_OPEN || f->type > FRAME_DGRAM)
		return;
	if ((p = ends_find(s, f->stream)) == NULL) {
		sim_fail(s, "%s sends %s of %" PRIu32 ", never opened",
		    sim_side_name(by), frame_name(f->type), f->stream);
		return;
	}
	e = &p->end[by];
	if (f->type == FRAME_RESET)
		return;
	check_link(s, k, e, f);
	if (f->type == FRAME_OPEN && p->opener != by)
		sim_fail(s, "OPEN from the side that was asked");
	if (f->type == FRAME_DATA)
		sent_data(s, e, f);
	if (f->type == FRAME_ACK)
		sent_ack(s, e, f);
	if (f->type == FRAME_FIN && (!e->eof || f->offset != e->len))
		sim_fail(s, "FIN of stream %" PRIu32 " is invented", f->stream);
}

static void
got_resume(
    struct sim *s, struct link *k, enum mux_side by, const struct frame *f)
{
	struct resume_entry r;
	struct pair *p;

	for (unsigned n = 0; n + RESUME_ENTRY <= f->len; n += RESUME_ENTRY) {
		resume_get(&r, f->body + n);
		if ((p = ends_find(s, r.stream)) != NULL &&
		    r.limit > p->end[by].told)
			p->end[by].told = r.limit;
	}
	if ((f->flags & FRAME_LAST) != 0)
		k->port[by].last_at = s->last_at[by] = ++s->event;
}

/* What has reached a side whole. */
static void
on_got(struct sim *s, struct link *k, enum mux_side by, const struct frame *f)
{
	struct pair *p;
	struct end *e;

	tell(s, "gets on", k, by, f);
	if (f->type == FRAME_RESUME)
		got_resume(s, k, by, f);
	if (f->type < FRAME_OPEN || f->type > FRAME_DGRAM ||
	    (p = ends_find(s, f->stream)) == NULL)
		return;
	e = &p->end[by];
	if (f->type == FRAME_OPEN) {
		e->spoke_on = k->id;
		e->spoke_at = ++s->event;
	}
	if (f->type == FRAME_DATA && f->offset + f->len > e->arrived)
		e->arrived = f->offset + f->len;
	if (f->type == FRAME_ACK && get64(f->body) > e->told)
		e->told = get64(f->body);
	if (f->type == FRAME_FIN)
		e->fin_arrived = true;
}

/* Cuts a byte stream into frames, wherever it was cut before. */
static void
feed(struct sim *s, struct watch *w, struct link *k, enum mux_side by,
    const uint8_t *p, size_t n,
    void (*on)(
	struct sim *, struct link *, enum mux_side, const struct frame *))
{
	struct frame f;
	struct err e;
	size_t take;
	int used;

	while (n > 0 && !s->failed) {
		take = sizeof(w->part) - w->len;
		if (take > n)
			take = n;
		memcpy(w->part + w->len, p, take);
		w->len += take;
		p += take;
		n -= take;
		while ((used = frame_decode(&f, w->part, w->len, &e)) > 0) {
			on(s, k, by, &f);
			w->len -= (size_t)used;
			memmove(w->part, w->part + used, w->len);
		}
		if (used < 0)
			sim_fail(s, "not a frame: %s", e.text);
	}
}

void
watch_sent(
    struct sim *s, struct link *k, enum mux_side by, const uint8_t *p, size_t n)
{
	feed(s, &k->to[sim_other(by)].sent, k, by, p, n, on_sent);
}

void
watch_got(
    struct sim *s, struct link *k, enum mux_side by, const uint8_t *p, size_t n)
{
	feed(s, &k->to[by].got, k, by, p, n, on_got);
}

/* The end of a turn: links that streams have left are given up by now. */
void
watch_turn(struct sim *s, enum mux_side side)
{
	struct end *e;

	if (!s->switched[side])
		return;
	s->switched[side] = false;
	for (unsigned i = 0; i < s->pairs; i++) {
		e = &s->pair[i]->end[side];
		if (e->left != -1 && !s->link[e->left]->port[side].closed)
			sim_fail(s,
			    "%s: stream %" PRIu32 " left link %d, which lives",
			    sim_side_name(side), e->pair->number, e->left);
		e->left = -1;
	}
}
