/*
 * session: a machine's presence, at home in one worker.  It outlives its links:
 * without one it is dark for grace_ms, and its visitors wait.
 */
#ifndef RELAYD_SESSION_H
#define RELAYD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/map.h"
#include "mux/mux.h"

#include "limit.h"
#include "worker.h"

struct served;
struct session_link;
struct timer;

struct session {
	struct worker *worker;
	struct map_node node;
	int64_t id;
	uint8_t key[32];
	struct mux *mux;
	struct list links;   /* struct session_link */
	struct list tunnels; /* struct served */
	struct map by_tunnel;
	struct limit_bucket reports;
	struct list stirred; /* worker->stirred */
	struct list ended;   /* worker->ended */
	struct timer *due;   /* the mux wants a run */
	struct timer *hold;
	struct timer *grace;
	struct session_counts *counts;
	struct user_counts *user; /* control's; never freed */
	uint64_t dark_since;
	uint64_t resumed; /* streams, as counted already */
	uint64_t broken;
	uint64_t shed;
	bool is_dark;
	bool is_held;
	bool is_ending; /* with this, at the end of its run: */
	uint16_t end_code;
	bool end_tells; /* the client is told */
	char end_why[256];
	char who[300];
};

/* Needs a run at the end of this turn. */
void session_stir(struct session *s);

/* The end of a turn; true: again at once. */
bool session_run(struct session *s);

/* Ends after its run; the first call counts. */
void session_end(struct session *s, uint16_t code, bool tell, const char *why);

/* A newcomer comes home.  Takes it over. */
void session_adopt(struct worker *w, struct newcomer *n);

struct session *session_find(struct worker *w, int64_t id);
struct served *session_tunnel(struct session *s, int64_t tunnel);

/* Any link's peer has this address. */
bool session_is_at(const struct session *s, const struct addr *a);

/* Counts and round trip for the views; each tick. */
void session_tick(struct session *s);

/* Frees what has ended. */
void session_free(struct session **s);

#endif
