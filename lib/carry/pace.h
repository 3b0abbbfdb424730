/*
 * pace: how much may be under way on a link of which the socket cannot tell:
 * behind nginx's buffers, which it fills without a word.  Now and then the
 * sender marks its bytes; the other end sends each mark back.  What was sent up
 * to such a mark has arrived, and what it took longer than a lonely mark has
 * waited in a queue: the window keeps that near 20 ms.
 *
 * Bytes and times are arguments; it knows no socket.
 */
#ifndef CARRY_PACE_H
#define CARRY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	PACE_MIN = 16 << 10, /* bytes under way, at least ... */
	PACE_FIRST = 64 << 10,
	PACE_MAX = 16 << 20,  /* ... and at most */
	PACE_FREE = 8 << 10,  /* so few make no queue */
	PACE_PIECE = 4 << 10, /* no sender is asked for smaller ones */
	PACE_SLICE_MS = 20,   /* what may wait in queues */
	PACE_DGRAM_MS = 50,   /* the same for datagrams, which are dropped */
	PACE_LOOK_MS = 10000, /* how often the bare path is measured anew */
	PACE_RATE_MS = 1000,  /* how long the best rate is remembered */
	PACE_PATIENCE_MS =
	    5000,             /* a mark that is away longer counts for lost */
	PACE_STEP = 16 << 10, /* bytes between two marks; fewer if slow */
	PACE_MARKS = 64,      /* marks under way, at most */
};

struct pace {
	uint64_t sent;   /* bytes in all */
	uint64_t marked; /* up to there: the newest mark */
	uint64_t heard;  /* up to there they have arrived */
	uint64_t window;
	uint64_t rate; /* bytes a second, the most of late; 0: unknown */
	uint64_t rates[2], rates_at;
	uint32_t base; /* ms there and back without a queue */
	bool begun;    /* a mark has come back: else nothing is limited */
	bool is_starting;

	/*
	 * A round: until what was sent at its begin has arrived.  What was sent
	 * before the window changed belongs to none.
	 */
	uint64_t round_end;
	uint64_t round_heard;
	uint64_t round_at;
	uint64_t skip_to;
	uint32_t round_trip; /* the shortest in it, ms */
	bool was_full;

	/* The shortest trip in this look at the path, and in the one before. */
	uint64_t look_at;
	uint32_t look[2];
	bool look_was_free; /* a mark went out with hardly a byte before it */
	uint64_t drain_to;  /* until a mark beyond it: the queue is emptied */

	struct {
		uint64_t byte;
		uint64_t at;
		bool is_free;
	} mark[PACE_MARKS];
	unsigned first, marks;
};

void pace_init(struct pace *p, uint64_t now);

/* n bytes more are on their way. */
void pace_sent(struct pace *p, size_t n);

/* A mark should go with what is sent now; true: *mark_out is what it says. */
bool pace_mark(struct pace *p, uint64_t now, uint64_t *mark_out);

/* Whether one will: what was sent should not wait for more. */
bool pace_wants_mark(const struct pace *p);

/* That one has come back; true: there is more room. */
bool pace_heard(struct pace *p, uint64_t mark, uint64_t now);

/*
 * Bytes that may follow, up to the next mark; at or below 0 it is full.  (Who
 * sent all that fits at once would hear of it all at once, and let the link lie
 * idle meanwhile.)
 */
int64_t pace_room(struct pace *p, bool for_datagrams, uint64_t now);

#endif
