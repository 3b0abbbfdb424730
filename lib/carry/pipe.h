/*
 * pipe: a TCP socket of a visitor or of a service, as the local end of a
 * stream.  It keeps no bytes of its own: the mux reads from it and writes to it
 * when it is their turn.
 *
 * Embed it as the first member of what it belongs to:
 *
 *	struct visitor { struct pipe pipe; ... };
 */
#ifndef CARRY_PIPE_H
#define CARRY_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "carry/carry.h"

struct watch;

struct pipe {
	struct carry_end end; /* first; the owner sets its ops */
	struct carry *carry;
	struct watch *watch;
	struct mux_stream *stream;
	uint8_t *first; /* goes to the socket before all else */
	uint32_t first_len;
	int fd;
	bool hup;     /* read until 0 or an error: it will not be told again */
	bool shut;    /* our half is shut */
	uint64_t in;  /* bytes read from the socket */
	uint64_t out; /* bytes written to it */
};

/*
 * Takes over fd, also when it fails.  Nothing is read until a stream is given
 * to it.  Sets the socket's options (no delay, kernel keep-alive 60 s).
 */
int pipe_open(struct pipe *p, struct carry *c, int fd, struct err *e);

/* The stream that it is the end of; its first bytes are read this turn. */
void pipe_attach(struct pipe *p, struct mux_stream *s);

/*
 * Bytes that go to the socket before what the stream brings (a PROXY header).
 * Copied.  Before pipe_attach().
 */
int pipe_say_first(struct pipe *p, const void *b, size_t n, struct err *e);

/* Closes the socket: with a reset, or in peace.  The memory is the owner's. */
void pipe_close(struct pipe *p, enum mux_gone how);

/* For mux_ops, by carry_ops(). */
ssize_t pipe_pull(
    struct pipe *p, const struct span *v, int n, unsigned *flags_out);
ssize_t pipe_push(struct pipe *p, const struct span *v, int n);
void pipe_end(struct pipe *p);

#endif
