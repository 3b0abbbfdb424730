#include "store/store_used.h"

#include "store_rig.h"

int
main(void)
{
	uint8_t key[VERIFY_KEY_LEN] = { 1, 2, 3 };
	char code[VERIFY_CODE_LEN + 1], loud[VERIFY_CODE_LEN + 1];
	struct tunnel_wish w = rig_wish("web");
	struct used_link u;
	struct tunnel t;
	struct store *s;
	int64_t ann;
	int i;

	rig_start();
	s = rig_open(0);
	ann = rig_user(s, "ann@example.org");
	store_tunnel_add(s, ann, &w, &rig_ports, false, false, &t, &rig_err);
	store_verify_code(code, key, t.id, t.verify_serial);
	for (i = 0; i <= VERIFY_CODE_LEN; i++)
		loud[i] = code[i] >= 'a' && code[i] <= 'z'
		    ? (char)(code[i] - 32)
		    : code[i];
	is_int(store_verify(s, t.id, t.verify_serial, &rig_err), 1, "used");
	is_int(store_used_link(s, key, code, &u, &rig_err), 1,
	    "a used link is known");
	is_str(u.name, "web", "with its tunnel");
	ok(u.verified_at != 0, "and when");
	is_int(store_used_link(s, key, loud, &u, &rig_err), 1,
	    "in any case of letters");
	is_int(store_used_link(s, key, "abc", &u, &rig_err), 0, "a short one");
	loud[0] = loud[0] == 'A' ? 'B' : 'A';
	is_int(store_used_link(s, key, loud, &u, &rig_err), 0, "another");
	rig_sql("UPDATE tunnel SET verified_at = NULL,"
		" verify_until = verify_until - 2 * 86400000");
	is_int(store_used_link(s, key, code, &u, &rig_err), 1, "an old one");
	is_int(u.verified_at, 0, "was not used");
	rig_sql("UPDATE tunnel SET verify_until = 1");
	is_int(store_used_link(s, key, code, &u, &rig_err), 0,
	    "and is forgotten in time");
	store_close(&s);
	rig_end();
	return tap_done();
}
