#include "mux/mux_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* --- joining and leaving --------------------------------------------------- */

static struct mux_link *
find_link(const struct mux *m, uint8_t number)
{
	struct list *n;
	struct mux_link *l;

	for (n = m->links.next; n != &m->links; n = n->next) {
		l = LIST_OF(n, struct mux_link, on);
		if (l->number == number)
			return l;
	}
	return NULL;
}

/* Link numbers rise, wrap at 255 and skip those in use. */
static uint8_t
next_number(struct mux *m)
{
	do
		m->last_link = (uint8_t)(m->last_link % 255 + 1);
	while (find_link(m, m->last_link) != NULL);
	return m->last_link;
}

/* Four links are there: the one that has been silent the longest goes. */
static void
make_room(struct mux *m)
{
	struct mux_link *l, *silent = NULL;
	struct list *n;

	if (m->link_count < PROTO_LINKS_MAX)
		return;
	for (n = m->links.next; n != &m->links; n = n->next) {
		l = LIST_OF(n, struct mux_link, on);
		if (silent == NULL || l->heard < silent->heard)
			silent = l;
	}
	mux_link_drop(silent, CODE_LIMIT, "a further link took its place");
}

/*
 * Client: a link beside others has come up.  Those that owe an answer are given
 * up for it; with none of them it is only kept when the relay wants so many.
 */
static void
move_over(struct mux *m, struct mux_link *young)
{
	struct mux_link *l;
	struct list *n, *next;

	for (n = m->links.next; n != &m->links; n = next) {
		next = n->next;
		l = LIST_OF(n, struct mux_link, on);
		if (l == young || !l->silent_told)
			continue;
		mux_resume_gave_up(m, l);
		mux_link_drop(l, CODE_TIMEOUT, "silent; moved to another link");
	}
	if (m->link_count > m->wanted) {
		mux_resume_gave_up(m, young);
		mux_link_drop(young, CODE_NONE, "not needed");
	}
}

struct mux_link *
mux_join(struct mux *m, void *larg, uint8_t number, uint64_t round,
    uint64_t now, struct err *e)
{
	struct mux_link *l;

	if (m->is_broken) {
		err_set(e, "the session is broken: %s", m->broken_why);
		return NULL;
	}
	if (!mux_is_relay(m) && (number == 0 || find_link(m, number))) {
		err_set(e, "link number %u cannot be", number);
		return NULL;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL) {
		err_sys(e, "link");
		return NULL;
	}
	m->now = now;
	make_room(m);
	l->m = m;
	l->larg = larg;
	l->number = mux_is_relay(m) ? next_number(m) : number;
	l->wround = mux_is_relay(m) ? m->round : round;
	l->heard = now;
	l->want_ping = true; /* the first measure of the round trip */
	buf_init(&l->control, LINK_CONTROL_MAX);
	list_append(&m->links, &l->on);
	m->link_count++;
	mux_wake(m);
	if (!mux_is_relay(m)) {
		m->given[number] = 0;
		mux_resume_say_lost(m, l, false, NULL, 0);
		if (mux_resume_is_closed(l))
			mux_link_drop(l, CODE_GONE, "the relay has closed it");
		else
			move_over(m, l);
	}
	return l;
}

void
mux_leave_unnamed(struct mux *m, const uint8_t *numbers, unsigned n)
{
	struct mux_link *l;
	struct list *k, *next;

	for (k = m->links.next; k != &m->links; k = next) {
		next = k->next;
		l = LIST_OF(k, struct mux_link, on);
		if (memchr(numbers, l->number, n) == NULL)
			mux_link_drop(
			    l, CODE_GONE, "the client no longer has it");
	}
}

unsigned
mux_links(const struct mux *m, uint8_t out[4])
{
	const struct list *n;
	unsigned count = 0;

	for (n = m->links.next; n != &m->links && count < 4; n = n->next)
		out[count++] = LIST_OF(n, const struct mux_link, on)->number;
	return count;
}

static void
detach_from(struct mux_stream *s, void *arg)
{
	if (s->link == arg)
		mux_stream_detach(s);
}

