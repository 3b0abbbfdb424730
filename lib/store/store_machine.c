#include "store/store_machine.h"

#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "store/store_sql.h"

enum { SECRET_LEN = 32 };

#define GOOD_KEY                                                             \
	"revoked_at IS NULL AND (first_used_at IS NOT NULL OR expires_at > " \
	"?2)"

#define MACHINE                                                            \
	"SELECT id, user_id, name, computer, system, address, seen_at,"    \
	" created_at, (SELECT count(*) FROM machine_tunnel JOIN tunnel"    \
	"  ON tunnel.id = tunnel_id WHERE machine_id = machine.id"         \
	"  AND tunnel.deleted_at IS NULL),"                                \
	" (SELECT count(*) FROM machine_key WHERE machine_id = machine.id" \
	"  AND " GOOD_KEY ") FROM machine"                                 \
	" WHERE ?1 IN (0, user_id) AND deleted_at IS NULL "

static void
read_machine(sqlite3_stmt *q, struct machine *m)
{
	m->id = sqlite3_column_int64(q, 0);
	m->user = sqlite3_column_int64(q, 1);
	store_text(m->name, sizeof(m->name), q, 2);
	store_text(m->computer, sizeof(m->computer), q, 3);
	store_text(m->system, sizeof(m->system), q, 4);
	store_text(m->address, sizeof(m->address), q, 5);
	m->seen_at = sqlite3_column_int64(q, 6);
	m->created_at = sqlite3_column_int64(q, 7);
	m->tunnels = sqlite3_column_int64(q, 8);
	m->keys = sqlite3_column_int64(q, 9);
}

int
store_machine_by_id(struct store *s, int64_t user, int64_t id,
    struct machine *m_out, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(s, MACHINE "AND id = ?3", e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, clock_wall_ms());
	sqlite3_bind_int64(q, 3, id);
	if ((rc = store_step(s, q, e)) == 1)
		read_machine(q, m_out);
	store_query_end(s, q);
	return rc;
}

#define FITS                                                \
	"AND (?3 = '' OR instr(lower(name), lower(?3)) > 0" \
	" OR instr(lower(computer), lower(?3)) > 0"         \
	" OR instr(lower(address), lower(?3)) > 0) "
#define PART " LIMIT ?5 OFFSET ?4"

static const char *const searches[] = {
	[MACHINE_BY_ID] = MACHINE FITS "ORDER BY id" PART,
	[MACHINE_BY_NEW] = MACHINE FITS "ORDER BY id DESC" PART,
	[MACHINE_BY_NAME] =
	    MACHINE FITS "ORDER BY name COLLATE NOCASE, id DESC" PART,
	[MACHINE_BY_SEEN] =
	    MACHINE FITS "ORDER BY ifnull(seen_at, 0) DESC, id DESC" PART,
};

/* How many fit. */
static int
count_fitting(struct store *s, int64_t user, const char *text,
    int64_t *total_out, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "SELECT count(*) FROM machine WHERE ?1 IN (0, user_id)"
		 " AND deleted_at IS NULL AND ?2 = ?2 " FITS,
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, 0);
	store_bind_text(q, 3, text);
	return store_number(s, q, total_out, e);
}

