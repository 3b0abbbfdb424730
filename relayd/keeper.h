/*
 * keeper: the thread that owns the database.  A disk that hangs stops it and
 * nobody else.  Ten times a second it looks whether something has changed and
 * hands a new snapshot to the control thread; it writes the batches that it is
 * given; what is wrong it says in one sentence and goes on trying.
 */
#ifndef RELAYD_KEEPER_H
#define RELAYD_KEEPER_H

#include <stdint.h>

#include "mail.h"
#include "store/store_session.h"

struct err;
struct keeper;
struct move;
struct relay;
struct snapshot;
struct store;

/* The name under which this relay writes its sessions. */
#define KEEPER_RELAY "relay"

/* A batch with everything that it points to in one piece of memory. */
struct keeper_batch {
	struct mail mail;
	struct session_batch rows;
	void *memory[8]; /* freed with it */
	unsigned memory_n;
};

void keeper_batch_free(struct keeper_batch **b);

/*
 * What it says to the control thread, there.  Each may be NULL.  snapshot's s
 * becomes the callee's.  health: what is wrong, NULL: nothing.  written: the
 * batch that was given last is in the database (or lost, when the keeper ends).
 */
struct keeper_ops {
	void (*snapshot)(void *arg, struct snapshot *s);
	void (*health)(void *arg, const char *sentence);
	void (*written)(void *arg);
	/* a look that began after keeper_look() has ended well */
	void (*looked)(void *arg);
	/* the keeper has stopped: the last that it says */
	void (*stopped)(void *arg);
};

/* Takes over s, also when it fails; change is that of the first snapshot. */
struct keeper *keeper_new(struct relay *r, struct store *s, int64_t change,
    const struct keeper_ops *ops, void *arg, struct err *e);

/* Moves a tunnel to another port, if it can be done now.  Takes it over. */
void keeper_move(struct keeper *k, struct move *m);

/*
 * Hands over a batch; one at a time: the next after `written`.  It is tried
 * again each second until it has been written.
 */
void keeper_write(struct keeper *k, struct keeper_batch *b);

/*
 * Asks it to look into the database now; `looked` answers, behind the snapshot
 * if there is a new one.  While the database cannot be used nothing answers
 * until it can.
 */
void keeper_look(struct keeper *k);

/*
 * Milliseconds since it last looked into the database with success, from any
 * thread: some 100, unless the database cannot be used or the disk hangs.
 */
uint64_t keeper_lag_ms(const struct keeper *k);

/*
 * Asks it to write what it has, once, and stop; `stopped` follows, then
 * keeper_free().
 */
void keeper_stop(struct keeper *k);
void keeper_free(struct keeper **k);

#endif
