#include "store/store_key.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "store/store_sql.h"

enum {
	SECRET_LEN = 32,
	USED_MS = 300 * 1000, /* last use is written once in so long */
};

static int
has_room(struct store *s, int64_t user, struct err *e)
{
	sqlite3_stmt *q;
	int64_t n;

	if ((q = store_query(s,
		 "SELECT count(*) FROM api_key WHERE user_id = ?1", e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	if (store_number(s, q, &n, e) == -1)
		return -1;
	if (n < KEYS_MAX)
		return 0;
	return store_refuse(s, e,
	    "there are %d API keys, as many as one user may have; revoke one "
	    "that is not needed any more",
	    (int)KEYS_MAX);
}

static int
add(struct store *s, int64_t user, const char *name, bool may_write,
    const uint8_t *hash, int64_t *id_out, struct err *e)
{
	sqlite3_stmt *q;

	if (has_room(s, user, e) == -1)
		return -1;
	if ((q = store_query(s,
		 "INSERT INTO api_key (user_id, name, hash, created_at,"
		 " may_write) SELECT id, ?2, ?3, ?4, ?5 FROM user"
		 " WHERE id = ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	store_bind_text(q, 2, name);
	sqlite3_bind_blob(q, 3, hash, SECRET_LEN, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, clock_wall_ms());
	sqlite3_bind_int(q, 5, may_write);
	if (store_do(s, q, e) == -1)
		return -1;
	if (store_changed(s) == 0)
		return store_refuse(
		    s, e, "user %lld: there is none", (long long)user);
	*id_out = sqlite3_last_insert_rowid(s->db);
	return 0;
}

int
store_key_add(struct store *s, int64_t user, const char *name, int64_t *id_out,
    char *key_out, struct err *e)
{
	return store_key_add_as(s, user, name, true, id_out, key_out, e);
}

int
store_key_add_as(struct store *s, int64_t user, const char *name,
    bool may_write, int64_t *id_out, char *key_out, struct err *e)
{
	uint8_t secret[SECRET_LEN], hash[SECRET_LEN];

	if (check_name(name, e) == -1) {
		s->why = STORE_REFUSED;
		return -1;
	}
	if (random_bytes(secret, sizeof(secret), e) == -1)
		return -1;
	random_sha256(hash, secret, sizeof(secret));
	str_hex(key_out, secret, sizeof(secret));
	str_wipe(secret, sizeof(secret));
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, add(s, user, name, may_write, hash, id_out, e), e);
}

int
store_key_list(struct store *s, int64_t user, struct api_key **list_out,
    size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct api_key) };
	sqlite3_stmt *q;
	struct api_key *k;
	int rc;

	if ((q = store_query(s,
		 "SELECT id, user_id, name, created_at, last_used_at,"
		 " may_write FROM api_key WHERE ?1 IN (0, user_id) ORDER BY id",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((k = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		k->id = sqlite3_column_int64(q, 0);
		k->user = sqlite3_column_int64(q, 1);
		store_text(k->name, sizeof(k->name), q, 2);
		k->created_at = sqlite3_column_int64(q, 3);
		k->last_used_at = sqlite3_column_int64(q, 4);
		k->may_write = sqlite3_column_int(q, 5) != 0;
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

static int
remove_key(struct store *s, int64_t user, int64_t id, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "DELETE FROM api_key WHERE id = ?2 AND ?1 IN (0, user_id)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, id);
	if (store_do(s, q, e) == -1)
		return -1;
	return store_changed(s) > 0;
}

int
store_key_remove(struct store *s, int64_t user, int64_t id, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, remove_key(s, user, id, e), e);
}

static int
used(struct store *s, int64_t id, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(
		 s, "UPDATE api_key SET last_used_at = ?2 WHERE id = ?1", e)) ==
	    NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int64(q, 2, clock_wall_ms());
	return store_do(s, q, e);
}

/* Writes that a key was used, if nobody else is writing just now. */
static void
note_use(struct store *s, int64_t id)
{
	bool waits = s->waits;
	struct err ignored;

	store_set_waiting(s, false);
	if (store_begin(s, &ignored) == 0)
		store_end(s, used(s, id, &ignored), &ignored);
	store_set_waiting(s, waits);
}

int
store_key_user(
    struct store *s, const char *key, int64_t *user_out, struct err *e)
{
	bool ignored;

	return store_key_holder(s, key, user_out, &ignored, e);
}

int
store_key_holder(struct store *s, const char *key, int64_t *user_out,
    bool *may_write_out, struct err *e)
{
	uint8_t secret[SECRET_LEN], hash[SECRET_LEN];
	int64_t id = 0, last = 0;
	sqlite3_stmt *q;
	int rc;

	if (!str_unhex(secret, sizeof(secret), key))
		return 0;
	random_sha256(hash, secret, sizeof(secret));
	str_wipe(secret, sizeof(secret));
	if ((q = store_query(s,
		 "SELECT id, user_id, last_used_at, may_write FROM api_key"
		 " WHERE hash = ?1",
		 e)) == NULL)
		return -1;
	/* an index of hashes tells nothing of secrets by its timing */
	sqlite3_bind_blob(q, 1, hash, sizeof(hash), SQLITE_STATIC);
	if ((rc = store_step(s, q, e)) == 1) {
		id = sqlite3_column_int64(q, 0);
		*user_out = sqlite3_column_int64(q, 1);
		last = sqlite3_column_int64(q, 2);
		*may_write_out = sqlite3_column_int(q, 3) != 0;
	}
	store_query_end(s, q);
	if (rc == 1 && clock_wall_ms() - last > USED_MS)
		note_use(s, id);
	return rc;
}
