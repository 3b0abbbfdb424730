/*
 * retry: when to dial the relay again.  Pure: time and chance are arguments.
 *
 * A link that had been welcomed is tried again after 0 to 200 ms, then with
 * exponential back-off and full jitter up to 30 s, for ever.
 */
#ifndef CLIENT_RETRY_H
#define CLIENT_RETRY_H

#include <stdint.h>

enum {
	RETRY_FIRST_MS = 200,
	RETRY_BASE_MS = 1000, /* the second wait is below this, and doubles */
	RETRY_MAX_MS = 30000,
	/*
	 * Returns that may follow each other at once, and how fast they are
	 * regained: a relay allows a machine 5 a second.
	 */
	RETRY_QUICK = 40,
	RETRY_QUICK_MS = 250,
	RETRY_PEACE_MS =
	    10000, /* a welcome that lasts so long was a good one */
};

struct retry {
	unsigned fails;       /* in a row */
	uint64_t at;          /* not before */
	uint64_t asked_until; /* the relay's wish: cancelled by nothing */
	uint64_t welcomed_at; /* 0: not since the last failure */
	uint64_t quick_at;    /* when quick was right */
	unsigned quick;       /* quick returns that are left */
};

/* chance is a random number of 32 bits. */
void retry_init(struct retry *r, uint64_t now);

/* A link that had been welcomed has ended. */
void retry_lost(struct retry *r, uint64_t now, uint32_t chance);

/* All doors have failed, or a welcome led to a broken session. */
void retry_failed(struct retry *r, uint64_t now, uint32_t chance);

/* The relay has asked to be left alone for so long. */
void retry_asked(
    struct retry *r, uint64_t now, uint32_t wait_ms, uint32_t chance);

/* The relay has said WELCOME. */
void retry_welcome(struct retry *r, uint64_t now);

/* The network has changed, or the clock jumped: now may be better. */
void retry_now(struct retry *r, uint64_t now);

/* When to dial, at the earliest. */
uint64_t retry_at(const struct retry *r);

#endif
