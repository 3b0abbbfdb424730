/*
 * gate: hashing of passwords, which takes 15 ms and 16 MB each: at most one a
 * processor at a time, a short queue behind them, and no more.
 */
#ifndef WEBAPP_GATE_H
#define WEBAPP_GATE_H

#include <stdbool.h>

struct err;

enum { GATE_QUEUE = 16 };

/* Before the first thread: so many at a time (0: one for each processor). */
void gate_init(unsigned at_once);

/*
 * As password_matches() and password_hash(): 1 or 0, and -1 when the queue is
 * full.
 */
int gate_matches(const char *hash, const char *password);

/* 1 hashed, 0 the queue is full, -1 with e. */
int gate_hash(char *hash_out, const char *password, struct err *e);

/* Take a place and give it back; for tests. */
bool gate_enter(void);
void gate_leave(void);

#endif
