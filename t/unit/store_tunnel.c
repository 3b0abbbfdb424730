#include "store/store_tunnel.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "store/store_setting.h"
#include "store/store_verify.h"
#include "store_rig.h"

enum { RACERS = 8, EACH = 125 };

static struct store *s;
/* A socket at a port that nobody on this computer has, from the first one on. */
static int
occupy_from(int type, uint16_t first, uint16_t *port_out)
{
	struct sockaddr_in6 a;
	int fd = socket(AF_INET6, type, 0);

	memset(&a, 0, sizeof(a));
	a.sin6_family = AF_INET6;
	a.sin6_addr = in6addr_any;
	for (*port_out = first; *port_out < first + 100; ++*port_out) {
		a.sin6_port = htons(*port_out);
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
			break;
	}
	if (type == SOCK_STREAM)
		listen(fd, 1);
	return fd;
}

/* A port that a program on this computer uses. */
static int
occupy(int type, uint16_t *port_out)
{
	return occupy_from(type, 24000, port_out);
}

/* One that none uses just now: other tests may run beside this one. */
static uint16_t
unused(uint16_t first)
{
	uint16_t tcp, udp = first;

	do {
		close(occupy_from(SOCK_STREAM, udp, &tcp));
		close(occupy_from(SOCK_DGRAM, tcp, &udp));
	} while (udp != tcp && udp < first + 100);
	return udp;
}

static int64_t alice, bob;

/* Adds for user at a port (0: any): the port, or 0 when it is refused. */
static uint16_t
add_at(int64_t user, uint16_t port)
{
	struct tunnel_wish w = rig_wish("x");
	struct tunnel t;

	if (port != 0)
		w.set |= TUNNEL_PORT;
	w.public_port = port;
	if (store_tunnel_add(
		s, user, &w, &rig_ports, false, true, &t, &rig_err) == -1)
		return 0;
	return t.public_port;
}

static int64_t
counted(int64_t user)
{
	int64_t n;

	return store_tunnel_count(s, user, &n, &rig_err) == -1 ? -1 : n;
}

static void
making(void)
{
	struct tunnel_wish w = rig_wish("game");
	struct tunnel t, u;

	w.set |= TUNNEL_ALLOW | TUNNEL_PROXY | TUNNEL_RATE | TUNNEL_VISITORS;
	w.allow = "10.1.2.3/8 , ::1";
	w.proxy = PROXY_V2;
	w.address_rate = 60;
	w.visitors_max = 7;
	is_int(store_tunnel_add(
		   s, alice, &w, &rig_ports, false, false, &t, &rig_err),
	    0, "a tunnel");
	ok(t.public_port >= 20000 && t.public_port <= 29999, "in the range");
	is_int(t.verified_at, 0, "it waits for its link");
	ok(t.verify_until > t.created_at, "which is good for a while");
	is_str(t.allow, "10.0.0.0/8,::1", "the list in its one form");
	is_int(store_tunnel_by_id(s, alice, t.id, &u, &rig_err), 1, "found");
	is_int(u.proxy, PROXY_V2, "with its proxy protocol");
	is_int(u.address_rate, 60, "its rate");
	is_int(u.visitors_max, 7, "its visitors");
	is_int(u.revision, 1, "its first revision");
	is_int(store_tunnel_by_id(s, bob, t.id, &u, &rig_err), 0,
	    "another's is not there");
	is_int(store_tunnel_by_id(s, STORE_ANYBODY, t.id, &u, &rig_err), 1,
	    "for the operator it is");
	is_int(counted(alice), 1, "counted: one");
	is_int(counted(alice), 1, "and again");
	is_int(counted(bob), 0, "another has none");
	is_int(counted(STORE_ANYBODY), 1, "all have one");
	rig_sql("UPDATE tunnel SET deleted_at = 1");
	is_int(counted(STORE_ANYBODY), 0, "what others write is seen");
	rig_sql("UPDATE tunnel SET deleted_at = NULL");
	is_int(counted(alice), 1, "each time");
	store_group(s, &rig_err);
	is_int(store_tunnel_remove(s, alice, t.id, &rig_err), 1, "a step");
	is_int(counted(alice), 0, "counts what it has written");
	store_group_end(s, false, &rig_err);
	is_int(counted(alice), 1, "until it is taken back");

	w.name = "";
	is_int(store_tunnel_add(
		   s, alice, &w, &rig_ports, false, false, &t, &rig_err),
	    -1, "without a name");
	is_int(store_why(s), STORE_REFUSED, "it is refused");
	w = rig_wish("x");
	w.set &= ~(unsigned)TUNNEL_KIND;
	is_int(store_tunnel_add(
		   s, alice, &w, &rig_ports, false, false, &t, &rig_err),
	    -1, "without a kind");
	w = rig_wish("x");
	is_int(store_tunnel_add(
		   s, 4711, &w, &rig_ports, true, false, &t, &rig_err),
	    -1, "for nobody");
	is_int(store_why(s), STORE_REFUSED, "it is refused, too");
}

