#include "mux/mux.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "mux/mux_int.h"

void
mux_conf_default(struct mux_conf *c, enum mux_side side)
{
	*c = (struct mux_conf){
		.side = side,
		.window_first = 256 << 10,
		.window_max = 2 << 20,
		.streams_max = 16384,
		.opens_per_s = side == MUX_RELAY ? 2000 : 0,
		.opens_burst = side == MUX_RELAY ? 4000 : 0,
		.links_max = PROTO_LINKS_MAX,
		.ack_ms = 100,
		.ping_idle_ms = 30000,
		.ping_sent_ms = 5000,
		.dead_ms = 10000,
		.link_busy_ms = 100,
	};
}

struct mux *
mux_new(const struct mux_conf *c, const struct mux_ops *ops, void *arg,
    uint64_t now, struct err *e)
{
	struct mux *m;

	if ((m = calloc(1, sizeof(*m))) == NULL) {
		err_sys(e, "session");
		return NULL;
	}
	m->conf = *c;
	m->ops = *ops;
	m->arg = arg;
	m->now = now;
	m->due = UINT64_MAX;
	m->wanted = 1;
	list_init(&m->links);
	list_init(&m->ended);
	list_init(&m->turn);
	list_init(&m->fresh);
	list_init(&m->control);
	list_init(&m->late);
	list_init(&m->dirty);
	list_init(&m->unread);
	list_init(&m->dead);
	m->next_number = c->first_number != 0 ? c->first_number
	    : c->side == MUX_RELAY            ? 1
					      : 2;
	m->key = c->first_number != 0 ? 1 : random_below(UINT32_MAX) | 1;
	m->opens_at = now;
	m->opens_left = (uint64_t)c->opens_burst * 1000;
	buf_init(&m->theirs,
	    (size_t)2 * (RESETS_MAX + c->streams_max + 1) * RESUME_ENTRY);
	m->table_mask = 15;
	if ((m->table = calloc(m->table_mask + 1, sizeof(*m->table))) == NULL ||
	    (c->side == MUX_CLIENT &&
		(m->given = calloc(256, sizeof(*m->given))) == NULL)) {
		err_sys(e, "session");
		mux_free(&m, CODE_NONE, "");
	}
	return m;
}

/* What it holds now joins what its group holds. */
static void
tell_group(struct mux *m, uint64_t held)
{
	if (m->conf.group_held == NULL || held == m->group_told)
		return;
	atomic_fetch_add_explicit(
	    m->conf.group_held, held - m->group_told, memory_order_relaxed);
	m->group_told = held;
}

/* The end of everything, seen from one stream. */
static void
end_stream(struct mux_stream *s, void *arg)
{
	const struct mux_link *why = arg; /* end_code and why in one */

	if (s->rst) {
		mux_stream_free(s);
		return;
	}
	mux_stream_over(s, false, why->end_code, why->why);
}

void
mux_free(struct mux **mp, uint16_t code, const char *why)
{
	struct mux *m = *mp;
	struct mux_link last = { .end_code = code };
	struct mux_link *l;

	if (m == NULL)
		return;
	*mp = NULL;
	snprintf(last.why, sizeof(last.why), "%s", why);
	if (m->table != NULL)
		mux_stream_each(m, end_stream, &last);
	while (!list_empty(&m->dead))
		mux_stream_tell_gone(
		    LIST_OF(m->dead.next, struct mux_stream, turn));
	while (!list_empty(&m->links)) {
		l = LIST_OF(m->links.next, struct mux_link, on);
		mux_link_drop(l, code, why);
	}
	while (!list_empty(&m->ended)) {
		l = LIST_OF(m->ended.next, struct mux_link, on);
		if (!l->left)
			m->ops.link_end(l->larg, l->end_code, l->why);
		mux_link_free(&l);
	}
	tell_group(m, 0);
	mux_queue_forget_spare(m);
	buf_free(&m->theirs);
	free(m->given);
	free(m->table);
	free(m);
}

/* Notes that the peer is beyond repair; mux_run() tells it. */
void
mux_break(struct mux *m, const char *fmt, ...)
{
	va_list ap;

	if (m->is_broken)
		return;
	m->is_broken = true;
	mux_wake(m);
	va_start(ap, fmt);
	vsnprintf(m->broken_why, sizeof(m->broken_why), fmt, ap);
	va_end(ap);
}

