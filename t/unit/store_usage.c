#include "store/store_usage.h"

#include "store_rig.h"

int
main(void)
{
	struct usage *list;
	struct store *s;
	int64_t ann, bob, a, b;
	char sql[200];
	size_t n;

	rig_start();
	s = rig_open(0);
	ann = rig_user(s, "ann@example.org");
	bob = rig_user(s, "bob@example.org");
	a = rig_tunnel(s, ann, "a");
	b = rig_tunnel(s, bob, "b");
	for (int hour = 100; hour < 104; hour++) {
		snprintf(sql, sizeof(sql),
		    "INSERT INTO usage_hour VALUES (%d, %d, %d, 2, 3, 4, 5),"
		    " (%d, %d, 7, 7, 7, 7, 7)",
		    hour, (int)a, hour, hour, (int)b);
		rig_sql(sql);
	}
	is_int(store_usage_hours(s, ann, 0, 101, 102, &list, &n, &rig_err), 0,
	    "hours of one's own");
	is_int(n, 2, "are those that were asked for");
	is_int(list[0].hour, 101, "in their order");
	is_int(list[1].bytes_in, 102, "with what came in");
	is_int(list[1].bytes_out, 2, "and went out");
	is_int(list[1].drops, 5, "and was lost");
	free(list);
	is_int(store_usage_hours(s, ann, b, 0, 999, &list, &n, &rig_err), 0,
	    "another's tunnel");
	is_int(n, 0, "has none");
	free(list);
	is_int(
	    store_usage_hours(s, STORE_ANYBODY, 0, 0, 999, &list, &n, &rig_err),
	    0, "everybody's");
	is_int(n, 8, "are all");
	is_int(list[4].tunnel, b, "one tunnel behind the other");
	free(list);
	is_int(store_usage_totals(s, ann, 101, 102, &list, &n, &rig_err), 0,
	    "what one's own tunnels carried");
	is_int(n, 1, "in all, each");
	is_int(list[0].tunnel, a, "is told");
	is_int(list[0].bytes_in, 101 + 102, "added up");
	is_int(list[0].drops, 10, "with what was lost");
	free(list);
	is_int(
	    store_usage_totals(s, STORE_ANYBODY, 100, 103, &list, &n, &rig_err),
	    0, "and everybody's");
	is_int(n, 2, "one line for each");
	is_int(list[1].bytes_out, 28, "by tunnel");
	free(list);
	store_close(&s);
	rig_end();
	return tap_done();
}
