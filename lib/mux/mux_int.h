/*
 * mux_int: what the files of mux share.  Nobody else includes this.
 *
 *	mux.c		a session: birth, the turn, timers, the end
 *	mux_link.c	a link: joining, silence, frames in, frames out
 *	mux_stream.c	a stream: opening, bytes and ends in both directions
 *	mux_sched.c	whose turn it is to fill a link
 *	mux_flow.c	datagrams
 *	mux_resume.c	what survives the loss of a link (PROTOCOL.md, RESUME)
 *	mux_queue.c	bytes retained until they are acknowledged or read
 */
#ifndef MUX_INT_H
#define MUX_INT_H

#include "base/buf.h"
#include "base/list.h"
#include "base/pool.h"
#include "mux/mux.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"

enum {
	LINK_CONTROL_MAX = 8 << 20, /* bytes of control frames that may wait */
	RESETS_MAX = 16384,         /* RESETs that wait for their answer */
	ANSWERS_MAX = 65536,        /* to RESETs, that wait for a full link */
	PINGS_PER_S = 10,
	ACKS_AHEAD_MAX = 1000, /* ACKs that moved nothing */
	READ_UNIT = 16,
	READ_LEAST = 4096, /* a link that is nearly full still gets so much */
	READ_MIN = 16368,  /* a stream reads so much in its turn, ... */
	READ_MAX = 512 << 10, /* ... growing while it fills what it asks for */
	SPANS_MAX = READ_MAX / FRAME_BODY_MAX + 2,
	PUSH_SPANS = 64,
	STAGE_BODY_MAX =
	    2048, /* larger bodies go out as records of their own */
	SMALL_MAX = POOL_SMALL,
	DGRAM_MAX = 65507,
	SILENT_MS = 1000,      /* a PING without an answer: dial beside it */
	PAUSED_MS = 1000,      /* a turn so late means: we were stopped */
	STARVED_MS = 20,       /* without memory, try again so much later */
	LINK_QUIET_MS = 10000, /* a second link unneeded for so long may go */
};

/* A piece of a slab that a queue holds. */
struct seg {
	struct seg *next;
	struct slab *slab;
	uint32_t off;
	uint32_t len;
};

struct queue {
	struct seg *head;
	struct seg *tail;
	uint64_t bytes;
};

struct mux_stream {
	struct mux *m;
	struct mux_stream *chain; /* of the number table */
	void *sarg;
	struct mux_link *link; /* NULL: DETACHED, or OPEN not sent yet */
	struct list turn;    /* m->turn, m->fresh: wants to send; or m->dead */
	struct list say;     /* m->control: wants OPEN, ACK or RESET sent;
				    or m->late: an ACK is due some time */
	struct list in_list; /* m->dirty or m->unread */
	union {
		struct proto_open *open; /* until the peer has been heard */
		char *sentence;          /* rst or dead: until it is told */
	} extra;

	/* sending: acked <= sent <= pulled <= limit */
	struct queue out; /* bytes acked .. pulled */
	struct seg *cur;  /* where `sent` stands; NULL at the end of out */
	uint64_t acked;
	uint64_t sent;
	uint64_t limit;

	/* receiving: taken <= received <= told_limit */
	struct queue in; /* bytes taken .. received */
	uint64_t received;
	uint64_t told_received;
	uint64_t told_limit;
	uint64_t ack_since; /* when the oldest unsaid news came */
	uint64_t unread_since;
	uint64_t old_wround; /* of the link that it was detached from */
	uint32_t cur_pos;    /* within cur */
	uint32_t ack_last;   /* when the last ACK went out, low 32 bits */
	uint32_t window;

	uint32_t number;
	uint32_t their_entry; /* index + 1 in m->theirs, during a judgement */
	uint32_t listed;      /* the round in which I listed it, low bits */
	uint16_t read_units;  /* what it reads in a turn, in READ_UNITs */
	uint16_t code;        /* of my RESET, or of the end that is to tell */
	uint8_t old_number;   /* of that link; 0: never had one */

