/*
 * store_port: which public port a tunnel gets.  Used by store_tunnel alone,
 * inside its transaction: the lock of writers makes choosing, trying and
 * inserting one step.
 */
#ifndef STORE_STORE_PORT_H
#define STORE_STORE_PORT_H

#include <stdint.h>

struct err;
struct store;
struct tunnel_ports;

/*
 * want, or any (0), for a tunnel of user; refused with the reason when want
 * may not be given or none is left.
 */
int store_port_lease(struct store *s, int64_t user,
    const struct tunnel_ports *ports, uint16_t want, uint16_t *port_out,
    struct err *e);

/*
 * The port rests for a day: only user gets it before.  A member has at rest at
 * most as many as they may have tunnels; the oldest beyond are free again.
 */
int store_port_rest(
    struct store *s, int64_t user, uint16_t port, struct err *e);

/* The port is in use again. */
int store_port_wake(struct store *s, uint16_t port, struct err *e);

#endif
