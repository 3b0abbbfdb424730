/*
 * gate: hashing of passwords, which takes 15 ms and 16 MB each: at most one a
 * processor at a time, a short queue behind them, and no more.  The places are
 * locks in a small file beside the database, so that all processes share them:
 * with CGI each request is one.  The kernel gives back what a process held that
 * died.  Where the file cannot be had each process keeps to itself.
 */
#ifndef WEBAPP_GATE_H
#define WEBAPP_GATE_H

#include <stdbool.h>

struct err;

enum { GATE_QUEUE = 16, GATE_WAIT_MS = 5000 };

/*
 * Before the first thread: so many at a time (0: one for each processor), in
 * the file path, which must live as long as the program (NULL: none).
 */
void gate_init(unsigned at_once, const char *path);

/*
 * As password_matches() and password_hash(): 1 or 0, and -1 when the queue is
 * full.
 */
int gate_matches(const char *hash, const char *password);

/* 1 hashed, 0 the queue is full, -1 with e. */
int gate_hash(char *hash_out, const char *password, struct err *e);

/* What is held of it. */
struct gate_place {
	int fd; /* -1: of this process alone */
};

/* Take a place and give it back; for tests. */
bool gate_enter(struct gate_place *p);
void gate_leave(struct gate_place *p);

#endif
