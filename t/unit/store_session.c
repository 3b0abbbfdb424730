#include "store/store_session.h"

#include <fcntl.h>
#include <sys/file.h>

#include "base/clock.h"
#include "store/store_machine.h"
#include "store_rig.h"

static struct store *s;
static int64_t user, tunnel, machine;

static struct session_row
row(int64_t id, int64_t of)
{
	struct session_row r = { .id = id,
		.machine = of,
		.relay = "r1",
		.address = "192.0.2.7",
		.version = "adit 1.0.0",
		.system = "Debian",
		.computer = "nas",
		.connected_at = 1000,
		.seen_at = 2000,
		.why = "",
		.bytes_in = 5,
		.bytes_out = 6,
		.streams_in = 1 };

	return r;
}

static void
sessions(void)
{
	struct session_row r = row(1, machine), gone = row(2, 4711);
	struct session_batch b = { .sessions = &r, .session_n = 1 };
	struct session_info *list;
	char allow[MACHINE_ALLOW_MAX + 1];
	struct machine m;
	int64_t next;
	size_t n;

	is_int(store_session_start(s, "r1", &next, &rig_err), 0, "a start");
	is_int(next, 1, "the first number is 1");
	is_int(store_session_write(s, &b, &rig_err), 1, "a session begins");
	r.seen_at = 9000;
	r.bytes_in = 50;
	is_int(store_session_write(s, &b, &rig_err), 1, "and is seen");
	r.seen_at = 8000;
	r.bytes_in = 40;
	is_int(store_session_write(s, &b, &rig_err), 1, "and told of late");
	is_int(store_session_list(s, machine, 9, &list, &n, &rig_err), 0, "it");
	is_int(n, 1, "is one");
	is_int(list[0].seen_at, 9000, "time does not go back");
	is_int(list[0].bytes_in, 50, "nor do counters");
	is_int(list[0].disconnected_at, 0, "it lives");
	free(list);
	is_int(
	    store_machine_allow(s, machine, allow, &rig_err), 1, "it may be");
	is_str(allow, "", "asked for nothing that is known");
	store_machine_by_id(s, user, machine, &m, &rig_err);
	is_str(m.computer, "nas", "the machine's computer is known");
	is_str(m.address, "192.0.2.7", "and its address");
	is_int(m.seen_at, 2000, "seen is written once in 5 minutes");
	r.seen_at += 400 * 1000;
	r.address = "192.0.2.8";
	store_session_write(s, &b, &rig_err);
	store_machine_by_id(s, user, machine, &m, &rig_err);
	is_int(m.seen_at, 408000, "then again");
	is_str(m.address, "192.0.2.8", "from elsewhere");
	r.allow = "127.0.0.1:22,nas:*";
	store_session_write(s, &b, &rig_err);
	store_machine_allow(s, machine, allow, &rig_err);
	is_str(allow, r.allow, "what it may be asked for is kept at once");
	r.allow = NULL;
	r.seen_at += 400 * 1000;
	store_session_write(s, &b, &rig_err);
	store_machine_allow(s, machine, allow, &rig_err);
	is_str(allow, "127.0.0.1:22,nas:*", "until another tells of itself");
	is_int(store_machine_allow(s, 4711, allow, &rig_err), 0,
	    "no machine, no list");

	b.sessions = &gone;
	is_int(store_session_write(s, &b, &rig_err), 1,
	    "a machine that is gone is no hindrance");
	is_int(rig_sql("SELECT count(*) FROM session"), 1, "and left out");

	is_int(store_session_start(s, "other", &next, &rig_err), 0, "another");
	is_int(next, 2, "relay gets the next number");
	is_int(rig_sql("SELECT count(*) FROM session"
		       " WHERE disconnected_at IS NULL"),
	    1, "and closes nothing of this one");
	is_int(store_session_start(s, "r1", &next, &rig_err), 0, "this one");
	is_int(rig_sql("SELECT disconnected_at = seen_at AND why <> ''"
		       " FROM session"),
	    1, "closes what it left open, when it was last seen");
}

