/*
 * state: a small file in which a client that nobody watches says how it is, in
 * words: the link, and a line for each tunnel.  `adit status` shows it.
 */
#ifndef CLIENT_STATE_H
#define CLIENT_STATE_H

#include <stddef.h>

struct err;
struct session;
struct state;

enum { STATE_MAX = 64 << 10 };

/*
 * Writes the file within a second of every change.  Session and path are
 * borrowed.  NULL when path is, or with e: then there is no such file.
 */
struct state *state_open(struct session *s, const char *path, struct err *e);

/*
 * Writes why the session ended, and leaves NULL.  Before the session is closed.
 */
void state_close(struct state **st);

/* Writes that a start came to an end at once.  path may be NULL. */
void state_end(const char *path, int code, const char *why);

/* The lines of the file, each behind two blanks; "" when there are none. */
char *state_read(char to[STATE_MAX], const char *path);

#endif
