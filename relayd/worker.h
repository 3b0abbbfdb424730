/*
 * worker: a thread that carries bytes.  It accepts dials on the relay's own
 * port, and is the home of sessions: their links, tunnels, visitors and flows
 * are its alone.  What belongs together across sessions it leaves to control.
 *
 *	link.c		a dial until its HELLO
 *	session.c	a session: its links, dark time, end
 *	served.c	a tunnel that a session has been given
 *	visitor.c	TCP visitors
 *	flow.c		UDP flows
 *	probe.c		the connection that proves that a port is reached
 */
#ifndef RELAYD_WORKER_H
#define RELAYD_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "carry/carry.h"
#include "net/addr.h"
#include "proto/ctl.h"
#include "proto/hello.h"

#include "mail.h"
#include "relay.h"

struct err;
struct flow_box;
struct listen_port;
struct timer;
struct watch;
struct wire;

enum {
	WORKER_ACCEPTS = 64, /* visitors that are let in at a time */
	WORKER_TICK_MS = 100,
	WORKER_FINISH_MS = 2000, /* for a GOAWAY or REJECT to leave */
};

/* What a session's worker must know of a tunnel.  It never changes. */
struct tunnel_spec {
	int64_t id;
	char *name;
	uint8_t *config; /* the CONFIG frame, without LAST */
	uint32_t config_len;
	uint32_t rate;         /* visitors of an address a minute, 0: any */
	uint32_t visitors_max; /* 0: no limit of its own */
	struct addr_nets allow;
	struct addr_nets deny;
	struct tunnel_counts *counts; /* control's; stay until it is let go */
	struct user_counts *user;
	/* The session serves it; the ports are its worker's until let go. */
	bool serve;
	struct listen_port *tcp;
	struct listen_port *udp;
	uint16_t end_code; /* when not 0, its visitors are reset with this */
	bool has_nonce;    /* CONFIG asks for probes */
	uint8_t nonce[16];
};

void tunnel_spec_free(struct tunnel_spec **t);

/* A dial that has said HELLO, on its way home. */
struct newcomer {
	struct mail mail;
	struct list waiting; /* for the keeper's next look */
	uint64_t look;
	uint64_t until;
	struct wire *wire; /* released, paused */
	struct addr peer;
	struct proto_hello hello; /* its token is wiped by control */
	unsigned from;            /* the worker that took it */
	uint64_t since;           /* accepted, clock_ms() */

	/* control's answer */
	int64_t machine; /* 0: the token is not looked at yet */
	int64_t key_id;
	uint8_t key_hash[32];
	int64_t session;
	bool fresh;   /* the session begins with it */
	bool resumed; /* as WELCOME says */
	uint8_t key[32];
	char who[300];                 /* of the session, for the log */
	struct session_counts *counts; /* control's, until `ended` */
	struct user_counts *user;
	struct tunnel_spec **specs; /* fresh: what it is given */
	unsigned spec_n;
	struct proto_reject reject;
};

/* Frees it with what it still has; not the wire. */
void newcomer_free(struct newcomer **n);

/* One of the relay's listening sockets, as this worker watches it. */
struct door {
	struct worker *worker;
	struct watch *watch;
	int fd;
	bool is_ws; /* link.sock: WebSockets come from nginx */
};

struct worker {
	struct relay *relay;
	unsigned index;
	pthread_t thread;
	bool running;
	struct loop *loop;
	struct carry carry;
	struct hook *hook;
	struct relay_tunables tune;
	struct door doors[RELAY_LISTEN_MAX + 1];
	unsigned door_n;
	bool doors_shut;     /* accepting pauses: open files */
	bool gates_shut;     /* the same at some public port */
	struct list links;   /* dials */
	struct list greeted; /* those that have said HELLO in this turn */
	struct map sessions;
	struct list stirred; /* sessions that need a run */
	struct list ended;   /* sessions to be freed at the turn's end */
	struct list news;    /* served tunnels with a report for control */
	struct list flowing; /* served tunnels with a UDP port */
	struct flow_box *flows;
	struct timer *tick;
	uint64_t said_full;
	bool full;    /* no descriptor was left */
	bool closing; /* no newcomers */
	unsigned ticks;
	uint64_t visitor_serial;
};

struct worker *worker_new(struct relay *r, unsigned index, struct err *e);
int worker_start(struct worker *w, struct err *e);

/* After `stopped` has come: ends the thread, frees all. */
void worker_free(struct worker **w);

/*
 * True when so many files are open that no visitor may come; clients may use
 * half of the reserve, so that a crowd of visitors locks none of them out.
 */
bool worker_is_full(const struct worker *w, bool for_link);

/* Counts that `who` has to wait for that, and says so once a second. */
void worker_say_full(struct worker *w, const char *who);

/* Dials wait in the kernel's queue until files have been closed. */
void worker_shut_doors(struct worker *w);

/* --- from control ---------------------------------------------------------- */

/* The newcomer goes home, or away: it is the worker's from now on. */
void worker_adopt(struct worker *w, struct newcomer *n);
void worker_reject(struct worker *w, struct newcomer *n);

/* A tunnel as it is from now on; spec is the worker's. */
void worker_tell(struct worker *w, int64_t session, struct tunnel_spec *spec);

/* The machine no longer has it; its visitors are reset with code. */
void worker_gone(
    struct worker *w, int64_t session, int64_t tunnel, uint16_t code);

/* Its client hears GOAWAY with code, or with CODE_NONE nothing. */
void worker_end(
    struct worker *w, int64_t session, uint16_t code, const char *sentence);

void worker_retune(struct worker *w, const struct relay_tunables *t);

/* GOAWAY closing to all, no dials any more. */
void worker_close(struct worker *w, uint32_t ms);

/* Ends all sessions; registry_on_stopped() is its answer. */
void worker_stop(struct worker *w);

#endif