static void
usage(void)
{
	struct usage_row u[2] = { { 7, tunnel, 1, 2, 3, 4, 5 },
		{ 7, 4711, 1, 1, 1, 1, 1 } };
	struct session_batch b = { .usage = u, .usage_n = 2 };

	is_int(store_session_write(s, &b, &rig_err), 1, "usage");
	is_int(store_session_write(s, &b, &rig_err), 1, "and more");
	is_int(rig_sql("SELECT count(*) FROM usage_hour"), 1,
	    "an hour and a tunnel that is there: one row");
	is_int(rig_sql("SELECT bytes_in * 10000 + bytes_out * 1000 +"
		       " streams * 100 + datagrams * 10 + drops / 10"
		       " FROM usage_hour"),
	    24681, "which adds up");
	u[0].bytes_in = UINT64_MAX;
	u[0].tunnel = tunnel;
	u[0].hour = 8;
	is_int(store_session_write(s, &b, &rig_err), 1,
	    "more bytes than a column holds are no hindrance");
}

static void
used(void)
{
	int64_t key = rig_sql("SELECT id FROM machine_key"), before, after;
	struct event v = { .who = "relayd", .did = "session replaced" };
	struct session_batch b = { .keys = &key,
		.key_n = 1,
		.tunnels = &tunnel,
		.tunnel_n = 1,
		.events = &v,
		.event_n = 1 };

	store_change_max(s, &before, &rig_err);
	is_int(store_session_write(s, &b, &rig_err), 1, "used");
	ok(rig_sql("SELECT first_used_at FROM machine_key") > 0, "the key");
	ok(rig_sql("SELECT last_connected_at FROM tunnel") > 0, "the tunnel");
	is_int(rig_sql("SELECT count(*) FROM event"), 1, "the event");
	store_change_max(s, &after, &rig_err);
	is_int(after, before + 1, "only a key's first use is a change");
	rig_sql("UPDATE tunnel SET last_connected_at = last_connected_at - 9");
	before = rig_sql("SELECT last_connected_at FROM tunnel");
	store_session_write(s, &b, &rig_err);
	is_int(rig_sql("SELECT last_connected_at FROM tunnel"), before,
	    "not written again within 5 minutes");
	store_change_max(s, &before, &rig_err);
	is_int(before, after, "nor is it a change");
}

static void
busy(void)
{
	struct event v = { .who = "relayd" };
	struct session_batch b = { .events = &v, .event_n = 1 };
	char lock[128];
	int fd;

	snprintf(lock, sizeof(lock), "%s.lock", rig_db);
	store_set_waiting(s, false);
	fd = open(lock, O_RDWR);
	flock(fd, LOCK_EX);
	is_int(store_session_write(s, &b, &rig_err), 0, "busy now");
	close(fd);
	is_int(store_session_write(s, &b, &rig_err), 1, "then written");
	is_int(rig_sql("SELECT count(*) FROM event WHERE did = ''"), 1, "once");
	store_set_waiting(s, true);
}

/* A later Adit has brought the file up to date while it was open here. */
static void
newer(void)
{
	struct event v = { .who = "relayd", .did = "later" };
	struct session_batch b = { .events = &v, .event_n = 1 };
	int64_t is = rig_sql("PRAGMA user_version");
	char back[64];

	is_int(store_schema_check(s, &rig_err), 0, "tables as we know them");
	rig_sql("PRAGMA user_version = 9999");
	is_int(store_schema_check(s, &rig_err), -1, "tables of a later Adit");
	is_int(store_why(s), STORE_NEWER, "which is why");
	is_int(store_session_write(s, &b, &rig_err), -1, "nothing is written");
	is_int(store_why(s), STORE_NEWER, "for that reason");
	is_int(rig_sql("SELECT count(*) FROM event WHERE did = 'later'"), 0,
	    "indeed");
	snprintf(
	    back, sizeof(back), "PRAGMA user_version = %lld", (long long)is);
	rig_sql(back);
	is_int(store_session_write(s, &b, &rig_err), 1, "till it is put back");
}

int
main(void)
{
	char token[MACHINE_TOKEN_LEN + 1];

	rig_start();
	s = rig_open(0);
	user = rig_user(s, "a@example.com");
	tunnel = rig_tunnel(s, user, "t");
	store_machine_add(s, user, "PC", &tunnel, 1, &machine, token, &rig_err);
	sessions();
	usage();
	used();
	busy();
	newer();
	store_close(&s);
	rig_end();
	return tap_done();
}
