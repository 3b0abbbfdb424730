/*
 * store_event: who did what, to what, from where.
 */
#ifndef STORE_STORE_EVENT_H
#define STORE_STORE_EVENT_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

/* Longer texts are cut when they are written; none carries a secret. */
struct event {
	int64_t id;
	int64_t at;   /* 0: now */
	int64_t user; /* whose page shows it; 0: nobody's */
	char who[256];
	char did[65]; /* "tunnel add" */
	char what[512];
	char origin[256];
};

int store_event_add(struct store *s, const struct event *v, struct err *e);

/* The newest first, of user or everybody; free(*list_out). */
int store_event_list(struct store *s, int64_t user, int64_t limit,
    struct event **list_out, size_t *n_out, struct err *e);

/*
 * The same of one tunnel of user: the newest, up to limit, that are among so
 * many of the user's newest.
 */
int store_event_about(struct store *s, int64_t user, int64_t tunnel,
    int64_t among, int64_t limit, struct event **list_out, size_t *n_out,
    struct err *e);

#endif
