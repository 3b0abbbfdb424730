/*
 * served: a tunnel that a session has been given, and while the session serves
 * it, the sockets of its public port.
 */
#ifndef RELAYD_SERVED_H
#define RELAYD_SERVED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "proto/ctl.h"

struct limit_rates;
struct mux_link;
struct session;
struct served;
struct tunnel_spec;
struct watch;

/* One listening socket. */
struct gate {
	struct served *tunnel;
	struct watch *watch;
	int fd;
	int family;
};

enum { SERVED_GATES = 8 };

/* What the client has reported and control has not heard yet. */
struct served_news {
	bool is_new;
	uint8_t light;
	uint16_t code;
	char sentence[256];
};

struct served {
	struct session *session;
	struct tunnel_spec *spec;
	struct map_node node; /* session->by_tunnel */
	int64_t id;
	struct list on;       /* session->tunnels */
	struct list visitors; /* struct visitor */
	struct list held;     /* struct held, while a probe is awaited */
	struct gate *tcp;
	struct gate *udp;
	unsigned tcp_n;
	unsigned udp_n;
	bool is_open;   /* the gates are watched */
	bool is_paused; /* ... but nobody is let in */
	uint32_t visitor_n;
	uint32_t flow_n;
	struct limit_rates *rates; /* when there is a rate */
	/* flows */
	struct map flows;
	bool has_flows;
	struct list asked;    /* one side has spoken; oldest first */
	struct list answered; /* both have */
	struct list flowing;  /* worker->flowing */
	/* probes */
	uint8_t nonce[16];
	uint64_t probe_until;
	/* lamps */
	struct served_news *news; /* of service and reach */
	struct list in_news;      /* worker->news */
};

/* A new tunnel of the session, or a new word about it.  Takes spec over. */
void served_tell(struct session *s, struct tunnel_spec *spec, bool say);

/* CONFIG to one link, or to whichever lives (NULL). */
void served_say(struct served *t, struct mux_link *l, bool last);

/*
 * Ends it: visitors are reset with code, the ports let go.  Frees it and
 * leaves NULL.
 */
void served_free(struct served **t, uint16_t code);

/* Nobody is let in, newcomers wait; and on. */
void served_pause(struct served *t);
void served_resume(struct served *t);

/* Newcomers are refused (the session has been dark for too long). */
void served_hold(struct served *t);

/* The client's word about a lamp. */
void served_report(struct served *t, const struct proto_report *r);

/* Hands on what was reported. */
void served_news(struct served *t);

#endif
