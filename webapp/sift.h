/*
 * sift: which tunnels fit what is searched for, and in what order they stand.
 * The dashboard and the API do it alike.
 */
#ifndef WEBAPP_SIFT_H
#define WEBAPP_SIFT_H

#include "status.h"

/* A line that is searched and sorted. */
struct sift_line {
	const struct tunnel *t;
	const char *machine; /* that is to serve it; only to search */
	enum status_is is;
	int64_t bytes; /* of the last 24 hours; only to sort by them */
};

/*
 * Has its name, one of its addresses, its state or its machine this in it, in
 * whatever case?  "" is in all.
 */
bool sift_fits(struct req *r, const struct sift_line *l, const char *q);

/* For qsort() of lines. */
typedef int sift_order(const void *a, const void *b);

/* "new", "need" (what waits for a person first), "name", "traffic"; or NULL. */
sift_order *sift_by(const char *word);

#endif
