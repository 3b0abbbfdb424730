/*
 * door: a way to the relay, as `--server` names it: its own port, or a
 * WebSocket at a web server that stands before it.
 */
#ifndef CLIENT_DOOR_H
#define CLIENT_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "tls/tls_cert.h"
#include "tls/tls_ctx.h"

struct err;

enum {
	DOOR_PATH_MAX = 200,
	DOOR_AUTHORITY = ADDR_HOST_MAX + 16,
};

struct door {
	/* "HOST:PORT" or "wss://HOST[:PORT]/PATH" */
	char text[DOOR_AUTHORITY + DOOR_PATH_MAX + 16];
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;
	char path[DOOR_PATH_MAX + 1];   /* of the WebSocket; "": none */
	char authority[DOOR_AUTHORITY]; /* what HTTP calls the host */
	const char *ca;                 /* of the command line; NULL: pins */
	struct tls_pin pins[TLS_PINS_MAX];
	size_t pin_count;
	struct tls_ctx *ctx;
};

/* Reads the text; trust and ctx are left alone. */
int door_parse(struct door *d, const char *text, struct err *e);

/* It leads through a WebSocket. */
static inline bool
door_is_ws(const struct door *d)
{
	return d->path[0] != '\0';
}

/* Makes ctx of what it trusts. */
int door_trust(struct door *d, struct err *e);

#endif
