#include "mux/mux_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* --- the table of numbers -------------------------------------------------- */

static uint32_t
slot(const struct mux *m, uint32_t number)
{
	return (number * m->key) >> 7 & m->table_mask;
}

struct mux_stream *
mux_stream_find(struct mux *m, uint32_t number)
{
	struct mux_stream *s = m->table[slot(m, number)];

	while (s != NULL && s->number != number)
		s = s->chain;
	return s;
}

/* Doubles the table; without memory it stays as it is and gets slower. */
static void
grow_table(struct mux *m)
{
	uint32_t old_mask = m->table_mask, i;
	struct mux_stream **old = m->table, **t, *s, *next;

	if ((t = calloc(((size_t)old_mask + 1) * 2, sizeof(*t))) == NULL)
		return;
	m->table = t;
	m->table_mask = old_mask * 2 + 1;
	for (i = 0; i <= old_mask; i++) {
		for (s = old[i]; s != NULL; s = next) {
			next = s->chain;
			s->chain = t[slot(m, s->number)];
			t[slot(m, s->number)] = s;
		}
	}
	free(old);
}

static void
table_add(struct mux_stream *s)
{
	struct mux *m = s->m;

	if (m->table_count > m->table_mask)
		grow_table(m);
	s->chain = m->table[slot(m, s->number)];
	m->table[slot(m, s->number)] = s;
	m->table_count++;
}

static void
table_remove(struct mux_stream *s)
{
	struct mux *m = s->m;
	struct mux_stream **p = &m->table[slot(m, s->number)];

	while (*p != NULL && *p != s)
		p = &(*p)->chain;
	if (*p == NULL)
		return;
	*p = s->chain;
	m->table_count--;
}

void
mux_stream_each(
    struct mux *m, void (*fn)(struct mux_stream *s, void *arg), void *arg)
{
	struct mux_stream *s, *next;
	uint32_t i;

	for (i = 0; i <= m->table_mask; i++) {
		for (s = m->table[i]; s != NULL; s = next) {
			next = s->chain;
			fn(s, arg);
		}
	}
}

/* --- birth and end --------------------------------------------------------- */

static void
count(struct mux_stream *s, int by)
{
	uint32_t *n = s->udp ? &s->m->stats.flows : &s->m->stats.streams;

	*n = (uint32_t)((int64_t)*n + by);
}

struct mux_stream *
mux_stream_new(struct mux *m, uint32_t number, bool mine)
{
	struct mux_stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->m = m;
	s->number = number;
	s->mine = mine;
	s->window = m->conf.window_first;
	s->limit = s->told_limit = m->conf.window_first;
	s->read_units = READ_MIN / READ_UNIT;
	list_init(&s->turn);
	list_init(&s->say);
	list_init(&s->in_list);
	table_add(s);
	return s;
}

static void
off_lists(struct mux_stream *s)
{
	list_remove(&s->turn);
	list_remove(&s->say);
	list_remove(&s->in_list);
}

static void
drop_queues(struct mux_stream *s)
{
	mux_queue_clear(s->m, &s->out);
	mux_queue_clear(s->m, &s->in);
	s->cur = NULL;
	free(s->extra.open);
	s->extra.open = NULL;
}

/* Frees one that nobody needs to be told about. */
void
mux_stream_free(struct mux_stream *s)
{
	off_lists(s);
	drop_queues(s);
	if (s->rst)
		s->m->stats.resets--;
	else if (!s->dead)
		count(s, -1);
	if (!s->dead)
		table_remove(s);
	free(s->extra.sentence);
	free(s);
}

/* It is over for both sides: its number is free, gone() will be told. */
void
mux_stream_over(
    struct mux_stream *s, bool clean, uint16_t code, const char *sentence)
{
	if (s->dead)
		return;
	off_lists(s);
	drop_queues(s);
	table_remove(s);
	count(s, -1);
	s->link = NULL;
	s->dead = true;
	s->dead_clean = clean;
	s->code = code;
	free(s->extra.sentence);
	s->extra.sentence =
	    sentence != NULL && *sentence != '\0' ? strdup(sentence) : NULL;
	list_append(&s->m->dead, &s->turn);
	mux_wake(s->m);
}

