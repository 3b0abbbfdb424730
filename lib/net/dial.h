/*
 * dial: opens TCP connections without ever blocking the loop.
 *
 * Names are resolved anew each time by a helper thread; IPv6 and IPv4 are
 * raced 250 ms apart, a failure starts the next at once.  "localhost" is
 * 127.0.0.1, then ::1, and like numbers needs no thread.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stddef.h>
#include <stdint.h>

struct addr;
struct dial;
struct err;
struct loop;

enum dial_result {
	DIAL_OK,
	DIAL_PENDING,     /* dial_now() only: under way */
	DIAL_REFUSED,     /* nobody listens there */
	DIAL_UNREACHABLE, /* no way to it */
	DIAL_TIMEOUT,
	DIAL_NAME,   /* the name does not resolve */
	DIAL_FAILED, /* of our own making: no descriptor, no memory */
	DIAL_RESET,  /* somebody listens, and has reset it at once */
};

enum {
	DIAL_DOOR_MS = 4000,     /* to a relay */
	DIAL_SERVICE_MS = 10000, /* to a local service */
	DIAL_RACE_MS = 250,
	DIAL_ADDRS_MAX = 16, /* of one name; further ones are not tried */
};

/*
 * The end of a dial, told once by the loop, never from within dial_start();
 * the dial is gone by then.  With DIAL_OK, fd is connected, non-blocking,
 * TCP_NODELAY, watched by nobody, and becomes the callee's; peer is whom it
 * reached.  Else fd is -1 and why holds the reason ("127.0.0.1:80: Connection
 * refused").
 */
typedef void dial_fn(void *arg, enum dial_result r, int fd,
    const struct addr *peer, const struct err *why);

/* Connects to host (name or number) and port within ms.  host is copied. */
struct dial *dial_start(struct loop *l, const char *host, uint16_t port,
    uint64_t within_ms, dial_fn *fn, void *arg, struct err *e);

/* The same for 1 to DIAL_ADDRS_MAX numbers: raced in this order. */
struct dial *dial_any(struct loop *l, const struct addr *to, size_t count,
    uint64_t within_ms, dial_fn *fn, void *arg, struct err *e);

/*
 * Gives it up: nothing will be told.  Leaves NULL behind; NULL is welcome.  A
 * look-up that is under way ends by itself and touches nothing of the caller.
 * Cancel all dials of a loop before it is freed.
 */
void dial_cancel(struct dial **d);

/*
 * The quick way to a number, without a loop.  On the same host a connection
 * is there the moment that it is asked for, though connect() says
 * EINPROGRESS; this asks a second time in the same breath, so that a service
 * on loopback costs no turn.  DIAL_OK: *fd_out is connected, as above; bytes
 * may be written at once.  DIAL_PENDING: *fd_out is connecting, hand it to
 * dial_wait().  Else *fd_out is -1 and e tells why.
 */
enum dial_result dial_now(const struct addr *to, int *fd_out, struct err *e);

/* Waits for a pending connection as dial_start() does.  Takes over fd. */
struct dial *dial_wait(struct loop *l, int fd, const struct addr *to,
    uint64_t within_ms, dial_fn *fn, void *arg, struct err *e);

/* "refused", "timeout". */
const char *dial_result_name(enum dial_result r);

#endif
