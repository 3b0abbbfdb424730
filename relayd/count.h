/*
 * count: what relayd counts.  Each number is one atomic word, written by the
 * threads that know and read by whoever asks: no lock, no order between two of
 * them.  The table in count.c names every number of the process, for metrics
 * and for the status that aditctl shows; adding one is adding a line in both.
 */
#ifndef RELAYD_COUNT_H
#define RELAYD_COUNT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t count_t;

static inline void
count_add(count_t *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static inline void
count_sub(count_t *c, uint64_t n)
{
	atomic_fetch_sub_explicit(c, n, memory_order_relaxed);
}

static inline uint64_t
count_get(const count_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static inline void
count_set(count_t *c, uint64_t n)
{
	atomic_store_explicit(c, n, memory_order_relaxed);
}

/* For a word that one thread alone writes: no locked instruction. */
static inline void
count_own(count_t *c, uint64_t n)
{
	count_set(c, count_get(c) + n);
}

/* Of the whole process.  Those that go down again end in _now. */
struct counts {
	count_t dials_now; /* accepted, not yet WELCOME */
	count_t links_now;
	count_t sessions_now;
	count_t sessions_dark_now;
	count_t visitors_now; /* TCP */
	count_t flows_now;    /* UDP */
	count_t files_now;    /* descriptors of links, visitors, ports */

	count_t dials;
	count_t held_dials; /* for limits.penalty_ms */
	count_t sessions;
	count_t returns;
	count_t takeovers;
	count_t visitors;
	count_t flows;
	count_t bytes_in; /* visitor to service */
	count_t bytes_out;
	count_t dgrams_in;
	count_t dgrams_out;
	count_t dgrams_dropped;
	count_t probes;
	count_t streams_resumed;
	count_t streams_broken;
	count_t links_lost;
	count_t sessions_broken; /* the client broke the protocol */
	count_t rows_lost;       /* of sessions: too many waited */

	/* What limits have refused. */
	count_t refused_dials;     /* limits.handshakes */
	count_t refused_links;     /* limits.links_per_address */
	count_t refused_penalty;   /* limits.penalty_ms */
	count_t refused_handshake; /* TLS failed or too slow */
	count_t refused_hello;     /* broken, too large, too slow */
	count_t refused_token;
	count_t refused_sessions; /* limits.sessions */
	count_t refused_returns;  /* limits.returns_per_s */
	count_t refused_tunnel;   /* limits.streams_per_tunnel, its own */
	count_t refused_session;  /* limits.streams_per_session */
	count_t refused_user;     /* limits.streams_per_user */
	count_t refused_visitors; /* limits.streams */
	count_t refused_rate;     /* visitors of an address a minute */
	count_t refused_list;     /* allow and deny */
	count_t refused_memory;   /* above 90 % of relay.memory_mb */
	count_t refused_files;    /* accepting paused: open files */
	count_t refused_opens;    /* a client opened a stream */
	count_t shed_streams;     /* relay.memory_mb, or a session's quarter */
	count_t shed_user;        /* of these: limits.memory_per_user */
	count_t evicted_flows;    /* limits.flows, flows_per_tunnel */
	count_t dropped_rate;     /* datagrams above a source's rate */
};

struct count_name {
	const char *name;
	const char *says;
	size_t at; /* offset in struct counts */
	int is_gauge;
};

extern const struct count_name count_names[];
extern const size_t count_names_n;

/* The number that row names. */
uint64_t count_named(const struct counts *c, const struct count_name *row);

/* Of one tunnel.  Its home worker alone writes. */
struct tunnel_counts {
	count_t visitors_now; /* streams and flows */
	count_t visitors;
	count_t refused;
	count_t bytes_in;
	count_t bytes_out;
	count_t datagrams;
	count_t drops;
	count_t last_bytes; /* wall clock, ms; 0: never */
};

/* Of one session.  Its home worker alone writes. */
struct session_counts {
	count_t links_now;
	count_t streams_now;
	count_t flows_now;
	count_t rtt_ms;
	count_t heard; /* wall clock, ms */
	/* since when no link has answered, clock_ms(); 0: one does */
	count_t owes_since;
	count_t streams_in;
	count_t streams_out;
	count_t bytes_in;
	count_t bytes_out;
	count_t held; /* bytes that the session holds */
};

/* Of one user, over all workers. */
struct user_counts {
	count_t visitors_now;
	count_t held; /* bytes that the sessions of its machines hold */
};

#endif
