/*
 * visitor: a TCP connection to a public port, from accept to the line in the
 * log.
 */
#ifndef RELAYD_VISITOR_H
#define RELAYD_VISITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

struct addr;
struct served;
struct visitors;

/* loop_fn of a gate: lets in who waits, so many at a time. */
void visitor_on_gate(void *gate, unsigned what);

/* One who has been accepted, and may have been held back.  Takes fd over. */
void visitor_enter(
    struct served *t, int fd, const struct addr *peer, const struct addr *own);

/* Resets all of a tunnel. */
void visitor_reset_all(struct served *t, uint16_t code);

/* Puts all of a tunnel into v, or resets the one that it wants. */
void visitor_each(struct served *t, struct visitors *v);

/* What the mux asks of the local ends that are visitors. */
ssize_t visitor_pull(
    void *visitor, const struct span *v, int n, unsigned *flags_out);
ssize_t visitor_push(void *visitor, const struct span *v, int n);

/* The lists of the tunnel keep this address out. */
bool visitor_is_shut_out(const struct served *t, const struct addr *peer);

/* May one more come to this tunnel, TCP or UDP?  NULL, or why not. */
const char *visitor_why_not(struct served *t, const struct addr *peer);

#endif
