/*
 * feed: feed.sock, where others look.  GET alone, nothing is changed here.
 *
 *	/live?tunnel=1,2   the lamps and figures of these tunnels
 *	/events            what moves, for as long as somebody listens (events.h);
 *	                   nginx says in X-Adit-Scope whose and to whom, having
 *	                   asked the web application.  Whoever can open this
 *	                   socket is believed.
 *	/healthz           200 while the process turns
 *	/readyz            200, or 503 and why, a reason on each line
 *	/metrics           for Prometheus
 *
 * Belongs to the control thread.
 */
#ifndef RELAYD_FEED_H
#define RELAYD_FEED_H

struct err;
struct feed;
struct relay;

enum { FEED_LIVE_MAX = 1000 }; /* tunnels in one question */

/* Listens where r->conf says.  r, its loop and its registry outlive it. */
struct feed *feed_open(struct relay *r, struct err *e);

/* Leaves NULL; NULL is welcome. */
void feed_close(struct feed **f);

/*
 * r->conf has changed, or the certificate that it names.  Another path for the
 * socket takes a restart.
 */
void feed_retune(struct feed *f);

#endif