/* What waits is held, as the bytes of streams are. */
static int
add_control(struct mux_link *l, const void *p, size_t n, struct err *e)
{
	if (buf_add(&l->control, p, n, e) == -1)
		return -1;
	l->m->stats.held += n;
	pool_count(l->m->conf.pool, n);
	return 0;
}

static void
drop_control(struct mux_link *l, size_t n)
{
	buf_drop(&l->control, n);
	l->m->stats.held -= n;
	pool_uncount(l->m->conf.pool, n);
}

/* Takes the link out of the session; its streams wait for a RESUME round. */
static void
part(struct mux_link *l)
{
	struct mux *m = l->m;

	list_remove(&l->on);
	m->link_count--;
	m->stats.links_lost++;
	l->ended = true;
	if (m->round_link == l)
		m->round_link = NULL;
	if (m->theirs_link == l)
		m->theirs_link = NULL;
	mux_wake(m);
	mux_flow_forget(l);
	mux_stream_each(m, detach_from, l);
	drop_control(l, buf_len(&l->control));
	buf_free(&l->control);
	slab_unref(&l->stage);
	slab_unref(&l->carry);
	l->carry_len = l->stage_len = 0;
}

/* Ends a link from our side: link_end() is told at the end of the turn. */
void
mux_link_drop(struct mux_link *l, uint16_t code, const char *why)
{
	if (l->ended) /* NOLINT(clang-analyzer-core.NullDereference) */
		return;
	part(l);
	l->end_code = code;
	snprintf(l->why, sizeof(l->why), "%s", why);
	list_append(&l->m->ended, &l->on);
	mux_wake(l->m);
}

void
mux_leave(struct mux_link **lp, uint64_t now)
{
	struct mux_link *l = *lp;
	struct mux *m;

	if (l == NULL)
		return;
	*lp = NULL;
	m = l->m;
	m->now = now > m->now ? now : m->now;
	l->left = true;
	if (l->ended)
		return;
	if (!mux_is_relay(m))
		mux_resume_gave_up(m, l);
	mux_link_drop(l, CODE_NONE, ""); /* freed at the end of a turn: */
	if (mux_is_relay(m))             /* mux_input() may be at work on it */
		mux_resume_begin(m);
}

void
mux_link_free(struct mux_link **lp)
{
	struct mux_link *l = *lp;

	*lp = NULL;
	list_remove(&l->on);
	free(l);
}

/* --- silence --------------------------------------------------------------- */

static uint64_t
ping_due(const struct mux_link *l)
{
	const struct mux_conf *c = &l->m->conf;
	uint64_t due = l->heard + c->ping_idle_ms;

	if (l->said != 0 && l->said + c->ping_sent_ms < due)
		due = l->said + c->ping_sent_ms;
	return due;
}

/* From when on a PING has waited longer than a healthy link takes. */
static uint64_t
late_at(const struct mux_link *l)
{
	uint64_t wait = (uint64_t)l->rtt_ms * 2;

	return l->ping_at + (wait > SILENT_MS ? wait : SILENT_MS);
}

/* Client: when a PING has waited so long that another link is dialled. */
static uint64_t
silent_due(const struct mux_link *l)
{
	if (mux_is_relay(l->m) || l->ping_at == 0 || l->silent_told)
		return UINT64_MAX;
	return late_at(l);
}

uint64_t
mux_link_owes(const struct mux_link *l, uint64_t now)
{
	if (l->ping_at == 0 || now < late_at(l))
		return 0;
	return l->said != 0 && l->said < l->ping_at ? l->said : l->ping_at;
}

uint64_t
mux_link_due(const struct mux_link *l)
{
	uint64_t due;

	if ((l->want_ping || l->want_pong) &&
	    mux_link_room(l, MUX_ROOM_CONTROL) > 0)
		return l->m->now;
	due = l->ping_at != 0 ? l->ping_at + l->m->conf.dead_ms : ping_due(l);
	return silent_due(l) < due ? silent_due(l) : due;
}

