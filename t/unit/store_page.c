/* Parts of long lists: whose they are, how many, and which of them. */
#include "store/store_page.h"

#include "store/store_machine.h"
#include "store_rig.h"

static int64_t ann, bob, t1, t2, tb, m1, m2, mb;

static int64_t
tunnel(struct store *s, int64_t user, const char *name)
{
	struct tunnel_wish w = { .set =
				     TUNNEL_NAME | TUNNEL_KIND | TUNNEL_TARGET,
		.name = name,
		.kind = KIND_TCP,
		.local_host = "127.0.0.1",
		.local_port = 80 };
	struct tunnel t;

	if (store_tunnel_add(
		s, user, &w, &rig_ports, true, true, &t, &rig_err) == -1)
		printf("Bail out! %s\n", rig_err.text);
	return t.id;
}

static int64_t
machine(struct store *s, int64_t user, const char *name, const int64_t *tunnels,
    size_t n)
{
	char token[MACHINE_TOKEN_LEN + 1];
	int64_t id = 0;

	if (store_machine_add(
		s, user, name, tunnels, n, &id, token, &rig_err) == -1)
		printf("Bail out! %s\n", rig_err.text);
	return id;
}

static void
make(struct store *s)
{
	int64_t both[2];

	store_user_add(s, "ann@example.org", "x", false, &ann, &rig_err);
	store_user_add(s, "bob@example.org", "x", false, &bob, &rig_err);
	both[0] = t1 = tunnel(s, ann, "one");
	both[1] = t2 = tunnel(s, ann, "two");
	tb = tunnel(s, bob, "his");
	m1 = machine(s, ann, "first", both, 2);
	m2 = machine(s, ann, "second", both, 1);
	mb = machine(s, bob, "his", &tb, 1);
}

static void
test_pairs(struct store *s)
{
	struct page_pair *l;
	size_t n;

	is_int(store_page_pairs(s, ann, 1, 1000, &l, &n, &rig_err), 0, "pairs");
	is_int((int64_t)n, 3, "of her tunnels");
	ok(n == 3 && l[0].tunnel == t1 && l[0].machine == m1 &&
		l[1].machine == m2 && l[2].tunnel == t2,
	    "in their order");
	is_str(n == 3 ? l[1].name : "", "second", "with the machine's name");
	free(l);
	store_page_pairs(s, ann, t2, t2, &l, &n, &rig_err);
	is_int((int64_t)n, 1, "of a part of them");
	free(l);
	store_page_pairs(s, STORE_ANYBODY, 1, 1000, &l, &n, &rig_err);
	is_int((int64_t)n, 4, "of everybody's");
	free(l);
}

static void
test_counts(struct store *s)
{
	int64_t n;

	is_int(store_user_count(s, &n, &rig_err), 0, "users are counted");
	is_int(n, 2, "both");
	store_machine_count(s, ann, &n, &rig_err);
	is_int(n, 2, "her machines");
	store_machine_count(s, STORE_ANYBODY, &n, &rig_err);
	is_int(n, 3, "all machines");
}

static void
test_events(struct store *s)
{
	struct event v = { .who = "ann", .did = "x", .what = "y" }, *l;
	int64_t total;
	size_t n;
	int i;

	for (i = 0; i < 5; i++) {
		v.user = i == 4 ? bob : ann;
		snprintf(v.what, sizeof(v.what), "%d", i);
		store_event_add(s, &v, &rig_err);
	}
	is_int(store_page_events(s, ann, 1, 2, &l, &n, &total, &rig_err), 0,
	    "events");
	is_int(total, 4, "all of hers are counted");
	ok(n == 2 && strcmp(l[0].what, "2") == 0 && strcmp(l[1].what, "1") == 0,
	    "two from the second newest on");
	free(l);
	store_page_events(s, STORE_ANYBODY, 0, 100, &l, &n, &total, &rig_err);
	is_int((int64_t)n, 5, "everybody's");
	free(l);
}

/* How many sessions a question finds; -1 when the total is another. */
static int64_t
sessions(struct store *s, int64_t user, int64_t of_machine, int64_t of_tunnel)
{
	struct page_sessions which = { user, of_machine, of_tunnel };
	struct session_info *l;
	int64_t total;
	size_t n;

	if (store_page_sessions(s, &which, 0, 100, &l, &n, &total, &rig_err) ==
	    -1)
		return -1;
	free(l);
	return total == (int64_t)n ? total : -1;
}

static void
test_sessions(struct store *s)
{
	struct session_row rows[3] = { { .id = 1, .machine = m1 },
		{ .id = 2, .machine = m2 }, { .id = 3, .machine = mb } };
	struct session_batch b = { .sessions = rows, .session_n = 3 };

	for (int i = 0; i < 3; i++) {
		rows[i].relay = rows[i].address = rows[i].version =
		    rows[i].system = rows[i].computer = rows[i].why = "";
		rows[i].connected_at = 1000 + i;
	}
	is_int(store_session_write(s, &b, &rig_err), 1, "three presences");
	is_int(sessions(s, ann, 0, 0), 2, "hers");
	is_int(sessions(s, ann, m1, 0), 1, "of one machine");
	is_int(sessions(s, ann, mb, 0), 0, "not of his");
	is_int(sessions(s, ann, 0, t2), 1, "of a tunnel's machine");
	is_int(sessions(s, STORE_ANYBODY, 0, 0), 3, "all");
}

static void
test_usage(struct store *s)
{
	struct usage_row rows[] = { { 240, t1, 1, 2, 3, 4, 5 },
		{ 241, t1, 10, 20, 30, 40, 50 }, { 264, t2, 7, 7, 7, 7, 7 },
		{ 264, tb, 9, 9, 9, 9, 9 } };
	struct session_batch b = { .usage = rows, .usage_n = 4 };
	struct usage_row *l;
	size_t n;

	is_int(store_session_write(s, &b, &rig_err), 1, "four hours");
	is_int(store_page_usage(s, ann, t1, 1, 0, 1000, &l, &n, &rig_err), 0,
	    "by the hour");
	ok(n == 2 && l[0].hour == 240 && l[0].bytes_in == 1 &&
		l[1].hour == 241 && l[1].drops == 50,
	    "each with its own");
	free(l);
	store_page_usage(s, ann, t1, 24, 0, 1000, &l, &n, &rig_err);
	ok(n == 1 && l[0].hour == 240 && l[0].bytes_in == 11, "by the day");
	free(l);
	store_page_usage(s, ann, 0, 24, 0, 1000, &l, &n, &rig_err);
	ok(n == 2 && l[1].hour == 264 && l[1].bytes_in == 7, "of all of hers");
	free(l);
	store_page_usage(s, ann, tb, 1, 0, 1000, &l, &n, &rig_err);
	is_int((int64_t)n, 0, "not of his");
	free(l);
	store_page_usage(s, ann, t1, 1, 241, 242, &l, &n, &rig_err);
	is_int((int64_t)n, 1, "of a part of the time");
	free(l);
}

int
main(void)
{
	struct store *s;

	rig_start();
	s = rig_open(0);
	make(s);
	test_pairs(s);
	test_counts(s);
	test_events(s);
	test_sessions(s);
	test_usage(s);
	store_close(&s);
	rig_end();
	return tap_done();
}