void
mux_stream_tell_gone(struct mux_stream *s)
{
	struct mux *m = s->m;

	list_remove(&s->turn);
	if (s->sarg != NULL)
		m->ops.gone(s->sarg,
		    s->dead_clean ? MUX_GONE_CLEAN : MUX_GONE_RESET, s->code,
		    s->extra.sentence != NULL ? s->extra.sentence
					      : code_sentence(s->code));
	mux_stream_free(s);
}

/*
 * From here on only number and code stay, until the ANSWER comes.  One whose
 * OPEN was never sent goes silently.
 */
static void
reset_here(struct mux_stream *s, uint16_t code, const char *sentence)
{
	struct mux *m = s->m;

	s->sarg = NULL;
	if (!s->opened) {
		mux_stream_free(s);
		return;
	}
	off_lists(s);
	drop_queues(s);
	count(s, -1);
	s->rst = true;
	s->code = code;
	s->extra.sentence = sentence != NULL && *sentence != '\0' &&
		strcmp(sentence, code_sentence(code)) != 0
	    ? strdup(sentence)
	    : NULL;
	m->stats.resets++;
	s->want_ack = false;
	s->want_rst = true;
	if (s->link != NULL)
		mux_stream_want(s);
	if (m->stats.resets > RESETS_MAX)
		mux_break(m, "too many resets wait for their answer");
}

/* The local end is broken: the peer is told, and so is the owner. */
void
mux_stream_break(struct mux_stream *s, uint16_t code)
{
	void *sarg = s->sarg;
	struct mux *m = s->m;

	reset_here(s, code, NULL);
	if (sarg != NULL)
		m->ops.gone(sarg, MUX_GONE_RESET, code, code_sentence(code));
}

void
mux_reset(struct mux_stream *s, uint16_t code, const char *sentence)
{
	if (s->dead) {
		s->sarg = NULL;
		return;
	}
	if (!s->rst)
		reset_here(s, code, sentence);
}

/* A round says that the other side has never heard of it, or has lost it. */
void
mux_stream_forget(struct mux_stream *s)
{
	if (!s->udp)
		s->m->stats.broken++;
	mux_stream_over(s, false, s->udp ? CODE_IDLE : CODE_BROKEN, NULL);
}

/*
 * Both halves have ended and all is written out.  A last ACK that is still
 * unsaid goes first, while there is a link that could carry it.
 */
void
mux_stream_check(struct mux_stream *s)
{
	if (s->rst || s->dead || !s->fin_acked || !s->end_told)
		return;
	if (s->want_ack && s->link != NULL)
		return;
	mux_stream_over(s, true, CODE_NONE, NULL);
}

/* Bytes stay here until the local end takes them; the longest first. */
static void
lie_unread(struct mux_stream *s)
{
	if (s->in.bytes == 0) {
		list_remove(&s->in_list);
		return;
	}
	if (!list_empty(&s->in_list))
		return;
	mux_queue_pack(s->m, &s->in);
	s->unread_since = s->m->now;
	list_append(&s->m->unread, &s->in_list);
}

/* What came in is to be written out at the end of the turn. */
static void
is_dirty(struct mux_stream *s)
{
	if (s->blocked || !s->accepted) {
		lie_unread(s);
		return;
	}
	list_remove(&s->in_list);
	list_append(&s->m->dirty, &s->in_list);
	mux_wake(s->m);
}

/* --- opening --------------------------------------------------------------- */

static uint32_t
free_number(struct mux *m)
{
	uint32_t n;

	do {
		n = m->next_number;
		m->next_number += 2;
	} while (n == 0 || mux_stream_find(m, n) != NULL);
	return n;
}

struct mux_stream *
mux_open(struct mux *m, const struct proto_open *o, void *sarg, struct err *e)
{
	struct mux_stream *s;

	if (m->is_broken) {
		err_set(e, "the session is broken");
		return NULL;
	}
	if (m->stats.streams + m->stats.flows >= m->conf.streams_max) {
		err_set(e, "the session has %u streams and flows already",
		    m->conf.streams_max);
		return NULL;
	}
	if ((s = mux_stream_new(m, free_number(m), true)) == NULL) {
		err_sys(e, "stream");
		return NULL;
	}
	s->udp = o->kind == PROTO_UDP;
	count(s, 1);
	if ((s->extra.open = malloc(sizeof(*s->extra.open))) == NULL) {
		err_sys(e, "stream");
		mux_stream_free(s);
		return NULL;
	}
	*s->extra.open = *o;
	s->extra.open->stream = s->number;
	s->sarg = sarg;
	s->accepted = true;
	m->stats.opened++;
	mux_stream_want(s);
	return s;
}

