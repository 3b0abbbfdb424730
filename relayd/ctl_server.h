/*
 * ctl_server: control.sock, for whoever runs the relay (0600).
 *
 *	GET /status            figures of the whole process
 *	GET /sessions          who is here
 *	POST /test?tunnel=N    both probes of a tunnel now
 *	GET /visitors?tunnel=N              who is connected to it
 *	POST /kick?tunnel=N&visitor=M       cuts one of them off
 *	POST /hush?user=N      ends the user's streams of /events
 *
 * Belongs to the control thread.
 */
#ifndef RELAYD_CTL_SERVER_H
#define RELAYD_CTL_SERVER_H

struct ctl_server;
struct err;
struct relay;

/* Listens where r->conf says.  r, its loop and its registry outlive it. */
struct ctl_server *ctl_server_open(struct relay *r, struct err *e);

/* Leaves NULL; NULL is welcome. */
void ctl_server_close(struct ctl_server **c);

/*
 * r->conf has changed, or the certificate that it names.  Another path for the
 * socket takes a restart.
 */
void ctl_server_retune(struct ctl_server *c);

#endif
