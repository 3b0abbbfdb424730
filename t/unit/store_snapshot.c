#include "store/store_snapshot.h"

#include "base/str.h"
#include "store/store_machine.h"
#include "store_rig.h"

static struct store *s;

static struct snapshot *
take(void)
{
	struct snapshot *n = store_snapshot(s, &rig_err);

	if (n == NULL) {
		printf("Bail out! %s\n", rig_err.text);
		exit(1);
	}
	return n;
}

static void
empty(void)
{
	static const uint8_t token[32];
	struct snapshot *n = take();
	size_t count;

	ok(n->user_n + n->machine_n + n->key_n + n->tunnel_n + n->pair_n == 0,
	    "an empty database gives an empty snapshot");
	is_int(n->settings.verify_hours, 24, "with the settings");
	ok(snapshot_tunnel(n, 1) == NULL && snapshot_user(n, 1) == NULL &&
		snapshot_machine(n, 1) == NULL &&
		snapshot_key(n, token) == NULL,
	    "in which nothing is found");
	snapshot_pairs(n, 1, &count);
	is_int(count, 0, "nor a pair");
	snapshot_free(&n);
	ok(n == NULL, "freeing leaves NULL");
	snapshot_free(&n);
}

static void
full(void)
{
	char token[MACHINE_TOKEN_LEN + 1], second[MACHINE_TOKEN_LEN + 1];
	struct tunnel_wish w = rig_wish("Spiel");
	const struct snap_tunnel *t;
	const struct snap_pair *p;
	const struct snap_key *k;
	int64_t alice, bob, gone, ids[2], pc, nas, key;
	struct snapshot *n;
	struct tunnel made;
	uint8_t bin[32];
	size_t count;

	alice = rig_user(s, "alice@example.com");
	bob = rig_user(s, "bob@example.com");
	w.set |= TUNNEL_ALLOW | TUNNEL_PROXY | TUNNEL_RATE;
	w.kind = KIND_BOTH;
	w.allow = "10.0.0.0/8";
	w.proxy = PROXY_V1;
	w.address_rate = 60;
	store_tunnel_add(
	    s, alice, &w, &rig_ports, false, false, &made, &rig_err);
	ids[0] = made.id;
	ids[1] = rig_tunnel(s, alice, "two");
	gone = rig_tunnel(s, alice, "gone");
	store_tunnel_remove(s, alice, gone, &rig_err);
	store_machine_add(s, alice, "PC", ids, 2, &pc, token, &rig_err);
	store_machine_add(s, alice, "NAS", ids, 1, &nas, second, &rig_err);
	store_machine_key_add(s, alice, nas, &key, second, &rig_err);
	store_machine_key_remove(s, alice, key, &rig_err);
	store_user_freeze(s, bob, true, &rig_err);

	n = take();
	is_int(n->user_n, 2, "users");
	ok(!snapshot_user(n, alice)->frozen && snapshot_user(n, bob)->frozen,
	    "one is frozen");
	is_str(snapshot_machine(n, nas)->name, "NAS", "a machine");
	is_int(n->tunnel_n, 3, "tunnels");
	t = snapshot_tunnel(n, ids[0]);
	is_str(t->name, "Spiel", "a tunnel's name");
	is_int(t->kind, KIND_BOTH, "its kind");
	is_str(t->local_host, "127.0.0.1", "its target");
	is_int(t->local_port, 22, "its target's port");
	is_int(t->public_port, made.public_port, "its public port");
	is_int(t->verified_at, 0, "it waits");
	is_int(t->proxy, PROXY_V1, "its proxy protocol");
	is_str(t->allow, "10.0.0.0/8", "its list");
	is_str(t->deny, "", "its other list");
	is_int(t->address_rate, 60, "its rate");
	is_int(t->revision, 1, "its revision");
	ok(!t->was_online, "it was never online");
	ok(snapshot_tunnel(n, gone)->deleted_at != 0, "one is deleted");
	p = snapshot_pairs(n, pc, &count);
	ok(count == 2 && p[0].tunnel == ids[0] && p[1].tunnel == ids[1],
	    "a machine's pairs");
	p = snapshot_pairs(n, nas, &count);
	ok(count == 1 && p[0].machine == nas, "the other's");
	str_unhex(bin, 32, token);
	k = snapshot_key(n, bin);
	ok(k != NULL && k->machine == pc, "a token is found");
	ok(snapshot_key_is_good(k, k->expires_at - 1), "and good for a week");
	ok(!snapshot_key_is_good(k, k->expires_at), "and no longer");
	str_unhex(bin, 32, second);
	k = snapshot_key(n, bin);
	ok(k != NULL && k->revoked && !snapshot_key_is_good(k, 0),
	    "a revoked one is told from an unknown one");
	bin[0] ^= 1;
	ok(snapshot_key(n, bin) == NULL, "an unknown one");
	store_change_max(s, &key, &rig_err);
	is_int(n->change, key, "it knows the newest change");
	snapshot_free(&n);
}

/* A snapshot is of one moment: no pair without its tunnel. */
static void
large(void)
{
	struct snapshot *n;
	size_t i, unsorted = 0;

	rig_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
		" FROM n WHERE i < 2000) INSERT INTO tunnel (user_id, name,"
		" kind, local_host, local_port, public_port, verify_until,"
		" created_at, allow) SELECT 1, 'name ' || i, 'tcp', 'host',"
		" 22, 30000 + i, 1, 1, hex(zeroblob(1000)) FROM n");
	n = take();
	is_int(n->tunnel_n, 2003, "thousands of tunnels");
	for (i = 1; i < n->tunnel_n; i++)
		unsorted += n->tunnels[i - 1].id >= n->tunnels[i].id;
	is_int(unsorted, 0, "sorted by id");
	is_str(n->tunnels[2002].name, "name 2000", "with their names");
	is_int(strlen(n->tunnels[1000].allow), 2000, "and their lists");
	snapshot_free(&n);
}

/* Whatever is wrong with the file, there is a reason and no snapshot. */
static void
lost(void)
{
	char other[128];

	snprintf(other, sizeof(other), "%s/kept", rig_dir);
	rename(rig_db, other);
	ok(store_snapshot(s, &rig_err) == NULL, "a removed file gives none");
	is_int(store_why(s), STORE_LOST, "and the reason");
	rename(other, rig_db);
}

int
main(void)
{
	rig_start();
	s = rig_open(STORE_NEVER_WAIT);
	empty();
	full();
	large();
	lost();
	store_close(&s);
	rig_end();
	return tap_done();
}
