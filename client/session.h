/*
 * session: this client's presence at a relay (docs/PROTOCOL.md, "States").  It
 * owns the links and the mux, and sees to it that there are as many links as
 * are needed: one dial at a time, for ever.
 *
 *	START	dialling, no session yet
 *	LIVE	at least one link
 *	DARK	no link; the relay keeps the streams for a while
 *	ENDED	a last word has been said, links are being closed
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "carry/carry.h"
#include "client_conf.h"
#include "netwatch.h"
#include "proto/ctl.h"
#include "retry.h"
#include "tunnel.h"
#include "ways.h"

struct err;
struct hook;
struct link;
struct loop;
struct timer;

enum session_state {
	SESSION_START,
	SESSION_LIVE,
	SESSION_DARK,
	SESSION_ENDED,
};

enum {
	SESSION_GIVE_UP_MS = 10000, /* longer than the relay's grace */
	/*
	 * The PING that a silent link is asked with has so long for its answer
	 * before another link is dialled beside it.
	 */
	SESSION_BESIDE_MS = 1000,
	SESSION_CALM_MS = 250, /* the network has changed when it rests */
};

struct session {
	const struct client_conf *conf;
	struct loop *loop;
	struct carry carry;
	struct hook *hook;
	struct mux *mux; /* NULL: there are no streams to keep */
	struct tunnels tunnels;
	struct retry retry;
	struct netwatch *netwatch;
	enum session_state state;
	uint64_t since; /* of the state */
	bool has_key;
	uint8_t key[32];
	uint8_t instance[16];
	struct list links;     /* that are ready */
	struct link *dialling; /* one at a time */
	struct timer *redial;
	struct timer *give_up;
	struct timer *calm;
	struct ways ways;
	size_t way;      /* to dial next */
	size_t tried;    /* ways that failed in this round */
	bool only_trust; /* all of them for their certificate */
	bool ever;       /* a WELCOME has been heard */
	unsigned wanted; /* links, by the relay's wish */
	uint64_t silent; /* since when a link owes an answer, or 0 */
	bool moving;     /* a new link is to replace those marked */
	uint32_t grace_ms;
	uint64_t row;     /* the session's number at the relay */
	struct addr peer; /* where the youngest link found it */
	bool proxied;     /* ... which was a proxy */
	bool has_goaway;
	struct proto_goaway goaway;
	bool broken;
	char broken_why[256];
	char trouble[512];        /* why there is no link, for people */
	char told[WAYS_MAX][160]; /* of each way, as a line */
	char relay[800];          /* session_relay() */
	int exit;                 /* of the program, once ENDED */
	char why[1024]; /* ... and the reason; "" when its user ended it */
};

/*
 * Begins to dial.  conf (with its token) and l are borrowed.  When the session
 * is over, the loop is stopped: see exit and why.
 */
int session_open(struct session *s, const struct client_conf *conf,
    struct loop *l, struct err *e);

/* Its user ends it: GOAWAY, then the loop is stopped. */
void session_stop(struct session *s);

/* Frees everything, at any stage. */
void session_close(struct session *s);

/* Round-trip time of the youngest link in ms; 0: unknown or below one. */
uint32_t session_rtt_ms(const struct session *s);

/*
 * The relay that it is linked to, "HOST:PORT", or the one it tries; and
 * " through ..." a proxy.
 */
const char *session_relay(struct session *s);

/* When it dials next; 0: it does so now, or has no need. */
uint64_t session_redial_at(const struct session *s);

#endif