int
store_machine_search(struct store *s, int64_t user, const char *text,
    enum machine_order order, int64_t skip, int64_t limit,
    struct machine **list_out, size_t *n_out, int64_t *total_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct machine) };
	sqlite3_stmt *q;
	struct machine *m;
	int rc;

	if (count_fitting(s, user, text, total_out, e) == -1 ||
	    (q = store_query(s, searches[order], e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, clock_wall_ms());
	store_bind_text(q, 3, text);
	sqlite3_bind_int64(q, 4, skip);
	sqlite3_bind_int64(q, 5, limit);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((m = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_machine(q, m);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

int
store_machine_list(struct store *s, int64_t user, int64_t skip, int64_t limit,
    struct machine **list_out, size_t *n_out, struct err *e)
{
	int64_t ignored;

	return store_machine_search(s, user, "", MACHINE_BY_ID, skip, limit,
	    list_out, n_out, &ignored, e);
}

/* The numbers that a question about ?1 gives. */
static int
list_ids(struct store *s, const char *sql, int64_t about, int64_t **list_out,
    size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(int64_t) };
	sqlite3_stmt *q;
	int64_t *id;
	int rc;

	if ((q = store_query(s, sql, e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, about);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((id = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		*id = sqlite3_column_int64(q, 0);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

int
store_machine_tunnels(struct store *s, int64_t machine, int64_t **list_out,
    size_t *n_out, struct err *e)
{
	return list_ids(s,
	    "SELECT tunnel_id FROM machine_tunnel JOIN tunnel"
	    " ON tunnel.id = tunnel_id WHERE machine_id = ?1"
	    " AND deleted_at IS NULL ORDER BY tunnel_id",
	    machine, list_out, n_out, e);
}

int
store_machine_of_tunnel(struct store *s, int64_t tunnel, int64_t **list_out,
    size_t *n_out, struct err *e)
{
	return list_ids(s,
	    "SELECT machine_id FROM machine_tunnel JOIN machine"
	    " ON machine.id = machine_id WHERE tunnel_id = ?1"
	    " AND deleted_at IS NULL ORDER BY machine_id",
	    tunnel, list_out, n_out, e);
}

/*
 * Every key of everybody is in each snapshot: nobody may have so many, revoked
 * ones and those of deleted machines among them, that all others feel it.
 */
static int
has_room(struct store *s, int64_t machine, struct err *e)
{
	sqlite3_stmt *q;
	int64_t n;

	if ((q = store_query(s,
		 "SELECT count(*) FROM machine_key JOIN machine"
		 " ON machine.id = machine_id WHERE user_id ="
		 " (SELECT user_id FROM machine WHERE id = ?1)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, machine);
	if (store_number(s, q, &n, e) == -1)
		return -1;
	if (n < MACHINE_KEYS_MAX)
		return 0;
	return store_refuse(s, e,
	    "this user has %d keys of computers, old ones counted: as many as"
	    " there may be",
	    MACHINE_KEYS_MAX);
}

/* A new secret: its hash into the table, its digits to the caller. */
static int
add_key(struct store *s, int64_t machine, int64_t *id_out, char *token_out,
    struct err *e)
{
	uint8_t secret[SECRET_LEN], hash[SECRET_LEN];
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;

	if (has_room(s, machine, e) == -1 ||
	    random_bytes(secret, sizeof(secret), e) == -1)
		return -1;
	random_sha256(hash, secret, sizeof(secret));
	str_hex(token_out, secret, sizeof(secret));
	str_wipe(secret, sizeof(secret));
	if ((q = store_query(s,
		 "INSERT INTO machine_key (machine_id, hash, created_at,"
		 " expires_at) VALUES (?1, ?2, ?3, ?4)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, machine);
	sqlite3_bind_blob(q, 2, hash, sizeof(hash), SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, now);
	sqlite3_bind_int64(q, 4, now + MACHINE_KEY_UNUSED_MS);
	if (store_do(s, q, e) == -1)
		return -1;
	*id_out = sqlite3_last_insert_rowid(s->db);
	return 0;
}

/* 1 when both live and belong to one user, who is user unless anybody. */
static int
belong(struct store *s, int64_t user, int64_t machine, int64_t tunnel,
    struct err *e)
{
	sqlite3_stmt *q;
	int64_t n;

	if ((q = store_query(s,
		 "SELECT count(*) FROM machine JOIN tunnel"
		 " USING (user_id) WHERE ?1 IN (0, user_id)"
		 " AND machine.id = ?2 AND tunnel.id = ?3"
		 " AND machine.deleted_at IS NULL"
		 " AND tunnel.deleted_at IS NULL",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, machine);
	sqlite3_bind_int64(q, 3, tunnel);
	return store_number(s, q, &n, e) == -1 ? -1 : n == 1;
}

static int
serve(struct store *s, int64_t user, int64_t machine, int64_t tunnel, bool may,
    struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	if ((rc = belong(s, user, machine, tunnel, e)) != 1)
		return rc;
	q = store_query(s,
	    may ? "INSERT OR IGNORE INTO machine_tunnel (machine_id, tunnel_id)"
		  " VALUES (?1, ?2)"
		: "DELETE FROM machine_tunnel WHERE machine_id = ?1"
		  " AND tunnel_id = ?2",
	    e);
	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, machine);
	sqlite3_bind_int64(q, 2, tunnel);
	return store_do(s, q, e) == -1 ? -1 : 1;
}

int
store_machine_serve(struct store *s, int64_t user, int64_t machine,
    int64_t tunnel, bool may, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, serve(s, user, machine, tunnel, may, e), e);
}

static int
add_row(struct store *s, int64_t user, const char *name, int64_t *id_out,
    struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT INTO machine (user_id, name, created_at)"
		 " SELECT id, ?2, ?3 FROM user WHERE id = ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	store_bind_text(q, 2, name);
	sqlite3_bind_int64(q, 3, clock_wall_ms());
	if (store_do(s, q, e) == -1)
		return -1;
	if (store_changed(s) == 0)
		return store_refuse(
		    s, e, "user %lld: there is none", (long long)user);
	*id_out = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static int
add(struct store *s, int64_t user, const char *name, const int64_t *tunnels,
    size_t n, int64_t *id_out, char *token_out, struct err *e)
{
	int64_t key;
	size_t i;
	int rc;

	if (add_row(s, user, name, id_out, e) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		rc = serve(s, user, *id_out, tunnels[i], true, e);
		if (rc == 0)
			return store_refuse(s, e,
			    "tunnel %lld: the user has none of this number",
			    (long long)tunnels[i]);
		if (rc == -1)
			return -1;
	}
	return add_key(s, *id_out, &key, token_out, e);
}

int
store_machine_add(struct store *s, int64_t user, const char *name,
    const int64_t *tunnels, size_t n, int64_t *id_out, char *token_out,
    struct err *e)
{
	if (check_name(name, e) == -1) {
		s->why = STORE_REFUSED;
		return -1;
	}
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(
	    s, add(s, user, name, tunnels, n, id_out, token_out, e), e);
}

int
store_machine_allow(struct store *s, int64_t machine, char *to, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	if ((q = store_query(s,
		 "SELECT allow FROM machine WHERE id = ?1"
		 " AND deleted_at IS NULL",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, machine);
	if ((rc = store_step(s, q, e)) == 1)
		store_text(to, MACHINE_ALLOW_MAX + 1, q, 0);
	store_query_end(s, q);
	return rc;
}

/* Runs a change of ?1 user, ?2 id, ?3 now: 1 when it found its row. */
static int
change(
    struct store *s, const char *sql, int64_t user, int64_t id, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s, sql, e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, id);
	sqlite3_bind_int64(q, 3, clock_wall_ms());
	if (store_do(s, q, e) == -1)
		return -1;
	return store_changed(s) > 0;
}

static int
rename_machine(
    struct store *s, int64_t user, int64_t id, const char *name, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "UPDATE machine SET name = ?3 WHERE ?1 IN (0, user_id)"
		 " AND id = ?2 AND deleted_at IS NULL",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, id);
	store_bind_text(q, 3, name);
	if (store_do(s, q, e) == -1)
		return -1;
	return store_changed(s) > 0;
}

int
store_machine_rename(
    struct store *s, int64_t user, int64_t id, const char *name, struct err *e)
{
	if (check_name(name, e) == -1) {
		s->why = STORE_REFUSED;
		return -1;
	}
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, rename_machine(s, user, id, name, e), e);
}

static int
remove_machine(struct store *s, int64_t user, int64_t id, struct err *e)
{
	int rc;

	if ((rc = change(s,
		 "UPDATE machine SET deleted_at = ?3 WHERE ?1 IN (0, user_id)"
		 " AND id = ?2 AND deleted_at IS NULL",
		 user, id, e)) != 1)
		return rc;
	rc = change(s,
	    "UPDATE machine_key SET revoked_at = ?3 WHERE ?1 = ?1"
	    " AND machine_id = ?2 AND revoked_at IS NULL",
	    user, id, e);
	return rc == -1 ? -1 : 1;
}

int
store_machine_remove(struct store *s, int64_t user, int64_t id, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, remove_machine(s, user, id, e), e);
}

static int
key_add(struct store *s, int64_t user, int64_t machine, int64_t *id_out,
    char *token_out, struct err *e)
{
	struct machine m;
	int rc;

	if ((rc = store_machine_by_id(s, user, machine, &m, e)) != 1)
		return rc;
	return add_key(s, machine, id_out, token_out, e) == -1 ? -1 : 1;
}

int
store_machine_key_add(struct store *s, int64_t user, int64_t machine,
    int64_t *id_out, char *token_out, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, key_add(s, user, machine, id_out, token_out, e), e);
}

int
store_machine_key_remove(
    struct store *s, int64_t user, int64_t key, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s,
	    change(s,
		"UPDATE machine_key SET revoked_at = ?3 WHERE id = ?2"
		" AND revoked_at IS NULL AND machine_id IN (SELECT id"
		" FROM machine WHERE ?1 IN (0, user_id)"
		" AND deleted_at IS NULL)",
		user, key, e),
	    e);
}

static void
read_key(sqlite3_stmt *q, struct machine_key *k)
{
	k->id = sqlite3_column_int64(q, 0);
	k->machine = sqlite3_column_int64(q, 1);
	k->created_at = sqlite3_column_int64(q, 2);
	k->first_used_at = sqlite3_column_int64(q, 3);
	k->last_used_at = sqlite3_column_int64(q, 4);
	k->revoked_at = sqlite3_column_int64(q, 5);
	k->expires_at = sqlite3_column_int64(q, 6);
	k->state = MACHINE_KEY_GOOD;
	if (k->first_used_at == 0 && k->expires_at <= clock_wall_ms())
		k->state = MACHINE_KEY_EXPIRED;
	if (k->revoked_at != 0)
		k->state = MACHINE_KEY_REVOKED;
}

int
store_machine_key_list(struct store *s, int64_t machine,
    struct machine_key **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct machine_key) };
	sqlite3_stmt *q;
	struct machine_key *k;
	int rc;

	if ((q = store_query(s,
		 "SELECT id, machine_id, created_at, first_used_at,"
		 " last_used_at, revoked_at, expires_at FROM machine_key"
		 " WHERE machine_id = ?1 ORDER BY id",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, machine);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((k = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_key(q, k);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}
