#include "limit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "net/addr.h"

/* --- a bucket -------------------------------------------------------------- */

bool
limit_take(struct limit_bucket *b, uint32_t per_s, uint32_t burst, uint64_t now,
    uint32_t *wait_ms_out)
{
	uint64_t back = (now - b->at) * per_s;
	uint64_t full = (uint64_t)burst * 1000;

	/* An old bucket is full; the product may have wrapped. */
	if (b->at == 0 || now - b->at > 86400000 || back >= b->used)
		b->used = 0;
	else
		b->used -= back;
	b->at = now;
	*wait_ms_out = 0;
	if (b->used + 1000 <= full) {
		b->used += 1000;
		return true;
	}
	*wait_ms_out = (uint32_t)((b->used + 1000 - full) / per_s + 1);
	return false;
}

/* --- doors ----------------------------------------------------------------- */

enum { DOOR_ROWS = 65536 };

struct limit_doors {
	uint64_t seed[2];
	_Atomic uint32_t links[DOOR_ROWS];
	_Atomic uint64_t fined_until[DOOR_ROWS];
};

struct limit_doors *
limit_doors_new(struct err *e)
{
	struct limit_doors *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		err_sys(e, "table of addresses");
		return NULL;
	}
	if (random_bytes(d->seed, sizeof(d->seed), e) == -1)
		limit_doors_free(&d);
	return d;
}

void
limit_doors_free(struct limit_doors **d)
{
	free(*d);
	*d = NULL;
}

/* Its row: nobody outside can tell which addresses share one. */
static size_t
door_row(const struct limit_doors *d, const struct addr *a)
{
	struct addr_net key;
	uint8_t hash[32];

	addr_net_key(&key, a);
	random_hmac_sha256(
	    hash, d->seed, sizeof(d->seed), key.ip, sizeof(key.ip));
	return (size_t)hash[0] << 8 | hash[1];
}

bool
limit_doors_enter(struct limit_doors *d, const struct addr *a, uint32_t max)
{
	_Atomic uint32_t *n = &d->links[door_row(d, a)];

	if (atomic_fetch_add_explicit(n, 1, memory_order_relaxed) < max)
		return true;
	atomic_fetch_sub_explicit(n, 1, memory_order_relaxed);
	return false;
}

void
limit_doors_leave(struct limit_doors *d, const struct addr *a)
{
	atomic_fetch_sub_explicit(
	    &d->links[door_row(d, a)], 1, memory_order_relaxed);
}

void
limit_doors_fine(struct limit_doors *d, const struct addr *a, uint64_t until_ms)
{
	atomic_store_explicit(
	    &d->fined_until[door_row(d, a)], until_ms, memory_order_relaxed);
}

uint64_t
limit_doors_wait_ms(
    const struct limit_doors *d, const struct addr *a, uint64_t now)
{
	uint64_t until = atomic_load_explicit(
	    &d->fined_until[door_row(d, a)], memory_order_relaxed);

	return until > now ? until - now : 0;
}

/* --- rates ----------------------------------------------------------------- */

struct rate {
	struct map_node node;
	struct list seen; /* the longest unseen first */
	uint8_t ip[16];
	uint64_t at;
	uint64_t used; /* thousandths */
};

struct limit_rates {
	struct map by_ip;
	struct list seen;
};

struct limit_rates *
limit_rates_new(struct err *e)
{
	struct limit_rates *r;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_sys(e, "rates");
		return NULL;
	}
	list_init(&r->seen);
	if (map_init(&r->by_ip, sizeof(((struct rate *)0)->ip), e) == -1) {
		free(r);
		return NULL;
	}
	return r;
}

static void
forget(struct limit_rates *r, struct rate *x)
{
	map_remove(&r->by_ip, &x->node);
	list_remove(&x->seen);
	free(x);
}

void
limit_rates_free(struct limit_rates **rp)
{
	struct limit_rates *r = *rp;

	if (r == NULL)
		return;
	while (!list_empty(&r->seen))
		forget(r, LIST_OF(r->seen.next, struct rate, seen));
	map_free(&r->by_ip);
	free(r);
	*rp = NULL;
}

/* Those that have filled up again are like new: two looks at each call. */
static void
sweep(struct limit_rates *r, uint32_t per_ms, uint64_t now)
{
	struct rate *x;
	int n;

	for (n = 0; n < 2 && !list_empty(&r->seen); n++) {
		x = LIST_OF(r->seen.next, struct rate, seen);
		if (now - x->at < per_ms &&
		    map_count(&r->by_ip) < LIMIT_RATES_MAX)
			return;
		forget(r, x);
	}
}

static struct rate *
remember(struct limit_rates *r, const struct addr_net *key)
{
	struct rate *x;

	if ((x = calloc(1, sizeof(*x))) == NULL)
		return NULL;
	memcpy(x->ip, key->ip, sizeof(x->ip));
	list_init(&x->seen);
	if (map_add(&r->by_ip, &x->node, x->ip, NULL) == -1) {
		free(x);
		return NULL;
	}
	return x;
}

bool
limit_rates_take(struct limit_rates *r, const struct addr *a, uint32_t many,
    uint32_t per_ms, uint64_t now)
{
	struct addr_net key;
	struct rate *x;
	uint64_t back;

	sweep(r, per_ms, now);
	addr_net_key(&key, a);
	x = MAP_OF(map_get(&r->by_ip, key.ip), struct rate, node);
	if (x == NULL && (x = remember(r, &key)) == NULL)
		return true;
	list_remove(&x->seen);
	list_append(&r->seen, &x->seen);
	back = now - x->at >= per_ms ? x->used
				     : (now - x->at) * many * 1000 / per_ms;
	x->used -= back < x->used ? back : x->used;
	x->at = now;
	if (x->used + 1000 > (uint64_t)many * 1000)
		return false;
	x->used += 1000;
	return true;
}

size_t
limit_rates_count(const struct limit_rates *r)
{
	return map_count(&r->by_ip);
}