static void
editing(void)
{
	struct tunnel_wish w = { .set = TUNNEL_NAME | TUNNEL_TARGET,
		.name = "other",
		.local_host = "::1",
		.local_port = 80 };
	int64_t id = rig_tunnel(s, alice, "one");
	struct tunnel t;
	uint16_t old;

	is_int(store_tunnel_edit(s, bob, id, &w, &rig_ports, &rig_err), 0,
	    "another's is not there");
	is_int(store_tunnel_edit(s, alice, id, &w, &rig_ports, &rig_err), 1,
	    "one's own is changed");
	store_tunnel_by_id(s, alice, id, &t, &rig_err);
	is_str(t.name, "other", "its name");
	is_str(t.local_host, "::1", "its target");
	is_int(t.kind, KIND_TCP, "its kind stayed");
	is_int(t.revision, 2, "the revision rose");
	old = t.public_port;
	w.set = TUNNEL_PORT;
	w.public_port = unused(old == 29000 ? 29001 : 29000);
	is_int(store_tunnel_edit(s, alice, id, &w, &rig_ports, &rig_err), 1,
	    "another port");
	is_int(add_at(bob, old), 0, "the old one rests");
	ok(strstr(rig_err.text, "rests") != NULL, "and that is said");
	is_int(add_at(alice, old), old, "but not for its owner");

	is_int(store_tunnel_pause(s, alice, id, true, &rig_err), 1, "paused");
	store_tunnel_by_id(s, alice, id, &t, &rig_err);
	ok(t.paused_at != 0, "it is");
	is_int(store_tunnel_pause(s, alice, id, true, &rig_err), 1, "again");
	is_int(store_tunnel_pause(s, bob, id, false, &rig_err), 0,
	    "not by another");
	is_int(store_tunnel_pause(s, alice, id, false, &rig_err), 1, "resumed");

	is_int(store_tunnel_freeze(s, id, true, &rig_err), 1, "frozen");
	is_int(store_tunnel_pause(s, alice, id, false, &rig_err), -1,
	    "its owner cannot resume it");
	is_int(store_why(s), STORE_REFUSED, "that is refused");
	is_int(store_tunnel_edit(s, alice, id, &w, &rig_ports, &rig_err), -1,
	    "nor change it");
	is_int(
	    store_tunnel_remove(s, alice, id, &rig_err), -1, "nor delete it");
	is_int(store_tunnel_freeze(s, id, false, &rig_err), 1, "thawed");
	store_user_freeze(s, alice, true, &rig_err);
	is_int(store_tunnel_edit(s, alice, id, &w, &rig_ports, &rig_err), -1,
	    "a frozen user changes nothing");
	is_int(add_at(alice, 0), 0, "and makes nothing");
	store_user_freeze(s, alice, false, &rig_err);
}

