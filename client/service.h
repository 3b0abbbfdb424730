/*
 * service: a visitor's TCP connection on this side: the local service is
 * dialled, then bytes go to and fro.
 */
#ifndef CLIENT_SERVICE_H
#define CLIENT_SERVICE_H

#include <stdint.h>

#include "net/dial.h"

struct mux_stream;
struct proto_open;
struct tunnel;

/* Dials the tunnel's target, which is allowed.  0, or the refusal's code. */
uint16_t service_open(
    struct tunnel *t, struct mux_stream *s, const struct proto_open *o);

/* Adds what the visitors who are there have moved. */
void service_traffic(
    const struct tunnel *t, uint64_t *in_out, uint64_t *out_out);

/* The tunnel ends; its visitors are the relay's to end. */
void service_orphan(struct tunnel *t);

/* The code for a dial that failed. */
uint16_t service_code(enum dial_result r);

#endif
