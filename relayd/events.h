/*
 * events: what the dashboard's pages hear without asking, as server-sent
 * events: whenever a tunnel of a user has changed, at most once a second, what
 * it is now.
 *
 *	data: [{"id":1,"status":"online","lamps":{"reach":"green",...},
 *	    "visitors":2,"refused":0,"bytes_in":3,"bytes_out":4}, ...]
 *
 * A tunnel that has gone is {"id":1,"gone":true}.  The first event has all
 * tunnels; one who was too slow for some of them gets all again.  Each tunnel
 * is looked at once a second, however many hear of it, and what they hear
 * stands in memory once.
 *
 * A stream ends after a minute: its browser comes again and is asked anew who
 * it is.  What is known to end sooner (a sign-out) is said by events_hush().
 *
 * Belongs to the control thread.
 */
#ifndef RELAYD_EVENTS_H
#define RELAYD_EVENTS_H

#include <stdint.h>

struct err;
struct events;
struct relay;

/* r, its loop and its registry outlive it. */
struct events *events_new(struct relay *r, struct err *e);

/* Ends all streams.  Leaves NULL; NULL is welcome. */
void events_free(struct events **v);

/* Why this user may not have one more stream just now, or NULL; counted. */
const char *events_why_not(struct events *v, int64_t user);

/*
 * From now on this socket, of a browser of the listener, hears of the user's
 * tunnels.  Takes fd over.
 */
void events_add(struct events *v, int64_t user, int64_t listener, int fd);

/*
 * Ends the streams of a user's tunnels, and those that this user listens to.
 * Browsers that may still hear of the tunnels come again by themselves.
 */
void events_hush(struct events *v, int64_t user);

struct events_counts {
	uint64_t streams_now;
	uint64_t streams;
	uint64_t refused; /* http.streams, http.streams_per_user, files */
	uint64_t late;    /* cut: took nothing for too long */
};

const struct events_counts *events_counts(const struct events *v);

#endif
