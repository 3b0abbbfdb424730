#include "store/store_port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/store_setting.h"
#include "store/store_sql.h"
#include "store/store_tunnel.h"

enum {
	PORTS = 65536,
	PRIVILEGED = 1024,
	TRIES_MAX = 4096, /* ports that others may hold before we give up */
};

/* Of one number, for one user. */
enum state {
	FREE,
	OWN,   /* rests, and was this user's */
	FRESH, /* the same, and may be taken back with its tunnel */
	RESTS, /* rests, and was another's */
	LEASED,
	OUTSIDE, /* of the range, or never given */
};

struct map {
	uint8_t state[PORTS]; /* enum state */
	uint16_t kernel_from, kernel_to;
	uint16_t pick[PORTS]; /* those that find() looks at */
};

/* Which ports the kernel hands out itself: better not these. */
static void
read_kernel_range(struct map *m)
{
	unsigned long from = 32768, to = 60999;
	char line[64], *end;
	FILE *f;

	f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	if (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		from = strtoul(line, &end, 10);
		to = strtoul(end, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
	m->kernel_from = (uint16_t)from;
	m->kernel_to = (uint16_t)to;
}

static void
draw_range(struct map *m, const struct tunnel_ports *ports)
{
	unsigned port;
	size_t i;

	memset(m->state, OUTSIDE, sizeof(m->state));
	for (port = ports->from; port <= ports->to; port++) {
		if (port >= PRIVILEGED)
			m->state[port] = FREE;
	}
	for (i = 0; i < ports->reserved_n; i++)
		m->state[ports->reserved[i]] = OUTSIDE;
}

/* What living tunnels hold; numbers outside of the range stay as they are. */
static int
draw_leases(struct store *s, struct map *m, struct err *e)
{
	sqlite3_stmt *q;
	int port, rc;

	if ((q = store_query(s,
		 "SELECT public_port FROM tunnel"
		 " WHERE deleted_at IS NULL AND public_port IS NOT NULL",
		 e)) == NULL)
		return -1;
	while ((rc = store_step(s, q, e)) == 1) {
		port = sqlite3_column_int(q, 0) & (PORTS - 1);
		if (m->state[port] != OUTSIDE)
			m->state[port] = LEASED;
	}
	store_query_end(s, q);
	return rc;
}

static int
draw_rests(struct store *s, struct map *m, int64_t user, struct err *e)
{
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;
	int port, rc;
	bool fresh;

	if ((q = store_query(s,
		 "SELECT port, user_id, since FROM port_rest WHERE until > ?1",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, now);
	while ((rc = store_step(s, q, e)) == 1) {
		port = sqlite3_column_int(q, 0) & (PORTS - 1);
		fresh = sqlite3_column_int64(q, 2) > now - TUNNEL_UNDO_MS;
		if (m->state[port] != FREE)
			continue;
		if (sqlite3_column_int64(q, 1) != user)
			m->state[port] = RESTS;
		else
			m->state[port] = fresh ? FRESH : OWN;
	}
	store_query_end(s, q);
	return rc;
}

static struct map *
map_new(struct store *s, int64_t user, const struct tunnel_ports *ports,
    struct err *e)
{
	struct map *m;

	if ((m = malloc(sizeof(*m))) == NULL) {
		store_failed(s, SQLITE_NOMEM, e);
		return NULL;
	}
	read_kernel_range(m);
	draw_range(m, ports);
	if (draw_leases(s, m, e) == -1 || draw_rests(s, m, user, e) == -1) {
		free(m);
		return NULL;
	}
	return m;
}

/* Where a port is tried: both families at once where the host has both. */
static socklen_t
try_address(const char *text, uint16_t port, struct sockaddr_storage *to)
{
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *a4 = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &a4->sin_addr) == 1) {
		a4->sin_family = AF_INET;
		a4->sin_port = htons(port);
		return sizeof(*a4);
	}
	if (inet_pton(AF_INET6, text, &a6->sin6_addr) != 1)
		a6->sin6_addr = in6addr_any;
	a6->sin6_family = AF_INET6;
	a6->sin6_port = htons(port);
	return sizeof(*a6);
}

/* Binds and lets go: 0, or an errno. */
static int
try_bind(int type, const char *where, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t n = try_address(where, port, &to);
	int fd, on = 1, off = 0, rc;

	fd = socket(to.ss_family, type | SOCK_CLOEXEC, 0);
	if (fd == -1 && to.ss_family == AF_INET6) {
		n = try_address("0.0.0.0", port, &to);
		fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	}
	if (fd == -1)
		return errno;
	if (to.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	/* as the relay does: connections that have ended are no hindrance */
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	rc = bind(fd, (const struct sockaddr *)&to, n) == -1 ? errno : 0;
	close(fd);
	return rc;
}

/*
 * Could the relay bind it just now?  Only a port that is taken counts against
 * it: whatever else may be wrong with binding here (a sandbox, an address of
 * another host) is the relay's to say.
 */
static bool
is_bindable(const struct tunnel_ports *ports, uint16_t port)
{
	const char *where = "::";
	size_t i = 0;

	do {
		if (ports->bind_n > 0)
			where = ports->bind[i];
		if (try_bind(SOCK_STREAM, where, port) == EADDRINUSE ||
		    try_bind(SOCK_DGRAM, where, port) == EADDRINUSE)
			return false;
	} while (++i < ports->bind_n);
	return true;
}

/* The port that was wished for, or why not. */
static int
lease_wanted(struct store *s, const struct map *m,
    const struct tunnel_ports *ports, uint16_t port, struct err *e)
{
	switch ((enum state)m->state[port]) {
	case OUTSIDE:
		if (port < ports->from || port > ports->to)
			return store_refuse(s, e,
			    "port %u: outside of the range; choose one from %u "
			    "to %u",
			    port, ports->from, ports->to);
		return store_refuse(s, e,
		    "port %u: reserved on this server; choose another", port);
	case LEASED:
		return store_refuse(s, e,
		    "port %u: another tunnel has it; choose another", port);
	case RESTS:
		return store_refuse(s, e,
		    "port %u: it was another user's and rests for a day; "
		    "choose another",
		    port);
	case OWN:
	case FRESH:
		return 0; /* the relay may hold it for a moment still */
	case FREE:
		break;
	}
	if (is_bindable(ports, port))
		return 0;
	return store_refuse(s, e,
	    "port %u: another program on this server uses it; choose another",
	    port);
}

static bool
is_kernels(const struct map *m, unsigned port)
{
	return port >= m->kernel_from && port <= m->kernel_to;
}

/* Begins anywhere among the ports of this state; 0 when none can be had. */
static uint16_t
find(struct map *m, const struct tunnel_ports *ports, enum state state,
    bool kernels, unsigned *tries)
{
	uint32_t n = 0, start, i;
	unsigned port;

	for (port = ports->from; port <= ports->to; port++) {
		if (m->state[port] == state && is_kernels(m, port) == kernels)
			m->pick[n++] = (uint16_t)port;
	}
	start = n > 0 ? random_below(n) : 0;
	for (i = 0; i < n && *tries < TRIES_MAX; i++, ++*tries) {
		if (is_bindable(ports, m->pick[(start + i) % n]))
			return m->pick[(start + i) % n];
	}
	return 0;
}

/*
 * Outside of the kernel's own range first; what rests of the user's own last,
 * so that a tunnel which may be taken back keeps its port.
 */
static int
lease_any(struct store *s, struct map *m, const struct tunnel_ports *ports,
    uint16_t *port_out, struct err *e)
{
	static const enum state order[] = { FREE, OWN, FRESH };
	unsigned tries = 0;
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		*port_out = find(m, ports, order[i], false, &tries);
		if (*port_out == 0)
			*port_out = find(m, ports, order[i], true, &tries);
		if (*port_out != 0)
			return 0;
	}
	return store_refuse(s, e,
	    "port: none is free from %u to %u; delete tunnels, or widen "
	    "\"ports\" in the configuration",
	    ports->from, ports->to);
}

int
store_port_lease(struct store *s, int64_t user,
    const struct tunnel_ports *ports, uint16_t want, uint16_t *port_out,
    struct err *e)
{
	struct map *m;
	int rc;

	if (ports->from == 0 || ports->from > ports->to)
		return store_refuse(s, e,
		    "port: the range from %u to %u is empty; mend \"ports\" in "
		    "the configuration",
		    ports->from, ports->to);
	if ((m = map_new(s, user, ports, e)) == NULL)
		return -1;
	*port_out = want;
	if (want != 0)
		rc = lease_wanted(s, m, ports, want, e);
	else
		rc = lease_any(s, m, ports, port_out, e);
	free(m);
	return rc;
}

/*
 * A member has at rest at most as many as they may have tunnels, the newest:
 * making and deleting in turns would else leave nobody else a port.
 */
static int
wake_oldest(struct store *s, int64_t user, struct err *e)
{
	struct settings set;
	sqlite3_stmt *q;

	if (store_settings(s, &set, e) == -1)
		return -1;
	if (set.tunnels_max == 0)
		return 0;
	if ((q = store_query(s,
		 "DELETE FROM port_rest WHERE port IN (SELECT port"
		 " FROM port_rest JOIN user ON user.id = user_id"
		 " WHERE user_id = ?1 AND role = 'member'"
		 " ORDER BY since DESC, port LIMIT -1 OFFSET ?2)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int64(q, 1, user);
	sqlite3_bind_int64(q, 2, set.tunnels_max);
	return store_do(s, q, e);
}

int
store_port_rest(struct store *s, int64_t user, uint16_t port, struct err *e)
{
	int64_t now = clock_wall_ms();
	sqlite3_stmt *q;

	if ((q = store_query(s,
		 "INSERT OR REPLACE INTO port_rest (port, user_id, since,"
		 " until)"
		 " VALUES (?1, ?2, ?3, ?4)",
		 e)) == NULL)
		return -1;
	sqlite3_bind_int(q, 1, port);
	sqlite3_bind_int64(q, 2, user);
	sqlite3_bind_int64(q, 3, now);
	sqlite3_bind_int64(q, 4, now + TUNNEL_PORT_REST_MS);
	return store_do(s, q, e) == -1 ? -1 : wake_oldest(s, user, e);
}

int
store_port_wake(struct store *s, uint16_t port, struct err *e)
{
	sqlite3_stmt *q;

	q = store_query(s, "DELETE FROM port_rest WHERE port = ?1", e);
	if (q == NULL)
		return -1;
	sqlite3_bind_int(q, 1, port);
	return store_do(s, q, e);
}
