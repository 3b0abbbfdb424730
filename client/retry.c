#include "retry.h"

void
retry_init(struct retry *r, uint64_t now)
{
	*r = (struct retry){ .at = now, .quick_at = now, .quick = RETRY_QUICK };
}

/* 0 to below - 1. */
static uint64_t
part(uint64_t below, uint32_t chance)
{
	return below * chance >> 32;
}

static void
regain(struct retry *r, uint64_t now)
{
	uint64_t more = (now - r->quick_at) / RETRY_QUICK_MS;

	r->quick_at += more * RETRY_QUICK_MS;
	if (more >= RETRY_QUICK - r->quick)
		r->quick = RETRY_QUICK;
	else
		r->quick += (unsigned)more;
}

void
retry_lost(struct retry *r, uint64_t now, uint32_t chance)
{
	uint64_t most = RETRY_BASE_MS;

	regain(r, now);
	if (r->quick > 0) {
		r->quick--;
		most = RETRY_FIRST_MS;
	}
	r->fails = 1;
	r->at = now + part(most, chance);
	if (r->at < r->asked_until)
		r->at = r->asked_until;
}

void
retry_failed(struct retry *r, uint64_t now, uint32_t chance)
{
	uint64_t most = RETRY_FIRST_MS;
	unsigned i;

	if (r->welcomed_at != 0 && now >= r->welcomed_at + RETRY_PEACE_MS)
		r->fails = 0;
	r->welcomed_at = 0;
	if (r->fails > 0)
		most = RETRY_BASE_MS;
	for (i = 1; i < r->fails && most < RETRY_MAX_MS; i++)
		most *= 2;
	if (most > RETRY_MAX_MS)
		most = RETRY_MAX_MS;
	r->fails++;
	r->at = now + part(most, chance);
}

void
retry_asked(struct retry *r, uint64_t now, uint32_t wait_ms, uint32_t chance)
{
	retry_failed(r, now, chance);
	/* All who were asked the same must not come back together. */
	r->asked_until = now + wait_ms;
	r->at += wait_ms;
}

void
retry_welcome(struct retry *r, uint64_t now)
{
	r->asked_until = 0;
	r->welcomed_at = now;
}

void
retry_now(struct retry *r, uint64_t now)
{
	r->at = now > r->asked_until ? now : r->asked_until;
	r->fails = 0;
}

uint64_t
retry_at(const struct retry *r)
{
	return r->at;
}
