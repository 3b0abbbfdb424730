#include "store/store_tunnel.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/store_port.h"
#include "store/store_setting.h"
#include "store/store_sql.h"

#define COLUMNS                                                                \
	"SELECT id, user_id, name, kind, local_host, local_port, public_port," \
	" verify_serial, verify_until, verified_at, paused_at, frozen_at,"     \
	" expires_at, proxy_protocol, allow, deny, address_rate,"              \
	" visitors_max, revision, created_at, deleted_at, last_connected_at,"

/* Is its owner frozen? */
#define FROM_OF(owner)                                                   \
	" (SELECT frozen_at IS NOT NULL FROM user WHERE id = " owner ")" \
	" FROM tunnel "

#define TUNNEL COLUMNS FROM_OF("user_id")

#define OF_USER " ?1 IN (0, user_id) "

/* Every field is written; of long texts, what there is of them. */
static void
read_tunnel(sqlite3_stmt *q, struct tunnel *t)
{
	struct err ignored;
	char word[8];

	t->id = sqlite3_column_int64(q, 0);
	t->user = sqlite3_column_int64(q, 1);
	store_text(t->name, sizeof(t->name), q, 2);
	store_text(word, sizeof(word), q, 3);
	t->kind = KIND_HTTP;
	check_kind(word, &t->kind, &ignored);
	store_text(t->local_host, sizeof(t->local_host), q, 4);
	t->local_port = (uint16_t)sqlite3_column_int(q, 5);
	t->public_port = (uint16_t)sqlite3_column_int(q, 6);
	t->verify_serial = sqlite3_column_int64(q, 7);
	t->verify_until = sqlite3_column_int64(q, 8);
	t->verified_at = sqlite3_column_int64(q, 9);
	t->paused_at = sqlite3_column_int64(q, 10);
	t->frozen_at = sqlite3_column_int64(q, 11);
	t->expires_at = sqlite3_column_int64(q, 12);
	store_text(word, sizeof(word), q, 13);
	t->proxy = PROXY_OFF;
	check_proxy(word, &t->proxy, &ignored);
	store_text(t->allow, sizeof(t->allow), q, 14);
	store_text(t->deny, sizeof(t->deny), q, 15);
	t->address_rate = (uint32_t)sqlite3_column_int64(q, 16);
	t->visitors_max = (uint32_t)sqlite3_column_int64(q, 17);
	t->revision = sqlite3_column_int64(q, 18);
	t->created_at = sqlite3_column_int64(q, 19);
	t->deleted_at = sqlite3_column_int64(q, 20);
	t->last_connected_at = sqlite3_column_int64(q, 21);
	t->user_frozen = sqlite3_column_int(q, 22) != 0;
}

/* The tunnel that q finds for (?1 user, ?2 id); ends q. */
static int
one_tunnel(struct store *s, sqlite3_stmt *q, int64_t user, int64_t id,
    struct tunnel *t_out, struct err *e)
{
	int rc;

	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, id);
	if ((rc = store_step(s, q, e)) == 1)
		read_tunnel(q, t_out);
	store_query_end(s, q);
	return rc;
}

int
store_tunnel_by_id(struct store *s, int64_t user, int64_t id,
    struct tunnel *t_out, struct err *e)
{
	return one_tunnel(s,
	    store_query(s,
		TUNNEL "WHERE" OF_USER "AND id = ?2 AND deleted_at IS NULL", e),
	    user, id, t_out, e);
}

int
store_tunnel_list(struct store *s, int64_t user, int64_t skip, int64_t limit,
    struct tunnel **list_out, size_t *n_out, struct err *e)
{
	struct store_list l = { .size = sizeof(struct tunnel) };
	sqlite3_stmt *q;
	struct tunnel *t;
	int rc;

	/* one user's are found by their index, and the user is looked at once */
	q = user == STORE_ANYBODY
	    ? store_query(s,
		  TUNNEL "WHERE deleted_at IS NULL ORDER BY id"
			 " LIMIT ?3 OFFSET ?2",
		  e)
	    : store_query(s,
		  COLUMNS FROM_OF("?1") "WHERE user_id = ?1"
					" AND deleted_at IS NULL ORDER BY id"
					" LIMIT ?3 OFFSET ?2",
		  e);
	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, skip);
	sqlite3_bind_int64(q, 3, limit);
	while ((rc = store_step(s, q, e)) == 1) {
		if ((t = store_list_add(s, &l, e)) == NULL) {
			rc = -1;
			break;
		}
		read_tunnel(q, t);
	}
	store_query_end(s, q);
	*list_out = store_list_end(&l, rc, n_out);
	return rc;
}

