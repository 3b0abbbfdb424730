#include "store/store_user.h"

#include <stdlib.h>

#include "base/clock.h"
#include "store/store_sql.h"
#include "store/store_tunnel.h"

#define USER                                                       \
	"SELECT id, email, role = 'admin', created_at, frozen_at," \
	" (SELECT count(*) FROM tunnel WHERE user_id = user.id"    \
	"  AND deleted_at IS NULL),"                               \
	" (SELECT count(*) FROM machine WHERE user_id = user.id"   \
	"  AND deleted_at IS NULL) FROM user "

static void
read_user(sqlite3_stmt *q, struct user *u)
{
	u->id = sqlite3_column_int64(q, 0);
	store_text(u->email, sizeof(u->email), q, 1);
	u->admin = sqlite3_column_int(q, 2) != 0;
	u->created_at = sqlite3_column_int64(q, 3);
	u->frozen_at = sqlite3_column_int64(q, 4);
	u->tunnels = sqlite3_column_int64(q, 5);
	u->machines = sqlite3_column_int64(q, 6);
}

/* The user that q finds; ends q. */
static int
one_user(struct store *s, sqlite3_stmt *q, struct user *u_out, struct err *e)
{
	int rc;

	if ((rc = store_step(s, q, e)) == 1)
		read_user(q, u_out);
	store_query_end(s, q);
	return rc;
}

int
store_user_by_id(struct store *s, int64_t id, struct user *u_out, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s, USER "WHERE id = ?1", e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	return one_user(s, q, u_out, e);
}

int
store_user_who(struct store *s, int64_t id, struct user *u_out, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "SELECT id, email, role = 'admin', created_at, frozen_at,"
		 " 0, 0 FROM user WHERE id = ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	return one_user(s, q, u_out, e);
}

int
store_user_by_email(
    struct store *s, const char *email, struct user *u_out, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s, USER "WHERE email = ?1", e)) == NULL)
		return -1;
	store_bind_text(q, 1, email);
	return one_user(s, q, u_out, e);
}

int
store_user_password(struct store *s, int64_t id, char *hash_out, struct err *e)
{
	sqlite3_stmt *q;
	int rc;

	q = store_query(s, "SELECT password FROM user WHERE id = ?1", e);
	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	if ((rc = store_step(s, q, e)) == 1)
		store_text(hash_out, PASSWORD_HASH_MAX + 1, q, 0);
	store_query_end(s, q);
	return rc;
}

int
store_user_list(struct store *s, int64_t skip, int64_t limit,
    struct user **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct user) };
	sqlite3_stmt *q;
	struct user *u;
	int rc;

	if ((q = store_query(s, USER "ORDER BY id LIMIT ?2 OFFSET ?1", e)) ==
	    NULL)
		return -1;
	sqlite3_bind_int64(q, 1, skip);
	sqlite3_bind_int64(q, 2, limit);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((u = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_user(q, u);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

/* Inserts, inside the transaction. */
static int
add(struct store *s, const char *email, const char *hash, bool admin,
    int64_t *id_out, struct err *e)
{
	struct user taken;
	sqlite3_stmt *q;
	int rc;

	if ((rc = store_user_by_email(s, email, &taken, e)) == -1)
		return -1;
	if (rc == 1)
		return store_refuse(s, e,
		    "email: user %lld has this address already; choose another",
		    (long long)taken.id);
	if ((q = store_query(s,
		 "INSERT INTO user (email, password, role, created_at)"
		 " VALUES (?1, ?2, ?3, ?4)",
		 e)) == NULL)
		return -1;
	store_bind_text(q, 1, email);
	store_bind_text(q, 2, hash);
	store_bind_text(q, 3, admin ? "admin" : "member");
	sqlite3_bind_int64(q, 4, clock_wall_ms());
	if (store_do(s, q, e) == -1)
		return -1;
	*id_out = sqlite3_last_insert_rowid(s->db);
	return 0;
}

int
store_user_add(struct store *s, const char *email, const char *hash, bool admin,
    int64_t *id_out, struct err *e)
{
	if (check_email(email, e) == -1) {
		s->why = STORE_REFUSED;
		return -1;
	}
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, add(s, email, hash, admin, id_out, e), e);
}

static int
set_password(struct store *s, int64_t id, const char *hash, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(
		 s, "UPDATE user SET password = ?2 WHERE id = ?1", e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	store_bind_text(q, 2, hash);
	if (store_do(s, q, e) == -1)
		return -1;
	if (store_changed(s) == 0)
		return 0;
	if ((q = store_query(
		 s, "DELETE FROM web_session WHERE user_id = ?1", e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	return store_do(s, q, e) == -1 ? -1 : 1;
}

int
store_user_set_password(
    struct store *s, int64_t id, const char *hash, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, set_password(s, id, hash, e), e);
}

static int
freeze(struct store *s, int64_t id, bool frozen, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "UPDATE user SET frozen_at = iif(?2, ifnull(frozen_at, ?3),"
		 " NULL) WHERE id = ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int(q, 2, frozen);
	sqlite3_bind_int64(q, 3, clock_wall_ms());
	if (store_do(s, q, e) == -1)
		return -1;
	return store_changed(s) > 0;
}

int
store_user_freeze(struct store *s, int64_t id, bool frozen, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, freeze(s, id, frozen, e), e);
}

/* Their ports go to rest before the rows that name them go. */
static int
remove_user(struct store *s, int64_t id, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT OR REPLACE INTO port_rest (port, user_id, since,"
		 " until)"
		 " SELECT public_port, user_id, ?2, ?2 + ?3 FROM tunnel"
		 " WHERE user_id = ?1 AND public_port IS NOT NULL"
		 " AND deleted_at IS NULL",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int64(q, 2, clock_wall_ms());
	sqlite3_bind_int64(q, 3, TUNNEL_PORT_REST_MS);
	if (store_do(s, q, e) == -1)
		return -1;
	q = store_query(s, "DELETE FROM user WHERE id = ?1", e);
	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	if (store_do(s, q, e) == -1)
		return -1;
	return store_changed(s) > 0;
}

int
store_user_remove(struct store *s, int64_t id, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, remove_user(s, id, e), e);
}