void
mux_own(struct mux_stream *s, void *sarg)
{
	s->sarg = sarg;
}

void
mux_accept(struct mux_stream *s)
{
	if (s->accepted || s->rst || s->dead)
		return;
	s->accepted = true;
	s->want_ack = true;
	mux_stream_want(s);
	is_dirty(s);
	mux_sched_ready(s);
}

uint32_t
mux_stream_number(const struct mux_stream *s)
{
	return s->number;
}

/* Tokens are thousandths of an OPEN. */
static bool
may_open(struct mux *m)
{
	uint64_t full = (uint64_t)m->conf.opens_burst * 1000;

	if (m->conf.opens_per_s == 0)
		return true;
	m->opens_left += (m->now - m->opens_at) * m->conf.opens_per_s;
	m->opens_left = m->opens_left < full ? m->opens_left : full;
	m->opens_at = m->now;
	if (m->opens_left < 1000)
		return false;
	m->opens_left -= 1000;
	return true;
}

static void
on_open(struct mux_link *l, const struct frame *f)
{
	struct mux *m = l->m;
	struct mux_stream *s;
	struct proto_open o;
	struct err e;
	uint16_t code;

	if (open_decode(&o, f, &e) == -1) {
		mux_break(m, "%s", e.text);
		return;
	}
	if ((f->stream & 1) == (mux_is_relay(m) ? 1U : 0U) ||
	    mux_stream_find(m, f->stream) != NULL || !may_open(m)) {
		mux_break(m,
		    "OPEN %u: not the peer's number, in use, or too"
		    " many a second",
		    f->stream);
		return;
	}
	if ((s = mux_stream_new(m, f->stream, false)) == NULL) {
		mux_break(m, "out of memory");
		return;
	}
	s->udp = o.kind == PROTO_UDP;
	count(s, 1);
	s->link = l;
	s->opened = s->heard = true;
	m->stats.opened++;
	code = CODE_LIMIT;
	if (m->stats.streams + m->stats.flows <= m->conf.streams_max)
		code = m->ops.open(m->arg, s, &o);
	if (code != CODE_NONE)
		mux_reset(s, code, NULL);
}

/* --- attachment ------------------------------------------------------------ */

void
mux_stream_detach(struct mux_stream *s)
{
	s->old_number = s->link->number;
	s->old_wround = s->link->wround;
	s->link = NULL;
	list_remove(&s->turn);
	list_remove(&s->say);
	s->want_ack = false; /* the round tells it */
	if (!s->opened) {
		mux_stream_want(s); /* any other link will do */
		return;
	}
	mux_stream_check(s);
}

/* The round has judged it: it goes on over l. */
void
mux_stream_attach(struct mux_stream *s, struct mux_link *l)
{
	s->link = l;
	s->m->stats.resumed++;
	/* the peer says one ACK for each */
	s->m->acks_ahead -= s->m->acks_ahead > -RESETS_MAX;
	mux_sched_ready(s);
}

/* --- control frames of a stream -------------------------------------------- */

/* Puts it on the list of those that have OPEN, ACK or RESET to say. */
void
mux_stream_want(struct mux_stream *s)
{
	list_remove(&s->say);
	list_append(&s->m->control, &s->say);
	mux_wake(s->m);
}

static void
say_open(struct mux_stream *s)
{
	uint8_t frame[FRAME_HEAD + 256];
	struct frame f;
	struct err e;
	int n;

	n = open_encode(frame, sizeof(frame), s->extra.open, &e);
	if (n == -1 || frame_decode(&f, frame, (size_t)n, &e) <= 0) {
		mux_break(s->m, "%s", e.text);
		return;
	}
	mux_link_put(s->link, &f, f.body);
	s->opened = true;
}

