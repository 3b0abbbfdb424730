/*
 * tunnel: the tunnels that the relay has told this client about, what is known
 * of each, and what is reported back.
 */
#ifndef CLIENT_TUNNEL_H
#define CLIENT_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "net/addr.h"
#include "proto/ctl.h"

struct allow;
struct carry;
struct err;
struct mux_stream;
struct probe;

enum {
	TUNNELS_MAX = 10000,     /* of one machine; further ones are not kept */
	TUNNEL_REPORT_MS = 1000, /* at most one REPORT of a tunnel in this */
	TUNNEL_RETRY_MS = 10000, /* a service that fails is tried so often */
	TUNNEL_TELL_MS = 10000,  /* one that comes and goes is told so often */
};

struct lamp {
	uint8_t light; /* enum proto_light */
	uint16_t code;
	bool dirty; /* the relay has not been told */
	/* what the console has been told, and when of a fault */
	uint8_t told;
	uint16_t told_code;
	uint64_t told_at;
	char sentence[PROTO_TEXT_MAX + 1];
};

struct tunnel {
	struct list on;
	struct map_node by_id;
	struct tunnels *all;
	struct proto_config c;
	uint64_t mark; /* of the youngest list of CONFIGs naming it */
	bool allowed;  /* our own list has its target */
	char target[ADDR_HOST_MAX + 16]; /* "HOST:PORT" */
	struct addr here[2]; /* the target, when it needs no look-up */
	size_t here_count;
	struct lamp service;
	struct lamp reach;
	struct probe *probing_service;
	struct probe *probing_reach;
	uint64_t retry_at;    /* the service is tried again; UINT64_MAX */
	uint64_t reported_at; /* 0: never */
	struct list services; /* visitors of TCP, struct service */
	struct list flows;    /* of UDP, struct flow */
	uint32_t visitors;    /* now */
	uint64_t visitors_ever;
	uint64_t in; /* bytes of visitors who have gone; in: from them */
	uint64_t out;
	uint64_t seen; /* bytes at the last look, and when they changed */
	uint64_t seen_at;
};

struct tunnels {
	struct list list; /* by number */
	struct map map;
	size_t count;
	struct carry *carry;
	const struct allow *allow;
	/* Sends a frame to the relay; -1: no link is up. */
	int (*send)(void *arg, const void *frame, size_t n);
	/* Is this where the relay was reached? */
	bool (*is_relay)(void *arg, const struct addr *at);
	/* Does only a proxy of this network see the relay? */
	bool (*is_proxied)(void *arg);
	void *arg;
	uint64_t mark;
	uint64_t due;      /* when tunnels_turn() has something to do */
	uint8_t *batch;    /* room for a batch of datagrams; flow.c */
	uint64_t sweep_at; /* flows that rest are looked for */
	size_t flow_count;
};

int tunnels_init(struct tunnels *t, struct carry *c, const struct allow *a,
    int (*send)(void *arg, const void *frame, size_t n),
    bool (*is_relay)(void *arg, const struct addr *at),
    bool (*is_proxied)(void *arg), void *arg, struct err *e);

/* Every visitor is gone by now. */
void tunnels_close(struct tunnels *t);

struct tunnel *tunnels_find(const struct tunnels *t, uint32_t id);

/*
 * A link was welcomed: a list of CONFIGs follows on it, whose mark is returned.
 * fresh: it is a new session, which knows nothing of earlier reports.
 */
uint64_t tunnels_welcome(struct tunnels *t, bool fresh);

/* The relay is seen from elsewhere now: public addresses are tried anew. */
void tunnels_moved(struct tunnels *t);

/*
 * A CONFIG, of the list with this mark, or by itself (0).  When its LAST ends a
 * list, tunnels that it did not name are gone.  True: the list has ended.
 */
bool tunnels_config(
    struct tunnels *t, const struct proto_config *c, uint64_t mark);

/* Reports and retries that are due; returns when to come back. */
uint64_t tunnels_turn(struct tunnels *t, uint64_t now);

/* A visitor: 0, or the code of the refusal. */
uint16_t tunnels_open(
    struct tunnels *t, struct mux_stream *s, const struct proto_open *o);

/* A lamp changes; the relay is told when it is due. */
void tunnel_lamp(struct tunnel *t, enum proto_lamp which, uint8_t light,
    uint16_t code, const char *sentence);

bool tunnel_has_tcp(const struct tunnel *t);
bool tunnel_has_udp(const struct tunnel *t);

/* Bytes from and to visitors until now. */
void tunnel_traffic(
    const struct tunnel *t, uint64_t *in_out, uint64_t *out_out);

#endif
