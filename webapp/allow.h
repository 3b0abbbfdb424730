/*
 * allow: the local addresses that a machine serves, each once: what its client
 * may be asked to reach.
 */
#ifndef WEBAPP_ALLOW_H
#define WEBAPP_ALLOW_H

#include "req.h"

struct allow {
	const char **at; /* HOST:PORT, until the end of the request */
	size_t n;
};

/* -1 with e. */
int allow_load(struct req *r, int64_t machine, struct allow *a, struct err *e);

/* "127.0.0.1:22,127.0.0.1:80" */
const char *allow_text(struct req *r, const struct allow *a);

#endif