/* A link that answers nothing is asked once, then dead. */
void
mux_link_silence(struct mux_link *l)
{
	struct mux *m = l->m;

	if (l->ping_at != 0 && m->now >= l->ping_at + m->conf.dead_ms) {
		if (!mux_is_relay(m))
			mux_resume_gave_up(m, l);
		mux_link_drop(l, CODE_TIMEOUT, "no answer");
		if (mux_is_relay(m))
			mux_resume_begin(m);
		return;
	}
	if (l->ping_at == 0 && m->now >= ping_due(l)) {
		l->want_ping = true;
		l->ping_at = m->now;
	}
	if (m->now >= silent_due(l)) {
		l->silent_told = true;
		if (m->ops.link_silent != NULL)
			m->ops.link_silent(l->larg);
	}
}

/* Bytes have come: whatever we wondered, it lives. */
static void
heard(struct mux_link *l, uint64_t now)
{
	l->heard = now;
	l->said = 0;
	l->ping_at = 0;
	l->silent_told = false;
}

/* --- frames out ------------------------------------------------------------ */

ssize_t
mux_link_room(const struct mux_link *l, enum mux_room what)
{
	return l->m->ops.room(l->larg, what);
}

/* One record onto the wire. */
static void
record(struct mux_link *l, const void *p, size_t n)
{
	if (l->refused)
		return;
	if (l->said == 0)
		l->said = l->m->now;
	if (l->m->ops.seal(l->larg, p, n) == -1)
		l->refused = true; /* ended by mux_link_flush() */
}

static void
seal_stage(struct mux_link *l)
{
	if (l->stage_len == 0)
		return;
	record(l, l->stage->data, l->stage_len);
	l->stage_len = 0;
}

/* A frame that is a record of its own; what is staged goes before it. */
void
mux_link_direct(struct mux_link *l, const void *p, size_t n)
{
	seal_stage(l);
	record(l, p, n);
}

/*
 * Puts a frame among those that share the next record.  Without memory for the
 * shared record the frame is lost, and so the link must be: RESUME mends it.
 */
void
mux_link_put(struct mux_link *l, const struct frame *f, const void *body)
{
	if (l->stage_len + FRAME_HEAD + f->len > POOL_LARGE)
		seal_stage(l);
	if (!l->m->flush_follows)
		mux_wake(l->m);
	if (l->stage == NULL)
		l->stage = pool_get(l->m->conf.pool, POOL_LARGE);
	if (l->stage == NULL) {
		l->refused = true;
		return;
	}
	frame_head(l->stage->data + l->stage_len, f);
	if (f->len > 0)
		memcpy(
		    l->stage->data + l->stage_len + FRAME_HEAD, body, f->len);
	l->stage_len += FRAME_HEAD + f->len;
}

/* The end of the turn on one link. */
void
mux_link_flush(struct mux_link *l)
{
	struct mux *m = l->m;

	seal_stage(l);
	slab_unref(&l->stage);
	if (!l->refused)
		return;
	if (!mux_is_relay(m))
		mux_resume_gave_up(m, l);
	mux_link_drop(l, CODE_BROKEN, "a record could not be sent");
	if (mux_is_relay(m))
		mux_resume_begin(m);
}

/* Appends a frame to the link's control frames. */
int
mux_link_add(struct mux_link *l, const struct frame *f, const void *body)
{
	uint8_t head[FRAME_HEAD];

	if (l->ended)
		return -1;
	mux_wake(l->m);
	frame_head(head, f);
	if (add_control(l, head, sizeof(head), NULL) == -1 ||
	    (f->len > 0 && add_control(l, body, f->len, NULL) == -1)) {
		l->refused = true; /* the peer does not read: flush ends it */
		return -1;
	}
	return 0;
}

int
mux_link_say(struct mux_link *l, const void *frame, size_t n, struct err *e)
{
	if (l->ended)
		return err_set(e, "the link has ended");
	mux_wake(l->m);
	return add_control(l, frame, n, e);
}

static void
say_ping_pong(struct mux_link *l)
{
	struct frame f = { .type = FRAME_PONG, .offset = l->pong };

	if (l->want_pong) {
		l->want_pong = false;
		mux_link_put(l, &f, NULL);
	}
	if (l->want_ping) {
		l->want_ping = false;
		l->ping = l->m->now;
		f = (struct frame){ .type = FRAME_PING, .offset = l->ping };
		mux_link_put(l, &f, NULL);
	}
}

