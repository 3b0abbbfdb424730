/*
 * connect: `adit connect`: serves this machine's tunnels until it is stopped.
 */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

struct client_conf;

/* The words after the command; returns the exit status. */
int connect_run(int argc, char *const *argv);

/* Serves with what conf says, until it is over; the exit status. */
int connect_serve(const struct client_conf *conf);

#endif
