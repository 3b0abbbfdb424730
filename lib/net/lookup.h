/*
 * lookup: finds the addresses of a name in a helper thread, so that the loop
 * never waits for it.  "localhost" is 127.0.0.1, then ::1, whatever the system
 * says; that and numbers need no thread: lookup_here().
 */
#ifndef NET_LOOKUP_H
#define NET_LOOKUP_H

#include <stddef.h>

#include "net/addr.h"

struct err;
struct lookup;
struct loop;

enum {
	LOOKUP_ADDRS_MAX = 16, /* of one name; further ones are left out */
	LOOKUP_MAX = 64,       /* at a time; further ones fail */
};

/*
 * What a host is without asking anybody: 1 or 2 addresses (port 0), or 0 when
 * it is a name that has to be looked up.
 */
size_t lookup_here(const char *host, struct addr out[2]);

/*
 * The end of a look-up, told once by the loop; the look-up is gone by then.
 * count is 0 when the name does not resolve: why tells.  The families take
 * turns, the system's first choice first; ports are 0.
 */
typedef void lookup_fn(
    void *arg, const struct addr *found, size_t count, const struct err *why);

struct lookup *lookup_start(
    struct loop *l, const char *host, lookup_fn *fn, void *arg, struct err *e);

/*
 * Gives it up: nothing will be told.  Leaves NULL behind; NULL is welcome.  The
 * thread ends by itself and touches nothing of the caller.  Cancel all of a
 * loop before it is freed.
 */
void lookup_cancel(struct lookup **k);

#endif
