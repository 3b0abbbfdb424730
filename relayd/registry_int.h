/*
 * registry_int: what the files of the registry share.  Nobody else includes
 * this.  Everything here belongs to the control thread.
 */
#ifndef RELAYD_REGISTRY_INT_H
#define RELAYD_REGISTRY_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "net/addr.h"
#include "proto/ctl.h"
#include "proto/hello.h"
#include "store/store_snapshot.h"

#include "keeper.h"
#include "limit.h"
#include "registry.h"
#include "registry_mail.h"
#include "relay.h"
#include "told.h"
#include "worker.h"

enum {
	REG_TICK_MS = 1000,
	REG_RETRY_MS = 5000, /* a port that was taken is tried again */
	REG_MOVE_MS = 30000, /* ... and given up, if nobody has used it */
};

struct reg_user {
	struct map_node node;
	int64_t id;
	struct user_counts counts; /* workers write here: never freed */
};

/* A lamp as the client has told it. */
struct reg_lamp {
	uint8_t light; /* enum proto_light */
	uint16_t code;
	char *sentence; /* NULL: none */
};

struct reg_machine {
	struct map_node node;
	int64_t id;
	struct reg_session *session; /* that is alive, or NULL */
	struct limit_bucket returns;
	struct told told; /* who was replaced */
};

/* A tunnel of a session, and what it was told of it last. */
struct reg_offer {
	struct list of_session;
	struct list of_tunnel;
	struct reg_session *session;
	struct reg_tunnel *tunnel;
	uint8_t told[32];        /* hash of the last word */
	bool is_wanted;          /* for the walk over a new snapshot */
	struct reg_lamp service; /* as its client told it last */
	struct reg_lamp reach;
	bool is_gone;     /* withdrawn; stays until the worker forgot it */
	unsigned forgets; /* how often the worker has still to say so */
};

/* It outlives its row: workers may still count. */
struct reg_tunnel {
	struct map_node node;
	int64_t id;
	const struct snap_tunnel *row; /* of the snapshot; NULL: deleted */
	struct reg_user *user;
	struct tunnel_counts counts;
	struct tunnel_counts saved; /* of these, what was handed over */
	struct list offers;
	/* ports: here, or with the session that serves it */
	struct listen_port *tcp;
	struct listen_port *udp;
	uint16_t port;
	uint8_t kind;
	struct reg_session *server;
	bool is_open;    /* its worker has said that the ports listen */
	bool is_leaving; /* server was asked to let go */
	uint8_t state;   /* enum proto_state, when it was settled */
	char *fault;     /* why the port cannot be had */
	uint64_t retry_at;
	uint64_t move_at; /* another program has it: then to another port */
	bool was_open;
	int64_t since;       /* wall clock: open since */
	bool asks_probe;     /* the next word has a nonce */
	uint64_t seen_saved; /* when the batch last named it, 0: it must */
};

struct reg_session {
	struct map_node node;
	int64_t id;
	uint8_t key[32];
	struct map_node by_key;
	struct reg_machine *machine;
	int64_t key_id;
	uint8_t key_hash[32]; /* by which the snapshot is searched */
	struct worker *worker;
	uint8_t instance[TOLD_INSTANCE];
	struct session_counts counts;
	struct list offers;
	struct list all; /* g->sessions */
	char name[256];  /* of the machine */
	char who[300];
	struct addr peer;
	char address[ADDR_TEXT];
	char version[PROTO_TEXT_MAX + 1];
	char system[PROTO_TEXT_MAX + 1];
	char computer[PROTO_TEXT_MAX + 1];
	char *allow; /* what its client may be asked; NULL once it is told */
	bool is_dark;
	bool is_new;    /* its worker has not heard of it */
	bool is_ending; /* its worker was told, or has said so */
	uint64_t live_since;
	int64_t connected_at;
	int64_t ended_at;
	char why[256];
	uint64_t save_at;
};

/* A row that waits for the keeper after its session is gone. */
struct reg_ended {
	struct list on;
	struct session_row row;
	char text[5][256];
	char *allow; /* its own, or NULL */
};

/* What came to a tunnel in an hour and is not handed over yet. */
struct reg_usage {
	struct map_node node;
	struct {
		int64_t hour;
		int64_t tunnel;
	} key;
	struct usage_row row;
};

struct registry {
	struct relay *relay;
	struct snapshot *snap;
	struct map tunnels;
	struct map users;
	struct map machines;
	struct map by_id;  /* sessions */
	struct map by_key; /* the same */
	struct list sessions;
	int64_t next_session;
	unsigned load[RELAY_WORKERS_MAX]; /* sessions of each worker */
	struct addr *binds;
	unsigned bind_n;
	uint8_t verify_key[32];
	bool has_verify_key;
	struct timer *tick;
	bool is_started;
	/* HELLOs with a token that the snapshot does not know (yet) */
	struct list waiting;
	unsigned waiting_n;
	uint64_t looks;  /* that the keeper was asked for */
	uint64_t looked; /* that it has answered */
	/* closing */
	bool is_closing;
	uint64_t close_at;
	void (*closed)(void *arg);
	void *closed_arg;
	unsigned stopped;
	/* what the keeper says */
	char health[256];
	/* what waits for it */
	struct list ended;
	unsigned ended_n;
	struct map usage;
	int64_t *keys;
	size_t key_n, key_cap;
	bool is_writing;
};

/* tunnels.c */
struct reg_tunnel *tunnel_find(const struct registry *g, int64_t id);

/* The entry of a row; made when it is new.  NULL: no memory. */
struct reg_tunnel *tunnel_get(
    struct registry *g, const struct snap_tunnel *row);
void tunnel_free(struct registry *g, struct reg_tunnel **t);

/* Row, ports, server and what the sessions know are brought in line. */
void tunnel_settle(struct registry *g, struct reg_tunnel *t);

/* As CONFIG tells it, but for STANDBY. */
enum proto_state tunnel_state(
    const struct registry *g, const struct reg_tunnel *t);

struct reg_offer *offer_find(
    const struct reg_tunnel *t, const struct reg_session *s);

/* The same; made when there is none. */
struct reg_offer *offer_get(struct reg_tunnel *t, struct reg_session *s);
void offer_free(struct reg_offer **o);

/* Asks for another port, if its own is taken and nobody has used it. */
void tunnel_move(struct registry *g, struct reg_tunnel *t);

/* The word about o as it is now; NULL when it has been told already. */
struct tunnel_spec *offer_spec(struct registry *g, struct reg_offer *o);

/* Made when it is new.  NULL: no memory. */
struct reg_user *reg_user_get(struct registry *g, int64_t id);

/* sessions.c */
struct reg_session *reg_session_find(const struct registry *g, int64_t id);
/* CODE_NONE: its client hears nothing of it. */
void reg_session_end(
    struct registry *g, struct reg_session *s, uint16_t code, const char *why);

/* HELLOs that wait: those whose time is over, or all. */
void hello_tick(struct registry *g, bool all);

/* The keeper has looked: judges those that waited for it. */
void hello_looked(struct registry *g);

/* What a new snapshot means to it. */
void reg_session_check(struct registry *g, struct reg_session *s);
void reg_session_free(struct registry *g, struct reg_session **s);

/* save.c */
void save_key(struct registry *g, int64_t key);
void save_ended(struct registry *g, struct reg_session *s);
void save_tick(struct registry *g);
void save_free(struct registry *g);
int save_init(struct registry *g, struct err *e);

#endif
