/*
 * wire_int: a wire's body, for wire.c (its life, reading) and wire_send.c.
 * Nobody else includes this.
 */
#ifndef CARRY_WIRE_INT_H
#define CARRY_WIRE_INT_H

#include "base/list.h"
#include "carry/carry_int.h"
#include "carry/codec.h"
#include "carry/wire.h"

struct pace;
struct timer;
struct watch;

struct wire {
	struct list all;   /* carry.wires or carry.dead */
	struct list again; /* carry.again */
	struct list flush; /* carry.flush */
	struct carry *c;
	struct codec codec;
	struct watch *watch;
	struct timer *finish;
	const struct wire_ops *ops; /* NULL: nobody is told any more */
	void *arg;
	void (*closed)(void *arg); /* who let it finish still counts it */
	void *closed_arg;
	int fd;
	bool up;
	bool hup;
	bool ended; /* down() was told, or nobody is left to tell */
	bool paused;
	bool blocked;      /* the socket takes nothing now */
	bool finishing;    /* what waits is sent, what comes is thrown away */
	bool mute;         /* the socket cannot tell its rate: nginx's */
	bool gone;         /* wire_free() was called */
	struct pace *pace; /* then the other end tells; NULL: it does not */
	size_t quantum;
	uint64_t rate; /* bytes a second, 0: unknown */
	uint64_t rate_at;
	int lowat;
	struct wire_counts counts;
};

/* --- its codec ------------------------------------------------------------- */

static inline size_t
codec_waiting(const struct wire *w)
{
	return w->codec.ops->waiting(w->codec.self);
}

static inline const uint8_t *
codec_out(struct wire *w, size_t *n_out)
{
	return w->codec.ops->out(w->codec.self, n_out);
}

static inline void
codec_sent(struct wire *w, size_t n)
{
	w->codec.ops->sent(w->codec.self, n);
}

/* --- what the two files ask of each other ---------------------------------- */

/* It has ended by itself: the owner is told once. */
void wire_end(struct wire *w, enum wire_end how, const char *why);

/* To be sent at the end of this turn. */
void wire_wants_flush(struct wire *w);

/* One try, whatever comes of it. */
void wire_send_waiting(struct wire *w);

/* A new wire: the socket's options, the first quantum. */
int wire_send_init(struct wire *w, struct err *e);

/* A mark may have come back: there may be room. */
void wire_hear_marks(struct wire *w);

#endif
