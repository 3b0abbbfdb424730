/*
 * relay: what all threads of the process share.  Set up by main before any of
 * them starts; what changes later says so.
 *
 *	control	  the main thread: registry, signals, the two sockets
 *	keeper	  the only one that touches the database
 *	workers	  carry the bytes
 *
 * The threads share nothing that changes but counters and the table of dialling
 * addresses; else they send each other messages (mail.h).
 */
#ifndef RELAYD_RELAY_H
#define RELAYD_RELAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "conf/adit_conf.h"
#include "net/addr.h"

#include "count.h"
#include "limit.h"

struct events;
struct keeper;
struct loop;
struct registry;
struct tls_ctx;
struct worker;

enum {
	RELAY_LISTEN_MAX = 8,
	RELAY_WORKERS_MAX = 256,
};

/* What a reload may change; each worker has a copy of its own. */
struct relay_tunables {
	struct adit_conf_limits limits;
	uint32_t grace_ms;
	uint32_t hold_ms;
};

struct relay {
	struct adit_conf conf;      /* control's alone once the threads run */
	struct relay_tunables tune; /* control's */
	struct loop *loop;          /* control's */
	struct keeper *keeper;
	struct registry *registry;
	struct events *events; /* control's */
	struct worker *workers[RELAY_WORKERS_MAX];
	unsigned worker_n;
	struct tls_ctx *tls;
	/* of the relay's own port */
	int listen_fd[RELAY_LISTEN_MAX];
	unsigned listen_n;
	int link_fd; /* where nginx hands over WebSocket links */
	struct budget budget;
	struct counts counts;
	struct limit_doors *doors;    /* links and dials of an address */
	struct limit_doors *dialling; /* its dials alone */
	uint64_t files_max;  /* descriptors that links and visitors may have */
	uint64_t started_ms; /* clock_ms() */
	int64_t started_at;  /* wall clock */
};

#endif
