/*
 * flow: UDP.  A flow is a visitor's address and port and the own address that
 * it was sent to; its datagrams go through the session, answers leave from the
 * address that the visitor used.
 */
#ifndef RELAYD_FLOW_H
#define RELAYD_FLOW_H

#include <stdint.h>

struct err;
struct flow_box;
struct served;
struct visitors;
struct worker;

/* A worker's buffers for datagrams. */
struct flow_box *flow_box_new(struct err *e);
void flow_box_free(struct flow_box **b);

/* Sends what has been gathered in this turn. */
void flow_flush(struct worker *w);

/* loop_fn of a UDP gate. */
void flow_on_gate(void *gate, unsigned what);

/* Resets all of a tunnel. */
void flow_reset_all(struct served *t, uint16_t code);

/*
 * Puts all of a tunnel into v, or resets the one that it wants.  Its next
 * datagram begins another.
 */
void flow_each(struct served *t, struct visitors *v);

/* Ends those that have been idle for too long. */
void flow_expire(struct served *t, uint64_t now);

#endif
