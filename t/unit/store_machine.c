#include "store/store_machine.h"

#include "base/random.h"
#include "base/str.h"
#include "store_rig.h"

static struct store *s;
static int64_t alice, bob;

/* The token's hash is in the table, the token nowhere. */
static void
secrets(const char *token)
{
	uint8_t bin[32], hash[32];
	char hex[65], sql[300];

	ok(strlen(token) == 64 && str_unhex(bin, 32, token), "64 hex digits");
	random_sha256(hash, bin, sizeof(bin));
	str_hex(hex, hash, sizeof(hash));
	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM machine_key WHERE hash = x'%s'", hex);
	is_int(rig_sql(sql), 1, "their hash is kept");
	snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM machine_key WHERE hash = x'%s'", token);
	is_int(rig_sql(sql), 0, "they are not");
}

static void
keys(int64_t id)
{
	struct machine_key *list;
	char token[MACHINE_TOKEN_LEN + 1];
	int64_t key;
	size_t n;

	is_int(store_machine_key_add(s, bob, id, &key, token, &rig_err), 0,
	    "no key for another's machine");
	is_int(store_machine_key_add(s, alice, id, &key, token, &rig_err), 1,
	    "a second key");
	secrets(token);
	is_int(store_machine_key_remove(s, bob, key, &rig_err), 0,
	    "another does not revoke it");
	is_int(store_machine_key_remove(s, alice, key, &rig_err), 1, "revoked");
	is_int(store_machine_key_remove(s, alice, key, &rig_err), 0, "once");
	is_int(store_machine_key_list(s, id, &list, &n, &rig_err), 0, "listed");
	is_int(n, 2, "both");
	is_int(list[0].state, MACHINE_KEY_GOOD, "one is good");
	is_int(list[1].state, MACHINE_KEY_REVOKED, "one is revoked");
	ok(list[0].expires_at - list[0].created_at == MACHINE_KEY_UNUSED_MS,
	    "unused it is good for a week");
	free(list);
	rig_sql("UPDATE machine_key SET expires_at = 1");
	store_machine_key_list(s, id, &list, &n, &rig_err);
	is_int(list[0].state, MACHINE_KEY_EXPIRED, "then it has expired");
	free(list);
	rig_sql("UPDATE machine_key SET first_used_at = 1");
	store_machine_key_list(s, id, &list, &n, &rig_err);
	is_int(list[0].state, MACHINE_KEY_GOOD, "unless it was used");
	free(list);
}

/* Nobody fills everybody's snapshots. */
static void
crowd(int64_t id)
{
	char token[MACHINE_TOKEN_LEN + 1];
	int64_t key;

	rig_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		" FROM n WHERE i < 20000) INSERT INTO machine_key"
		" (machine_id, hash, created_at, expires_at) SELECT"
		" (SELECT max(id) FROM machine), randomblob(32), 1, 1 FROM n");
	is_int(store_machine_key_add(s, alice, id, &key, token, &rig_err), -1,
	    "a key too many");
	is_int(store_why(s), STORE_REFUSED, "is refused");
	is_int(store_purge(s, &rig_err), 0, "what was never used in time goes");
	is_int(store_machine_key_add(s, alice, id, &key, token, &rig_err), 1,
	    "and makes room");
}

/* The names of those that are found, in their order. */
static const char *
found(int64_t user, const char *q, enum machine_order order, int64_t skip,
    int64_t limit, int64_t *total)
{
	static char all[400];
	struct machine *list = NULL;
	size_t n = 0;

	all[0] = '\0';
	*total = -1;
	if (store_machine_search(s, user, q, order, skip, limit, &list, &n,
		total, &rig_err) == -1)
		return "failed";
	for (size_t i = 0; i < n; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s",
		    i > 0 ? " " : "", list[i].name);
	free(list);
	return all;
}

