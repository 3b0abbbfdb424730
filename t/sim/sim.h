/*
 * sim: two struct mux talk over simulated links, and an onlooker who sees
 * every frame and both local ends of every stream says when one of them did
 * wrong.  All of it follows from one number, the seed.
 *
 *	plan.c	what a seed draws before it begins
 *	sim.c	what happens when, the last judgement
 *	wire.c	links: bytes under way, cuts, HELLO and WELCOME
 *	watch.c	the onlooker: frames as they are sent and as they arrive
 *	ends.c	local ends: what a socket would be
 */
#ifndef T_SIM_SIM_H
#define T_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "mux/mux.h"

struct frame;

enum sim_family {
	SIM_PLAIN,
	SIM_HARD,     /* more cuts, resets and dials given up */
	SIM_ONELINK,  /* never two links at once */
	SIM_TINY,     /* windows from one byte, wires that hold little */
	SIM_FLOWS,    /* datagrams beside streams */
	SIM_WRAP,     /* stream numbers pass UINT32_MAX */
	SIM_PRESSURE, /* little memory, small limits */
	SIM_CHAOS,    /* owners that call the mux from its own callbacks */
	SIM_SILENCE,  /* links that die of silence, sides that were stopped */
	SIM_FAMILIES,
};

enum {
	SIM_LINKS = 600,
	SIM_PAIRS = 48,
	SIM_DGRAMS = 96,
	SIM_FRAME = 16384,
};

/* What a seed draws before it begins. */
struct sim_plan {
	enum sim_family family;
	unsigned steps;
	unsigned links; /* the client wants so many */
	unsigned pairs; /* streams and flows, in all */
	unsigned flows; /* percent of them that are flows */
	unsigned cuts;  /* left to make */
	unsigned cut_weight;
	unsigned darks;    /* left: all links cut, no dial for a while */
	unsigned resets;   /* left to make, by owners */
	unsigned abandons; /* dials to give up, left */
	unsigned breaks;   /* local ends that may break, left */
	unsigned refusals;
	unsigned jumps;   /* clocks that jump, left */
	unsigned slow;    /* percent of the time a full end takes more */
	uint32_t tick_ms; /* a step takes up to so long */
	uint64_t len_max; /* bytes a side may send on a stream */
	size_t list_max;  /* entries in a RESUME frame, 0: as they come */
	size_t wire_max;  /* bytes a wire may hold */
	bool relay_notices;
	bool chaos;
	bool seal_fails;
	bool limits; /* a mux may refuse a newcomer by itself */
	uint64_t budget;
};

/* Bytes that came by, read as frames. */
struct watch {
	uint8_t part[SIM_FRAME];
	size_t len;
};

/* One direction of a link: bytes under way to one side. */
struct wire {
	uint8_t *p;
	size_t head, len, cap;
	size_t size; /* full above this */
	bool cut;    /* nothing arrives any more */
	bool owed;   /* room() said full: a turn when that ends */
	struct watch sent, got;
};

/* One side's end of a link: the mux knows it as larg. */
struct port {
	struct sim *sim;
	struct link *link;
	enum mux_side side;
	struct mux_link *l; /* NULL before it joins and after it has left */
	bool closed;
	uint64_t last_at; /* event at which a RESUME's LAST arrived here */
};

struct link {
	int id;
	struct port port[2]; /* by enum mux_side */
	struct wire to[2];   /* by the side that reads */
	uint8_t hello[SIM_FRAME];
	size_t hello_len;
	uint8_t number;
	bool welcomed;
};

struct dgram {
	uint32_t len;
	uint64_t hash;
	bool got;
};

/* One side's local end of a stream or a flow: the mux knows it as sarg. */
struct end {
	struct sim *sim;
	struct pair *pair;
	enum mux_side side;
	struct mux_stream *s;
	bool known; /* the owner has it: opened, not gone, not reset */
	bool over;  /* it has been known and is no more */
	enum mux_gone how;
	bool failing; /* has said MUX_BROKEN: gone() must follow */
	bool accepted;
	bool connected;

	uint64_t len;   /* bytes it sends in all */
	uint64_t avail; /* bytes that may be read from it now */
	uint64_t pos;   /* bytes that were read */
	bool eof_ready;
	bool eof;
	bool owes_read;

	uint64_t in; /* bytes written to it */
	bool ended;
	bool blocked;

	struct dgram dgram[SIM_DGRAMS]; /* sent by this end */
	unsigned dgrams;