/*
 * What the link itself has to say.  WELCOME is the first of these, so nothing
 * of a stream may pass them: false while some are left.
 */
bool
mux_link_control(struct mux_link *l)
{
	struct frame f;
	int n;

	while (buf_len(&l->control) > 0) {
		if (mux_link_room(l, MUX_ROOM_CONTROL) <= 0 || l->refused)
			return false;
		n = frame_decode(
		    &f, buf_data(&l->control), buf_len(&l->control), NULL);
		if (n <= 0) { /* mux_link_say() was given half a frame */
			l->refused = true;
			return false;
		}
		mux_link_put(l, &f, f.body);
		drop_control(l, (size_t)n);
	}
	l->answers = 0;
	if (mux_link_room(l, MUX_ROOM_CONTROL) > 0)
		say_ping_pong(l);
	return true;
}

/* The link for something new: answers, has most room, is the youngest. */
struct mux_link *
mux_link_best(struct mux *m)
{
	struct mux_link *l, *best = NULL;
	struct list *n;
	ssize_t room, most = 0;

	for (n = m->links.next; n != &m->links; n = n->next) {
		l = LIST_OF(n, struct mux_link, on);
		room = mux_link_room(l, MUX_ROOM_DATA);
		if (best == NULL || (best->ping_at != 0 && l->ping_at == 0) ||
		    ((best->ping_at != 0) == (l->ping_at != 0) &&
			room >= most)) {
			best = l;
			most = room;
		}
	}
	return best;
}

uint8_t
mux_link_number(const struct mux_link *l)
{
	return l->number;
}

uint32_t
mux_link_rtt_ms(const struct mux_link *l)
{
	return l->rtt_ms;
}

uint64_t
mux_link_heard(const struct mux_link *l)
{
	return l->heard;
}

/* --- frames in ------------------------------------------------------------- */

/* This link is beyond repair; the session may go on with another. */
static void
link_broken(struct mux_link *l, const char *why)
{
	struct mux *m = l->m;

	if (!mux_is_relay(m))
		mux_resume_gave_up(m, l);
	mux_link_drop(l, CODE_BROKEN, why);
	if (mux_is_relay(m))
		mux_resume_begin(m);
}

static void
on_ping(struct mux_link *l, const struct frame *f)
{
	uint64_t second = l->m->now / 1000;

	if (second != l->second) {
		l->second = second;
		l->pings = 0;
	}
	if (++l->pings > PINGS_PER_S) {
		link_broken(l, "more than 10 PINGs a second");
		return;
	}
	l->want_pong = true;
	l->pong = f->offset;
}

static void
on_pong(struct mux_link *l, const struct frame *f)
{
	if (f->offset == l->ping && l->m->now >= l->ping)
		l->rtt_ms = (uint32_t)(l->m->now - l->ping);
}

static void
on_goaway(struct mux_link *l, const struct frame *f)
{
	struct proto_goaway g;
	struct err e;

	if (goaway_decode(&g, f, &e) == -1)
		link_broken(l, e.text);
	else
		l->m->ops.goaway(l->m->arg, &g);
}

/* Fewer links are wanted: all go but the one that said so, as need be. */
static void
fewer_links(struct mux *m, struct mux_link *stays)
{
	struct mux_link *l;
	struct list *n, *next;

	for (n = m->links.next; n != &m->links && m->link_count > m->wanted;
	     n = next) {
		next = n->next;
		l = LIST_OF(n, struct mux_link, on);
		if (l == stays)
			continue;
		mux_resume_gave_up(m, l);
		mux_link_drop(l, CODE_NONE, "not needed any more");
	}
}

static void
on_links(struct mux_link *l, const struct frame *f)
{
	struct mux *m = l->m;

	if (f->offset < 1 || f->offset > PROTO_LINKS_MAX) {
		link_broken(l, "LINKS of an impossible number");
		return;
	}
	m->wanted = (unsigned)f->offset;
	fewer_links(m, l);
	if (m->ops.links != NULL)
		m->ops.links(m->arg, m->wanted);
}

