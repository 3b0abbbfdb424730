#include "carry/pace.h"

#include <string.h>

#define UNKNOWN_MS UINT32_MAX

void
pace_init(struct pace *p, uint64_t now)
{
	memset(p, 0, sizeof(*p));
	p->window = PACE_FIRST;
	p->is_starting = true;
	p->base = p->round_trip = UNKNOWN_MS;
	p->look[0] = p->look[1] = UNKNOWN_MS;
	p->look_at = p->round_at = now;
}

void
pace_sent(struct pace *p, size_t n)
{
	p->sent += n;
}

/* --- what may be under way ------------------------------------------------- */

/* While the bare path is measured, less than it holds. */
static uint64_t
limit_of(const struct pace *p)
{
	uint64_t less = p->rate * p->base / 1000 / 2;

	if (p->drain_to == 0 || less >= p->window)
		return p->window;
	return less > PACE_FREE / 2 ? less : PACE_FREE / 2;
}

/* Whoever sends no mark back does not do without its bytes for ever. */
static bool
is_lost(const struct pace *p, uint64_t now)
{
	return p->marks > 0 && now > p->mark[p->first].at + PACE_PATIENCE_MS;
}

/*
 * What stands between two marks makes a queue of its own for the second, so it
 * is little.
 */
static uint64_t
step_of(uint64_t limit)
{
	uint64_t least = limit / (PACE_MARKS * 3 / 4), step = limit / 8;

	step = step < PACE_STEP ? step : PACE_STEP;
	return step > least ? step : least;
}

int64_t
pace_room(struct pace *p, bool for_datagrams, uint64_t now)
{
	int64_t limit = (int64_t)limit_of(p), under_way, piece;

	if (!p->begun || is_lost(p, now))
		return PACE_MAX;
	under_way = (int64_t)(p->sent - p->heard);
	p->was_full = p->was_full || under_way >= limit;
	if (for_datagrams)
		return limit - under_way +
		    (int64_t)(p->rate * (PACE_DGRAM_MS - PACE_SLICE_MS) / 1000);
	piece = (int64_t)step_of(limit_of(p));
	piece = piece > PACE_PIECE ? piece : PACE_PIECE;
	return limit - under_way < piece ? limit - under_way : piece;
}

/* --- marks ----------------------------------------------------------------- */

static void
begin_round(struct pace *p, uint64_t now)
{
	p->was_full = p->sent - p->heard >= limit_of(p);
	p->round_end = p->sent;
	p->round_heard = p->heard;
	p->round_at = now;
	p->round_trip = UNKNOWN_MS;
}

bool
pace_wants_mark(const struct pace *p)
{
	uint64_t limit = limit_of(p), step = step_of(limit);

	if (p->sent == p->marked || p->marks == PACE_MARKS)
		return false;
	return p->marked == 0 || p->sent - p->marked >= step ||
	    p->sent - p->heard >= limit;
}

bool
pace_mark(struct pace *p, uint64_t now, uint64_t *mark_out)
{
	unsigned i = (p->first + p->marks) % PACE_MARKS;

	if (!pace_wants_mark(p))
		return false;
	if (p->marks == 0)
		begin_round(p, now);
	p->mark[i].byte = p->sent;
	p->mark[i].at = now;
	p->mark[i].is_free = p->sent - p->heard <= PACE_FREE;
	p->marks++;
	p->marked = p->sent;
	*mark_out = p->sent;
	return true;
}

/* Those before it are answered with it; its index, or -1: it is none of ours. */
static int
find_mark(const struct pace *p, uint64_t mark)
{
	unsigned i, at;

	for (i = 0; i < p->marks; i++) {
		at = (p->first + i) % PACE_MARKS;
		if (p->mark[at].byte == mark)
			return (int)i;
	}
	return -1;
}

/* --- what a trip tells ----------------------------------------------------- */

/*
 * The path may have become longer: of the last two looks the shortest trip
 * counts.  A link that was busy all the time has its queue emptied once, else
 * what waits in it would pass for the path.
 */
