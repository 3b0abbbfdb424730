/*
 * route: which handler answers what, and what each demands of who asks.  The
 * table stands in route.c; what it demands has been proven when a handler is
 * called.
 */
#ifndef WEBAPP_ROUTE_H
#define WEBAPP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "req.h"

enum {
	OPEN = 0,
	SIGNED_IN = 1 << 0,  /* a session of a browser */
	ADMIN = 1 << 1,      /* of an admin; else the page is not there */
	FORM_TOKEN = 1 << 2, /* a form of ours, read into r->form */
	API_KEY = 1 << 3,    /* Authorization: Bearer KEY */
	WRITES = 1 << 4,     /* the key must be one that may write */
	NO_STORE = 1 << 6,   /* works without the database */
	PROBLEM = 1 << 7,    /* errors are RFC 9457 problem details */
	/*
	 * What its handler writes is kept as a whole, or not at all when it
	 * answers with an error.  Others wait meanwhile, so it waits for nobody.
	 */
	ONE_STEP = 1 << 8,
};

struct route {
	enum req_method method;
	/*
	 * Parts between slashes; {id} is a number from 1, kept in r->id[],
	 * {word} any other part, kept in r->word[].
	 */
	const char *path;
	unsigned demands;
	void (*fn)(struct req *r);
};

/* All of them; for tests, too. */
extern const struct route routes[];
extern const size_t routes_n;

/* Does path fit the pattern?  Fills r->id and r->word. */
bool route_fits(struct req *r, const char *pattern, const char *path);

/* Answers r, whose req_init() said refused. */
void route_answer(struct req *r, unsigned refused);

#endif
