/*
 * probe: how a public port is proven to be reached.  CONFIG gives the client a
 * nonce; it dials the public address and sends the nonce as its first bytes.
 * Such a connection is closed and counted; no service and no log sees it.
 *
 * While a nonce is out, a visitor from the client's own address, or one whom the
 * lists would keep out, is held back until its first bytes tell, or a second
 * has passed.
 */
#ifndef RELAYD_PROBE_H
#define RELAYD_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;
struct served;

enum {
	PROBE_NONCE = 16,
	PROBE_OPEN_MS = 10000,
	PROBE_HOLD_MS = 1000,
};

/* CONFIG with this nonce has been said. */
void probe_begin(struct served *t, const uint8_t nonce[PROBE_NONCE]);

bool probe_is_open(const struct served *t);

/* These first bytes are the nonce of a probe that is out. */
bool probe_is(const struct served *t, const void *p, size_t n);

/*
 * A visitor who may be the probe: looks at its first bytes, waits for them if
 * need be, and calls visitor_enter() for one who is not.  Takes fd over.
 */
void probe_or_visitor(
    struct served *t, int fd, const struct addr *peer, const struct addr *own);

/* Closes those that are held back. */
void probe_drop_all(struct served *t);

#endif
