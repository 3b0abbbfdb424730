#include "store/store_web.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "store/store_sql.h"
#include "store/store_user.h"

enum {
	SECRET_BYTES = 32,
	SEEN_MS = 300000, /* last seen is written at most this often */
	GUESS_ROWS_MAX = 100000,
};

static const char contact_name[] = "abuse_contact";

/* The hash under which a secret is kept; false when it cannot be one. */
static bool
hash_of(uint8_t hash[32], const char *secret)
{
	uint8_t bytes[SECRET_BYTES];
	bool good = str_unhex(bytes, sizeof(bytes), secret);

	if (good)
		random_sha256(hash, bytes, sizeof(bytes));
	str_wipe(bytes, sizeof(bytes));
	return good;
}

/* A new secret and its hash. */
static int
new_secret(char *secret_out, uint8_t hash[32], struct err *e)
{
	uint8_t bytes[SECRET_BYTES];

	if (random_bytes(bytes, sizeof(bytes), e) == -1)
		return -1;
	str_hex(secret_out, bytes, sizeof(bytes));
	random_sha256(hash, bytes, sizeof(bytes));
	str_wipe(bytes, sizeof(bytes));
	return 0;
}

/* Binds numbers from the first place on, runs q, tells how many rows changed. */
static int
change(struct store *s, const char *sql, const int64_t *v, int n, struct err *e)
{
	sqlite3_stmt *q;
	int i;

	if ((q = store_query(s, sql, e)) == NULL)
		return -1;
	for (i = 0; i < n; i++)
		sqlite3_bind_int64(q, i + 1, v[i]);
	if (store_do(s, q, e) == -1)
		return -1;
	return store_changed(s) > 0;
}

/* The same in a transaction of its own. */
static int
change_alone(
    struct store *s, const char *sql, const int64_t *v, int n, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, change(s, sql, v, n, e), e);
}

/* --- sessions -------------------------------------------------------------- */

