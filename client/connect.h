/*
 * connect: `adit connect`: serves this machine's tunnels until it is stopped.
 */
#ifndef CLIENT_CONNECT_H
#define CLIENT_CONNECT_H

/* The words after the command; returns the exit status. */
int connect_run(int argc, char *const *argv);

#endif