static void
say_rst(struct mux_stream *s)
{
	uint8_t frame[FRAME_HEAD + 512];
	struct frame f;
	struct err e;
	int n;

	s->want_rst = false;
	n = reset_encode(frame, sizeof(frame), s->number, s->code,
	    s->extra.sentence, false, &e);
	if (n == -1) /* the sentence was not fit to be sent */
		n = reset_encode(
		    frame, sizeof(frame), s->number, s->code, NULL, false, &e);
	if (n > 0 && frame_decode(&f, frame, (size_t)n, &e) > 0)
		mux_link_put(s->link, &f, f.body);
	free(s->extra.sentence);
	s->extra.sentence = NULL;
}

/*
 * The window grows while a quarter of it arrives faster than a round trip:
 * then the sender would have to wait for this ACK.
 */
static void
grow_window(struct mux_stream *s)
{
	struct mux *m = s->m;
	uint64_t trip = s->link->rtt_ms > 5 ? s->link->rtt_ms : 5;
	bool quick = s->received - s->told_received >= s->window / 4 &&
	    (uint32_t)m->now - s->ack_last < trip && s->ack_last != 0;

	s->ack_last = (uint32_t)m->now;
	if (!quick || s->blocked || s->window >= m->conf.window_max ||
	    pool_pressure(m->conf.pool) > 80 ||
	    (m->conf.held_max != 0 && m->stats.held > m->conf.held_max / 2))
		return;
	s->window = s->window * 2 < m->conf.window_max ? s->window * 2
						       : m->conf.window_max;
}

static uint64_t
new_limit(const struct mux_stream *s)
{
	uint64_t limit = s->received - s->in.bytes + s->window;

	return limit > s->told_limit ? limit : s->told_limit;
}

static void
say_ack(struct mux_stream *s)
{
	struct frame f = { .type = FRAME_ACK, .len = 8, .stream = s->number };
	uint8_t body[8];

	grow_window(s);
	s->want_ack = false;
	list_remove(&s->say);
	s->told_received = s->received;
	s->told_limit = s->udp ? 0 : new_limit(s);
	f.flags = s->fin_come ? FRAME_END : 0;
	f.offset = s->received;
	put64(body, s->told_limit);
	mux_link_put(s->link, &f, body);
}

/* Says what is wanted, if a link can take it; else it waits on the list. */
void
mux_stream_say(struct mux_stream *s)
{
	struct mux *m = s->m;

	if (s->link == NULL && !s->opened && !s->rst)
		s->link = mux_link_best(m);
	if (s->link == NULL) {
		if (!s->opened)
			mux_stream_want(s);
		return; /* DETACHED: the round will say it */
	}
	if (buf_len(&s->link->control) > 0 || s->link->refused ||
	    mux_link_room(s->link, MUX_ROOM_CONTROL) <= 0) {
		mux_stream_want(s);
		return;
	}
	if (!s->opened) {
		say_open(s);
		mux_sched_ready(s);
	}
	if (s->want_rst)
		say_rst(s);
	if (s->want_ack && s->accepted) {
		say_ack(s);
		mux_stream_check(s);
	}
}

/* --- sending --------------------------------------------------------------- */

void
mux_readable(struct mux_stream *s)
{
	s->readable = true;
	mux_sched_fresh(s);
}

/* The peer has everything up to `acked`. */
void
mux_stream_trim(struct mux_stream *s, uint64_t acked)
{
	bool at_end = s->cur == NULL;
	uint32_t left = s->cur_pos;
	uint64_t n = acked - s->acked;

	/* cur_pos counts from the seg's first retained byte */
	if (!at_end && s->cur == s->out.head)
		left = n < left ? left - (uint32_t)n : 0;
	else if (!at_end) {
		const struct seg *g = s->out.head;
		uint64_t before = 0;

		for (; g != s->cur; g = g->next)
			before += g->len;
		if (n > before)
			left -= (uint32_t)(n - before);
	}
	s->acked = acked;
	mux_queue_drop(s->m, &s->out, n);
	s->cur_pos = left;
}

/* Everything that is retained is to be sent again. */
void
mux_stream_rewind(struct mux_stream *s)
{
	s->sent = s->acked;
	s->cur = s->out.head;
	s->cur_pos = 0;
}

