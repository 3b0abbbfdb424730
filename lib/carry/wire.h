/*
 * wire: a link's wire: a TCP socket with TLS over it, watched by the carry's
 * loop.  It opens records into slabs and hands them on, seals what it is given
 * and sends as much at once as the socket takes.  Or the same in a WebSocket,
 * where only HTTPS passes.
 *
 * What stands between the scheduler and the socket is limited by a quantum that
 * follows the link: up to 512 kB on a fast one, 11 kB or 20 ms of its rate on
 * a slow one, so that a keystroke never queues behind a download.  Behind nginx,
 * whose buffers the socket does not show, the other end tells what has arrived
 * (pace.h).
 */
#ifndef CARRY_WIRE_H
#define CARRY_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mux/mux.h"

struct addr;
struct carry;
struct err;
struct slab;
struct tls_stream;
struct wire;

enum wire_end {
	WIRE_CLOSED, /* the peer closed it */
	WIRE_LOST,   /* the network failed */
	WIRE_TRUST,  /* certificate or pin: not the network */
	WIRE_TLS,    /* the peer does not speak TLS as we do, or broke it */
};

struct wire_ops {
	/* The handshake is done. */
	void (*up)(void *arg);

	/* n plain bytes at b->data; take a reference to keep them. */
	void (*input)(void *arg, struct slab *b, size_t n);

	/*
	 * It has ended.  The wire is dead: call wire_free(), here or later.
	 * Told once, and not after wire_free().
	 */
	void (*down)(void *arg, enum wire_end how, const char *why);

	/* The socket takes bytes again: the session may have a turn. */
	void (*ready)(void *arg);
};

/*
 * Takes over fd and t, also when it fails.  The handshake begins at once.  Who
 * waits for `up` sets a deadline of its own.
 */
struct wire *wire_new(struct carry *c, int fd, struct tls_stream *t,
    const struct wire_ops *ops, void *arg, struct err *e);

/*
 * The same inside a WebSocket: t speaks http/1.1, host ("HOST" or "HOST:PORT")
 * and path are what is asked for.  `up` comes when that is granted.
 */
struct wire *wire_new_ws(struct carry *c, int fd, struct tls_stream *t,
    const char *host, const char *path, const struct wire_ops *ops, void *arg,
    struct err *e);

/*
 * The other side of it: fd comes from an HTTP server, which has undone TLS.
 * Once it is up, wire_peer() is whom that server's X-Real-IP names (port 0);
 * so fd must be one to which nobody else can connect.
 */
struct wire *wire_new_ws_server(struct carry *c, int fd,
    const struct wire_ops *ops, void *arg, struct err *e);

/*
 * Ends it: what waits is offered to the socket once more, then it is closed.
 * Leaves NULL; safe within its own callbacks.
 */
void wire_free(struct wire **w);

/*
 * Ends it tidily: what waits (a GOAWAY) is sent first, for at most ms.  w is
 * gone for the owner; no callback follows but `closed`, once, when its socket
 * is closed, which may be now.  It may be NULL.
 */
void wire_finish(
    struct wire **w, uint64_t ms, void (*closed)(void *arg), void *arg);

/*
 * Moves to another thread's carry: wire_release() in the old thread (nothing
 * is called back any more), then wire_adopt() in the new one.
 */
void wire_release(struct wire *w);
int wire_adopt(struct wire *w, struct carry *c, const struct wire_ops *ops,
    void *arg, struct err *e);

/* Who is called from now on. */
void wire_set_owner(struct wire *w, const struct wire_ops *ops, void *arg);

/* n <= 16,384 bytes as one record; -1 when the wire is broken. */
int wire_seal(struct wire *w, const void *p, size_t n);

/* What it still takes (mux_ops.room). */
ssize_t wire_room(const struct wire *w, enum mux_room what);

/* Reading stops and goes on (a link that may not speak yet). */
void wire_pause(struct wire *w);
void wire_resume(struct wire *w);

void wire_peer(const struct wire *w, struct addr *a_out);
void wire_local(const struct wire *w, struct addr *a_out);

/* Bytes that wait for the socket. */
size_t wire_waiting(const struct wire *w);

/* "TLSv1.3 TLS_AES_128_GCM_SHA256", "WebSocket". */
void wire_describe(const struct wire *w, char *to, size_t cap);

struct wire_counts {
	uint64_t bytes_in; /* of the network */
	uint64_t bytes_out;
};
void wire_counts(const struct wire *w, struct wire_counts *c_out);

#endif