	bool udp : 1;
	bool mine : 1;       /* I opened it */
	bool opened : 1;     /* OPEN has been sent, or has come */
	bool heard : 1;      /* something of it came from the peer */
	bool accepted : 1;   /* asked side: the service is connected */
	bool connected : 1;  /* opener: connected() was called */
	bool readable : 1;   /* pull() may have something */
	bool blocked : 1;    /* push() took less than it was given */
	bool fin_pulled : 1; /* pull() has seen the end */
	bool fin_sent : 1;
	bool fin_acked : 1;
	bool fin_come : 1;   /* the peer's FIN has come */
	bool end_told : 1;   /* end() was called */
	bool rst : 1;        /* I have reset it; waits for the ANSWER */
	bool listed_rst : 1; /* as what I listed it */
	bool want_ack : 1;
	bool want_rst : 1;
	bool dead : 1; /* on m->dead: gone() is to be told */
	bool dead_clean : 1;
};

struct mux_link {
	struct mux *m;
	struct list on; /* m->links, or m->ended */
	void *larg;
	uint8_t number;
	bool ended;
	bool left;    /* the owner has left it: no link_end() */
	bool refused; /* a record could not be sealed */
	bool want_ping;
	bool want_pong;
	bool silent_told; /* link_silent() was called in this silence */
	uint16_t end_code;
	char why[128];
	uint64_t wround; /* the round that its WELCOME told */
	uint64_t pong;
	uint64_t ping; /* the opaque of the PING under way */
	uint64_t heard;
	uint64_t said;    /* first word since then; 0: none */
	uint64_t ping_at; /* when the PING went; 0: none is out */
	uint64_t second;  /* for counting PINGs */
	unsigned pings;
	uint32_t rtt_ms;
	uint64_t full_since; /* 0: it has room */
	struct buf control;
	uint32_t answers;   /* to RESETs, since control was empty */
	struct slab *stage; /* frames that share the next record */
	uint32_t stage_len;
	struct slab *carry; /* a frame that has not come whole */
	uint32_t carry_len;
	struct queue dgram; /* a datagram that has not come whole */
	uint32_t dgram_flow;
};

struct mux {
	struct mux_conf conf;
	struct mux_ops ops;
	void *arg;
	uint64_t now;
	uint64_t due; /* the deadline that was told last */

	struct list links;
	struct list ended; /* link_end() is to be told */
	unsigned link_count;
	unsigned wanted;        /* links, as LINKS said; 1 */
	uint64_t second_needed; /* when a further link was last of use */

	struct mux_stream **table;
	uint32_t table_mask;
	uint32_t table_count;
	uint32_t next_number;
	uint32_t key; /* of the table's hash */
	uint8_t last_link;

	struct list turn;  /* streams that want to send */
	struct list fresh; /* ... which had nothing to send a moment ago */
	bool turn_waits;   /* the last run served the fresh ones alone */
	struct list control;
	struct list late;
	struct list dirty;
	struct list unread;
	struct list dead;
	struct seg *free_segs;
	unsigned free_count;
	bool starved;

	uint64_t opens_at; /* token bucket of the peer's OPENs */
	uint64_t opens_left;
	int acks_ahead; /* ACKs that moved nothing, less those that may */

	/* RESUME: the relay's round; the client's highest seen */
	uint64_t round;
	uint8_t round_live[4];       /* client: the links that it named */
	struct mux_link *round_link; /* relay: the round is open on it */
	bool round_wanted;
	struct buf theirs; /* entries of the list that is coming */
	struct mux_link *theirs_link;
	uint64_t theirs_round;
	uint64_t *given; /* client: [256], wround + 1 of links given up */

	bool awake;         /* wake() was called since the last run */
	bool flush_follows; /* in a run, before what is staged goes out */
	bool is_broken;
	bool broken_told;
	char broken_why[160];

	struct mux_stats stats;
	uint64_t group_told; /* of stats.held, what the group was told */
};