static void
deleting(void)
{
	char sql[80];
	uint16_t port = add_at(alice, 0);
	struct tunnel *list;
	int64_t id;
	size_t n;

	store_tunnel_list(s, alice, 0, 1000, &list, &n, &rig_err);
	id = list[n - 1].id;
	free(list);
	is_int(store_tunnel_remove(s, bob, id, &rig_err), 0, "not another's");
	is_int(store_tunnel_remove(s, alice, id, &rig_err), 1, "one's own");
	is_int(store_tunnel_remove(s, alice, id, &rig_err), 0, "once");
	is_int(add_at(bob, port), 0, "its port rests");
	is_int(store_tunnel_restore(s, bob, id, &rig_err), 0,
	    "nobody else takes it back");
	is_int(store_tunnel_restore(s, alice, id, &rig_err), 1, "taken back");
	is_int(add_at(bob, port), 0, "with its port");
	ok(strstr(rig_err.text, "another tunnel") != NULL, "and that is said");
	is_int(store_tunnel_restore(s, alice, id, &rig_err), 0, "once");

	store_tunnel_remove(s, alice, id, &rig_err);
	is_int(add_at(alice, port), port, "its owner gives its port away");
	is_int(store_tunnel_restore(s, alice, id, &rig_err), -1,
	    "then it cannot come back");
	ok(strstr(rig_err.text, "port") != NULL, "and that is said");

	id = rig_tunnel(s, alice, "late");
	store_tunnel_remove(s, alice, id, &rig_err);
	rig_sql("UPDATE tunnel SET deleted_at = deleted_at - 601000"
		" WHERE name = 'late'");
	is_int(store_tunnel_restore(s, alice, id, &rig_err), -1,
	    "nor after ten minutes");
	rig_sql("UPDATE port_rest SET until = 1");
	rig_sql("UPDATE tunnel SET deleted_at = 1 WHERE deleted_at > 0");
	is_int(rig_sql("SELECT count(*) FROM port_rest WHERE until > 1"), 0,
	    "after a day");
	port = unused(28123);
	snprintf(sql, sizeof(sql),
	    "UPDATE tunnel SET public_port = %u WHERE name = 'late'", port);
	rig_sql(sql);
	is_int(add_at(bob, port), port, "others get the port");
}

static void
ports(void)
{
	const uint16_t last = unused(25001);
	const uint16_t reserved[] = { (uint16_t)(last - 1) };
	struct tunnel_ports only = { .from = reserved[0],
		.to = last,
		.reserved = reserved,
		.reserved_n = 1 };
	struct tunnel_wish w = rig_wish("x");
	struct tunnel t;
	uint16_t port;
	int fd;

	is_int(add_at(alice, 19999), 0, "below the range");
	is_int(add_at(alice, 30000), 0, "above the range");
	ok(strstr(rig_err.text, "20000 to 29999") != NULL, "the range is said");
	fd = occupy(SOCK_STREAM, &port);
	is_int(add_at(alice, port), 0, "one that another program listens on");
	ok(strstr(rig_err.text, "another program") != NULL, "that is said");
	close(fd);
	fd = occupy(SOCK_DGRAM, &port);
	is_int(add_at(alice, port), 0, "one that another has for UDP");
	close(fd);
	is_int(add_at(alice, port), port, "when it is free again, it is given");

	w.set |= TUNNEL_PORT;
	w.public_port = reserved[0];
	is_int(store_tunnel_add(s, alice, &w, &only, true, true, &t, &rig_err),
	    -1, "a reserved one");
	ok(strstr(rig_err.text, "reserved") != NULL, "that is said");
	w.set &= ~(unsigned)TUNNEL_PORT;
	is_int(store_tunnel_add(s, alice, &w, &only, true, true, &t, &rig_err),
	    0, "one is left of this range");
	is_int(t.public_port, last, "it is the other");
	is_int(store_tunnel_add(s, alice, &w, &only, true, true, &t, &rig_err),
	    -1, "then it is exhausted");
	ok(strstr(rig_err.text, "none is free") != NULL, "that is said");
	only.from = 1;
	only.to = 1023;
	is_int(store_tunnel_add(s, alice, &w, &only, true, true, &t, &rig_err),
	    -1, "privileged ones are never given");
	only.from = 9;
	only.to = 8;
	is_int(store_tunnel_add(s, alice, &w, &only, true, true, &t, &rig_err),
	    -1, "an empty range");
}