/* Which side may say what; the rest both may. */
static bool
way_is_right(const struct mux *m, uint8_t type)
{
	switch (type) {
	case FRAME_REPORT:
	case FRAME_LOST:
		return mux_is_relay(m);
	case FRAME_CONFIG:
	case FRAME_LINKS:
		return !mux_is_relay(m);
	case FRAME_HELLO:
	case FRAME_WELCOME:
	case FRAME_REJECT:
		return false;
	default:
		return true;
	}
}

static void
on_frame(struct mux_link *l, const struct frame *f, struct slab *b)
{
	struct mux *m = l->m;

	if (!way_is_right(m, f->type)) {
		link_broken(l, "a frame that this side may not send");
		return;
	}
	switch (f->type) {
	case FRAME_PING:
		on_ping(l, f);
		break;
	case FRAME_PONG:
		on_pong(l, f);
		break;
	case FRAME_CONFIG:
	case FRAME_REPORT:
		m->ops.control(m->arg, l, f);
		break;
	case FRAME_RESUME:
		mux_resume_frame(l, f);
		break;
	case FRAME_LOST:
		if (f->stream != 0 && f->stream <= 255)
			mux_resume_lost(m, (uint8_t)f->stream);
		break;
	case FRAME_LINKS:
		on_links(l, f);
		break;
	case FRAME_GOAWAY:
		on_goaway(l, f);
		break;
	case FRAME_OPEN:
	case FRAME_DATA:
	case FRAME_ACK:
	case FRAME_FIN:
	case FRAME_RESET:
	case FRAME_DGRAM:
		mux_stream_frame(l, f, b);
		break;
	default: /* 0x80 and above: skipped */
		break;
	}
}

/* Bytes that the frame in l->carry still lacks, as far as can be told. */
static size_t
carry_lacks(const struct mux_link *l)
{
	if (l->carry_len < FRAME_HEAD)
		return FRAME_HEAD - l->carry_len;
	return FRAME_HEAD + (size_t)get16(l->carry->data + 2) - l->carry_len;
}

/*
 * Takes bytes into the frame that began earlier; -1 when the peer broke the
 * rules or memory ran out.
 */
static int
carry_on(
    struct mux_link *l, const uint8_t *p, size_t n, size_t *used, struct err *e)
{
	struct slab *b;
	struct frame f;
	size_t k;
	int rc;

	*used = 0;
	if (l->carry == NULL &&
	    (l->carry = pool_get(l->m->conf.pool, POOL_LARGE)) == NULL)
		return err_set(e, "out of memory");
	while (*used < n) {
		k = carry_lacks(l);
		k = k < n - *used ? k : n - *used;
		memcpy(l->carry->data + l->carry_len, p + *used, k);
		l->carry_len += (uint32_t)k;
		*used += k;
		rc = frame_decode(&f, l->carry->data, l->carry_len, e);
		if (rc == -1)
			return -1;
		if (rc == 0)
			continue;
		b = l->carry; /* the frame may keep it, or end the link */
		l->carry = NULL;
		l->carry_len = 0;
		on_frame(l, &f, b);
		slab_unref(&b);
		return 0;
	}
	return 0;
}

void
mux_input(
    struct mux_link *l, struct slab *b, size_t off, size_t n, uint64_t now)
{
	struct mux *m = l->m;
	struct frame f;
	struct err e;
	size_t used = 0;
	int rc = 0;

	m->now = now > m->now ? now : m->now;
	mux_wake(m); /* at least the deadlines have moved */
	if (!l->ended)
		heard(l, m->now);
	while (n > 0 && !l->ended && !m->is_broken) {
		rc = 0;
		if (l->carry_len == 0)
			rc = frame_decode(&f, b->data + off, n, &e);
		if (rc > 0) {
			on_frame(l, &f, b);
			used = (size_t)rc;
		} else if (rc == 0) {
			rc = carry_on(l, b->data + off, n, &used, &e);
		}
		if (rc == -1) {
			link_broken(l, e.text);
			return;
		}
		off += used;
		n -= used;
	}
}
