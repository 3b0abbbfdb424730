/*
 * status: how a tunnel is, in one word, four lamps and one sentence that says
 * what to do.  Proven by what the store and the relay say, never assumed.
 */
#ifndef WEBAPP_STATUS_H
#define WEBAPP_STATUS_H

#include "live.h"
#include "store/store_tunnel.h"

/* The first that is true. */
enum status_is {
	STATUS_FROZEN,
	STATUS_EXPIRED,
	STATUS_PAUSED,
	STATUS_PENDING,
	STATUS_ERROR,
	STATUS_ONLINE,
	STATUS_OFFLINE,
};

/* The one thing that helps in this state. */
enum status_help {
	HELP_NONE,
	HELP_PAUSE,
	HELP_RESUME,
	HELP_STEPS,  /* verify, download, run */
	HELP_START,  /* how to start the machine's part */
	HELP_TARGET, /* correct the local port */
	HELP_PORT,   /* choose another public port */
	HELP_DATE,   /* set a new date */
};

struct status_lamp {
	const char *class; /* "lit", as look.css draws it */
	const char *says;  /* "listening" */
};

struct status {
	enum status_is is;
	const char *word;  /* "online" */
	const char *class; /* "lit" */
	bool flows;        /* bytes have moved in the last seconds */
	struct status_lamp lamps[LIVE_LAMPS];
	const char *strong; /* what is so */
	const char *rest;   /* what to do; "" when there is nothing */
	enum status_help help;
};

/*
 * machine is the name of the one that is to serve it, "" when there is none.
 * All of out lives as long as r.
 */
void status_of(struct req *r, const struct tunnel *t, const struct live *l,
    const char *machine, struct status *out);

/*
 * The status and its lamps (DESIGN's reach, machine, service, visitor) as
 * they are without words for people; for the API.
 */
enum status_is status_is(const struct tunnel *t, const struct live *l);
const char *status_name(enum status_is s);

/* "HOST:PORT" of its public side. */
const char *status_address(struct req *r, const struct tunnel *t);

/* "HOST:PORT" of its local side. */
const char *status_target(struct req *r, const struct tunnel *t);

#endif