/* Tells the owner, once, that a run is needed. */
void
mux_wake(struct mux *m)
{
	if (m->awake)
		return;
	m->awake = true;
	if (m->ops.wake != NULL)
		m->ops.wake(m->arg);
}

/*
 * A turn that comes much later than it was asked for: this side was stopped
 * (a suspended machine, SIGSTOP).  Its silences say nothing about the links.
 */
static void
notice_pause(struct mux *m, uint64_t now)
{
	struct list *n;
	struct mux_link *l;

	if (m->due == UINT64_MAX || now < m->due + PAUSED_MS)
		return;
	for (n = m->links.next; n != &m->links; n = n->next) {
		l = LIST_OF(n, struct mux_link, on);
		l->heard = now;
		l->said = l->said != 0 ? now : 0;
		l->ping_at = l->ping_at != 0 ? now : 0;
		l->full_since = l->full_since != 0 ? now : 0;
	}
}

static void
watch_links(struct mux *m)
{
	struct list *n, *next;

	for (n = m->links.next; n != &m->links; n = next) {
		next = n->next;
		mux_link_silence(LIST_OF(n, struct mux_link, on));
	}
}

static void
tell_ended_links(struct mux *m)
{
	struct mux_link *l;

	while (!list_empty(&m->ended)) {
		l = LIST_OF(m->ended.next, struct mux_link, on);
		list_remove(&l->on);
		if (!l->left)
			m->ops.link_end(l->larg, l->end_code, l->why);
		mux_link_free(&l);
	}
}

/* Writes out what came in, each stream once. */
static void
push_all(struct mux *m)
{
	struct list todo;
	struct mux_stream *s;

	list_init(&todo);
	list_take(&todo, &m->dirty);
	while (!list_empty(&todo)) {
		s = LIST_OF(todo.next, struct mux_stream, in_list);
		list_remove(&s->in_list);
		mux_stream_push(s);
	}
}

/* ACKs whose time has come. */
static void
late_acks(struct mux *m)
{
	struct mux_stream *s;

	while (!list_empty(&m->late)) {
		s = LIST_OF(m->late.next, struct mux_stream, say);
		if (s->ack_since + m->conf.ack_ms > m->now)
			return;
		list_remove(&s->say);
		s->want_ack = true;
		mux_stream_want(s);
	}
}

/*
 * Control frames of links first, then those of streams.  False when a link
 * could not take all.
 */
static void
say_control(struct mux *m)
{
	struct list todo, *n, *next;
	struct mux_stream *s;

	for (n = m->links.next; n != &m->links; n = next) {
		next = n->next;
		mux_link_control(LIST_OF(n, struct mux_link, on));
	}
	list_init(&todo);
	list_take(&todo, &m->control);
	while (!list_empty(&todo)) {
		s = LIST_OF(todo.next, struct mux_stream, say);
		list_remove(&s->say);
		mux_stream_say(s);
	}
}

static void
flush_links(struct mux *m)
{
	struct list *n, *next;

	for (n = m->links.next; n != &m->links; n = next) {
		next = n->next;
		mux_link_flush(LIST_OF(n, struct mux_link, on));
	}
}

static void
tell_gone(struct mux *m)
{
	while (!list_empty(&m->dead))
		mux_stream_tell_gone(
		    LIST_OF(m->dead.next, struct mux_stream, turn));
}

/*
 * Its group has no room for as much again as it holds itself: a greedy session
 * comes to half of the group's share when it is alone, and many leave room for
 * one that has little.  Nor does a group hold more than is left to all others.
 */
static bool
group_is_full(const struct mux *m)
{
	uint64_t all, left = pool_left(m->conf.pool);

	if (m->conf.group_held == NULL || m->conf.group_max == 0)
		return false;
	all = atomic_load_explicit(m->conf.group_held, memory_order_relaxed) -
	    m->group_told + 2 * m->stats.held;
	return all >= m->conf.group_max || all >= left;
}

