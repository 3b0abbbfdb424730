/*
 * store_page: a part of what may be long, for pages and programs that look at
 * it: how many there are, and those from the skip-th on.  All lists are the
 * caller's to free().
 */
#ifndef STORE_STORE_PAGE_H
#define STORE_STORE_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "store/check.h"
#include "store/store_event.h"
#include "store/store_session.h"

struct err;
struct store;

int store_user_count(struct store *s, int64_t *n_out, struct err *e);
int store_machine_count(
    struct store *s, int64_t user, int64_t *n_out, struct err *e);

/* A machine that may serve a tunnel. */
struct page_pair {
	int64_t tunnel;
	int64_t machine;
	char name[CHECK_NAME_MAX + 1]; /* of the machine */
};

/*
 * The pairs of user's tunnels whose numbers are from first to last, by tunnel,
 * then machine.
 */
int store_page_pairs(struct store *s, int64_t user, int64_t first, int64_t last,
    struct page_pair **list_out, size_t *n_out, struct err *e);

/* The audit trail, the newest first; all events of user. */
int store_page_events(struct store *s, int64_t user, int64_t skip,
    int64_t limit, struct event **list_out, size_t *n_out, int64_t *total_out,
    struct err *e);

/* Which sessions: 0 is any. */
struct page_sessions {
	int64_t user;
	int64_t machine;
	int64_t tunnel; /* of machines that may serve it */
};

/* Presences of machines at the relay, the newest first. */
int store_page_sessions(struct store *s, const struct page_sessions *which,
    int64_t skip, int64_t limit, struct session_info **list_out, size_t *n_out,
    int64_t *total_out, struct err *e);

/*
 * What went through a tunnel (0: all of user's), in steps of so many hours (1
 * or 24, days being UTC's), from the hour `from` to the one before `to`; steps
 * without traffic are missing.
 */
int store_page_usage(struct store *s, int64_t user, int64_t tunnel,
    int64_t step, int64_t from, int64_t to, struct usage_row **list_out,
    size_t *n_out, struct err *e);

#endif
