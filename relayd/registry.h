/*
 * registry: who is here, what is served, and by whom.  It belongs to the
 * control thread, decides everything that concerns more than one session, and
 * tells the workers by messages.
 *
 *	registry.c	snapshots and what follows from them, the tick
 *	tunnels.c	a tunnel's port, who serves it, its lamps
 *	sessions.c	HELLO, takeover, return, the end
 *	view.c		what the sockets show
 *	save.c		what is to be written into the database
 */
#ifndef RELAYD_REGISTRY_H
#define RELAYD_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct registry;
struct relay;
struct snapshot;

/* Takes over first, also when it fails. */
struct registry *registry_new(struct relay *r, struct snapshot *first,
    int64_t next_session, struct err *e);

/* Workers and keeper are gone by now. */
void registry_free(struct registry **g);

/*
 * A newer snapshot, taken over.  Its effects on ports and sessions are on their
 * way when this returns.
 */
void registry_take(struct registry *g, struct snapshot *s);

/* The first look at all tunnels, once the workers run. */
void registry_start(struct registry *g);

/*
 * SIGTERM: ports are held, clients hear GOAWAY closing with ms, newcomers are
 * turned away.  `done` is called when no stream is left, or after ms.
 */
void registry_drain(
    struct registry *g, uint64_t ms, void (*done)(void *arg), void *arg);

/* The tunables of relay have changed. */
void registry_retune(struct registry *g);

/*
 * What is still unwritten goes to the keeper now, unless a batch is under way.
 */
void registry_flush(struct registry *g);
bool registry_is_writing(const struct registry *g);

/* What the keeper says: what is wrong (NULL: nothing); a batch is written. */
void registry_health(struct registry *g, const char *sentence);
void registry_written(struct registry *g);

/* It has looked, as keeper_look() asked; snapshots came before this. */
void registry_looked(struct registry *g);

/* --- what the sockets show (control thread only) --------------------------- */

enum view_light { VIEW_GREY, VIEW_GREEN, VIEW_RED };

enum view_status {
	VIEW_FROZEN,
	VIEW_EXPIRED,
	VIEW_PAUSED,
	VIEW_PENDING,
	VIEW_ERROR,
	VIEW_ONLINE,
	VIEW_OFFLINE,
};

enum view_lamp_at {
	VIEW_REACH,
	VIEW_MACHINE,
	VIEW_SERVICE,
	VIEW_VISITOR,
	VIEW_LAMPS,
};

struct view_lamp {
	enum view_light light;
	char sentence[300];
};

struct view_tunnel {
	int64_t id;
	enum view_status status;
	struct view_lamp lamps[VIEW_LAMPS];
	int64_t session;    /* that serves it, 0: none */
	int64_t machine_id; /* 0: none */
	char machine[256];  /* its name; "" */
	char computer[256]; /* as HELLO told it */
	char system[256];
	char address[64];
	uint32_t rtt_ms;
	uint64_t visitors_now;
	uint64_t visitors;
	uint64_t refused;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t datagrams;
	uint64_t drops;
	int64_t since;      /* wall clock ms: served since; 0: it is not */
	int64_t last_bytes; /* wall clock ms; 0: never */
};

/* "online" and so on; "green", "reach". */
const char *view_status_name(enum view_status s);
const char *view_light_name(enum view_light l);
const char *view_lamp_name(enum view_lamp_at l);

/* One tunnel of the snapshot: 1 and *out, 0 if there is none. */
int registry_view(
    const struct registry *g, int64_t tunnel, struct view_tunnel *out);

/* The ids of all tunnels, at most max; how many there are. */
size_t registry_tunnels(const struct registry *g, int64_t *ids, size_t max);

/* Calls say for each of them. */
void registry_each_tunnel(const struct registry *g,
    void (*say)(void *arg, int64_t user, int64_t tunnel), void *arg);

struct view_session {
	int64_t id;
	int64_t machine;
	char name[256]; /* of the machine */
	char address[64];
	char version[256];
	char system[256];
	bool is_dark;
	uint64_t links;
	uint64_t streams;
	uint64_t flows;
	uint64_t rtt_ms;
	uint64_t bytes_in;
	uint64_t bytes_out;
	int64_t connected_at;
	unsigned worker;
};

/* Calls say for each session. */
void registry_each_session(const struct registry *g,
    void (*say)(void *arg, const struct view_session *s), void *arg);

struct view_status_all {
	uint64_t sessions;
	uint64_t sessions_dark;
	uint64_t tunnels; /* in the snapshot */
	uint64_t tunnels_served;
	uint64_t tunnels_faulty; /* whose port cannot be had */
	uint64_t streams;
	uint64_t flows;
	uint64_t links;
	uint64_t visitors_total;
	uint64_t uptime_s;
	uint64_t held_bytes; /* of streams */
	uint64_t held_max;
	uint64_t memory_bytes; /* resident set of the process */
	uint64_t files_max;
	int64_t change; /* of the snapshot */
	bool closing;
};

void registry_status(const struct registry *g, struct view_status_all *out);

/* Asks for both probes of a tunnel now: 1 asked, 0 unknown or not served. */
int registry_test(struct registry *g, int64_t tunnel);

/* What keeps /readyz from being well: one sentence each; returns how many. */
enum { VIEW_REASONS_MAX = 4 };
unsigned registry_reasons(
    const struct registry *g, char out[VIEW_REASONS_MAX][300]);

#endif
