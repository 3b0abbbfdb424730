#include "mux/mux_int.h"

#include <string.h>

/*
 * Whose turn it is.  Streams that have something to send stand in m->turn;
 * each gets one turn a run: what it retained and must send again, or one read
 * from its local end, as large as its credit, the link's room and its habit
 * allow.  While a link is full nothing is read for it: the local ends' own
 * windows are the queue.
 */

/*
 * How far it may send: the peer's limit, but no further than two of our own
 * windows ahead of what is acknowledged.  What was sent is retained: a peer
 * that grants much and acknowledges nothing shall not cost us more.
 */
static uint64_t
send_limit(const struct mux_stream *s)
{
	uint64_t own = s->acked + (uint64_t)2 * s->m->conf.window_max;

	return s->limit < own ? s->limit : own;
}

static bool
wants_turn(const struct mux_stream *s)
{
	if (s->link == NULL || !s->opened || s->rst || s->dead || s->udp ||
	    !s->accepted)
		return false;
	if (s->sent < pulled(s))
		return true;
	if (s->fin_pulled)
		return !s->fin_sent;
	return s->readable && pulled(s) < send_limit(s);
}

static void
stand_in(struct list *line, struct mux_stream *s)
{
	if (!wants_turn(s) || !list_empty(&s->turn))
		return;
	list_append(line, &s->turn);
	mux_wake(s->m);
}

/* It wants to go on. */
void
mux_sched_ready(struct mux_stream *s)
{
	stand_in(&s->m->turn, s);
}

/*
 * Its local end has something after a pause: a keystroke, a request.  It goes
 * before those that have been sending all the time.
 */
void
mux_sched_fresh(struct mux_stream *s)
{
	stand_in(&s->m->fresh, s);
}

static bool
link_full(struct mux_link *l)
{
	if (l->refused || buf_len(&l->control) > 0)
		return true;
	return mux_link_room(l, MUX_ROOM_DATA) <= 0;
}

/*
 * One DATA frame from where s->cur stands.  A large piece goes out from the
 * slab itself, its head written into the room before it; that room is free
 * (head room, or acknowledged bytes) only at the beginning of a seg.
 */
static void
send_piece(struct mux_stream *s)
{
	struct seg *g = s->cur;
	uint32_t n = g->len - s->cur_pos;
	uint8_t *body = g->slab->data + g->off + s->cur_pos;
	struct frame f = {
		.type = FRAME_DATA, .stream = s->number, .offset = s->sent
	};

	n = n < FRAME_BODY_MAX ? n : FRAME_BODY_MAX;
	f.len = (uint16_t)n;
	if (n > STAGE_BODY_MAX && s->cur_pos == 0 && g->off >= FRAME_HEAD) {
		frame_head(body - FRAME_HEAD, &f);
		mux_link_direct(s->link, body - FRAME_HEAD, FRAME_HEAD + n);
	} else {
		mux_link_put(s->link, &f, body);
	}
	s->sent += n;
	s->cur_pos += n;
	if (s->cur_pos == g->len) {
		s->cur = g->next;
		s->cur_pos = 0;
	}
}

/* Sends what is retained and unsent. */
static void
send_retained(struct mux_stream *s, bool heed_room)
{
	while (s->cur != NULL && s->link != NULL) {
		if (s->cur->len == s->cur_pos) { /* an empty seg */
			s->cur = s->cur->next;
			s->cur_pos = 0;
			continue;
		}
		if (s->link->refused || (heed_room && link_full(s->link)))
			return;
		send_piece(s);
	}
}

static void
send_fin(struct mux_stream *s)
{
	struct frame f = {
		.type = FRAME_FIN, .stream = s->number, .offset = pulled(s)
	};

	mux_link_put(s->link, &f, NULL);
	s->fin_sent = true;
}

