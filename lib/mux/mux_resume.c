#include "mux/mux_int.h"

#include <string.h>

/*
 * What survives the loss of a link: docs/PROTOCOL.md, "RESUME, step by step".
 * The relay begins a round and lists what it has of every DETACHED stream; the
 * client lists what it has; each judges what it listed itself.  The order and
 * the conditions here are those of the specification, and every one of them is
 * there because a model fails without it.
 */

/* A list on its way out, cut into frames. */
struct lister {
	struct mux_link *link;
	uint64_t round;
	uint8_t live[4]; /* the links that the round names */
	struct frame f;
	uint8_t body[FRAME_BODY_MAX];
};

/* --- the lists ------------------------------------------------------------- */

/* The numbers of our links, one byte each. */
static uint32_t
own_links(const struct mux *m)
{
	uint8_t n[4] = { 0 };

	mux_links(m, n);
	return get32(n);
}

/*
 * Client: a stream belongs to the round only if its link is concerned and not
 * named: one whose link we gave up while the relay still names it, or whose
 * link is younger than the round, waits for the next.
 */
static bool
is_concerned(const struct mux_stream *s, const struct lister *t)
{
	if (mux_is_relay(s->m) || s->old_number == 0)
		return true;
	return memchr(t->live, s->old_number, sizeof(t->live)) == NULL &&
	    s->old_wround < t->round;
}

static void
list_one(struct mux_stream *s, void *arg)
{
	struct lister *t = arg;
	struct resume_entry e = { .stream = s->number };

	if (s->link != NULL || !s->opened || !is_concerned(s, t))
		return;
	s->listed = (uint32_t)t->round;
	s->listed_rst = s->rst;
	if (t->f.len + RESUME_ENTRY > FRAME_BODY_MAX) {
		mux_link_add(t->link, &t->f, t->body);
		t->f.len = 0;
	}
	e.flags = (uint16_t)((s->fin_come ? RESUME_END : 0) |
	    (s->rst ? RESUME_RESET : 0) | (s->udp ? RESUME_UDP : 0));
	e.code = s->rst ? s->code : CODE_NONE;
	e.received = s->rst ? 0 : s->received;
	e.limit = s->rst || s->udp ? e.received : s->told_limit;
	resume_put(t->body + t->f.len, &e);
	t->f.len = (uint16_t)(t->f.len + RESUME_ENTRY);
	s->told_received = s->received;
}

static void
send_list(struct mux *m, struct lister *t)
{
	t->f = (struct frame){
		.type = FRAME_RESUME, .stream = own_links(m), .offset = t->round
	};
	mux_stream_each(m, list_one, t);
	t->f.flags = FRAME_LAST;
	mux_link_add(t->link, &t->f, t->body);
}

/* --- the judgement --------------------------------------------------------- */

struct judge {
	struct mux_link *link;
	uint64_t round;
};

/* The other side does not list it. */
static void
judge_missing(struct mux_stream *s, struct mux_link *l)
{
	if (s->fin_sent && s->fin_come) {
		/* it has finished there: my FIN counts as acknowledged */
		mux_stream_trim(s, pulled(s));
		s->cur = NULL;
		s->fin_acked = true;
		mux_stream_attach(s, l);
		mux_stream_check(s);
	} else if (s->mine && !s->heard) {
		s->opened = false; /* OPEN again, everything from 0 */
		s->fin_sent = false;
		mux_stream_rewind(s);
		s->link = l;
		mux_stream_want(s);
	} else {
		mux_stream_forget(s);
	}
}

/* The other side says what it has: forget that, go on from there. */
static void
judge_listed(
    struct mux_stream *s, struct mux_link *l, const struct resume_entry *e)
{
	bool end = (e->flags & RESUME_END) != 0;

	mux_stream_heard(s);
	if (!s->udp) {
		if (e->received < s->acked || e->received > pulled(s) ||
		    (end && (!s->fin_pulled || e->received != pulled(s)))) {
			mux_break(
			    s->m, "RESUME %u of what was not sent", s->number);
			return;
		}
		mux_stream_trim(s, e->received);
		mux_stream_rewind(s);
		s->limit = e->limit > s->limit ? e->limit : s->limit;
		s->fin_sent = s->fin_acked = end;
	}
	s->link = l;
	if (s->accepted) {
		s->want_ack = true;
		mux_stream_want(s);
	}
	mux_stream_attach(s, l);
	mux_stream_check(s);
}

static void
judge_one(struct mux_stream *s, void *arg)
{
	struct judge *j = arg;
	struct mux *m = s->m;
	struct resume_entry e;
	uint32_t at = s->their_entry;

	s->their_entry = 0;
	if (s->listed != (uint32_t)j->round || s->link != NULL || m->is_broken)
		return;
	if (s->rst) {
		s->link = j->link;
		s->want_rst = !s->listed_rst; /* reset after my list */
		if (s->want_rst)
			mux_stream_want(s);
		return;
	}
	if (at == 0) {
		judge_missing(s, j->link);
		return;
	}
	resume_get(&e, buf_data(&m->theirs) + (size_t)(at - 1) * RESUME_ENTRY);
	judge_listed(s, j->link, &e);
}

/* The other's whole list lies in m->theirs. */
static void
judge_all(struct mux_link *l, uint64_t round)
{
	struct mux *m = l->m;
	struct judge j = { .link = l, .round = round };
	struct resume_entry e;
	struct mux_stream *s;
	size_t i, n = buf_len(&m->theirs) / RESUME_ENTRY;

	for (i = 0; i < n; i++) {
		resume_get(&e, buf_data(&m->theirs) + i * RESUME_ENTRY);
		s = mux_stream_find(m, e.stream);
		if (e.flags & RESUME_RESET) {
			mux_stream_answer(l, e.stream);
			if (s != NULL && !s->rst)
				mux_stream_over(s, false, e.code, NULL);
		} else if (s != NULL) {
			s->their_entry = (uint32_t)i + 1;
		}
	}
	mux_stream_each(m, judge_one, &j);
	buf_drop(&m->theirs, buf_len(&m->theirs));
	m->theirs_link = NULL;
}

