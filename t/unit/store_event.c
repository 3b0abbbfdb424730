#include "store/store_event.h"

#include "base/str.h"
#include "store/store_key.h"
#include "store/store_machine.h"
#include "store/store_setting.h"
#include "store/store_verify.h"
#include "store/store_web.h"
#include "store_rig.h"

/* What the steps below change. */
static struct {
	int64_t user, tunnel, machine, machine_key, api_key, invitation;
	int64_t session, deleted;
	char secret[WEB_SECRET_LEN + 1];
} is;

static char token[MACHINE_TOKEN_LEN + 1];

static int
user_freeze(struct store *s)
{
	return store_user_freeze(s, is.user, true, &rig_err);
}

static int
user_thaw(struct store *s)
{
	return store_user_freeze(s, is.user, false, &rig_err);
}

static int
user_password(struct store *s)
{
	return store_user_set_password(s, is.user, "$y$other", &rig_err);
}

static int
own_password(struct store *s)
{
	return store_web_set_password(s, is.user, "$y$own", 0, &rig_err);
}

static int
user_add(struct store *s)
{
	int64_t id;

	return store_user_add(
	    s, "new@example.org", "$y$h", false, &id, &rig_err);
}

static int
join(struct store *s)
{
	int64_t id;

	return store_web_join(
	    s, is.secret, "joins@example.org", "$y$h", &id, &rig_err);
}

static int
invite(struct store *s)
{
	char secret[WEB_SECRET_LEN + 1];

	return store_web_invite(s, "somebody", secret, &rig_err);
}

static int
uninvite(struct store *s)
{
	return store_web_uninvite(s, is.invitation, &rig_err);
}

static int
key_add(struct store *s)
{
	int64_t id;

	return store_key_add(s, is.user, "key", &id, token, &rig_err);
}

static int
key_remove(struct store *s)
{
	return store_key_remove(s, is.user, is.api_key, &rig_err);
}

static int
machine_add(struct store *s)
{
	int64_t id;

	return store_machine_add(
	    s, is.user, "other", &is.tunnel, 1, &id, token, &rig_err);
}

static int
machine_key_add(struct store *s)
{
	int64_t id;

	return store_machine_key_add(
	    s, is.user, is.machine, &id, token, &rig_err);
}

static int
machine_key_remove(struct store *s)
{
	return store_machine_key_remove(s, is.user, is.machine_key, &rig_err);
}

static int
machine_serve(struct store *s)
{
	return store_machine_serve(
	    s, is.user, is.machine, is.tunnel, true, &rig_err);
}

static int
machine_remove(struct store *s)
{
	return store_machine_remove(s, is.user, is.machine, &rig_err);
}

static int
tunnel_pause(struct store *s)
{
	return store_tunnel_pause(s, is.user, is.tunnel, true, &rig_err);
}

static int
tunnel_freeze(struct store *s)
{
	return store_tunnel_freeze(s, is.tunnel, true, &rig_err);
}

static int
tunnel_remove(struct store *s)
{
	return store_tunnel_remove(s, STORE_ANYBODY, is.tunnel, &rig_err);
}

static int
tunnel_restore(struct store *s)
{
	return store_tunnel_restore(s, STORE_ANYBODY, is.deleted, &rig_err);
}

static int
setting_set(struct store *s)
{
	return store_setting_set(s, "verify_hours", "48", &rig_err);
}

static int
contact(struct store *s)
{
	return store_web_set_contact(s, "abuse@example.org", &rig_err);
}

static int
sign_out(struct store *s)
{
	return store_web_session_remove(s, is.user, is.session, &rig_err);
}

static int
user_remove(struct store *s)
{
	return store_user_remove(s, is.user, &rig_err);
}

/* In an order in which each finds what it changes. */
static const struct {
	const char *name;
	int (*fn)(struct store *s);
} steps[] = {
	{ "sign out", sign_out },
	{ "own password", own_password },
	{ "user passwd", user_password },
	{ "user freeze", user_freeze },
	{ "user unfreeze", user_thaw },
	{ "user add", user_add },
	{ "join", join },
	{ "invite", invite },
	{ "uninvite", uninvite },
	{ "key add", key_add },
	{ "key rm", key_remove },
	{ "machine add", machine_add },
	{ "machine key add", machine_key_add },
	{ "machine key rm", machine_key_remove },
	{ "machine serve", machine_serve },
	{ "machine rm", machine_remove },
	{ "tunnel pause", tunnel_pause },
	{ "tunnel freeze", tunnel_freeze },
	{ "tunnel rm", tunnel_remove },
	{ "tunnel restore", tunnel_restore },
	{ "setting set", setting_set },
	{ "contact", contact },
	{ "user rm", user_remove },
};

static void
prepare(struct store *s)
{
	struct web_session w;
	struct invitation *list;
	char secret[WEB_SECRET_LEN + 1];
	size_t n;

	is.user = rig_user(s, "ann@example.org");
	is.tunnel = rig_tunnel(s, is.user, "kept");
	is.deleted = rig_tunnel(s, is.user, "deleted");
	store_tunnel_remove(s, is.user, is.deleted, &rig_err);
	store_machine_add(
	    s, is.user, "desk", NULL, 0, &is.machine, token, &rig_err);
	store_machine_key_add(
	    s, is.user, is.machine, &is.machine_key, token, &rig_err);
	store_key_add(s, is.user, "old", &is.api_key, token, &rig_err);
	store_web_invite(s, "kim", is.secret, &rig_err);
	store_web_invite(s, "tom", secret, &rig_err);
	store_web_invitation_list(s, &list, &n, &rig_err);
	is.invitation = list[0].id;
	free(list);
	store_web_session_add(s, is.user, "", "", secret, &rig_err);
	store_web_session_find(s, secret, &w, &rig_err);
	is.session = w.id;
}

