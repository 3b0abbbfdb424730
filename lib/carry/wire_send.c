#include "carry/wire_int.h"

#include <errno.h>
#include <netinet/in.h>
#if defined(__linux__)
#include <linux/tcp.h> /* what the C library's lacks: the delivery rate */
#include <poll.h>
#else
#include <netinet/tcp.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "carry/pace.h"
#include "net/loop.h"

enum {
	QUANTUM_MIN = 11 << 10, /* with 16 a key waited 20 ms more */
	QUANTUM_MAX = 512 << 10,
	QUANTUM_FIRST = 64 << 10,
	CONTROL_EXTRA = 64 << 10, /* for frames that may not wait for data */
	/*
	 * Unsent bytes that the kernel may keep.  It wakes us at half of that,
	 * which must be more than a segment: else TCP takes us for idle.
	 */
	LOWAT_MIN = 5 << 10,
	LOWAT_MS = 5, /* ... or so much of the link's rate */
	LOWAT_FAST = 1 << 20,
	RATE_MAX = 1 << 30,       /* bytes a second: hopes end here */
	FAST_BYTES_S = 125000000, /* from here on a link counts as fast */
	SLICE_MS = 20,            /* of the link's rate, between us and it */
	DGRAM_MS = 50,
	RATE_MS = 20, /* how often the rate is asked, while it is blocked */
	USER_TIMEOUT_MS = 20000,
};

static void
set_option(int fd, int level, int name, int value)
{
	/* a wish: without it the link is slower, not wrong */
	setsockopt(fd, level, name, &value, sizeof(value));
}

static void
set_lowat(struct wire *w, int lowat)
{
	if (w->lowat == lowat)
		return;
	w->lowat = lowat;
#ifdef TCP_NOTSENT_LOWAT
	set_option(w->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, lowat);
#endif
}

void
wire_wants_flush(struct wire *w)
{
	if (list_empty(&w->flush) && !w->blocked && w->fd != -1)
		list_append(&w->c->flush, &w->flush);
}