/* --- the relay's rounds ---------------------------------------------------- */

uint64_t
mux_round(const struct mux *m)
{
	return m->round;
}

void
mux_resume(struct mux *m)
{
	mux_resume_begin(m);
}

/*
 * One round at a time: while one is open on a living link, further causes wait
 * for its answer; then one new round serves them all.
 */
void
mux_resume_begin(struct mux *m)
{
	struct lister t;

	if (m->link_count == 0 || m->round_link != NULL) {
		m->round_wanted = true;
		return;
	}
	m->round_wanted = false;
	m->round_link = mux_link_best(m);
	t.link = m->round_link;
	t.round = ++m->round;
	send_list(m, &t);
}

void
mux_resume_lost(struct mux *m, uint8_t number)
{
	struct list *n;
	struct mux_link *l;

	for (n = m->links.next; n != &m->links; n = n->next) {
		l = LIST_OF(n, struct mux_link, on);
		if (l->number != number)
			continue;
		mux_link_drop(l, CODE_GONE, "the client gave it up");
		mux_resume_begin(m);
		return;
	}
}

static void
relay_judges(struct mux_link *l, uint64_t round)
{
	struct mux *m = l->m;

	m->round_link = NULL;
	judge_all(l, round);
	if (m->round_wanted)
		mux_resume_begin(m);
}

/* --- the client's answers -------------------------------------------------- */

/*
 * A link whose WELCOME comes behind a younger round that does not name it: the
 * relay has closed it since.  What it may still bring is of streams that have
 * been, or will be, opened again.
 */
bool
mux_resume_is_closed(const struct mux_link *l)
{
	const struct mux *m = l->m;

	return l->wround < m->round &&
	    memchr(m->round_live, l->number, sizeof(m->round_live)) == NULL;
}

/* Remembers that we gave it up, and says so on another link if there is one. */
void
mux_resume_gave_up(struct mux *m, struct mux_link *l)
{
	struct frame f = { .type = FRAME_LOST, .stream = l->number };
	struct list *n;

	m->given[l->number] = l->wround + 1;
	for (n = m->links.next; n != &m->links; n = n->next) {
		if (n == &l->on)
			continue;
		mux_link_add(LIST_OF(n, struct mux_link, on), &f, NULL);
		return;
	}
}

/* Says LOST again for each link given up (that the relay still names). */
void
mux_resume_say_lost(struct mux *m, struct mux_link *l, bool live_only,
    const uint8_t *live, unsigned n)
{
	struct frame f = { .type = FRAME_LOST };

	for (f.stream = 1; f.stream <= 255; f.stream++) {
		if (m->given[f.stream] == 0)
			continue;
		if (live_only && memchr(live, (int)f.stream, n) == NULL)
			continue;
		mux_link_add(l, &f, NULL);
	}
}

/* Links that the relay no longer names end, if they are old enough to know. */
static void
close_unnamed(struct mux *m, const struct lister *t)
{
	struct mux_link *l;
	struct list *n, *next;

	for (n = m->links.next; n != &m->links; n = next) {
		next = n->next;
		l = LIST_OF(n, struct mux_link, on);
		if (memchr(t->live, l->number, sizeof(t->live)) == NULL &&
		    l->wround < t->round)
			mux_link_drop(l, CODE_GONE, "the relay closed it");
	}
}

static void
forget_given(struct mux *m, const struct lister *t)
{
	int n;

	for (n = 1; n <= 255; n++)
		if (m->given[n] != 0 && m->given[n] - 1 < t->round &&
		    memchr(t->live, n, sizeof(t->live)) == NULL)
			m->given[n] = 0;
}

static void
client_answers(struct mux_link *l, const struct frame *f)
{
	struct mux *m = l->m;
	struct lister t;

	t.link = l;
	t.round = f->offset;
	put32(t.live, f->stream);
	if (memchr(t.live, l->number, sizeof(t.live)) == NULL) {
		mux_break(m, "RESUME on a link that it does not name");
		return;
	}
	close_unnamed(m, &t);
	forget_given(m, &t);
	mux_resume_say_lost(m, l, true, t.live, sizeof(t.live));
	send_list(m, &t);
	judge_all(l, t.round);
}

/*
 * A part of a list.  Frames of a lower round than the highest seen are ignored,
 * and the first of a higher one forgets a list without its LAST: parts of two
 * lists, which may come on two links at once, never mix.
 */
void
mux_resume_frame(struct mux_link *l, const struct frame *f)
{
	struct mux *m = l->m;

	if (f->offset == 0) {
		mux_break(m, "RESUME of round 0");
		return;
	}
	if (mux_is_relay(m)) {
		if (m->round_link != l || f->offset != m->round)
			return;
	} else if (f->offset < m->round) {
		return;
	} else {
		m->round = f->offset;
		put32(m->round_live, f->stream);
	}
	if (m->theirs_link != l || m->theirs_round != f->offset) {
		buf_drop(&m->theirs, buf_len(&m->theirs));
		m->theirs_link = l;
		m->theirs_round = f->offset;
	}
	if (buf_add(&m->theirs, f->body, f->len, NULL) == -1) {
		mux_break(m, "RESUME lists more streams than there can be");
		return;
	}
	if ((f->flags & FRAME_LAST) == 0)
		return;
	if (mux_is_relay(m))
		relay_judges(l, f->offset);
	else
		client_answers(l, f);
}
