/*
 * refusal: what a machine's client would refuse to reach, told before a tunnel
 * is saved.  The client's own list rules; it says it when it links, and the
 * relay keeps what it said last.
 */
#ifndef WEBAPP_REFUSAL_H
#define WEBAPP_REFUSAL_H

#include "req.h"

/*
 * "DESKTOP-4711 allows only 127.0.0.1:22. Download a new file ..." when that
 * machine's client would refuse HOST:PORT; NULL when it would not, or has never
 * said what it allows.
 */
const char *refusal_by(
    struct req *r, int64_t machine, const char *host, uint16_t port);

/* The same of the first that refuses among those that may serve the tunnel. */
const char *refusal_of(
    struct req *r, int64_t tunnel, const char *host, uint16_t port);

/* "127.0.0.1:22, nas:*", cut short; "" when it has never said. */
const char *refusal_list(struct req *r, int64_t machine);

/* "HOST:PORT" */
const char *refusal_target(struct req *r, const char *host, uint16_t port);

#endif
