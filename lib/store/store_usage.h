/*
 * store_usage: what tunnels carried, by the hour.
 */
#ifndef STORE_STORE_USAGE_H
#define STORE_STORE_USAGE_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

struct usage {
	int64_t hour; /* wall clock in ms / 3,600,000 */
	int64_t tunnel;
	int64_t bytes_in, bytes_out; /* from visitors, to visitors */
	int64_t streams, datagrams, drops;
};

/*
 * The hours from the first to the last, both included, in which tunnels of
 * user (of everybody: STORE_ANYBODY) carried something, by tunnel, then hour;
 * tunnel 0 means all of them.  free(*list_out).
 */
int store_usage_hours(struct store *s, int64_t user, int64_t tunnel,
    int64_t first, int64_t last, struct usage **list_out, size_t *n_out,
    struct err *e);

/* The same hours of all of user's tunnels, added up: one for each, hour 0. */
int store_usage_totals(struct store *s, int64_t user, int64_t first,
    int64_t last, struct usage **list_out, size_t *n_out, struct err *e);

#endif