/* What a read may bring: the stream's habit, its credit, the link's room. */
static size_t
read_wish(const struct mux_stream *s)
{
	ssize_t room = mux_link_room(s->link, MUX_ROOM_DATA);
	uint64_t want = (uint64_t)s->read_units * READ_UNIT;

	if (room < READ_LEAST)
		room = READ_LEAST;
	if (want > (uint64_t)room)
		want = (uint64_t)room;
	if (want > send_limit(s) - pulled(s))
		want = send_limit(s) - pulled(s);
	return (size_t)want;
}

/* Slabs for a read of want bytes, each with room for a frame's head. */
static int
get_slabs(struct mux *m, struct slab **b, struct span *v, size_t want)
{
	int n = 0;

	while (want > 0 && n < SPANS_MAX) {
		if ((b[n] = pool_get(m->conf.pool, POOL_LARGE)) == NULL)
			break;
		v[n].p = b[n]->data + FRAME_HEAD;
		v[n].n = want < FRAME_BODY_MAX ? want : FRAME_BODY_MAX;
		want -= v[n++].n;
	}
	return n;
}

/* Keeps what was read until it is acknowledged; small pieces in small slabs. */
static int
retain(struct mux_stream *s, struct slab **b, size_t got)
{
	struct seg *tail = s->out.tail;
	uint32_t tail_len = tail != NULL ? tail->len : 0;
	size_t k;
	int rc = 0;

	for (; got > 0 && rc == 0; got -= k, b++) {
		k = got < FRAME_BODY_MAX ? got : FRAME_BODY_MAX;
		/* NOLINTBEGIN(clang-analyzer-core.*): b holds all of got */
		if (k <= SMALL_MAX)
			rc = mux_queue_copy(
			    s->m, &s->out, (*b)->data + FRAME_HEAD, k);
		else
			rc = mux_queue_add(
			    s->m, &s->out, *b, FRAME_HEAD, (uint32_t)k);
		/* NOLINTEND(clang-analyzer-core.*) */
	}
	if (s->cur != NULL || rc == -1)
		return rc;
	s->cur_pos = 0;
	if (tail == NULL) {
		s->cur = s->out.head;
	} else if (tail->len > tail_len) {
		s->cur = tail;
		s->cur_pos = tail_len;
	} else {
		s->cur = tail->next;
	}
	return 0;
}

static void
learn_read_size(struct mux_stream *s, size_t want, size_t got)
{
	size_t size = (size_t)s->read_units * READ_UNIT;

	if (got == want && want == size)
		size = size * 4 < READ_MAX ? size * 4 : READ_MAX;
	else if (got < size / 8)
		size = size / 2 > READ_MIN ? size / 2 : READ_MIN;
	s->read_units = (uint16_t)(size / READ_UNIT);
}

/* Without memory nobody reads; what is acknowledged makes room again. */
static bool
short_of_memory(const struct mux *m)
{
	return pool_pressure(m->conf.pool) >= 98 || mux_has_share(m);
}

/* One read from the local end, and onto the link with it. */
static void
read_and_send(struct mux_stream *s)
{
	struct mux *m = s->m;
	struct slab *b[SPANS_MAX];
	struct span v[SPANS_MAX];
	unsigned flags = 0;
	size_t want = read_wish(s);
	ssize_t got;
	int n, i, rc = 0;

	n = short_of_memory(m) ? 0 : get_slabs(m, b, v, want);
	if (n == 0) {
		m->starved = true;
		return;
	}
	got = s->sarg == NULL ? MUX_BROKEN : m->ops.pull(s->sarg, v, n, &flags);
	if (got >= 0 && !s->rst && !s->dead) {
		s->readable = got > 0 && (flags & MUX_MORE) != 0;
		s->fin_pulled = (flags & MUX_EOF) != 0;
		rc = retain(s, b, (size_t)got);
		learn_read_size(s, want, (size_t)got);
	}
	for (i = 0; i < n; i++)
		slab_unref(&b[i]);
	if (s->rst || s->dead)
		return;
	if (got < 0 || rc == -1)
		mux_stream_break(s, got < 0 ? CODE_RESET : CODE_MEMORY);
	else if (s->link != NULL) /* pull() may have ended the link */
		send_retained(s, false);
}