static void
quota(void)
{
	int64_t carol = rig_user(s, "carol@example.com");

	store_setting_set(s, "tunnels_max", "2", &rig_err);
	ok(add_at(carol, 0) != 0, "a first");
	ok(add_at(carol, 0) != 0, "a second");
	is_int(add_at(carol, 0), 0, "a third is one too many");
	ok(strstr(rig_err.text, "at most 2") != NULL, "and that is said");
	rig_sql("UPDATE user SET role = 'admin' WHERE email LIKE 'carol%'");
	ok(add_at(carol, 0) != 0, "an admin may");
	store_setting_set(s, "tunnels_max", "0", &rig_err);
}

/* Creates its share; what it tells is how many failed. */
static int
race_one(int64_t user)
{
	struct store *mine = rig_open(0);
	int i, failed = 0;

	for (i = 0; i < EACH; i++) {
		if (rig_tunnel(mine, user, "race") != 0)
			continue;
		fprintf(stderr, "# %s\n", rig_err.text);
		failed++;
	}
	store_close(&mine);
	return failed > 100 ? 100 : failed;
}

/* Another program has its port. */
static void
moving(void)
{
	int64_t id = rig_tunnel(s, alice, "moves");
	struct tunnel t;
	uint16_t port = 0;

	ok(store_tunnel_by_id(s, alice, id, &t, &rig_err) == 1, "a new tunnel");
	is_int(store_tunnel_move(
		   s, id, t.public_port, &rig_ports, &port, &rig_err),
	    1, "that was never served gets another port");
	ok(port != 0 && port != t.public_port, "another one");
	is_int(store_tunnel_move(
		   s, id, t.public_port, &rig_ports, &port, &rig_err),
	    0, "once");
	ok(store_tunnel_by_id(s, alice, id, &t, &rig_err) == 1 &&
		t.public_port == port,
	    "which is its port now");
	is_int(rig_sql("SELECT count(*) FROM port_rest WHERE port ="
		       " (SELECT public_port FROM tunnel"
		       " WHERE name = 'moves')"),
	    0, "and does not rest");
	rig_sql("UPDATE tunnel SET last_connected_at = 1 WHERE name = 'moves'");
	is_int(store_tunnel_move(
		   s, id, t.public_port, &rig_ports, &port, &rig_err),
	    0, "one that was served keeps its port");
	is_int(store_tunnel_remove(s, alice, id, &rig_err), 1, "it goes");
	is_int(store_tunnel_move(
		   s, id, t.public_port, &rig_ports, &port, &rig_err),
	    0, "one that is gone gets none");
}

static void
race(void)
{
	int i, status, failed = 0;

	store_close(&s);
	for (i = 0; i < RACERS; i++) {
		if (fork() == 0)
			_exit(race_one(i % 2 == 0 ? alice : bob));
	}
	for (i = 0; i < RACERS; i++) {
		if (wait(&status) > 0)
			failed += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
	s = rig_open(0);
	is_int(failed, 0, "8 programs make 1,000 tunnels, none is refused");
	is_int(rig_sql("SELECT count(*) FROM tunnel WHERE name = 'race'"),
	    RACERS * EACH, "all are there");
	is_int(rig_sql("SELECT count(*) - count(DISTINCT public_port)"
		       " FROM tunnel WHERE deleted_at IS NULL"),
	    0, "no port twice");
}

/* Eight want the same one. */
static void
race_for_one(void)
{
	int i, status, won = 0;
	uint16_t port = unused(26000);

	store_close(&s);
	for (i = 0; i < RACERS; i++) {
		if (fork() == 0) {
			s = rig_open(0);
			_exit(add_at(alice, port) == port);
		}
	}
	for (i = 0; i < RACERS; i++) {
		if (wait(&status) > 0 && WIFEXITED(status))
			won += WEXITSTATUS(status);
	}
	s = rig_open(0);
	is_int(won, 1, "of 8 who want one port, one gets it");
}

int
main(void)
{
	rig_start();
	s = rig_open(0);
	alice = rig_user(s, "alice@example.com");
	bob = rig_user(s, "bob@example.com");
	making();
	editing();
	deleting();
	ports();
	quota();
	moving();
	race();
	race_for_one();
	store_close(&s);
	rig_end();
	return tap_done();
}
