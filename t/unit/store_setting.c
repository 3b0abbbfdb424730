#include "store/store_setting.h"

#include "store_rig.h"

int
main(void)
{
	struct setting all[SETTING_COUNT];
	struct settings set;
	struct store *s;

	rig_start();
	s = rig_open(0);
	is_int(store_settings(s, &set, &rig_err), 0, "settings");
	ok(!set.sign_up && !set.verify_by_admin, "nothing is open by itself");
	is_int(set.verify_hours, 24, "a link is good for a day");
	is_int(set.tunnels_max, 100, "a hundred tunnels");
	is_int(store_setting_set(s, "verify_by", "admin", &rig_err), 0, "set");
	is_int(store_setting_set(s, "verify_hours", "48", &rig_err), 0, "set");
	is_int(store_setting_set(s, "verify_hours", "49", &rig_err), 0, "yes");
	store_settings(s, &set, &rig_err);
	ok(set.verify_by_admin, "it is so");
	is_int(set.verify_hours, 49, "the last counts");
	is_int(store_setting_set(s, "verify_by", "lin", &rig_err), -1, "half");
	is_int(store_setting_set(s, "verify_by", "", &rig_err), -1, "nothing");
	is_int(store_setting_set(s, "verify_hours", "0", &rig_err), -1, "none");
	is_int(store_setting_set(s, "verify_hours", "x", &rig_err), -1, "text");
	is_int(store_setting_set(s, "colour", "x", &rig_err), -1, "unknown");
	is_int(store_why(s), STORE_REFUSED, "is refused");
	is_int(store_setting_list(s, all, &rig_err), 0, "listed");
	is_str(all[1].value, "admin", "with its value");
	ok(!all[1].is_default && all[0].is_default, "and whether it was set");
	rig_sql("UPDATE setting SET value = 'x' WHERE name = 'verify_hours'");
	store_settings(s, &set, &rig_err);
	is_int(set.verify_hours, 24, "nonsense leaves the default");
	is_int(rig_sql("SELECT count(*) FROM change WHERE what = 'setting'"), 4,
	    "each is a change");
	store_close(&s);
	rig_end();
	return tap_done();
}
