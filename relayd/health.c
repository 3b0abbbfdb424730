#include "health.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/err.h"
#include "keeper.h"
#include "relay.h"
#include "tls/tls_cert.h"

void
health_init(struct health *h, const struct relay *r)
{
	*h = (struct health){ .relay = r };
	health_look(h);
}

void
health_look(struct health *h)
{
	int64_t end;

	if (tls_cert_expiry(&end, h->relay->conf.relay.cert, NULL) == 0)
		h->cert_end = end;
}

unsigned
health_reasons(
    const struct health *h, char out[HEALTH_REASONS_MAX][HEALTH_REASON])
{
	unsigned n = registry_reasons(h->relay->registry, out);
	uint64_t lag = health_lag_ms(h);
	char text[32];

	/* A disk that hangs says nothing. */
	if (n == 0 && lag > HEALTH_LAG_MS)
		snprintf(out[n++], HEALTH_REASON,
		    "database: no answer for %llu s; no change and no "
		    "revocation arrives",
		    (unsigned long long)(lag / 1000));
	if (h->cert_end != 0 && h->cert_end <= clock_wall_ms())
		snprintf(out[n++], HEALTH_REASON,
		    "%.200s: the certificate has expired at %s",
		    h->relay->conf.relay.cert,
		    clock_rfc3339(text, sizeof(text), h->cert_end));
	return n;
}

uint64_t
health_lag_ms(const struct health *h)
{
	return keeper_lag_ms(h->relay->keeper);
}

int64_t
health_cert_end(const struct health *h)
{
	return h->cert_end;
}