static int
add_session(struct store *s, int64_t user, const char *address,
    const char *agent, const uint8_t hash[32], struct err *e)
{
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT INTO web_session (user_id, hash, created_at, seen_at,"
		 " expires_at, address, agent) VALUES (?1, ?2, ?3, ?3, ?4, ?5,"
		 " ?6)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_blob(q, 2, hash, 32, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, now);
	sqlite3_bind_int64(q, 4, now + WEB_SESSION_MS);
	store_bind_text(q, 5, address);
	store_bind_text(q, 6, agent);
	return store_do(s, q, e);
}

/* Who looks at the list sees all there are: none hides behind newer ones. */
static int
end_oldest(struct store *s, int64_t user, struct err *e)
{
	const int64_t v[2] = { user, WEB_SESSIONS_MAX };

	return change(s,
		   "DELETE FROM web_session WHERE id IN (SELECT id"
		   " FROM web_session WHERE user_id = ?1"
		   " ORDER BY seen_at DESC, id DESC LIMIT -1 OFFSET ?2)",
		   v, 2, e) == -1
	    ? -1
	    : 0;
}

int
store_web_session_add(struct store *s, int64_t user, const char *address,
    const char *agent, char *secret_out, struct err *e)
{
	char cut_address[65], cut_agent[256];
	uint8_t hash[32];
	int rc;

	str_copy(cut_address, sizeof(cut_address), address);
	str_copy(cut_agent, sizeof(cut_agent), agent);
	if (new_secret(secret_out, hash, e) == -1 || store_begin(s, e) == -1)
		return -1;
	rc = add_session(s, user, cut_address, cut_agent, hash, e);
	if (rc == 0)
		rc = end_oldest(s, user, e);
	return store_end(s, rc, e);
}

#define SESSION                                                         \
	"SELECT id, user_id, created_at, seen_at, expires_at, address," \
	" agent FROM web_session "

static void
read_session(sqlite3_stmt *q, struct web_session *w)
{
	w->id = sqlite3_column_int64(q, 0);
	w->user = sqlite3_column_int64(q, 1);
	w->created_at = sqlite3_column_int64(q, 2);
	w->seen_at = sqlite3_column_int64(q, 3);
	w->expires_at = sqlite3_column_int64(q, 4);
	store_text(w->address, sizeof(w->address), q, 5);
	store_text(w->agent, sizeof(w->agent), q, 6);
}

/* Writes "seen now" unless that is fresh or the database has no time. */
static void
note_seen(struct store *s, struct web_session *w, int64_t now)
{
	int64_t v[3] = { w->id, now, now + WEB_SESSION_MS };
	bool waits = s->waits;
	struct err ignored;

	if (now - w->seen_at < SEEN_MS)
		return;
	store_set_waiting(s, false);
	change_alone(s,
	    "UPDATE web_session SET seen_at = ?2, expires_at = ?3"
	    " WHERE id = ?1",
	    v, 3, &ignored);
	store_set_waiting(s, waits);
}

int
store_web_session_find(struct store *s, const char *secret,
    struct web_session *w_out, struct err *e)
{
	int64_t now = clock_wall_ms();
	uint8_t hash[32];
	sqlite3_stmt *q;
	int rc;

	if (!hash_of(hash, secret))
		return 0;
	if ((q = store_query(
		 s, SESSION "WHERE hash = ?1 AND expires_at > ?2", e)) == NULL)
		return -1;
	sqlite3_bind_blob(q, 1, hash, sizeof(hash), SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, now);
	if ((rc = store_step(s, q, e)) == 1)
		read_session(q, w_out);
	store_query_end(s, q);
	if (rc == 1)
		note_seen(s, w_out, now);
	return rc;
}

int
store_web_session_list(struct store *s, int64_t user,
    struct web_session **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct web_session) };
	struct web_session *w;
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(s,
		 SESSION "WHERE user_id = ?1 AND expires_at > ?2"
			 " ORDER BY seen_at DESC, id DESC",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, clock_wall_ms());
	while ((rc = store_step(s, q, e)) == 1) {
		if ((w = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_session(q, w);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

int
store_web_session_remove(
    struct store *s, int64_t user, int64_t id, struct err *e)
{
	int64_t v[2] = { user, id };

	return change_alone(s,
	    "DELETE FROM web_session WHERE user_id = ?1 AND id = ?2", v, 2, e);
}

int
store_web_session_remove_others(
    struct store *s, int64_t user, int64_t keep, struct err *e)
{
	int64_t v[2] = { user, keep };

	return change_alone(s,
	    "DELETE FROM web_session WHERE user_id = ?1 AND id <> ?2", v, 2, e);
}

/* --- accounts -------------------------------------------------------------- */

int
store_web_has_users(struct store *s, bool *out, struct err *e)
{
	sqlite3_stmt *q;
	int64_t n;

	if ((q = store_query(s, "SELECT EXISTS (SELECT 1 FROM user)", e)) ==
	    NULL)
		return -1;
	if (store_number(s, q, &n, e) == -1)
		return -1;
	*out = n != 0;
	return 0;
}

/* Inserts, inside the transaction: 1. */
static int
add_user(struct store *s, const char *email, const char *hash, const char *role,
    int64_t *id_out, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT INTO user (email, password, role, created_at)"
		 " VALUES (?1, ?2, ?3, ?4)",
		 e)) == NULL)
		return -1;
	store_bind_text(q, 1, email);
	store_bind_text(q, 2, hash);
	store_bind_text(q, 3, role);
	sqlite3_bind_int64(q, 4, clock_wall_ms());
	if (store_do(s, q, e) == -1)
		return -1;
	*id_out = sqlite3_last_insert_rowid(s->db);
	return 1;
}

static int
first_user(struct store *s, const char *email, const char *hash,
    int64_t *id_out, struct err *e)
{
	bool has;

	if (store_web_has_users(s, &has, e) == -1)
		return -1;
	return has ? 0 : add_user(s, email, hash, "admin", id_out, e);
}

/* Refuses what is no address before anything begins. */
static int
refuse_email(struct store *s, const char *email, struct err *e)
{
	struct err why;

	if (check_email(email, &why) == 0)
		return 0;
	return store_refuse(s, e, "%s", why.text);
}

int
store_web_first_user(struct store *s, const char *email, const char *hash,
    int64_t *id_out, struct err *e)
{
	if (refuse_email(s, email, e) == -1 || store_begin(s, e) == -1)
		return -1;
	return store_end(s, first_user(s, email, hash, id_out, e), e);
}

static int
set_password(struct store *s, int64_t user, const char *hash, int64_t keep,
    struct err *e)
{
	int64_t v[2] = { user, keep };
	sqlite3_stmt *q;

