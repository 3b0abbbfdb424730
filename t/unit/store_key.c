#include "store/store_key.h"

#include "store_rig.h"

int
main(void)
{
	char key[KEY_LEN + 1], wrong[KEY_LEN + 1];
	int64_t alice, bob, id, who = 0;
	struct api_key *list;
	struct store *s;
	size_t n;

	rig_start();
	s = rig_open(0);
	alice = rig_user(s, "alice@example.com");
	bob = rig_user(s, "bob@example.com");
	is_int(store_key_add(s, alice, "ci", &id, key, &rig_err), 0, "a key");
	is_int(strlen(key), KEY_LEN, "64 digits");
	is_int(store_key_add(s, 99, "ci", &id, wrong, &rig_err), -1, "none");
	is_int(store_key_user(s, key, &who, &rig_err), 1, "it opens");
	is_int(who, alice, "for its user");
	memcpy(wrong, key, sizeof(wrong));
	wrong[63] = wrong[63] == '0' ? '1' : '0';
	is_int(store_key_user(s, wrong, &who, &rig_err), 0, "a wrong one");
	is_int(store_key_user(s, "", &who, &rig_err), 0, "an empty one");
	is_int(store_key_user(s, "' OR 1=1 --", &who, &rig_err), 0, "SQL");
	is_int(store_key_list(s, alice, &list, &n, &rig_err), 0, "listed");
	is_int(n, 1, "one");
	id = list[0].id;
	ok(list[0].last_used_at != 0, "it is noted that it was used");
	free(list);
	is_int(rig_sql("SELECT count(*) FROM change WHERE what <> 'user'"), 0,
	    "which relayd need not know");
	is_int(store_key_remove(s, bob, id, &rig_err), 0, "not by another");
	is_int(store_key_remove(s, alice, id, &rig_err), 1, "deleted");
	is_int(store_key_user(s, key, &who, &rig_err), 0, "it opens no more");
	for (n = 0; n <= KEYS_MAX; n++)
		if (store_key_add(s, bob, "many", &id, key, &rig_err) == -1)
			break;
	is_int(n, KEYS_MAX, "so many and no more");
	is_int(store_why(s), STORE_REFUSED, "which is a rule");
	ok(strstr(rig_err.text, "100 API keys") != NULL, "and told");
	is_int(store_key_add(s, alice, "x", &who, key, &rig_err), 0,
	    "another's are another matter");
	is_int(store_key_remove(s, bob, id, &rig_err), 1, "one less");
	is_int(store_key_add(s, bob, "x", &id, key, &rig_err), 0,
	    "makes room for one");
	store_close(&s);
	rig_end();
	return tap_done();
}
