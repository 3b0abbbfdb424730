/*
 * limit: how much, how often, and from where.  Pure but for the clock's numbers
 * that it is given.
 */
#ifndef RELAYD_LIMIT_H
#define RELAYD_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;
struct err;
struct limit_doors;
struct limit_rates;

/*
 * A token bucket: so many a second, so many at once.  All zero is a full one.
 */
struct limit_bucket {
	uint64_t at;   /* when it was last looked at, ms */
	uint64_t used; /* thousandths of a token */
};

/* One is taken: true; there is none: false, and *wait_ms_out says how long. */
bool limit_take(struct limit_bucket *b, uint32_t per_s, uint32_t burst,
    uint64_t now, uint32_t *wait_ms_out);

/*
 * Who dials the relay's own port: how many links an address has, and until
 * when it must wait after a HELLO that failed.  An IPv6 address counts as its
 * /64.  May be called from every thread: a table of atomic numbers without a
 * lock.  Two addresses may share a row, which makes the limit stricter for both
 * once in tens of thousands of pairs, and nothing else.
 */
struct limit_doors *limit_doors_new(struct err *e);
void limit_doors_free(struct limit_doors **d);

/* One link more, if there are fewer than max. */
bool limit_doors_enter(
    struct limit_doors *d, const struct addr *a, uint32_t max);
void limit_doors_leave(struct limit_doors *d, const struct addr *a);

/* A HELLO of that address has failed. */
void limit_doors_fine(
    struct limit_doors *d, const struct addr *a, uint64_t until_ms);

/* How long its next HELLO has to wait for that, ms; 0: not at all. */
uint64_t limit_doors_wait_ms(
    const struct limit_doors *d, const struct addr *a, uint64_t now);

/*
 * So many a minute (or a second) from each address, for one tunnel and one
 * thread.  It remembers at most LIMIT_RATES_MAX addresses, and forgets the one
 * that it has not seen the longest.
 */
enum { LIMIT_RATES_MAX = 65536 };

struct limit_rates *limit_rates_new(struct err *e);
void limit_rates_free(struct limit_rates **r);

/*
 * May one more come?  At most `many` at once, refilled over per_ms.  Without
 * memory the answer is yes: a limit never turns a good visitor away for that.
 */
bool limit_rates_take(struct limit_rates *r, const struct addr *a,
    uint32_t many, uint32_t per_ms, uint64_t now);

/* Addresses that it remembers. */
size_t limit_rates_count(const struct limit_rates *r);

#endif
