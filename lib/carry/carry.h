/*
 * carry: what one thread needs to carry sessions: its loop, its slabs, its
 * large receive buffer, and the wires that wait to be flushed or read on.
 *
 *	wire	a link: TLS over a TCP socket, under a mux_link
 *	pipe	a TCP socket of a visitor or a service, under a mux_stream
 *
 * relayd has one for each worker, the client has one.  The owner's hook of the
 * loop ends each turn so: mux_run() for every session that may have something
 * to do, then carry_turn().
 */
#ifndef CARRY_CARRY_H
#define CARRY_CARRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "mux/mux.h"

struct budget;
struct err;
struct loop;
struct pool;
struct timer;

enum {
	CARRY_RX = 512 << 10,   /* bytes taken from a link's socket at once */
	CARRY_HANDSHAKES = 4,   /* begun wires that are read in one turn */
	CARRY_TRIM_MS = 3000,   /* how often unused memory is given back */
	CARRY_TRIM_PIPES = 500, /* as many must have gone to trim the heap, */
	CARRY_TRIM_WIRE = 20,   /* of which a wire is worth so many */
};

struct carry {
	struct loop *loop;
	struct pool *pool;
	uint8_t *rx;
	struct list wires; /* all of them */
	struct list again; /* wires with more to read, or a handshake to do */
	struct list flush; /* wires with bytes for their sockets */
	struct list dead;  /* wires to be freed at the end of the turn */
	bool told; /* an owner was called since the sessions had a run */
	struct timer *trim;
	unsigned handshakes; /* in this turn */
	unsigned closed;     /* pipes since memory was last given back */
	uint64_t sends;      /* system calls on links, for the benchmark */
	uint64_t sent_bytes;
	uint64_t recvs;
	uint64_t recv_bytes;
};

/* The loop is borrowed; b may be NULL and outlives the carry. */
int carry_init(
    struct carry *c, struct loop *l, struct budget *b, struct err *e);

/* Every wire and every mux is gone by now. */
void carry_close(struct carry *c);

/*
 * The end of a turn: flushes each wire once, and frees the dead ones.  Returns
 * what a hook of the loop returns: 0 when the sessions need another run at once,
 * because a wire has brought more or has ended, or a wire has bytes for the
 * next turn, else LOOP_NEVER.
 */
uint64_t carry_turn(struct carry *c);

/*
 * The local end of a stream or flow, as sarg of the mux: the first member of a
 * pipe, and of whatever carries datagrams.  What it does is a table, so that
 * an idle visitor costs one pointer.
 */
struct carry_end {
	const struct carry_end_ops *ops;
};

struct carry_end_ops {
	/* the peer has connected what we asked for; may be NULL */
	void (*connected)(struct carry_end *end);
	/* the mux has let go of it: close, free */
	void (*gone)(struct carry_end *end, enum mux_gone how, uint16_t code,
	    const char *sentence);
	/* flows only */
	void (*datagram)(struct carry_end *end, const struct span *v, int n);
};

/*
 * Fills in the members of mux_ops that concern local ends (connected, pull,
 * push, end, datagram, gone: sarg is a struct carry_end) and wires (seal, room:
 * larg is a struct wire).  The owner adds open, link_end, link_silent, control,
 * links, goaway and broken.
 */
void carry_ops(struct mux_ops *ops);

#endif