/* Bytes that were read from the local end so far. */
static inline uint64_t
pulled(const struct mux_stream *s)
{
	return s->acked + s->out.bytes;
}

static inline bool
mux_is_relay(const struct mux *m)
{
	return m->conf.side == MUX_RELAY;
}

/* mux.c */
void mux_wake(struct mux *m);
void mux_break(struct mux *m, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

bool mux_has_share(const struct mux *m);

/* mux_queue.c */
int mux_queue_add(
    struct mux *m, struct queue *q, struct slab *b, uint32_t off, uint32_t len);
int mux_queue_copy(struct mux *m, struct queue *q, const void *p, size_t n);
void mux_queue_drop(struct mux *m, struct queue *q, uint64_t n);
void mux_queue_clear(struct mux *m, struct queue *q);
int mux_queue_spans(
    const struct queue *q, struct span *v, int max, size_t *n_out);
int mux_queue_pack(struct mux *m, struct queue *q);
void mux_queue_forget_spare(struct mux *m);

/* mux_link.c */
void mux_link_drop(struct mux_link *l, uint16_t code, const char *why);
void mux_link_free(struct mux_link **l);
void mux_link_silence(struct mux_link *l);
uint64_t mux_link_due(const struct mux_link *l);
bool mux_link_control(struct mux_link *l);
void mux_link_put(struct mux_link *l, const struct frame *f, const void *body);
void mux_link_direct(struct mux_link *l, const void *p, size_t n);
void mux_link_flush(struct mux_link *l);
int mux_link_add(struct mux_link *l, const struct frame *f, const void *body);
struct mux_link *mux_link_best(struct mux *m);
ssize_t mux_link_room(const struct mux_link *l, enum mux_room what);

/* mux_stream.c */
struct mux_stream *mux_stream_find(struct mux *m, uint32_t number);
struct mux_stream *mux_stream_new(struct mux *m, uint32_t number, bool mine);
void mux_stream_free(struct mux_stream *s);
void mux_stream_frame(
    struct mux_link *l, const struct frame *f, struct slab *b);
void mux_stream_heard(struct mux_stream *s);
void mux_stream_detach(struct mux_stream *s);
void mux_stream_attach(struct mux_stream *s, struct mux_link *l);
void mux_stream_check(struct mux_stream *s);
void mux_stream_over(
    struct mux_stream *s, bool clean, uint16_t code, const char *sentence);
void mux_stream_break(struct mux_stream *s, uint16_t code);
void mux_stream_forget(struct mux_stream *s);
void mux_stream_trim(struct mux_stream *s, uint64_t acked);
void mux_stream_rewind(struct mux_stream *s);
void mux_stream_push(struct mux_stream *s);
void mux_stream_news(struct mux_stream *s);
void mux_stream_want(struct mux_stream *s);
void mux_stream_say(struct mux_stream *s);
void mux_stream_tell_gone(struct mux_stream *s);
void mux_stream_answer(struct mux_link *l, uint32_t number);

/* Calls fn for each stream; fn may end or free the one it is given. */
void mux_stream_each(
    struct mux *m, void (*fn)(struct mux_stream *s, void *arg), void *arg);

/* mux_sched.c */
void mux_sched_ready(struct mux_stream *s);
void mux_sched_fresh(struct mux_stream *s);
bool mux_sched_run(struct mux *m);

/* mux_flow.c */
void mux_flow_frame(struct mux_link *l, struct mux_stream *s,
    const struct frame *f, struct slab *b);
void mux_flow_forget(struct mux_link *l);
void mux_flow_gone(struct mux_link *l, uint32_t number);

/* mux_resume.c */
void mux_resume_begin(struct mux *m);
void mux_resume_frame(struct mux_link *l, const struct frame *f);
void mux_resume_lost(struct mux *m, uint8_t number);
bool mux_resume_is_closed(const struct mux_link *l);
void mux_resume_gave_up(struct mux *m, struct mux_link *l);
void mux_resume_say_lost(struct mux *m, struct mux_link *l, bool live_only,
    const uint8_t *live, unsigned n);

#endif
