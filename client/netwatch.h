/*
 * netwatch: tells when this computer's network has changed or it has slept, so
 * that nobody waits for a connection that is dead already.
 *
 * netwatch_linux.c asks the kernel, netwatch_win32.c Windows.  On other systems
 * netwatch_none.c tells nothing: there the silence of a link is noticed within
 * seconds instead.
 */
#ifndef CLIENT_NETWATCH_H
#define CLIENT_NETWATCH_H

struct addr;
struct err;
struct loop;
struct netwatch;

enum net_change {
	NET_OTHER, /* addresses or routes: look whether it concerns you */
	NET_GONE,  /* this address is no longer ours */
	NET_WOKE,  /* the computer has slept */
};

typedef void netwatch_fn(
    void *arg, enum net_change what, const struct addr *gone);

/* NULL with the reason when the system cannot tell. */
struct netwatch *netwatch_new(
    struct loop *l, netwatch_fn *fn, void *arg, struct err *e);

void netwatch_free(struct netwatch **w);

#endif
