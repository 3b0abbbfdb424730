/*
 * ways: in which order the relay is tried: each door directly and through the
 * proxy, if there may be one.
 *
 * A door HOST:PORT is no web address: directly first, which is faster and does
 * at home; through the proxy when that fails.  A door wss:// is one, and is
 * reached as this computer's other web addresses are: through the proxy first,
 * directly when that fails or there is none.  A session goes on with the way
 * that did; so a laptop pays for the wrong one once in each network.
 */
#ifndef CLIENT_WAYS_H
#define CLIENT_WAYS_H

#include <stdbool.h>
#include <stddef.h>

#include "client_conf.h"

enum { WAYS_MAX = 2 * CONF_DOORS_MAX };

struct way {
	const struct door *door;
	const struct proxy_conf *proxy; /* NULL: directly */
	bool is_guess; /* the system's proxy may have nothing to do with it */
};

struct ways {
	struct way list[WAYS_MAX];
	size_t count;
};

/* Of conf's doors, in order.  conf is borrowed. */
void ways_of(struct ways *w, const struct client_conf *conf);

#endif