/*
 * It holds what one session may hold: held_max, or a third of what is left to
 * all.  So one alone comes to a quarter of the memory, and however many are
 * greedy, they never take it all from the others.
 */
bool
mux_has_share(const struct mux *m)
{
	uint64_t held = m->stats.held;

	return m->conf.held_max != 0 &&
	    (held >= m->conf.held_max || held >= pool_left(m->conf.pool) / 3 ||
		group_is_full(m));
}

/* One session may not hold more than its share; the oldest unread pays. */
static void
keep_share(struct mux *m)
{
	if (m->stats.held == 0 || !mux_has_share(m))
		return;
	if (mux_shed(m, CODE_MEMORY) && group_is_full(m))
		m->stats.shed++;
}

bool
mux_run(struct mux *m, uint64_t now)
{
	bool more = false;

	notice_pause(m, now);
	m->now = now;
	m->awake = true; /* what happens up to the scheduler is served below */
	m->flush_follows = true;
	m->starved = false;
	if (!m->is_broken) {
		watch_links(m);
		push_all(m);
		late_acks(m);
		keep_share(m);
	}
	say_control(m);
	m->awake = false;
	if (!m->is_broken)
		more = mux_sched_run(m);
	m->flush_follows = false;
	flush_links(m);
	tell_gone(m);
	tell_ended_links(m);
	if (m->is_broken && !m->broken_told) {
		m->broken_told = true;
		m->ops.broken(m->arg, m->broken_why);
		more = true;
	}
	more = more || !list_empty(&m->dirty) || !list_empty(&m->dead) ||
	    !list_empty(&m->ended);
	m->due = more ? now : mux_deadline(m);
	m->awake = false;
	tell_group(m, m->stats.held);
	return more;
}

uint64_t
mux_deadline(const struct mux *m)
{
	const struct mux_stream *s;
	const struct list *n;
	uint64_t due = UINT64_MAX, t;

	if (m->is_broken)
		return m->broken_told ? UINT64_MAX : m->now;
	for (n = m->links.next; n != &m->links; n = n->next) {
		t = mux_link_due(LIST_OF(n, const struct mux_link, on));
		due = t < due ? t : due;
	}
	if (!list_empty(&m->late)) {
		s = LIST_OF(m->late.next, const struct mux_stream, say);
		t = s->ack_since + m->conf.ack_ms;
		due = t < due ? t : due;
	}
	if (m->starved && m->now + STARVED_MS < due)
		due = m->now + STARVED_MS;
	return due;
}

int
mux_say(struct mux *m, const void *frame, size_t n, struct err *e)
{
	struct mux_link *l;

	if ((l = mux_link_best(m)) == NULL)
		return err_set(e, "no link is up");
	return mux_link_say(l, frame, n, e);
}

void
mux_goaway(
    struct mux *m, uint16_t code, uint32_t deadline_ms, const char *sentence)
{
	struct proto_goaway g = { .code = code, .deadline_ms = deadline_ms };
	uint8_t frame[FRAME_HEAD + 512];
	struct list *n, *next;
	int len;

	snprintf(g.sentence, sizeof(g.sentence), "%s", sentence);
	if ((len = goaway_encode(frame, sizeof(frame), &g, NULL)) == -1) {
		g.sentence[0] = '\0';
		len = goaway_encode(frame, sizeof(frame), &g, NULL);
	}
	for (n = m->links.next; n != &m->links && len > 0; n = next) {
		next = n->next;
		mux_link_say(
		    LIST_OF(n, struct mux_link, on), frame, (size_t)len, NULL);
	}
}

void
mux_stats(const struct mux *m, struct mux_stats *s_out)
{
	*s_out = m->stats;
	s_out->rounds = m->round;
}

uint64_t
mux_unread_since(const struct mux *m)
{
	if (list_empty(&m->unread))
		return UINT64_MAX;
	return LIST_OF(m->unread.next, const struct mux_stream, in_list)
	    ->unread_since;
}

bool
mux_shed(struct mux *m, uint16_t code)
{
	if (list_empty(&m->unread))
		return false;
	mux_stream_break(
	    LIST_OF(m->unread.next, struct mux_stream, in_list), code);
	return true;
}

bool
mux_is_dark(const struct mux *m)
{
	return m->link_count == 0;
}
