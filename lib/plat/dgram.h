/*
 * dgram: many datagrams of a connected socket in one call, where the system
 * has such a call.
 */
#ifndef PLAT_DGRAM_H
#define PLAT_DGRAM_H

#include <stddef.h>

#include "base/span.h"

enum { DGRAM_BATCH = 32 };

/*
 * Reads at most n (<= DGRAM_BATCH) datagrams, one into each span, whose length
 * becomes that of the datagram.  Returns how many; 0 when there are none now;
 * -1 with errno (ECONNREFUSED: the other end has said that nobody listens;
 * the socket goes on).
 */
int dgram_recv(int fd, struct span *v, int n);

/* Sends one datagram of n spans.  -1 with errno. */
int dgram_send(int fd, const struct span *v, int n);

#endif