static uint64_t
hash(uint64_t h, const void *p, int n)
{
	for (int i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * UINT64_C(1099511628211);
	return h;
}

/* Every value of a table. */
static uint64_t
hash_table(sqlite3 *db, const char *name, uint64_t h)
{
	sqlite3_stmt *q = NULL;
	char sql[100];

	snprintf(sql, sizeof(sql), "SELECT * FROM \"%.60s\"", name);
	if (sqlite3_prepare_v2(db, sql, -1, &q, NULL) != SQLITE_OK)
		return 0;
	while (sqlite3_step(q) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(q); i++) {
			const void *p = sqlite3_column_blob(q, i);

			h = hash(h, p, sqlite3_column_bytes(q, i));
			h = hash(h, "|", 1);
		}
	sqlite3_finalize(q);
	return h;
}

/* All that the database holds; 0 when it cannot be read. */
static uint64_t
fingerprint(void)
{
	sqlite3_stmt *q = NULL;
	uint64_t h = 1;
	sqlite3 *db;

	if (sqlite3_open(rig_db, &db) != SQLITE_OK ||
	    sqlite3_prepare_v2(db,
		"SELECT name FROM sqlite_master WHERE type = 'table'"
		" ORDER BY name",
		-1, &q, NULL) != SQLITE_OK)
		h = 0;
	while (h != 0 && sqlite3_step(q) == SQLITE_ROW)
		h = hash_table(db, (const char *)sqlite3_column_text(q, 0), h);
	sqlite3_finalize(q);
	sqlite3_close(db);
	return h;
}

/* A change and its line in one step, the line refused or taken. */
static int
step(struct store *s, size_t i, int *did, int *noted)
{
	struct event v = { .user = 0, .who = "ann", .what = "", .origin = "" };

	snprintf(v.did, sizeof(v.did), "%s", steps[i].name);
	if (store_group(s, &rig_err) == -1)
		return -1;
	*did = steps[i].fn(s);
	*noted = store_event_add(s, &v, &rig_err);
	return store_group_end(s, *did >= 0 && *noted == 0, &rig_err);
}

static void
whole_or_not(struct store *s)
{
	uint64_t before, after;
	int64_t events;
	int did, noted;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		printf("# %s\n", steps[i].name);
		rig_sql("CREATE TRIGGER no_event BEFORE INSERT ON event"
			" BEGIN SELECT RAISE(ABORT, 'no room'); END");
		before = fingerprint();
		step(s, i, &did, &noted);
		after = fingerprint();
		ok(did >= 0, "it can be done");
		is_int(noted, -1, "its line cannot be written");
		ok(before != 0 && before == after, "then nothing is done");
		rig_sql("DROP TRIGGER no_event");
		before = fingerprint();
		events = rig_sql("SELECT count(*) FROM event");
		is_int(step(s, i, &did, &noted), 0, "with its line it is kept");
		ok(did >= 0 && noted == 0, "both");
		is_int(rig_sql("SELECT count(*) FROM event"), events + 1,
		    "the line is there");
		ok(fingerprint() != before, "and so is what it tells of");
	}
}

/* Tunnel 4 is not tunnel 42, and not another user's. */
static void
about(struct store *s)
{
	static const char *const whats[] = { "tunnel 4", "tunnel 42 x",
		"tunnel 4 x", "tunnel 4, port 9", "user 8", "tunnel 14" };
	struct event v = { .user = 8, .who = "bob", .did = "x" }, *list;
	size_t i, n;

	for (i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		str_copy(v.what, sizeof(v.what), whats[i]);
		store_event_add(s, &v, &rig_err);
	}
	v.user = 9;
	str_copy(v.what, sizeof(v.what), "tunnel 4 of 9");
	store_event_add(s, &v, &rig_err);
	is_int(store_event_about(s, 8, 4, 100, 9, &list, &n, &rig_err), 0,
	    "what a tunnel's page tells");
	is_int(n, 3, "is of it");
	is_str(list[0].what, "tunnel 4, port 9", "the newest first");
	is_str(list[2].what, "tunnel 4", "to the oldest");
	free(list);
	store_event_about(s, 8, 4, 100, 1, &list, &n, &rig_err);
	is_int(n, 1, "as many as are wanted");
	free(list);
	store_event_about(s, 8, 4, 4, 9, &list, &n, &rig_err);
	is_int(n, 2, "among the newest");
	free(list);
	store_event_about(s, 8, 5, 100, 9, &list, &n, &rig_err);
	is_int(n, 0, "of another there is none");
	free(list);
}

int
main(void)
{
	struct event v = { .user = 7,
		.who = "alice",
		.did = "tunnel add",
		.what = "tunnel 1 '); DROP TABLE event; --",
		.origin = "192.0.2.7" },
		     *list;
	struct store *s;
	size_t n;

	rig_start();
	s = rig_open(0);
	is_int(store_event_add(s, &v, &rig_err), 0, "an event");
	v.user = 0;
	v.at = 5;
	is_int(store_event_add(s, &v, &rig_err), 0, "nobody's");
	is_int(store_event_list(s, STORE_ANYBODY, 9, &list, &n, &rig_err), 0,
	    "all");
	is_int(n, 2, "are two");
	is_int(list[0].at, 5, "the newest first, at its time");
	is_str(list[1].what, v.what, "as it was said");
	ok(list[1].at > 5, "now, unless another time is given");
	free(list);
	store_event_list(s, 7, 9, &list, &n, &rig_err);
	is_int(n, 1, "of one user");
	free(list);
	about(s);
	prepare(s);
	whole_or_not(s);
	store_close(&s);
	rig_end();
	return tap_done();
}
