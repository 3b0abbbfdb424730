/*
 * mux: one side of a session (docs/PROTOCOL.md).  It carries streams (TCP) and
 * flows (UDP) over up to four links, and brings every stream through the loss
 * of any link, or of all of them, without a byte lost or doubled.
 *
 * It knows no sockets, no TLS and no clock: bytes and the time come in as
 * arguments, and what it wants done it says through struct mux_ops.  A turn is
 *
 *	mux_input()	for what arrived on links,
 *	mux_readable() / mux_writable() for local ends that became ready,
 *	mux_run()	once, at the end: everything that follows is sent,
 *			written out, judged and told.
 *
 * Times are milliseconds of a clock that never goes back.  Everything runs in
 * one thread.  The owner's callbacks may call any mux_ function but mux_run(),
 * mux_input() and mux_free().
 *
 * Who ends what: `gone` and `link_end` are the last word about a stream or a
 * link; both are called from mux_run(), mux_free() and mux_shed() only.  When
 * the owner speaks first (mux_reset(), mux_leave()), nothing is called back for
 * that one.
 */
#ifndef MUX_MUX_H
#define MUX_MUX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

struct err;
struct frame;
struct pool;
struct proto_goaway;
struct proto_open;
struct slab;

struct mux;
struct mux_link;
struct mux_stream;

enum mux_side { MUX_RELAY, MUX_CLIENT };

struct mux_conf {
	enum mux_side side;
	struct pool *pool;     /* borrowed; outlives the mux */
	uint32_t window_first; /* bytes; the same on both sides (WELCOME) */
	uint32_t window_max;   /* bytes a window may grow to */
	uint32_t streams_max;  /* streams and flows at once */
	uint64_t held_max;     /* bytes this session may hold, 0: no limit */
	/*
	 * What all sessions of one owner hold, in whichever thread: each adds
	 * its own at the end of its runs.  NULL: nobody asks.  And what that
	 * may be, 0: no limit.
	 */
	_Atomic uint64_t *group_held;
	uint64_t group_max;
	uint32_t opens_per_s; /* the peer's OPENs, 0: no limit */
	uint32_t opens_burst;
	uint32_t links_max; /* 1 to 4 */
	uint32_t ack_ms;    /* an ACK is due this long after the first byte */
	uint32_t ping_idle_ms; /* PING after so much silence */
	uint32_t ping_sent_ms; /* ... or so long after an unanswered word */
	uint32_t dead_ms;      /* a link is dead so long after the PING */
	uint32_t link_busy_ms; /* relay: another link is wanted (LINKS) when
				   one was full for so long while others wait */
	uint32_t first_number; /* first stream number, 0: 1 or 2.  For tests:
				   with it nothing is left to chance */
};

/* The defaults of docs/PROTOCOL.md for one side; pool is left to the caller. */
void mux_conf_default(struct mux_conf *c, enum mux_side side);

enum mux_gone {
	MUX_GONE_CLEAN, /* both halves have ended well: close */
	MUX_GONE_RESET, /* close hard (SO_LINGER 0) */
};

enum mux_pull {       /* flags of pull() */
	MUX_MORE = 1, /* there may be more: do not wait for mux_readable() */
	MUX_EOF = 2,  /* the end comes behind these bytes */
};

enum { MUX_BROKEN = -1 };

enum mux_room { MUX_ROOM_DATA, MUX_ROOM_DGRAM, MUX_ROOM_CONTROL };

struct mux_ops {
	/*
	 * The peer opened a stream or a flow.  Return 0 after naming its
	 * owner with mux_own(), or a code of proto/code.h to refuse it with.
	 * A stream is dialled now; mux_accept() or mux_reset() follows.
	 */
	uint16_t (*open)(
	    void *arg, struct mux_stream *s, const struct proto_open *o);

	/* The peer has connected the stream that mux_open() asked for. */
	void (*connected)(void *sarg);

	/*
	 * Read from the local end into n spans.  Returns the bytes read, 0
	 * when there are none, MUX_BROKEN when the local end is broken (the
	 * peer gets a RESET, and gone() follows).
	 */
	ssize_t (*pull)(
	    void *sarg, const struct span *v, int n, unsigned *flags_out);

	/*
	 * Write n spans to the local end.  Returns the bytes taken; fewer than
	 * given means: wait for mux_writable().  MUX_BROKEN as above.
	 */
	ssize_t (*push)(void *sarg, const struct span *v, int n);

	/* All is written and the peer's FIN has come: shut the sending half. */
	void (*end)(void *sarg);

	/* A datagram of a flow, whole; the bytes live during the call. */
	void (*datagram)(void *sarg, const struct span *v, int n);

	/* The stream is over; s and sarg are not used again by the mux. */
	void (*gone)(
	    void *sarg, enum mux_gone how, uint16_t code, const char *sentence);

	/* Seal n (at most 16,384) bytes as one record of the link. */
	int (*seal)(void *larg, const void *p, size_t n);

	/*
	 * Bytes that the link takes now; at or below 0 it is full (call
	 * mux_run() when that ends).  Control frames and datagrams have limits
	 * of their own, above that of data.
	 */
	ssize_t (*room)(void *larg, enum mux_room what);

	/* Close the link's wire: it is dead, superseded or broken. */
	void (*link_end)(void *larg, uint16_t code, const char *why);

	/*
	 * Client: a PING on this link waits for its answer longer than a
	 * healthy link would take; dial another one beside it.
	 */
	void (*link_silent)(void *larg);

	/* CONFIG, REPORT: a frame that is not the mux's business. */
	void (*control)(void *arg, struct mux_link *l, const struct frame *f);