static void
look_anew(struct pace *p, uint64_t now)
{
	if (now < p->look_at + PACE_LOOK_MS)
		return;
	p->look_at = now;
	p->look[1] = p->look[0];
	p->look[0] = UNKNOWN_MS;
	p->drain_to = p->look_was_free ? 0 : p->sent;
	p->look_was_free = false;
}

static void
note_trip(
    struct pace *p, uint32_t trip, bool is_free, bool is_old, uint64_t now)
{
	look_anew(p, now);
	p->look_was_free = p->look_was_free || is_free;
	if (trip < p->look[0])
		p->look[0] = trip;
	p->base = p->look[0] < p->look[1] ? p->look[0] : p->look[1];
	if (trip < p->round_trip && !is_old)
		p->round_trip = trip;
}

static uint64_t
within(uint64_t n, uint64_t low, uint64_t high)
{
	return n < low ? low : n > high ? high : n;
}

/*
 * What a full round brought.  The best of late counts: in some rounds a busy
 * computer, or the air, held back what was there in time.
 */
static void
learn_rate(struct pace *p, uint64_t bytes, uint64_t ms, uint64_t now)
{
	uint64_t rate = bytes * 1000 / (ms > 0 ? ms : 1);
	uint64_t memory = within(4 * (uint64_t)p->base, PACE_RATE_MS, 60000);

	if (now >= p->rates_at + memory) {
		p->rates[1] = now < p->rates_at + 2 * memory ? p->rates[0] : 0;
		p->rates[0] = 0;
		p->rates_at = now;
	}
	if (rate > p->rates[0])
		p->rates[0] = rate;
	p->rate = p->rates[0] > p->rates[1] ? p->rates[0] : p->rates[1];
}

/*
 * A round was full: its shortest trip tells what waits in queues.  The window
 * that would make it a slice is as much larger or smaller as the two trips are;
 * but it keeps the path busy at the best rate, and without any queue it is
 * larger by half at least.  At first it doubles, until there is one.
 */
static void
learn_window(struct pace *p)
{
	uint32_t delay = p->round_trip > p->base ? p->round_trip - p->base : 0;
	uint64_t old = p->window, busy;

	p->is_starting = p->is_starting && delay <= PACE_SLICE_MS;
	p->window = within(
	    old * (p->base + PACE_SLICE_MS) / ((uint64_t)p->round_trip + 1),
	    old / 4, old * 2);
	busy = within(p->rate * (p->base + PACE_SLICE_MS) / 1000, old / 4, old);
	p->window = p->window > busy ? p->window : busy;
	if (delay <= PACE_SLICE_MS / 4 && p->window < old + old / 2)
		p->window = old + old / 2;
	if (p->is_starting)
		p->window = old * 2;
	p->window = within(p->window, PACE_MIN, PACE_MAX);
	p->skip_to = p->sent;
}

static void
end_round(struct pace *p, uint64_t now)
{
	if (p->was_full && p->drain_to == 0 && p->round_trip != UNKNOWN_MS) {
		learn_rate(
		    p, p->heard - p->round_heard, now - p->round_at, now);
		learn_window(p);
	}
	begin_round(p, now);
}

bool
pace_heard(struct pace *p, uint64_t mark, uint64_t now)
{
	int n = find_mark(p, mark);
	unsigned at;

	if (n == -1)
		return false;
	at = (p->first + (unsigned)n) % PACE_MARKS;
	note_trip(p, (uint32_t)(now - p->mark[at].at), p->mark[at].is_free,
	    mark <= p->skip_to, now);
	p->first = (at + 1) % PACE_MARKS;
	p->marks -= (unsigned)n + 1;
	p->heard = mark;
	p->begun = true;
	if (p->drain_to != 0 && mark > p->drain_to) {
		p->drain_to = 0;
		p->skip_to = p->sent;
		begin_round(p, now);
	}
	if (p->heard >= p->round_end && p->heard >= p->skip_to)
		end_round(p, now);
	return true;
}
