/*
 * fleet: a user's machines and which tunnels each may serve, read once for a
 * page.
 */
#ifndef WEBAPP_FLEET_H
#define WEBAPP_FLEET_H

#include "req.h"
#include "store/store_machine.h"

struct fleet {
	struct machine *at;
	size_t n;
	int64_t **tunnels; /* of each machine */
	size_t *tunnel_n;
};

/* -1 with e; whatever came of it, fleet_free() frees it. */
int fleet_load(struct req *r, int64_t user, struct fleet *f, struct err *e);
void fleet_free(struct fleet *f);

bool fleet_serves(const struct fleet *f, size_t machine, int64_t tunnel);

/* The first machine that may serve it, or NULL. */
const struct machine *fleet_of(const struct fleet *f, int64_t tunnel);

#endif