/* --- receiving ------------------------------------------------------------- */

/*
 * News for the sender: told when a quarter of the window has come or become
 * free, or a while after the first of it.
 */
void
mux_stream_news(struct mux_stream *s)
{
	uint64_t come = s->received - s->told_received;
	uint64_t freed = new_limit(s) - s->told_limit;

	if (s->want_ack || s->link == NULL || !s->accepted || s->udp)
		return;
	if (come >= s->window / 4 || freed >= s->window / 4) {
		if (come == 0 && freed == 0)
			return;
		list_remove(&s->say);
		s->want_ack = true;
		mux_stream_want(s);
		return;
	}
	if ((come == 0 && freed == 0) || !list_empty(&s->say))
		return;
	s->ack_since = s->m->now;
	list_append(&s->m->late, &s->say);
}

static void
end_if_all_is_written(struct mux_stream *s)
{
	if (s->fin_come && s->in.bytes == 0 && !s->end_told && s->accepted) {
		s->end_told = true;
		if (s->sarg != NULL)
			s->m->ops.end(s->sarg);
	}
}

/* Writes out what came in, as far as the local end takes it. */
void
mux_stream_push(struct mux_stream *s)
{
	struct span v[PUSH_SPANS];
	size_t n;
	ssize_t done;
	int k;

	if (s->rst || s->dead || s->udp)
		return;
	while (
	    s->accepted && !s->blocked && s->in.bytes > 0 && s->sarg != NULL) {
		k = mux_queue_spans(&s->in, v, PUSH_SPANS, &n);
		done = s->m->ops.push(s->sarg, v, k);
		if (s->rst || s->dead)
			return;
		if (done < 0) {
			mux_stream_break(s, CODE_RESET);
			return;
		}
		mux_queue_drop(s->m, &s->in, (uint64_t)done);
		s->blocked = (size_t)done < n;
		if (done > 0) /* it is read: its wait begins anew */
			list_remove(&s->in_list);
	}
	lie_unread(s);
	mux_stream_news(s);
	end_if_all_is_written(s);
	mux_stream_check(s);
}

void
mux_writable(struct mux_stream *s)
{
	if (!s->blocked || s->rst || s->dead)
		return;
	s->blocked = false;
	list_remove(&s->in_list);
	list_append(&s->m->dirty, &s->in_list);
	mux_wake(s->m);
}

/* --- frames ---------------------------------------------------------------- */

void
mux_stream_answer(struct mux_link *l, uint32_t number)
{
	struct frame f = { .type = FRAME_RESET,
		.flags = FRAME_ANSWER,
		.len = 2,
		.stream = number };
	uint8_t code[2] = { 0, CODE_RESET };

	if (++l->answers <= ANSWERS_MAX) {
		mux_link_add(l, &f, code);
		return;
	}
	l->refused = true; /* it asks and asks, and reads no answer */
	mux_wake(l->m);
}

static void
on_reset(struct mux_link *l, struct mux_stream *s, const struct frame *f)
{
	char sentence[PROTO_TEXT_MAX + 1];
	uint16_t code;
	struct err e;

	if (f->flags & FRAME_ANSWER) {
		if (s != NULL && s->rst)
			mux_stream_free(s);
		return;
	}
	if (reset_decode(&code, sentence, f, &e) == -1) {
		mux_break(l->m, "%s", e.text);
		return;
	}
	mux_stream_answer(l, f->stream);
	if (s != NULL && !s->rst)
		mux_stream_over(s, false, code, sentence);
}

/* DATA for a number that is not known: it gets a RESET, once. */
static void
on_stray(struct mux_link *l, const struct frame *f)
{
	struct mux *m = l->m;
	struct mux_stream *s;

	if (m->stats.resets >= RESETS_MAX ||
	    (s = mux_stream_new(m, f->stream, false)) == NULL) {
		mux_break(m, "too many frames for streams that do not exist");
		return;
	}
	s->udp = f->type == FRAME_DGRAM;
	count(s, 1);
	s->link = l;
	s->opened = true;
	reset_here(s, CODE_RESET, NULL);
}

