/*
 * told: which clients of a machine were told that another has replaced them.  A
 * HELLO of theirs that comes late must not take the machine back.
 */
#ifndef RELAYD_TOLD_H
#define RELAYD_TOLD_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TOLD_INSTANCE = 16, /* bytes, as in HELLO */
	TOLD_MAX = 8,       /* the oldest is forgotten first */
	/*
	 * No dial is under way for that long.  A client that sleeps for longer
	 * and returns is judged by who is there then.
	 */
	TOLD_MS = 3600 * 1000,
};

/* All zero: nobody. */
struct told {
	struct {
		uint8_t instance[TOLD_INSTANCE];
		uint64_t at; /* ms, 0: empty */
	} row[TOLD_MAX];
};

void told_add(
    struct told *t, const uint8_t instance[TOLD_INSTANCE], uint64_t now);
bool told_has(
    const struct told *t, const uint8_t instance[TOLD_INSTANCE], uint64_t now);

#endif
