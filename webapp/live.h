/*
 * live: what relayd knows at this moment, asked on its sockets.  Nothing of it
 * is stored: no answer in time means that the relay is not running.
 */
#ifndef WEBAPP_LIVE_H
#define WEBAPP_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "req.h"

enum live_light { LIVE_GREY, LIVE_GREEN, LIVE_RED };

/* The lamps, in the order of a byte's way from the visitor. */
enum live_at {
	LIVE_VISITOR,
	LIVE_REACH,
	LIVE_MACHINE,
	LIVE_SERVICE,
	LIVE_LAMPS
};

struct live_lamp {
	enum live_light light;
	const char *sentence;
};

struct live_tunnel {
	int64_t id;
	bool serving;
	struct live_lamp lamps[LIVE_LAMPS];
	int64_t machine; /* 0: none */
	const char *machine_name, *computer, *system, *address;
	int64_t rtt_ms; /* -1: unknown */
	int64_t visitors, visitors_total, refused;
	int64_t bytes_in, bytes_out; /* since the relay started */
	int64_t since;               /* served since; 0: it is not */
	int64_t last_bytes;          /* 0: never */
};

struct live {
	bool answers; /* the relay runs */
	struct live_tunnel *at;
	size_t n;
};

/*
 * Lives as long as r.  Threads that ask the same share an answer for 250 ms; it
 * takes at most 200 ms for each 500 tunnels.
 */
void live_ask(
    struct req *r, const int64_t *tunnels, size_t n, struct live *out);

/* The tunnel, or NULL when the relay does not know it. */
const struct live_tunnel *live_find(const struct live *l, int64_t tunnel);

/* "reach", "green" */
const char *live_lamp_name(enum live_at at);
const char *live_light_name(enum live_light l);

/*
 * What keeps the relay from being well: "" when it is, one sentence a line
 * else.
 */
const char *live_trouble(struct req *r);

/* Asks for both probes of a tunnel now; false when it is not being served. */
bool live_test(struct req *r, int64_t tunnel);

struct live_figures {
	bool answers;
	int64_t sessions, tunnels, served, streams, flows, links;
	int64_t visitors_total, uptime_s, held_bytes, held_max, memory_bytes;
	const char *version;
};

/* Figures of the whole relay; needs the right to use its control socket. */
void live_figures(struct req *r, struct live_figures *out);

#endif