	if ((q = store_query(
		 s, "UPDATE user SET password = ?2 WHERE id = ?1", e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	store_bind_text(q, 2, hash);
	if (store_do(s, q, e) == -1)
		return -1;
	if (store_changed(s) == 0)
		return 0;
	return change(s,
		   "DELETE FROM web_session WHERE user_id = ?1 AND id <> ?2", v,
		   2, e) == -1
	    ? -1
	    : 1;
}

int
store_web_set_password(struct store *s, int64_t user, const char *hash,
    int64_t keep, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, set_password(s, user, hash, keep, e), e);
}

/* --- invitations ----------------------------------------------------------- */

static int
add_invitation(
    struct store *s, const char *note, const uint8_t hash[32], struct err *e)
{
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;

	if (change(s, "DELETE FROM invitation WHERE expires_at <= ?1", &now, 1,
		e) == -1)
		return -1;
	if ((q = store_query(s,
		 "INSERT INTO invitation (hash, note, created_at, expires_at)"
		 " VALUES (?1, ?2, ?3, ?4)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_blob(q, 1, hash, 32, SQLITE_STATIC);
	store_bind_text(q, 2, note);
	sqlite3_bind_int64(q, 3, now);
	sqlite3_bind_int64(q, 4, now + WEB_INVITATION_MS);
	return store_do(s, q, e);
}

int
store_web_invite(
    struct store *s, const char *note, char *secret_out, struct err *e)
{
	uint8_t hash[32];
	struct err why;

	if (*note != '\0' && check_name(note, &why) == -1)
		return store_refuse(s, e, "%s", why.text);
	if (new_secret(secret_out, hash, e) == -1 || store_begin(s, e) == -1)
		return -1;
	return store_end(s, add_invitation(s, note, hash, e), e);
}

int
store_web_invited(struct store *s, const char *secret, struct err *e)
{
	uint8_t hash[32];
	sqlite3_stmt *q;
	int rc;

	if (!hash_of(hash, secret))
		return 0;
	if ((q = store_query(s,
		 "SELECT 1 FROM invitation WHERE hash = ?1 AND expires_at > ?2",
		 e)) == NULL)
		return -1;
	sqlite3_bind_blob(q, 1, hash, sizeof(hash), SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, clock_wall_ms());
	rc = store_step(s, q, e);
	store_query_end(s, q);
	return rc;
}

int
store_web_invitation_list(
    struct store *s, struct invitation **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct invitation) };
	struct invitation *v;
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(s,
		 "SELECT id, note, created_at, expires_at FROM invitation"
		 " WHERE expires_at > ?1 ORDER BY id DESC LIMIT 100",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, clock_wall_ms());
	while ((rc = store_step(s, q, e)) == 1) {
		if ((v = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		v->id = sqlite3_column_int64(q, 0);
		store_text(v->note, sizeof(v->note), q, 1);
		v->created_at = sqlite3_column_int64(q, 2);
		v->expires_at = sqlite3_column_int64(q, 3);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

int
store_web_uninvite(struct store *s, int64_t id, struct err *e)
{
	return change_alone(
	    s, "DELETE FROM invitation WHERE id = ?1", &id, 1, e);
}

static int
join(struct store *s, const uint8_t secret_hash[32], const char *email,
    const char *hash, int64_t *id_out, struct err *e)
{
	struct user taken;
	sqlite3_stmt *q;
	int rc;

	if ((rc = store_user_by_email(s, email, &taken, e)) == -1)
		return -1;
	if (rc == 1)
		return store_refuse(s, e,
		    "email: there is an account with this address already; "
		    "sign in with it");
	if ((q = store_query(s,
		 "DELETE FROM invitation WHERE hash = ?1 AND expires_at > ?2",
		 e)) == NULL)
		return -1;
	sqlite3_bind_blob(q, 1, secret_hash, 32, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, clock_wall_ms());
	if (store_do(s, q, e) == -1)
		return -1;
	if (store_changed(s) == 0)
		return 0;
	return add_user(s, email, hash, "member", id_out, e);
}

int
store_web_join(struct store *s, const char *secret, const char *email,
    const char *hash, int64_t *id_out, struct err *e)
{
	uint8_t secret_hash[32];

	if (!hash_of(secret_hash, secret))
		return 0;
	if (refuse_email(s, email, e) == -1 || store_begin(s, e) == -1)
		return -1;
	return store_end(s, join(s, secret_hash, email, hash, id_out, e), e);
}

/* --- guessing -------------------------------------------------------------- */

int
store_web_guess_wait(
    struct store *s, const char *key, int64_t *wait_ms_out, struct err *e)
{
	sqlite3_stmt *q;
	int64_t until;

	*wait_ms_out = 0;
	if ((q = store_query(s, "SELECT until FROM guess WHERE key = ?1", e)) ==
	    NULL)
		return -1;
	store_bind_text(q, 1, key);
	if (store_number(s, q, &until, e) == -1)
		return -1;
	*wait_ms_out = until - clock_wall_ms();
	if (*wait_ms_out <= 0)
		*wait_ms_out = 0;
	return *wait_ms_out > 0;
}

/* How long the n-th wrong one beyond the free ones costs. */
static int64_t
cost(const struct web_guess_rule *r, int64_t n)
{
	int64_t ms = r->wait_ms;

	while (--n > 0 && ms < r->wait_max_ms)
		ms *= 2;
	return ms < r->wait_max_ms ? ms : r->wait_max_ms;
}

/* What was long ago is forgotten; so is the oldest of too many. */
static int
forget(struct store *s, int64_t before, struct err *e)
{
	int64_t v[2] = { before, GUESS_ROWS_MAX };

	if (change(s, "DELETE FROM guess WHERE at < ?1", v, 1, e) == -1)
		return -1;
	return change(s,
	    "DELETE FROM guess WHERE key IN (SELECT key FROM guess"
	    " ORDER BY at DESC LIMIT 100 OFFSET ?1)",
	    v + 1, 1, e);
}

static int
wrong(struct store *s, const char *key, const struct web_guess_rule *r,
    uint32_t *left_out, struct err *e)
{
	int64_t now = clock_wall_ms(), n;
	sqlite3_stmt *q;

	if (forget(s, now - r->forget_ms, e) == -1)
		return -1;
	if ((q = store_query(s, "SELECT wrong FROM guess WHERE key = ?1", e)) ==
	    NULL)
		return -1;
	store_bind_text(q, 1, key);
	if (store_number(s, q, &n, e) == -1)
		return -1;
	n++;
	*left_out = n < r->free ? (uint32_t)(r->free - n) : 0;
	if ((q = store_query(s,
		 "INSERT INTO guess (key, wrong, at, until)"
		 " VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE"
		 " SET wrong = ?2, at = ?3, until = ?4",
		 e)) == NULL)
		return -1;
	store_bind_text(q, 1, key);
	sqlite3_bind_int64(q, 2, n);
	sqlite3_bind_int64(q, 3, now);
	sqlite3_bind_int64(
	    q, 4, n < r->free ? 0 : now + cost(r, n - r->free + 1));
	return store_do(s, q, e);
}

int
store_web_guess_wrong(struct store *s, const char *key,
    const struct web_guess_rule *r, uint32_t *left_out, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, wrong(s, key, r, left_out, e), e);
}

static int
right(struct store *s, const char *key, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s, "DELETE FROM guess WHERE key = ?1", e)) == NULL)
		return -1;
	store_bind_text(q, 1, key);
	return store_do(s, q, e);
}

int
store_web_guess_right(struct store *s, const char *key, struct err *e)
{
	int64_t n;
	sqlite3_stmt *q;

	/* who never guessed wrongly costs no write */
	if ((q = store_query(s, "SELECT wrong FROM guess WHERE key = ?1", e)) ==
	    NULL)
		return -1;
	store_bind_text(q, 1, key);
	if (store_number(s, q, &n, e) == -1)
		return -1;
	if (n == 0)
		return 0;
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, right(s, key, e), e);
}

/* --- other ----------------------------------------------------------------- */

int
store_web_contact(struct store *s, char to[WEB_CONTACT_MAX + 1], struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	to[0] = '\0';
	if ((q = store_query(
		 s, "SELECT value FROM setting WHERE name = ?1", e)) == NULL)
		return -1;
	store_bind_text(q, 1, contact_name);
	if ((rc = store_step(s, q, e)) == 1)
		store_text(to, WEB_CONTACT_MAX + 1, q, 0);
	store_query_end(s, q);
	return rc;
}

static int
set_contact(struct store *s, const char *text, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT INTO setting (name, value) VALUES (?1, ?2)"
		 " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		 e)) == NULL)
		return -1;
	store_bind_text(q, 1, contact_name);
	store_bind_text(q, 2, text);
	return store_do(s, q, e);
}

int
store_web_set_contact(struct store *s, const char *text, struct err *e)
{
	size_t n = strlen(text);

	if (n > WEB_CONTACT_MAX || !str_is_text(text, n))
		return store_refuse(s, e,
		    "contact: give an address or a sentence of at most %d "
		    "bytes",
		    (int)WEB_CONTACT_MAX);
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, set_contact(s, text, e), e);
}
