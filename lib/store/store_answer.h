/*
 * store_answer: what was answered to a program's request that named itself
 * (Idempotency-Key), so that the same request, sent again, gets the same answer
 * and changes nothing.  Kept for a day, for each API key apart.
 *
 * An answer may hold a secret that is shown once.  It is kept enciphered with
 * the API key, of which the database has the hash alone.
 */
#ifndef STORE_STORE_ANSWER_H
#define STORE_STORE_ANSWER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

#define ANSWER_KEPT_MS (INT64_C(24) * 3600 * 1000)

enum {
	ANSWER_NAME_MAX = 255,
	ANSWER_BODY_MAX = 65536,
};

struct answer {
	const char *key;     /* the API key, in its digits */
	const char *name;    /* the request's own, 1 to ANSWER_NAME_MAX bytes */
	uint8_t request[32]; /* SHA-256 of all that was asked */
	unsigned status;
	uint8_t *body;
	size_t body_len;
};

/*
 * Looks for the answer to a->name of a->key: 1 and status and body (free() it)
 * are filled, 0 none, -1 with e; refused when it was another request.
 */
int store_answer_find(struct store *s, struct answer *a, struct err *e);

/* Keeps a; stands in the group of the change that it tells of. */
int store_answer_add(struct store *s, const struct answer *a, struct err *e);

#endif
