#include "move.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "store/store_tunnel.h"

/* The number behind the last colon, of ADDRESS:PORT or of an URL; 0: none. */
static void
reserve(struct move *m, const char *text)
{
	const char *colon = strrchr(text, ':');
	long port = colon != NULL ? strtol(colon + 1, NULL, 10) : 0;

	if (port > 0 && port <= UINT16_MAX && m->reserved_n < MOVE_RESERVED)
		m->reserved[m->reserved_n++] = (uint16_t)port;
}

void
move_init(
    struct move *m, const struct adit_conf *c, int64_t tunnel, uint16_t port)
{
	size_t i;

	m->tunnel = tunnel;
	m->port = port;
	m->from = (uint16_t)c->ports.from;
	m->to = (uint16_t)c->ports.to;
	for (i = 0; i < c->relay.listen.n; i++)
		reserve(m, c->relay.listen.at[i]);
	reserve(m, c->dashboard_url);
	for (i = 0; i < c->public_bind.n && i < LISTEN_BINDS_MAX; i++)
		str_copy(m->bind[m->bind_n++], sizeof(m->bind[0]),
		    c->public_bind.at[i]);
}

int
move_do(
    const struct move *m, struct store *s, uint16_t *port_out, struct err *e)
{
	struct move copy = *m;
	char *bind[LISTEN_BINDS_MAX];
	struct tunnel_ports ports = {
		.from = m->from,
		.to = m->to,
		.reserved = m->reserved,
		.reserved_n = m->reserved_n,
		.bind = bind,
		.bind_n = m->bind_n,
	};
	unsigned i;

	for (i = 0; i < m->bind_n; i++)
		bind[i] = copy.bind[i];
	return store_tunnel_move(s, m->tunnel, m->port, &ports, port_out, e);
}
