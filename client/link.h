/*
 * link: one TLS connection to a relay, from the first SYN to its end: dial a
 * door, TLS (and a WebSocket in it), HELLO, WELCOME; then a link of the session.
 */
#ifndef CLIENT_LINK_H
#define CLIENT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "carry/wire.h"
#include "net/addr.h"

struct carry;
struct dial;
struct door;
struct link;
struct mux_link;
struct proxy_conf;
struct proto_hello;
struct proto_reject;
struct proto_welcome;
struct through;
struct timer;

enum link_state {
	LINK_CONNECTING, /* maybe through a proxy */
	LINK_TLS,        /* and the WebSocket in it */
	LINK_HELLO,      /* said; waits for WELCOME */
	LINK_READY,
};

enum link_fail {
	LINK_FAIL_NET,   /* name, connect, network: another door may do */
	LINK_FAIL_TRUST, /* certificate or pin */
	LINK_FAIL_PEER,  /* what answers is no relay, or is too slow */
	LINK_FAIL_NONE,  /* there is no proxy to go through */
};

enum {
	LINK_TLS_MS = 5000,
	LINK_UPGRADE_MS = 5000,            /* the WebSocket, behind TLS */
	LINK_HELLO_MS = 10000,             /* from the connection on */
	LINK_VIA_MAX = ADDR_HOST_MAX + 16, /* as PROXY_TEXT */
};

struct link_ops {
	/* TLS is up: what is said in HELLO.  -1: nothing, it fails. */
	int (*hello)(void *arg, struct proto_hello *h_out, struct err *e);

	/*
	 * WELCOME: the session joins it and sets k->mux.  -1: it cannot be
	 * used; the link then fails with the reason.
	 */
	int (*welcome)(void *arg, struct link *k, const struct proto_welcome *w,
	    struct err *e);

	/* REJECT; free the link. */
	void (*reject)(void *arg, struct link *k, const struct proto_reject *r);

	/* It did not get as far as WELCOME; free the link. */
	void (*failed)(
	    void *arg, struct link *k, enum link_fail how, const char *why);

	/* It was ready, and has ended; free the link. */
	void (*down)(void *arg, struct link *k, const char *why);
};

struct link {
	struct list on; /* the owner's */
	struct carry *carry;
	const struct door *door;
	const struct link_ops *ops;
	void *arg;
	enum link_state state;
	struct dial *dial;
	struct through *through;
	char via[LINK_VIA_MAX]; /* the proxy that it goes through, or "" */
	struct timer *deadline;
	struct wire *wire;
	struct mux_link *mux;
	struct buf in;    /* the answer to HELLO, until it is whole */
	struct addr peer; /* the relay, or the proxy */
	struct addr local;
	uint64_t since; /* of the dial, then of TLS, then of WELCOME */
	bool leaving;   /* another one takes its place when it is there */
	uint64_t mark;  /* of the list of CONFIGs that comes on it, or 0 */
};

/*
 * Dials the door, through the proxy that p names for it; NULL: directly.  Both
 * are borrowed.
 */
struct link *link_new(struct carry *c, const struct door *d,
    const struct proxy_conf *p, const struct link_ops *ops, void *arg,
    struct err *e);

/*
 * Whether the system would still take the same way to the relay: from the
 * address that the link has.
 */
bool link_is_at_home(const struct link *k);

/* Ends it in any state; the mux must have let go of it.  Leaves NULL. */
void link_free(struct link **k);

/* The same, after what it has still to say. */
void link_finish(struct link **k);

#endif
