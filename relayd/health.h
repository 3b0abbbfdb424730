/*
 * health: what keeps this process from being well, a sentence each, from
 * everybody who knows: the registry, the keeper's silence, the certificate.
 * Control thread only.
 */
#ifndef RELAYD_HEALTH_H
#define RELAYD_HEALTH_H

#include <stdint.h>

#include "registry.h"

struct relay;

enum {
	HEALTH_REASON = 300, /* bytes of one, with its NUL */
	HEALTH_REASONS_MAX = VIEW_REASONS_MAX + 2,
	HEALTH_LAG_MS = 5000, /* silence of the keeper that is a reason */
};

struct health {
	const struct relay *relay;
	int64_t cert_end; /* wall clock, ms; 0: unknown */
};

/* Borrows r.  Reads the certificate's dates. */
void health_init(struct health *h, const struct relay *r);

/* Reads them again; when that fails, the old one is still in use. */
void health_look(struct health *h);

/* How many there are. */
unsigned health_reasons(
    const struct health *h, char out[HEALTH_REASONS_MAX][HEALTH_REASON]);

/* Since the keeper last saw the database, ms. */
uint64_t health_lag_ms(const struct health *h);

int64_t health_cert_end(const struct health *h);

#endif
