#include "mux/mux_int.h"

#include <string.h>

/*
 * Datagrams.  One that does not fit into a frame goes out as consecutive
 * DGRAMs: no DGRAM of another flow comes between them on a link, so that a link
 * has at most one unfinished datagram to remember.  What cannot be sent now is
 * dropped: late is worse than lost.
 *
 * However small the pieces are that come, they are copied together: each slab is
 * full before the next, and none is smaller than SMALL_MAX.
 */
enum { SPANS = DGRAM_MAX / SMALL_MAX + 2 };

void
mux_flow_forget(struct mux_link *l)
{
	mux_queue_clear(l->m, &l->dgram);
	l->dgram_flow = 0;
}

/* A flow is over: the datagram of which it had sent a part will not be whole. */
void
mux_flow_gone(struct mux_link *l, uint32_t number)
{
	if (l->dgram_flow == number)
		mux_flow_forget(l);
}

/* The pieces are whole: out with them. */
static void
deliver(struct mux_stream *s, const struct span *v, int n)
{
	s->m->stats.dgrams_in++;
	if (s->sarg != NULL)
		s->m->ops.datagram(s->sarg, v, n);
}

static void
drop_partial(struct mux_link *l)
{
	if (l->dgram_flow != 0)
		l->m->stats.dgrams_dropped++;
	mux_flow_forget(l);
}

void
mux_flow_frame(struct mux_link *l, struct mux_stream *s, const struct frame *f,
    struct slab *b)
{
	struct mux *m = l->m;
	struct span v[SPANS];
	struct queue q;
	bool more = (f->flags & FRAME_MORE) != 0;
	size_t len;
	int n;

	if (!s->udp) {
		mux_break(m, "DGRAM %u for a stream", f->stream);
		return;
	}
	if (f->offset == 0) {
		drop_partial(l);
		if (!more) {
			v[0] = (struct span){ b->data + (f->body - b->data),
				f->len };
			deliver(s, v, 1);
			return;
		}
		l->dgram_flow = f->stream;
	}
	if (l->dgram_flow != f->stream || l->dgram.bytes != f->offset ||
	    f->offset + f->len > DGRAM_MAX || f->len == 0 ||
	    mux_queue_copy(m, &l->dgram, f->body, f->len) == -1) {
		drop_partial(l);
		return;
	}
	if (more)
		return;
	q = l->dgram; /* the callback may end the link */
	l->dgram = (struct queue){ 0 };
	l->dgram_flow = 0;
	n = mux_queue_spans(&q, v, SPANS, &len);
	if (len == q.bytes) /* else it would be cut: dropped is better */
		deliver(s, v, n);
	else
		m->stats.dgrams_dropped++;
	mux_queue_clear(m, &q);
}

/* A link that may carry the flow's datagrams now. */
static bool
is_ready(struct mux_stream *s)
{
	struct mux_link *l;

	if (s->link == NULL && !s->opened)
		mux_stream_say(s); /* OPEN goes first */
	if ((l = s->link) == NULL || l->refused)
		return false;
	if (buf_len(&l->control) > 0 && !mux_link_control(l))
		return false;
	if (!s->opened)
		mux_stream_say(s);
	return s->opened && mux_link_room(l, MUX_ROOM_DGRAM) > 0;
}

int
mux_datagram(struct mux_stream *s, const void *p, size_t n)
{
	struct mux *m = s->m;
	struct frame f = { .type = FRAME_DGRAM, .stream = s->number };
	const uint8_t *from = p;
	size_t k;

	if (n > DGRAM_MAX || s->rst || s->dead || !s->udp || m->is_broken ||
	    !is_ready(s)) {
		m->stats.dgrams_dropped++;
		return 0;
	}
	do {
		k = n < FRAME_BODY_MAX ? n : FRAME_BODY_MAX;
		f.len = (uint16_t)k;
		f.flags = n > k ? FRAME_MORE : 0;
		mux_link_put(s->link, &f, from);
		f.offset += k;
		from += k;
		n -= k;
	} while (n > 0);
	m->stats.dgrams_out++;
	return 1;
}
