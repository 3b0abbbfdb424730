/*
 * quick: `adit tcp PORT` and its like: makes a tunnel, and a machine for this
 * computer, through the dashboard's API, and serves it until Ctrl-C.  The same
 * words again find the same tunnel, and so the same public address.
 */
#ifndef CLIENT_QUICK_H
#define CLIENT_QUICK_H

/* The words after the command; return the exit status. */
int quick_tcp(int argc, char *const *argv);
int quick_udp(int argc, char *const *argv);
int quick_both(int argc, char *const *argv);

#endif