	/*
	 * Something has happened since the last mux_run(): it must be called
	 * at the end of this turn.  Told once a turn; NULL if it is called in
	 * every turn anyway.
	 */
	void (*wake)(void *arg);

	/* Client: the relay wants so many links in all. */
	void (*links)(void *arg, unsigned wanted);

	void (*goaway)(void *arg, const struct proto_goaway *g);

	/*
	 * The peer broke the protocol beyond repair: tell it (GOAWAY broken),
	 * close its links, mux_free().  Called once, from mux_run().
	 */
	void (*broken)(void *arg, const char *why);
};

struct mux_stats {
	uint32_t streams; /* open now */
	uint32_t flows;
	uint32_t resets; /* RESETs that wait for their answer */
	uint64_t opened; /* ever, streams and flows, by either side */
	uint64_t dgrams_in;
	uint64_t dgrams_out;
	uint64_t dgrams_dropped;
	uint64_t rounds;  /* RESUME rounds begun or answered */
	uint64_t resumed; /* streams that went on after a round */
	uint64_t broken;  /* streams that a round had to break */
	uint64_t held;    /* bytes retained, unread, or unsaid now */
	uint64_t shed;    /* streams reset because its group's share was full */
	uint64_t links_lost;
};

/* --- the session ----------------------------------------------------------- */

struct mux *mux_new(const struct mux_conf *c, const struct mux_ops *ops,
    void *arg, uint64_t now, struct err *e);

/* Ends everything: gone() for each stream (reset), link_end() for each link. */
void mux_free(struct mux **m, uint16_t code, const char *why);

/*
 * The end of a turn.  True: there is more to do at once (come back without
 * sleeping).
 */
bool mux_run(struct mux *m, uint64_t now);

/* When mux_run() must be called at the latest; UINT64_MAX: no need. */
uint64_t mux_deadline(const struct mux *m);

/* Says a whole frame (CONFIG, REPORT) on one of the live links; -1: none. */
int mux_say(struct mux *m, const void *frame, size_t n, struct err *e);

/* GOAWAY on every link. */
void mux_goaway(
    struct mux *m, uint16_t code, uint32_t deadline_ms, const char *sentence);

void mux_stats(const struct mux *m, struct mux_stats *s_out);

/*
 * Resets the stream whose bytes have lain unread the longest, and tells gone().
 * False when no stream has unread bytes.  mux_unread_since() says since when
 * (UINT64_MAX: none), so that the owner of many sessions can choose.
 */
bool mux_shed(struct mux *m, uint16_t code);
uint64_t mux_unread_since(const struct mux *m);

/* --- links ----------------------------------------------------------------- */

/*
 * A link that has said HELLO (relay) or heard WELCOME (client) joins.
 *
 * Relay: first mux_leave_unnamed() with what HELLO listed; then mux_join() with
 * number 0, which picks one; then WELCOME (number, mux_round()) and CONFIGs by
 * mux_link_say(); then, when the session is resumed, mux_resume().  When four
 * links are there, the longest silent one is closed.
 * Client: number and round as WELCOME has them.
 */
struct mux_link *mux_join(struct mux *m, void *larg, uint8_t number,
    uint64_t round, uint64_t now, struct err *e);
void mux_leave_unnamed(struct mux *m, const uint8_t *numbers, unsigned n);
void mux_resume(struct mux *m);
uint64_t mux_round(const struct mux *m);

/* The numbers of the links that live; returns how many. */
unsigned mux_links(const struct mux *m, uint8_t out[4]);

/* The link's wire has ended, or is given up.  Leaves NULL; no link_end(). */
void mux_leave(struct mux_link **l, uint64_t now);

/*
 * Plaintext that arrived, n bytes at b->data + off.  The mux takes references
 * of its own.  Frames may begin and end anywhere.
 */
void mux_input(
    struct mux_link *l, struct slab *b, size_t off, size_t n, uint64_t now);

/* Says a whole frame on this link, before all data. */
int mux_link_say(
    struct mux_link *l, const void *frame, size_t n, struct err *e);

uint8_t mux_link_number(const struct mux_link *l);

/* Round-trip time as PING found it; 0: unknown or below a millisecond. */
uint32_t mux_link_rtt_ms(const struct mux_link *l);

/* When something last arrived on it. */
uint64_t mux_link_heard(const struct mux_link *l);

/*
 * Since when it owes an answer, to a PING that has waited longer than a healthy
 * link takes; 0: it does not.
 */
uint64_t mux_link_owes(const struct mux_link *l, uint64_t now);

/* --- streams and flows ----------------------------------------------------- */

/*
 * Opens one; o->stream is chosen here.  OPEN is sent in this turn's mux_run(),
 * with the first bytes behind it when pull() has some: call mux_readable().
 */
struct mux_stream *mux_open(
    struct mux *m, const struct proto_open *o, void *sarg, struct err *e);

/* Says whose a stream is that the peer opened. */
void mux_own(struct mux_stream *s, void *sarg);

/* The service is connected: the first ACK goes out, bytes begin to flow. */
void mux_accept(struct mux_stream *s);

/* The local end may have something to read (or has ended). */
void mux_readable(struct mux_stream *s);

/* The local end takes bytes again. */
void mux_writable(struct mux_stream *s);

/* Ends a stream or flow now; s is gone for the owner when this returns. */
void mux_reset(struct mux_stream *s, uint16_t code, const char *sentence);

/*
 * Sends a datagram of at most 65,507 bytes over a flow.  1: taken; 0: dropped
 * (no link, or too much waits) and counted.
 */
int mux_datagram(struct mux_stream *s, const void *p, size_t n);

uint32_t mux_stream_number(const struct mux_stream *s);

/* All links are gone: nothing is read or sent until one returns. */
bool mux_is_dark(const struct mux *m);

#endif
