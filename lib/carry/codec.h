/*
 * codec: what a wire lays over its socket: TLS on TCP, or a WebSocket, within
 * TLS for the client, without for the server behind nginx.  It knows no socket:
 * the wire feeds it what came and sends what waits.  Nobody but wire*.c and
 * codec_*.c includes this.
 */
#ifndef CARRY_CODEC_H
#define CARRY_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "carry/wire.h"

struct addr;
struct err;
struct tls_stream;

/* The words of tls_stream.h hold for all of them; self is the first argument. */
struct codec_ops {
	int (*handshake)(void *self, struct err *e);
	void (*feed)(void *self, const void *p, size_t n);
	ssize_t (*open)(void *self, void *p, size_t n, struct err *e);
	bool (*is_closed)(const void *self);
	enum wire_end (*fault)(const void *self); /* what a failure was about */
	int (*seal)(void *self, const void *p, size_t n);
	size_t (*waiting)(const void *self);
	const uint8_t *(*out)(void *self, size_t *n_out);
	void (*sent)(void *self, size_t n);
	void (*close)(void *self);
	void (*idle)(void *self);
	/*
	 * A mark behind what was sealed, and the newest that the other side has
	 * sent back since it was asked last; NULL: it has none.
	 */
	void (*mark)(void *self, uint64_t mark);
	bool (*marked)(void *self, uint64_t *mark_out);
	bool (*peer)(const void *self, struct addr *a_out); /* if it knows */
	void (*describe)(const void *self, char *to, size_t cap);
	void (*free)(void *self);
};

struct codec {
	const struct codec_ops *ops;
	void *self; /* NULL: it could not be made */
};

/* Takes over t, also when it fails. */
struct codec codec_tls(struct tls_stream *t);
struct codec codec_ws_client(
    struct tls_stream *t, const char *host, const char *path, struct err *e);

struct codec codec_ws_server(struct err *e);

#endif
