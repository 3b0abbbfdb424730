/*
 * flow: a visitor of UDP on this side: a socket of its own towards the local
 * service, so that the service tells visitors apart by their port.
 */
#ifndef CLIENT_FLOW_H
#define CLIENT_FLOW_H

#include <stddef.h>
#include <stdint.h>

struct mux_stream;
struct proto_open;
struct tunnel;
struct tunnels;

enum {
	FLOW_ONE_MS = 30000,   /* rests so long: over, while one side spoke */
	FLOW_BOTH_MS = 120000, /* ... when both have */
	FLOW_SWEEP_MS = 5000,
	FLOW_WAITING_MAX = 128 << 10, /* bytes kept while a name is looked up */
};

/* 0, or the refusal's code.  The target is allowed. */
uint16_t flow_open(
    struct tunnel *t, struct mux_stream *s, const struct proto_open *o);

void flow_traffic(const struct tunnel *t, uint64_t *in_out, uint64_t *out_out);

/* Ends flows that have rested for too long. */
void flow_sweep(struct tunnels *t, uint64_t now);

/* The tunnel ends, and its flows with it. */
void flow_orphan(struct tunnel *t);

/* A socket connected to one address; -1 with errno. */
struct addr;
int flow_socket(const struct addr *to);

#endif