static void
search(void)
{
	static const char *const names[] = { "beta", "Alpha", "gamma",
		"delta" };
	int64_t ids[4], total, kim = rig_user(s, "kim@example.com");
	char token[MACHINE_TOKEN_LEN + 1];
	struct machine m;

	for (int i = 0; i < 4; i++)
		store_machine_add(
		    s, kim, names[i], NULL, 0, &ids[i], token, &rig_err);
	rig_sql("UPDATE machine SET seen_at = 5, computer = 'DESKTOP_1'"
		" WHERE name = 'gamma'");
	rig_sql("UPDATE machine SET seen_at = 9, address = '192.0.2.7'"
		" WHERE name = 'Alpha'");
	is_str(found(kim, "", MACHINE_BY_ID, 0, 9, &total),
	    "beta Alpha gamma delta", "all, by number");
	is_int(total, 4, "are four");
	is_str(found(kim, "", MACHINE_BY_NEW, 0, 2, &total), "delta gamma",
	    "the newest two");
	is_int(total, 4, "of four");
	is_str(found(kim, "", MACHINE_BY_NAME, 1, 2, &total), "beta delta",
	    "by name, from the second");
	is_str(found(kim, "", MACHINE_BY_SEEN, 0, 9, &total),
	    "Alpha gamma delta beta", "who was never there comes last");
	is_str(found(kim, "ALPH", MACHINE_BY_ID, 0, 9, &total), "Alpha",
	    "by a part of the name");
	is_int(total, 1, "which is one");
	is_str(found(kim, "top_", MACHINE_BY_ID, 0, 9, &total), "gamma",
	    "by the computer, letter by letter");
	is_str(found(kim, "%", MACHINE_BY_ID, 0, 9, &total), "", "a % is a %");
	is_str(found(kim, "0.2.7", MACHINE_BY_ID, 0, 9, &total), "Alpha",
	    "by the address");
	is_str(found(kim, "' OR 1=1 --", MACHINE_BY_ID, 0, 9, &total), "",
	    "SQL is text");

	is_int(store_machine_rename(s, kim, ids[0], "omega", &rig_err), 1,
	    "renamed");
	store_machine_by_id(s, kim, ids[0], &m, &rig_err);
	is_str(m.name, "omega", "so it is called");
	is_int(store_machine_rename(s, kim, ids[0], "", &rig_err), -1,
	    "not to nothing");
	is_int(store_why(s), STORE_REFUSED, "which is refused");
	is_int(store_machine_rename(s, kim + 1, ids[0], "x", &rig_err), 0,
	    "nor by another");
	store_machine_remove(s, kim, ids[0], &rig_err);
	is_int(store_machine_rename(s, kim, ids[0], "x", &rig_err), 0,
	    "nor once it is gone");
	is_str(found(kim, "omega", MACHINE_BY_ID, 0, 9, &total), "",
	    "which is not found either");
}

int
main(void)
{
	int64_t mine, his, id, other, *ids, *who;
	char token[MACHINE_TOKEN_LEN + 1];
	struct machine m, *list;
	size_t n;

	rig_start();
	s = rig_open(0);
	alice = rig_user(s, "alice@example.com");
	bob = rig_user(s, "bob@example.com");
	mine = rig_tunnel(s, alice, "mine");
	his = rig_tunnel(s, bob, "his");

	is_int(
	    store_machine_add(s, alice, "PC", &mine, 1, &id, token, &rig_err),
	    0, "a machine");
	secrets(token);
	is_int(
	    store_machine_add(s, alice, "PC", &his, 1, &other, token, &rig_err),
	    -1, "not for another's tunnel");
	is_int(store_why(s), STORE_REFUSED, "that is refused");
	is_int(rig_sql("SELECT count(*) FROM machine"), 1, "whole");
	is_int(store_machine_add(
		   s, alice, "a\nb", NULL, 0, &other, token, &rig_err),
	    -1, "not with such a name");
	is_int(store_machine_add(s, 99, "PC", NULL, 0, &other, token, &rig_err),
	    -1, "not for nobody");
	is_int(store_machine_by_id(s, bob, id, &m, &rig_err), 0,
	    "another does not see it");
	is_int(store_machine_by_id(s, alice, id, &m, &rig_err), 1, "found");
	is_int(m.tunnels, 1, "with one tunnel");
	is_int(m.keys, 1, "and one key");
	is_int(store_machine_tunnels(s, id, &ids, &n, &rig_err), 0, "which");
	ok(n == 1 && ids[0] == mine, "this one");
	is_int(store_machine_of_tunnel(s, mine, &who, &n, &rig_err), 0, "who");
	ok(n == 1 && who[0] == id, "that one");
	free(ids);
	free(who);
	keys(id);
	crowd(id);
	is_int(store_machine_serve(s, STORE_ANYBODY, id, his, true, &rig_err),
	    0, "not even the operator gives it another's tunnel");
	is_int(store_machine_serve(s, alice, id, mine, false, &rig_err), 1,
	    "no longer");
	is_int(store_machine_serve(s, alice, id, mine, true, &rig_err), 1,
	    "again");
	is_int(store_machine_serve(s, alice, id, mine, true, &rig_err), 1,
	    "which does no harm twice");
	is_int(store_machine_remove(s, bob, id, &rig_err), 0, "not another's");
	is_int(store_machine_remove(s, alice, id, &rig_err), 1, "deleted");
	is_int(store_machine_remove(s, alice, id, &rig_err), 0, "once");
	is_int(rig_sql("SELECT count(*) FROM machine_key"
		       " WHERE revoked_at IS NULL"),
	    0, "its keys are revoked");
	is_int(store_machine_list(s, STORE_ANYBODY, 0, 9, &list, &n, &rig_err),
	    0, "the list");
	is_int(n, 0, "is empty");
	free(list);
	search();
	store_close(&s);
	rig_end();
	return tap_done();
}
