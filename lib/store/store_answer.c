#include "store/store_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "store/store_key.h"
#include "store/store_sql.h"

enum {
	HASH_LEN = 32,
	NONCE_LEN = 16,
	PURGE_ROWS = 100,
};

/*
 * Enciphers and deciphers n bytes in place: each block of 32 is covered with
 * HMAC(API key, nonce, number of the block).  No nonce is used twice.
 */
static void
cipher(uint8_t *p, size_t n, const char *key, const uint8_t nonce[NONCE_LEN])
{
	uint8_t in[NONCE_LEN + 4], cover[HASH_LEN];
	size_t i, block;

	memcpy(in, nonce, NONCE_LEN);
	for (i = 0; i < n; i++) {
		block = i / HASH_LEN;
		if (i % HASH_LEN == 0) {
			in[NONCE_LEN] = (uint8_t)(block >> 24);
			in[NONCE_LEN + 1] = (uint8_t)(block >> 16);
			in[NONCE_LEN + 2] = (uint8_t)(block >> 8);
			in[NONCE_LEN + 3] = (uint8_t)block;
			random_hmac_sha256(cover, key, KEY_LEN, in, sizeof(in));
		}
		p[i] ^= cover[i % HASH_LEN];
	}
	str_wipe(cover, sizeof(cover));
}

/* The hashes by which rows are found. */
static int
hash_names(const struct answer *a, uint8_t key[HASH_LEN],
    uint8_t name[HASH_LEN], struct err *e)
{
	uint8_t secret[HASH_LEN];

	if (!str_unhex(secret, sizeof(secret), a->key))
		return err_set(e, "the API key is none");
	random_sha256(key, secret, sizeof(secret));
	str_wipe(secret, sizeof(secret));
	random_sha256(name, a->name, strlen(a->name));
	return 0;
}

/* The row of q into a. */
static int
read_answer(struct store *s, sqlite3_stmt *q, struct answer *a, struct err *e)
{
	const void *request = sqlite3_column_blob(q, 0);
	const void *nonce = sqlite3_column_blob(q, 2);
	const void *body = sqlite3_column_blob(q, 3);
	size_t n = (size_t)sqlite3_column_bytes(q, 3);

	if (request == NULL || nonce == NULL)
		return store_failed(s, SQLITE_NOMEM, e);
	if (memcmp(request, a->request, HASH_LEN) != 0)
		return store_refuse(s, e,
		    "Idempotency-Key: it was used for another request; give "
		    "each request one of its own");
	if ((a->body = malloc(n + 1)) == NULL)
		return store_failed(s, SQLITE_NOMEM, e);
	if (n > 0 && body != NULL)
		memcpy(a->body, body, n);
	a->body_len = n;
	a->status = (unsigned)sqlite3_column_int(q, 1);
	cipher(a->body, n, a->key, nonce);
	return 1;
}

int
store_answer_find(struct store *s, struct answer *a, struct err *e)
{
	uint8_t key[HASH_LEN], name[HASH_LEN];
	sqlite3_stmt *q;
	int rc;

	a->body = NULL;
	a->body_len = 0;
	if (hash_names(a, key, name, e) == -1)
		return -1;
	if ((q = store_query(s,
		 "SELECT request, status, nonce, body FROM answer"
		 " WHERE key_id = (SELECT id FROM api_key WHERE hash = ?1)"
		 " AND name = ?2 AND at > ?3",
		 e)) == NULL)
		return -1;
	sqlite3_bind_blob(q, 1, key, sizeof(key), SQLITE_STATIC);
	sqlite3_bind_blob(q, 2, name, sizeof(name), SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, clock_wall_ms() - ANSWER_KEPT_MS);
	if ((rc = store_step(s, q, e)) == 1)
		rc = read_answer(s, q, a, e);
	store_query_end(s, q);
	return rc;
}

/* Those that have had their day go, some with each that comes. */
static int
forget(struct store *s, int64_t now, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "DELETE FROM answer WHERE (key_id, name) IN"
		 " (SELECT key_id, name FROM answer WHERE at <= ?1 LIMIT ?2)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, now - ANSWER_KEPT_MS);
	sqlite3_bind_int(q, 2, PURGE_ROWS);
	return store_do(s, q, e);
}

static int
add(struct store *s, const struct answer *a, const uint8_t *body,
    const uint8_t nonce[NONCE_LEN], struct err *e)
{
	uint8_t key[HASH_LEN], name[HASH_LEN];
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;

	if (hash_names(a, key, name, e) == -1 || forget(s, now, e) == -1)
		return -1;
	if ((q = store_query(s,
		 "INSERT OR REPLACE INTO answer (key_id, name, request, at,"
		 " status, nonce, body) SELECT id, ?2, ?3, ?4, ?5, ?6, ?7"
		 " FROM api_key WHERE hash = ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_blob(q, 1, key, sizeof(key), SQLITE_STATIC);
	sqlite3_bind_blob(q, 2, name, sizeof(name), SQLITE_STATIC);
	sqlite3_bind_blob(q, 3, a->request, HASH_LEN, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, now);
	sqlite3_bind_int(q, 5, (int)a->status);
	sqlite3_bind_blob(q, 6, nonce, NONCE_LEN, SQLITE_STATIC);
	sqlite3_bind_blob(q, 7, body, (int)a->body_len, SQLITE_STATIC);
	return store_do(s, q, e);
}

int
store_answer_add(struct store *s, const struct answer *a, struct err *e)
{
	uint8_t nonce[NONCE_LEN], *body;
	int rc;

	if (a->body_len > ANSWER_BODY_MAX)
		return store_refuse(s, e, "the answer is too long to be kept");
	if (random_bytes(nonce, sizeof(nonce), e) == -1)
		return -1;
	if ((body = malloc(a->body_len + 1)) == NULL)
		return store_failed(s, SQLITE_NOMEM, e);
	if (a->body_len > 0)
		memcpy(body, a->body, a->body_len);
	cipher(body, a->body_len, a->key, nonce);
	if ((rc = store_begin(s, e)) == 0)
		rc = store_end(s, add(s, a, body, nonce, e), e);
	free(body);
	return rc;
}
