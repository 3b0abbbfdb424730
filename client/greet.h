/*
 * greet: what this client says of itself in HELLO, and a relay's refusal in
 * words.
 */
#ifndef CLIENT_GREET_H
#define CLIENT_GREET_H

#include <stddef.h>

struct client_conf;
struct proto_hello;
struct proto_reject;

/* Versions, token, program, system, computer and allow-list. */
void greet_hello(struct proto_hello *h, const struct client_conf *c);

/* "The same machine was started elsewhere ... (by DESKTOP at 192.0.2.7)." */
char *greet_refusal(char *to, size_t cap, const struct proto_reject *r);

#endif
