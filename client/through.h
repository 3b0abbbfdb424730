/*
 * through: a TCP connection that an HTTP proxy makes: finds out which proxy
 * leads to a host, dials it and says CONNECT.  The proxy looks the host's name
 * up; TLS, later, goes through it from end to end.
 */
#ifndef CLIENT_THROUGH_H
#define CLIENT_THROUGH_H

#include <stdint.h>

struct addr;
struct err;
struct loop;
struct proxy;
struct proxy_conf;
struct through;

enum through_result {
	THROUGH_OK,
	THROUGH_NONE, /* there is no proxy for it */
	THROUGH_FAILED,
};

enum {
	THROUGH_FIND_MS = 3000,    /* for the system to name a proxy */
	THROUGH_ANSWER_MS = 10000, /* for the proxy to connect */
	THROUGH_MS = 20000,        /* for all of it, several proxies too */
};

/*
 * The end, told once by the loop, never from within through_start(); it is gone
 * by then.  With THROUGH_OK, fd is as of dial.h and becomes the callee's, and
 * peer is the proxy's address.  p is the last proxy that was tried, NULL with
 * THROUGH_NONE; else why is a sentence about it.
 */
typedef void through_fn(void *arg, enum through_result r, int fd,
    const struct addr *peer, const struct proxy *p, const struct err *why);

/* conf is borrowed until the end, host is copied. */
struct through *through_start(struct loop *l, const struct proxy_conf *conf,
    const char *host, uint16_t port, through_fn *fn, void *arg, struct err *e);

/* Gives it up: nothing will be told.  Leaves NULL; NULL is welcome. */
void through_cancel(struct through **t);

#endif