static void
take_turn(struct mux_stream *s)
{
	if (s->sent < pulled(s))
		send_retained(s, true);
	else if (!s->fin_pulled && s->readable && pulled(s) < send_limit(s))
		read_and_send(s);
	if (!s->rst && !s->dead && s->fin_pulled && !s->fin_sent &&
	    s->sent == pulled(s) && s->link != NULL)
		send_fin(s);
}

/* At least two stand in line. */
static bool
others_wait(const struct mux *m)
{
	if (list_empty(&m->turn))
		return m->fresh.next != m->fresh.prev;
	return !list_empty(&m->fresh) || m->turn.next != m->turn.prev;
}

/*
 * The relay asks for a further link when one was full for a while and others
 * waited behind the bulk; and says when it is no longer of use.
 */
static void
judge_links(struct mux *m)
{
	struct frame f = { .type = FRAME_LINKS };
	struct mux_link *l;
	struct list *n;
	bool busy = false;

	for (n = m->links.next; n != &m->links; n = n->next) {
		l = LIST_OF(n, struct mux_link, on);
		if (l->full_since != 0 &&
		    m->now >= l->full_since + m->conf.link_busy_ms)
			busy = true;
	}
	if (busy)
		m->second_needed = m->now;
	if (busy && m->wanted == m->link_count &&
	    m->wanted < m->conf.links_max && others_wait(m))
		m->wanted++;
	else if (m->wanted > 1 && m->now > m->second_needed + LINK_QUIET_MS)
		m->wanted = 1;
	else
		return;
	f.offset = m->wanted;
	if ((l = mux_link_best(m)) != NULL)
		mux_link_add(l, &f, NULL);
}

/* Which links had somebody waiting at the end of this run. */
static void
note_full_links(struct mux *m)
{
	struct mux_link *l;
	struct mux_stream *s;
	struct list *n;

	for (n = m->links.next; n != &m->links; n = n->next) {
		l = LIST_OF(n, struct mux_link, on);
		if (!link_full(l))
			l->full_since = 0;
	}
	n = list_empty(&m->turn) ? m->fresh.next : m->turn.next;
	if (n == &m->fresh)
		return;
	s = LIST_OF(n, struct mux_stream, turn);
	if (s->link != NULL && s->link->full_since == 0 && link_full(s->link))
		s->link->full_since = m->now;
}

/*
 * One turn for each that stands in line.  Who is served and wants more stands
 * in `again`, who could not be served stays.  True: there is more to do at
 * once.
 */
static bool
serve(struct mux *m, struct list *line, struct list *again, bool *any)
{
	struct list todo;
	struct mux_stream *s;
	bool more = false;

	list_init(&todo);
	list_take(&todo, line);
	while (!list_empty(&todo)) {
		s = LIST_OF(todo.next, struct mux_stream, turn);
		list_remove(&s->turn);
		if (!wants_turn(s))
			continue;
		if (link_full(s->link)) {
			list_append(line, &s->turn);
			if (m->link_count == 1)
				break; /* full for all */
			continue;
		}
		*any = true;
		take_turn(s);
		if (!wants_turn(s) || !list_empty(&s->turn))
			continue;
		list_append(again, &s->turn);
		if (!m->starved && !link_full(s->link))
			more = true;
	}
	list_take(line, &todo);
	return more;
}

/*
 * The fresh ones first, unless the others went without in the last run.  True:
 * there is more to do at once.
 */
bool
mux_sched_run(struct mux *m)
{
	struct list again;
	bool turns = false, fresh = false, more = false;
	bool first = m->turn_waits;

	list_init(&again);
	if (!first)
		more = serve(m, &m->fresh, &again, &fresh);
	more = serve(m, &m->turn, &again, &turns) || more;
	if (first)
		more = serve(m, &m->fresh, &again, &fresh) || more;
	if (turns || fresh) /* else the links were full: it stays as it was */
		m->turn_waits = !turns && !list_empty(&m->turn);
	list_take(&m->turn, &again);
	note_full_links(m);
	if (mux_is_relay(m))
		judge_links(m);
	return more;
}