static void
on_data(struct mux_stream *s, const struct frame *f, struct slab *b)
{
	struct mux *m = s->m;
	int rc;

	if (f->offset != s->received || s->fin_come ||
	    s->received + f->len > s->told_limit) {
		mux_break(m, "DATA %u: a gap, or beyond the limit", f->stream);
		return;
	}
	/*
	 * A small piece is copied, so that the record's slab is free again at
	 * once; a half-full one as well when nobody will read it soon.
	 */
	if (f->len <= POOL_SMALL ||
	    ((s->blocked || !s->accepted) && f->len * 2U < b->cap))
		rc = mux_queue_copy(m, &s->in, f->body, f->len);
	else
		rc = mux_queue_add(
		    m, &s->in, b, (uint32_t)(f->body - b->data), f->len);
	if (rc == -1) {
		mux_break(m, "out of memory");
		return;
	}
	s->received += f->len;
	is_dirty(s);
	mux_stream_news(s);
}

static void
on_fin(struct mux_stream *s, const struct frame *f)
{
	if (f->offset != s->received || s->fin_come) {
		mux_break(s->m, "FIN %u at another place", f->stream);
		return;
	}
	s->fin_come = true;
	s->want_ack = true;
	mux_stream_want(s);
	is_dirty(s);
}

/* An ACK that moves nothing is rare; a flood of them is not honest. */
static void
count_idle_ack(struct mux *m, bool moved)
{
	if (moved)
		m->acks_ahead -= m->acks_ahead > 0;
	else if (++m->acks_ahead > ACKS_AHEAD_MAX)
		mux_break(m, "ACKs that acknowledge nothing");
}

static void
on_ack(struct mux_stream *s, const struct frame *f)
{
	uint64_t limit = get64(f->body);
	bool fin = (f->flags & FRAME_END) != 0, moved;

	moved = f->offset > s->acked || (!s->udp && limit > s->limit) ||
	    (fin && !s->fin_acked) || (s->mine && !s->connected);
	count_idle_ack(s->m, moved);
	if (!s->udp &&
	    (f->offset < s->acked || f->offset > s->sent || limit < s->limit ||
		limit < f->offset || (fin && !s->fin_sent))) {
		mux_break(s->m, "ACK %u of what was not sent", f->stream);
		return;
	}
	if (s->mine && !s->connected) {
		s->connected = true;
		if (s->sarg != NULL && s->m->ops.connected != NULL)
			s->m->ops.connected(s->sarg);
		if (s->rst || s->dead)
			return;
	}
	if (s->udp)
		return;
	mux_stream_trim(s, f->offset);
	s->limit = limit;
	s->fin_acked = s->fin_acked || fin;
	mux_sched_ready(s);
	mux_stream_check(s);
}

/* The peer knows it: OPEN will never have to be said again. */
void
mux_stream_heard(struct mux_stream *s)
{
	s->heard = true;
	free(s->extra.open);
	s->extra.open = NULL;
}

/* A frame that belongs to a stream. */
void
mux_stream_frame(struct mux_link *l, const struct frame *f, struct slab *b)
{
	struct mux *m = l->m;
	struct mux_stream *s;

	if (f->type == FRAME_OPEN) {
		on_open(l, f);
		return;
	}
	s = mux_stream_find(m, f->stream);
	if (f->type == FRAME_RESET) {
		on_reset(l, s, f);
		return;
	}
	if (f->type == FRAME_DGRAM && (s == NULL || s->rst))
		mux_flow_gone(l, f->stream);
	if (s == NULL) {
		if (f->type == FRAME_DATA || f->type == FRAME_DGRAM)
			on_stray(l, f);
		return;
	}
	if (s->rst)
		return;
	if (f->type == FRAME_DGRAM && s->opened) {
		mux_stream_heard(s);
		mux_flow_frame(l, s, f, b);
		return;
	}
	if (s->link != l || !s->opened || (s->udp && f->type != FRAME_ACK)) {
		mux_break(m, "%s %u on a link that does not carry it",
		    frame_name(f->type), f->stream);
		return;
	}
	mux_stream_heard(s);
	if (f->type == FRAME_DATA)
		on_data(s, f, b);
	else if (f->type == FRAME_FIN)
		on_fin(s, f);
	else
		on_ack(s, f);
}