void
wire_send_waiting(struct wire *w)
{
	const uint8_t *p;
	size_t n;
	ssize_t k;

	if (w->fd == -1 || (p = codec_out(w, &n), n) == 0)
		return;
	if ((k = send(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
		codec_sent(w, (size_t)k);
}

/*
 * What TCP measured on arrival at the other end; -1: this socket cannot tell.
 * A sample in which we gave it too little to send says nothing of the link but
 * that it can do more: then we believe it capable of twice as much, and the
 * next samples put that right.
 */
static int
rate_of_tcp(const struct wire *w, uint64_t *rate_out)
{
#if defined(__linux__)
	uint64_t hope = *rate_out * 2 < RATE_MAX ? *rate_out * 2 : RATE_MAX;
	struct tcp_info t;
	socklen_t n = sizeof(t);

	memset(&t, 0, sizeof(t));
	if (getsockopt(w->fd, IPPROTO_TCP, TCP_INFO, &t, &n) == -1)
		return -1;
	*rate_out = t.tcpi_delivery_rate;
	if (t.tcpi_delivery_rate_app_limited && hope > *rate_out)
		*rate_out = hope;
	return 0;
#else
	(void)w;
	(void)rate_out;
	return -1;
#endif
}

int
wire_send_init(struct wire *w, struct err *e)
{
	w->quantum = QUANTUM_FIRST;
	set_option(w->fd, IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef TCP_USER_TIMEOUT
	set_option(w->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
#endif
	set_lowat(w, LOWAT_MIN);
	w->mute = rate_of_tcp(w, &w->rate) == -1;
	w->rate = 0;
	if (!w->mute || w->codec.ops->mark == NULL)
		return 0;
	if ((w->pace = malloc(sizeof(*w->pace))) == NULL)
		return err_sys(e, "link");
	pace_init(w->pace, loop_now(w->c->loop));
	return 0;
}

static int
lowat_for(uint64_t rate)
{
	uint64_t n = rate * LOWAT_MS / 1000;

	if (rate >= FAST_BYTES_S)
		return LOWAT_FAST;
	return n > LOWAT_MIN ? (int)n : LOWAT_MIN;
}

/* How fast the link is; asked now and then, when it has just become full. */
static void
ask_rate(struct wire *w)
{
	uint64_t now = loop_now(w->c->loop);

	if (now < w->rate_at + RATE_MS)
		return;
	w->rate_at = now;
	if (!w->mute && rate_of_tcp(w, &w->rate) == 0)
		set_lowat(w, lowat_for(w->rate));
}

static size_t
quantum_limit(const struct wire *w)
{
	uint64_t slice = w->rate * SLICE_MS / 1000;

	if (w->rate == 0 || slice > QUANTUM_MAX)
		return QUANTUM_MAX;
	if (slice < QUANTUM_MIN)
		slice = QUANTUM_MIN;
	return w->rate >= FAST_BYTES_S ? slice : slice - LOWAT_MIN;
}

/* The quantum halves when the link is full, and grows while it is not. */
static void
learn_quantum(struct wire *w, bool full)
{
	size_t limit = quantum_limit(w);

	w->quantum = full ? w->quantum / 2 : w->quantum + w->quantum / 4;
	w->quantum = w->quantum < limit ? w->quantum : limit;
	limit = QUANTUM_MIN - LOWAT_MIN;
	w->quantum = w->quantum > limit ? w->quantum : limit;
}

/*
 * The kernel took all, and may hold more of it unsent than it should on a slow
 * link (the low-water mark stops a send from starting, not from going on).
 * Asking makes it tell when the mark is passed.
 */
static bool
holds_too_much(const struct wire *w)
{
#if defined(__linux__)
	struct pollfd p = { .fd = w->fd, .events = POLLOUT };

	return !w->mute && w->rate < FAST_BYTES_S && poll(&p, 1, 0) == 0;
#else
	(void)w;
	return false;
#endif
}

/* --- marks: what the other end has got ------------------------------------- */

static void
put_mark(struct wire *w)
{
	uint64_t mark;

	if (w->pace != NULL && w->up && !w->finishing &&
	    pace_mark(w->pace, loop_now(w->c->loop), &mark))
		w->codec.ops->mark(w->codec.self, mark);
}

void
wire_hear_marks(struct wire *w)
{
	uint64_t mark;

	if (w->pace == NULL || !w->codec.ops->marked(w->codec.self, &mark) ||
	    !pace_heard(w->pace, mark, loop_now(w->c->loop)))
		return;
	if (pace_wants_mark(w->pace))
		wire_wants_flush(w);
	w->c->told = true;
	if (w->ops != NULL)
		w->ops->ready(w->arg);
}

/* --- sending --------------------------------------------------------------- */

/* All that waits, in one call: called once a turn. */
void
wire_flush(struct wire *w)
{
	const uint8_t *p;
	size_t n;
	ssize_t k;
	bool full;

	if (w->ended || w->blocked || w->fd == -1)
		return;
	put_mark(w);
	if ((p = codec_out(w, &n), n) == 0)
		return;
	do
		k = send(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (k < 0 && errno == EINTR);
	w->c->sends++;
	if (k < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
		wire_end(w, WIRE_LOST, strerror(errno));
		return;
	}
	if (k > 0) {
		codec_sent(w, (size_t)k);
		w->counts.bytes_out += (uint64_t)k;
		w->c->sent_bytes += (uint64_t)k;
	}
	full = k < (ssize_t)n;
	w->blocked = full || (n > LOWAT_MIN && holds_too_much(w));
	if (w->blocked) {
		ask_rate(w);
		loop_again(w->watch, LOOP_WRITE);
	} else if (n >= w->quantum && w->up && w->ops != NULL) {
		w->c->told = true; /* nobody else would tell them */
		w->ops->ready(w->arg);
	}
	learn_quantum(w, full);
	if (!full && w->finishing)
		shutdown(w->fd, SHUT_WR);
}

int
wire_seal(struct wire *w, const void *p, size_t n)
{
	if (w->ended || !w->up)
		return -1;
	if (w->codec.ops->seal(w->codec.self, p, n) == -1)
		return -1;
	if (w->pace != NULL) {
		pace_sent(w->pace, n);
		put_mark(w);
	}
	wire_wants_flush(w);
	return 0;
}

/* Control frames do not wait for marks; their own room is small. */
static ssize_t
paced_room(const struct wire *w, enum mux_room what, ssize_t room)
{
	int64_t paced;

	if (w->pace == NULL || what == MUX_ROOM_CONTROL)
		return room;
	paced =
	    pace_room(w->pace, what == MUX_ROOM_DGRAM, loop_now(w->c->loop));
	return paced < room ? (ssize_t)paced : room;
}

ssize_t
wire_room(const struct wire *w, enum mux_room what)
{
	size_t waiting = codec_waiting(w), limit = w->quantum, slice;

	if (w->ended)
		return 0;
	if (what == MUX_ROOM_DATA && w->blocked)
		return 0;
	if (what == MUX_ROOM_CONTROL)
		limit += CONTROL_EXTRA;
	if (what == MUX_ROOM_DGRAM) {
		slice = w->rate == 0 ? CONTROL_EXTRA
				     : (size_t)(w->rate * DGRAM_MS / 1000);
		slice = slice < QUANTUM_MAX ? slice : QUANTUM_MAX;
		limit = limit > slice ? limit : slice;
	}
	return paced_room(w, what, (ssize_t)limit - (ssize_t)waiting);
}

size_t
wire_waiting(const struct wire *w)
{
	return codec_waiting(w);
}

void
wire_rest(struct wire *w)
{
	if (!w->ended && w->up && codec_waiting(w) == 0)
		w->codec.ops->idle(w->codec.self);
}
