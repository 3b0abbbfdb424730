/*
 * link: a connection to the relay's own port, from accept to its HELLO.
 */
#ifndef RELAYD_LINK_H
#define RELAYD_LINK_H

#include <stdbool.h>

struct addr;
struct newcomer;
struct relay;
struct wire;
struct worker;

/* loop_fn of the relay's listening socket. */
void link_on_door(void *door, unsigned what);

/* Hands those that have said HELLO in this turn to control. */
void link_hand_over(struct worker *w);

/* Says why and closes.  Takes the newcomer over. */
void link_reject(struct worker *w, struct newcomer *n);

/*
 * Ends a wire tidily.  Its file and its address count until its socket is
 * closed, and so does its place among the dials.
 */
void link_part(
    struct relay *r, struct wire **w, const struct addr *peer, bool is_dial);

/* Closes all dials. */
void link_drop_all(struct worker *w);

#endif
