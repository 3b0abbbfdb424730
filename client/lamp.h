/*
 * lamp: proves the two legs that this side can prove: that the local service
 * answers, and that the public address can be reached from outside.
 */
#ifndef CLIENT_LAMP_H
#define CLIENT_LAMP_H

#include "net/dial.h"

struct tunnel;

enum {
	LAMP_REACH_MS = 5000,  /* no answer so long: something is in the way */
	LAMP_CLOSED_MS = 5000, /* the relay closes the probe within this */
	LAMP_UDP_TRIES = 5,    /* one a second */
	LAMP_UDP_MS = 1000,
};

/* Dials the service (TCP), unless that is under way. */
void lamp_try_service(struct tunnel *t);

/* Dials the public address and says the nonce of the tunnel's CONFIG. */
void lamp_try_reach(struct tunnel *t);

/* A dial to the service, for a visitor or to try it, ended so. */
void lamp_service_is(struct tunnel *t, enum dial_result r);

/* Probes are given up; nothing is known of either leg. */
void lamp_forget(struct tunnel *t);

#endif