static int
count_tunnels(struct store *s, int64_t user, int64_t *n_out, struct err *e)
{
	sqlite3_stmt *q;

	q = user == STORE_ANYBODY
	    ? store_query(
		  s, "SELECT count(*) FROM tunnel WHERE deleted_at IS NULL", e)
	    : store_query(s,
		  "SELECT count(*) FROM tunnel WHERE user_id = ?1"
		  " AND deleted_at IS NULL",
		  e);
	if (q == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	return store_number(s, q, n_out, e);
}

/*
 * Every part of a list says how many there are in all: as long as nobody has
 * written anything, they are as many as before.  What a step writes may yet be
 * taken back.
 */
int
store_tunnel_count(struct store *s, int64_t user, int64_t *n_out, struct err *e)
{
	int64_t version, changes = sqlite3_total_changes64(s->db);

	*n_out = 0;
	if (s->depth > 0)
		return count_tunnels(s, user, n_out, e);
	if (store_data_version(s, &version, e) == -1)
		return -1;
	if (!s->counted.is_known || s->counted.version != version ||
	    s->counted.changes != changes || s->counted.user != user) {
		if (count_tunnels(s, user, n_out, e) == -1)
			return -1;
		s->counted.is_known = true;
		s->counted.user = user;
		s->counted.n = *n_out;
		s->counted.version = version;
		s->counted.changes = changes;
	}
	*n_out = s->counted.n;
	return 0;
}

/* The lists of a wish, as they are stored. */
struct lists {
	char allow[CHECK_CIDRS_MAX + 1];
	char deny[CHECK_CIDRS_MAX + 1];
};

static int
check_fields(const struct tunnel_wish *w, struct lists *l, struct err *e)
{
	if ((w->set & TUNNEL_NAME) != 0 && check_name(w->name, e) == -1)
		return -1;
	if ((w->set & TUNNEL_TARGET) != 0 && check_host(w->local_host, e) == -1)
		return -1;
	if ((w->set & TUNNEL_TARGET) != 0 && w->local_port == 0)
		return err_set(
		    e, "target: the port is not a number from 1 to 65535");
	if ((w->set & TUNNEL_KIND) != 0 &&
	    (w->kind < KIND_TCP || w->kind > KIND_BOTH))
		return err_set(e, "kind: not known; choose tcp, udp or both");
	if ((w->set & TUNNEL_ALLOW) != 0 &&
	    check_cidrs("allow", w->allow, l->allow, e) == -1)
		return -1;
	if ((w->set & TUNNEL_DENY) != 0 &&
	    check_cidrs("deny", w->deny, l->deny, e) == -1)
		return -1;
	if ((w->set & TUNNEL_RATE) != 0 && w->address_rate > TUNNEL_RATE_MAX)
		return err_set(e, "address-rate: at most %d a minute",
		    (int)TUNNEL_RATE_MAX);
	if ((w->set & TUNNEL_VISITORS) != 0 &&
	    w->visitors_max > TUNNEL_VISITORS_MAX)
		return err_set(
		    e, "visitors: at most %d", (int)TUNNEL_VISITORS_MAX);
	if ((w->set & TUNNEL_EXPIRES) != 0 && w->expires_at < 0)
		return err_set(e, "expires: give a time after 1970");
	return 0;
}

/* Refuses a wish that breaks a rule, before anything is locked. */
static int
check_wish(struct store *s, const struct tunnel_wish *w, struct lists *l,
    struct err *e)
{
	if (check_fields(w, l, e) == 0)
		return 0;
	s->why = STORE_REFUSED;
	return -1;
}

/* May this user have one more? */
static int
check_owner(struct store *s, int64_t user, const struct settings *set,
    bool by_operator, struct err *e)
{
	sqlite3_stmt *q;
	bool admin = false, frozen = false;
	int64_t have;
	int rc;

	if ((q = store_query(s,
		 "SELECT role = 'admin', frozen_at IS NOT NULL FROM user"
		 " WHERE id = ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	if ((rc = store_step(s, q, e)) == 1) {
		admin = sqlite3_column_int(q, 0) != 0;
		frozen = sqlite3_column_int(q, 1) != 0;
	}
	store_query_end(s, q);
	if (rc == -1)
		return -1;
	if (rc == 0)
		return store_refuse(
		    s, e, "user %lld: there is none", (long long)user);
	if (by_operator)
		return 0;
	if (frozen)
		return store_refuse(s, e,
		    "user %lld: an admin has frozen this account; ask them",
		    (long long)user);
	if (admin || set->tunnels_max == 0)
		return 0;
	if (store_tunnel_count(s, user, &have, e) == -1)
		return -1;
	if (have < set->tunnels_max)
		return 0;
	return store_refuse(s, e,
	    "tunnel: this account has %lld of at most %u; delete one, or ask "
	    "an admin for more",
	    (long long)have, (unsigned)set->tunnels_max);
}

static void
bind_wish(sqlite3_stmt *q, int64_t user, const struct tunnel_wish *w,
    const struct lists *l, uint32_t address_rate)
{
	sqlite3_bind_int64(q, 1, user);
	store_bind_text(q, 2, w->name);
	store_bind_text(q, 3, check_kind_name(w->kind));
	store_bind_text(q, 4, w->local_host);
	sqlite3_bind_int(q, 5, w->local_port);
	store_bind_id(q, 9, w->expires_at);
	store_bind_text(q, 10, check_proxy_name(w->proxy));
	store_bind_text(q, 11, l->allow);
	store_bind_text(q, 12, l->deny);
	sqlite3_bind_int64(q, 13, address_rate);
	sqlite3_bind_int64(q, 14, w->visitors_max);
}

/* Everything of a new tunnel that must be one step. */
static int
add(struct store *s, int64_t user, const struct tunnel_wish *w,
    const struct lists *l, const struct tunnel_ports *ports, bool by_operator,
    bool verified, struct tunnel *t_out, struct err *e)
{
	int64_t now = clock_wall_ms();
	struct settings set;
	sqlite3_stmt *q;
	uint16_t port = (w->set & TUNNEL_PORT) != 0 ? w->public_port : 0;

	if (store_settings(s, &set, e) == -1 ||
	    check_owner(s, user, &set, by_operator, e) == -1 ||
	    store_port_lease(s, user, ports, port, &port, e) == -1 ||
	    store_port_wake(s, port, e) == -1)
		return -1;
	if ((q = store_query(s,
		 "INSERT INTO tunnel (user_id, name, kind, local_host,"
		 " local_port, public_port, verify_until, verified_at,"
		 " expires_at, proxy_protocol, allow, deny, address_rate,"
		 " visitors_max, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"
		 " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
		 e)) == NULL)
		return -1;
	bind_wish(q, user, w, l,
	    (w->set & TUNNEL_RATE) != 0 ? w->address_rate : set.address_rate);
	sqlite3_bind_int(q, 6, port);
	sqlite3_bind_int64(q, 7, now + (int64_t)set.verify_hours * 3600 * 1000);
	store_bind_id(q, 8, verified ? now : 0);
	sqlite3_bind_int64(q, 15, now);
	if (store_do(s, q, e) == -1 ||
	    store_tunnel_by_id(
		s, user, sqlite3_last_insert_rowid(s->db), t_out, e) != 1)
		return -1;
	return 0;
}

int
store_tunnel_add(struct store *s, int64_t user, const struct tunnel_wish *w,
    const struct tunnel_ports *ports, bool by_operator, bool verified,
    struct tunnel *t_out, struct err *e)
{
	const unsigned must = TUNNEL_NAME | TUNNEL_KIND | TUNNEL_TARGET;
	struct lists l = { "", "" };

	if ((w->set & must) != must)
		return store_refuse(
		    s, e, "tunnel: it needs a name, a kind and a target");
	if (check_wish(s, w, &l, e) == -1 || store_begin(s, e) == -1)
		return -1;
	return store_end(
	    s, add(s, user, w, &l, ports, by_operator, verified, t_out, e), e);
}

/* Refuses what the owner may not do to a frozen tunnel. */
static int
check_frozen(
    struct store *s, int64_t user, const struct tunnel *t, struct err *e)
{
	if (user == STORE_ANYBODY || (t->frozen_at == 0 && !t->user_frozen))
		return 0;
	return store_refuse(s, e,
	    "tunnel %lld: an admin has frozen it; ask them", (long long)t->id);
}

/* Writes what w sets; all else is written as it was. */
static int
update(struct store *s, const struct tunnel *t, const struct tunnel_wish *w,
    const struct lists *l, uint16_t port, struct err *e)
{
	sqlite3_stmt *q;
	unsigned set = w->set;

	if ((q = store_query(s,
		 "UPDATE tunnel SET name = ?2, kind = ?3, local_host = ?4,"
		 " local_port = ?5, public_port = ?6, proxy_protocol = ?7,"
		 " allow = ?8, deny = ?9, address_rate = ?10,"
		 " visitors_max = ?11, expires_at = ?12 WHERE id = ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, t->id);
	store_bind_text(q, 2, (set & TUNNEL_NAME) != 0 ? w->name : t->name);
	store_bind_text(q, 3,
	    check_kind_name((set & TUNNEL_KIND) != 0 ? w->kind : t->kind));
	store_bind_text(
	    q, 4, (set & TUNNEL_TARGET) != 0 ? w->local_host : t->local_host);
	sqlite3_bind_int(
	    q, 5, (set & TUNNEL_TARGET) != 0 ? w->local_port : t->local_port);
	sqlite3_bind_int(q, 6, port);
	store_bind_text(q, 7,
	    check_proxy_name((set & TUNNEL_PROXY) != 0 ? w->proxy : t->proxy));
	store_bind_text(q, 8, (set & TUNNEL_ALLOW) != 0 ? l->allow : t->allow);
	store_bind_text(q, 9, (set & TUNNEL_DENY) != 0 ? l->deny : t->deny);
	sqlite3_bind_int64(q, 10,
	    (set & TUNNEL_RATE) != 0 ? w->address_rate : t->address_rate);
	sqlite3_bind_int64(q, 11,
	    (set & TUNNEL_VISITORS) != 0 ? w->visitors_max : t->visitors_max);
	store_bind_id(
	    q, 12, (set & TUNNEL_EXPIRES) != 0 ? w->expires_at : t->expires_at);
	return store_do(s, q, e);
}

static int
edit(struct store *s, int64_t user, int64_t id, const struct tunnel_wish *w,
    const struct lists *l, const struct tunnel_ports *ports, struct err *e)
{
	struct tunnel t;
	uint16_t port;
	int rc;

	if ((rc = store_tunnel_by_id(s, user, id, &t, e)) != 1)
		return rc;
	if (check_frozen(s, user, &t, e) == -1)
		return -1;
	port = t.public_port;
	if ((w->set & TUNNEL_PORT) != 0 && w->public_port != port) {
		if (store_port_lease(
			s, t.user, ports, w->public_port, &port, e) == -1 ||
		    store_port_rest(s, t.user, t.public_port, e) == -1 ||
		    store_port_wake(s, port, e) == -1)
			return -1;
	}
	return update(s, &t, w, l, port, e) == -1 ? -1 : 1;
}

int
store_tunnel_edit(struct store *s, int64_t user, int64_t id,
    const struct tunnel_wish *w, const struct tunnel_ports *ports,
    struct err *e)
{
	struct lists l = { "", "" };

	if (check_wish(s, w, &l, e) == -1 || store_begin(s, e) == -1)
		return -1;
	return store_end(s, edit(s, user, id, w, &l, ports, e), e);
}

static int
move(struct store *s, int64_t id, uint16_t taken,
    const struct tunnel_ports *ports, uint16_t *port_out, struct err *e)
{
	struct tunnel t;
	sqlite3_stmt *q;
	int rc;

	if ((rc = store_tunnel_by_id(s, STORE_ANYBODY, id, &t, e)) != 1)
		return rc;
	if (t.last_connected_at != 0 || t.public_port != taken)
		return 0;
	if (store_port_lease(s, t.user, ports, 0, port_out, e) == -1 ||
	    store_port_wake(s, *port_out, e) == -1 ||
	    (q = store_query(
		 s, "UPDATE tunnel SET public_port = ?2 WHERE id = ?1", e)) ==
		NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	sqlite3_bind_int(q, 2, *port_out);
	return store_do(s, q, e) == -1 ? -1 : 1;
}

int
store_tunnel_move(struct store *s, int64_t id, uint16_t taken,
    const struct tunnel_ports *ports, uint16_t *port_out, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, move(s, id, taken, ports, port_out, e), e);
}

/* Sets or clears a time by its statement: ?1 id, ?2 the time or NULL. */
static int
stamp(struct store *s, const char *sql, int64_t id, bool on, struct err *e)
{
	sqlite3_stmt *q;

	if ((q = store_query(s, sql, e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, id);
	store_bind_id(q, 2, on ? clock_wall_ms() : 0);
	return store_do(s, q, e) == -1 ? -1 : 1;
}

static int
pause_tunnel(
    struct store *s, int64_t user, int64_t id, bool paused, struct err *e)
{
	struct tunnel t;
	int rc;

	if ((rc = store_tunnel_by_id(s, user, id, &t, e)) != 1)
		return rc;
	if (check_frozen(s, user, &t, e) == -1)
		return -1;
	if (paused == (t.paused_at != 0))
		return 1;
	return stamp(
	    s, "UPDATE tunnel SET paused_at = ?2 WHERE id = ?1", id, paused, e);
}

int
store_tunnel_pause(
    struct store *s, int64_t user, int64_t id, bool paused, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, pause_tunnel(s, user, id, paused, e), e);
}

static int
freeze(struct store *s, int64_t id, bool frozen, struct err *e)
{
	struct tunnel t;
	int rc;

	if ((rc = store_tunnel_by_id(s, STORE_ANYBODY, id, &t, e)) != 1)
		return rc;
	if (frozen == (t.frozen_at != 0))
		return 1;
	return stamp(
	    s, "UPDATE tunnel SET frozen_at = ?2 WHERE id = ?1", id, frozen, e);
}

int
store_tunnel_freeze(struct store *s, int64_t id, bool frozen, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, freeze(s, id, frozen, e), e);
}

/* A frozen tunnel stays, else deleting and making it anew would thaw it. */
static int
remove_tunnel(struct store *s, int64_t user, int64_t id, struct err *e)
{
	struct tunnel t;
	int rc;

	if ((rc = store_tunnel_by_id(s, user, id, &t, e)) != 1)
		return rc;
	if (check_frozen(s, user, &t, e) == -1 ||
	    (t.public_port != 0 &&
		store_port_rest(s, t.user, t.public_port, e) == -1))
		return -1;
	return stamp(
	    s, "UPDATE tunnel SET deleted_at = ?2 WHERE id = ?1", id, true, e);
}

int
store_tunnel_remove(struct store *s, int64_t user, int64_t id, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, remove_tunnel(s, user, id, e), e);
}

/* Does a living tunnel have this port?  1, 0, -1. */
static int
is_leased(struct store *s, uint16_t port, struct err *e)
{
	sqlite3_stmt *q;
	int64_t n;

	if ((q = store_query(s,
		 "SELECT count(*) FROM tunnel WHERE public_port = ?1"
		 " AND deleted_at IS NULL",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int(q, 1, port);
	return store_number(s, q, &n, e) == -1 ? -1 : n > 0;
}

static int
restore(struct store *s, int64_t user, int64_t id, struct err *e)
{
	struct settings set;
	struct tunnel t;
	int rc;

	if ((rc = one_tunnel(s,
		 store_query(s,
		     TUNNEL "WHERE" OF_USER
			    "AND id = ?2 AND deleted_at IS NOT NULL",
		     e),
		 user, id, &t, e)) != 1)
		return rc;
	if (clock_wall_ms() - t.deleted_at > TUNNEL_UNDO_MS)
		return store_refuse(s, e,
		    "tunnel %lld: it was deleted more than 10 minutes ago; "
		    "make a new one",
		    (long long)id);
	if (check_frozen(s, user, &t, e) == -1 ||
	    store_settings(s, &set, e) == -1 ||
	    check_owner(s, t.user, &set, user == STORE_ANYBODY, e) == -1 ||
	    (rc = is_leased(s, t.public_port, e)) == -1)
		return -1;
	if (rc == 1)
		return store_refuse(s, e,
		    "tunnel %lld: another tunnel has its port %u now; delete "
		    "that one first",
		    (long long)id, t.public_port);
	if (store_port_wake(s, t.public_port, e) == -1)
		return -1;
	return stamp(
	    s, "UPDATE tunnel SET deleted_at = ?2 WHERE id = ?1", id, false, e);
}

int
store_tunnel_restore(struct store *s, int64_t user, int64_t id, struct err *e)
{
	if (store_begin(s, e) == -1)
		return -1;
	return store_end(s, restore(s, user, id, e), e);
}
