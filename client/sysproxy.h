/*
 * sysproxy: asks the system which HTTP proxies lead to an address.  Windows
 * knows it from its settings, from a script (PAC) and from the network (WPAD),
 * which may take seconds: a thread of its own asks.  Elsewhere the environment
 * says all (proxy_conf), and there is nobody to ask.
 */
#ifndef CLIENT_SYSPROXY_H
#define CLIENT_SYSPROXY_H

#include <stdint.h>

struct err;
struct loop;
struct proxies;
struct sysproxy;

/* The answer, told once by the loop; p->count is 0 when there is none. */
typedef void sysproxy_fn(void *arg, const struct proxies *p);

/*
 * NULL when there is nobody to ask, or too many questions are open; nothing is
 * told then.
 */
struct sysproxy *sysproxy_start(struct loop *l, const char *host, uint16_t port,
    sysproxy_fn *fn, void *arg);

/*
 * Gives it up: nothing will be told.  Leaves NULL; NULL is welcome.  The thread
 * ends by itself.
 */
void sysproxy_cancel(struct sysproxy **s);

#endif