	/* What the onlooker knows. */
	uint64_t told; /* limit that has arrived: it may send so far */
	uint64_t said; /* limit that it has told */
	uint64_t high; /* end of what it ever sent */
	uint64_t arrived;
	bool fin_arrived;
	int spoke_on; /* link of its last frame, -1: none */
	uint64_t spoke_at;
	int left; /* link that it must have given up, -1: none */
};

struct pair {
	uint32_t number;
	unsigned index;
	enum mux_side opener;
	bool udp;
	bool excused; /* somebody had a reason to reset it */
	struct end end[2];
};

struct sim_side {
	enum mux_side side;
	struct mux *mux;
	struct pool *pool;
	struct budget budget;
	bool dirty;
	unsigned busy; /* turns in a row that wanted another and did nothing */
	bool in_run;
};

struct sim {
	uint64_t seed;
	uint64_t rnd;
	bool trace;
	struct sim_plan plan;
	struct mux_conf conf[2];
	struct sim_side side[2];
	uint64_t now;
	uint64_t event; /* counts frames and closings */
	uint64_t work;  /* counts calls of seal, pull, push */
	struct link *link[SIM_LINKS];
	int links;
	struct link *dial; /* the one under way */
	unsigned dark;     /* steps without a dial */
	bool started;      /* the relay has had a link */
	bool draining;
	bool in_chaos;
	bool switched[2];
	uint64_t last_at[2]; /* of the latest LAST on any link */
	uint64_t lost;       /* links that ended, ever */
	bool wanted_dial;
	struct pair *pair[SIM_PAIRS];
	unsigned pairs;
	bool failed;
	char why[320];

	/* what was seen, for the story at the end */
	uint64_t cuts, frames, resumed, rounds, dgrams_got, dgrams_sent;
	uint64_t bytes, sheds;
};

/* Runs one seed.  True when all was well; s->why says what was not. */
bool sim_run(struct sim *s, uint64_t seed, bool trace);
const char *sim_family_name(enum sim_family f);

/* --- for the files of the simulator ---------------------------------------- */

uint64_t sim_random(struct sim *s);
uint64_t sim_below(struct sim *s, uint64_t n); /* 0 to n - 1; 0 for 0 */
uint64_t sim_between(struct sim *s, uint64_t low, uint64_t high);
bool sim_chance(struct sim *s, unsigned percent);
void sim_fail(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
void sim_say(struct sim *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *sim_side_name(enum mux_side side);
static inline enum mux_side
sim_other(enum mux_side side)
{
	return side == MUX_RELAY ? MUX_CLIENT : MUX_RELAY;
}

/* plan.c */
void plan_draw(struct sim *s);
void plan_conf(struct sim *s, enum mux_side side);

/* wire.c */
void wire_dial(struct sim *s);
void wire_abandon(struct sim *s);
void wire_deliver(struct sim *s, struct link *k, enum mux_side side, size_t n);
void wire_cut(struct sim *s, struct link *k);
bool wire_is_dead(const struct link *k);
bool wire_may_notice(
    const struct sim *s, const struct link *k, enum mux_side side);
void wire_notice(struct sim *s, struct link *k, enum mux_side side);
void wire_ready(struct sim *s, struct link *k, enum mux_side side);
unsigned wire_live(const struct sim *s, enum mux_side side);
void wire_free(struct link *k);
int wire_seal(void *larg, const void *p, size_t n);
ssize_t wire_room(void *larg, enum mux_room what);
void wire_end(void *larg, uint16_t code, const char *why);
void wire_silent(void *larg);

/* watch.c */
void watch_sent(struct sim *s, struct link *k, enum mux_side by,
    const uint8_t *p, size_t n);
void watch_got(struct sim *s, struct link *k, enum mux_side by,
    const uint8_t *p, size_t n);
void watch_turn(struct sim *s, enum mux_side side);

/* ends.c */
struct pair *ends_find(struct sim *s, uint32_t number);
void ends_open(struct sim *s, enum mux_side side);
void ends_move(struct sim *s, struct end *e);
void ends_reset(struct sim *s, struct end *e, uint16_t code);
void ends_drain(struct sim *s, struct end *e);
void ends_chaos(struct sim *s, enum mux_side side);
uint16_t ends_on_open(
    void *arg, struct mux_stream *m, const struct proto_open *o);
void ends_connected(void *sarg);
ssize_t ends_pull(void *sarg, const struct span *v, int n, unsigned *flags_out);
ssize_t ends_push(void *sarg, const struct span *v, int n);
void ends_end(void *sarg);
void ends_datagram(void *sarg, const struct span *v, int n);
void ends_gone(
    void *sarg, enum mux_gone how, uint16_t code, const char *sentence);

#endif
