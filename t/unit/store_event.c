#include "store/store_event.h"

#include "store_rig.h"

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
	store_close(&s);
	rig_end();
	return tap_done();
}
