#include "store/store_user.h"

#include "store_rig.h"

/* How many users a list from skip has; *last_out is its last, if any. */
static size_t
listed(struct store *s, int64_t skip, struct user *last_out)
{
	struct user *list = NULL;
	size_t n = 0;

	is_int(store_user_list(s, skip, 100, &list, &n, &rig_err), 0, "a list");
	if (n > 0)
		*last_out = list[n - 1];
	free(list);
	return n;
}

int
main(void)
{
	char hash[PASSWORD_HASH_MAX + 1];
	struct user u;
	struct store *s;
	int64_t id, other;

	rig_start();
	s = rig_open(0);
	is_int(store_user_add(s, "a@example.com", "$y$1", true, &id, &rig_err),
	    0, "a user");
	is_int(store_user_add(s, "A@EXAMPLE.com", "h", true, &other, &rig_err),
	    -1, "the same address in other letters");
	is_int(store_why(s), STORE_REFUSED, "is refused");
	is_int(store_user_add(s, "no address", "h", true, &other, &rig_err), -1,
	    "no address");
	is_int(store_user_by_email(s, "A@example.COM", &u, &rig_err), 1,
	    "found in any letters");
	is_int(u.id, id, "it is this one");
	ok(u.admin && u.frozen_at == 0, "an admin, not frozen");
	is_int(store_user_by_email(s, "x' OR 1=1 --", &u, &rig_err), 0,
	    "SQL is only text");
	is_int(store_user_by_id(s, 99, &u, &rig_err), 0, "no such number");
	is_int(store_user_who(s, 99, &u, &rig_err), 0, "nor who it would be");
	is_int(store_user_who(s, id, &u, &rig_err), 1, "who it is");
	ok(u.id == id && u.admin && u.frozen_at == 0 &&
		strcmp(u.email, "a@example.com") == 0,
	    "without counting");

	is_int(store_user_password(s, id, hash, &rig_err), 1, "a password");
	is_str(hash, "$y$1", "as it was given");
	rig_sql("INSERT INTO web_session (user_id, hash, created_at, seen_at,"
		" expires_at) VALUES (1, randomblob(32), 1, 1, 1)");
	is_int(store_user_set_password(s, id, "$y$2", &rig_err), 1, "a new");
	store_user_password(s, id, hash, &rig_err);
	is_str(hash, "$y$2", "is there");
	is_int(rig_sql("SELECT count(*) FROM web_session"), 0,
	    "and nobody is signed in");
	is_int(store_user_set_password(s, 99, "h", &rig_err), 0, "nobody's");

	is_int(store_user_freeze(s, id, true, &rig_err), 1, "frozen");
	store_user_by_id(s, id, &u, &rig_err);
	ok(u.frozen_at != 0, "it is");
	is_int(store_user_freeze(s, id, false, &rig_err), 1, "thawed");
	is_int(store_user_freeze(s, 99, true, &rig_err), 0, "nobody");

	other = rig_user(s, "b@example.com");
	rig_tunnel(s, other, "t");
	is_int(listed(s, 0, &u), 2, "of two");
	is_int(u.tunnels, 1, "who has a tunnel");
	is_int(listed(s, 1, &u), 1, "from the second");
	is_int(listed(s, 5, &u), 0, "beyond the last");

	is_int(store_user_remove(s, other, &rig_err), 1, "deleted");
	is_int(store_user_remove(s, other, &rig_err), 0, "once");
	is_int(rig_sql("SELECT count(*) FROM tunnel"), 0, "tunnels go, too");
	is_int(rig_sql("SELECT count(*) FROM port_rest"), 1, "ports rest");
	store_close(&s);
	rig_end();
	return tap_done();
}
