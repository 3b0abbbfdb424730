/*
 * targets: the local addresses that a machine serves, each once: what its client
 * may be asked to reach.
 */
#ifndef WEBAPP_TARGETS_H
#define WEBAPP_TARGETS_H

#include "req.h"

struct targets {
	const char **at; /* HOST:PORT, until the end of the request */
	size_t n;
};

/* -1 with e. */
int targets_load(
    struct req *r, int64_t machine, struct targets *a, struct err *e);

/* "127.0.0.1:22,127.0.0.1:80" */
const char *targets_text(struct req *r, const struct targets *a);

#endif
