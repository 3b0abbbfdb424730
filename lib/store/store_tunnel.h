/*
 * store_tunnel: public ports and the local services behind them.
 */
#ifndef STORE_STORE_TUNNEL_H
#define STORE_STORE_TUNNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/check.h"

struct err;
struct store;

#define TUNNEL_PORT_REST_MS (INT64_C(24) * 3600 * 1000)
#define TUNNEL_UNDO_MS      (INT64_C(600) * 1000)

enum {
	TUNNEL_RATE_MAX = 1000000,
	TUNNEL_VISITORS_MAX = 1000000,
};

/* Times are 0 when the thing has not happened. */
struct tunnel {
	int64_t id;
	int64_t user;
	char name[CHECK_NAME_MAX + 1];
	enum kind kind;
	char local_host[CHECK_HOST_MAX + 1];
	uint16_t local_port;
	uint16_t public_port;
	int64_t verify_serial;
	int64_t verify_until;
	int64_t verified_at;
	int64_t paused_at;
	int64_t frozen_at;
	bool user_frozen;
	int64_t expires_at;
	enum proxy proxy;
	char allow[CHECK_CIDRS_MAX + 1];
	char deny[CHECK_CIDRS_MAX + 1];
	uint32_t address_rate; /* visitors of an address a minute; 0: off */
	uint32_t visitors_max; /* at once; 0: no limit of its own */
	int64_t revision;
	int64_t created_at;
	int64_t deleted_at;
	int64_t last_connected_at;
};

/* What the host allows; the caller reads it from its configuration. */
struct tunnel_ports {
	uint16_t from, to;
	const uint16_t *reserved; /* the relay's own and others never given */
	size_t reserved_n;
	char *const *bind; /* addresses where it is tried; none: every one */
	size_t bind_n;
};

/* A wish; set says which of the fields are meant. */
enum {
	TUNNEL_NAME = 1 << 0,
	TUNNEL_KIND = 1 << 1,
	TUNNEL_TARGET = 1 << 2,
	TUNNEL_PORT = 1 << 3,
	TUNNEL_PROXY = 1 << 4,
	TUNNEL_ALLOW = 1 << 5,
	TUNNEL_DENY = 1 << 6,
	TUNNEL_RATE = 1 << 7,
	TUNNEL_VISITORS = 1 << 8,
	TUNNEL_EXPIRES = 1 << 9,
};

struct tunnel_wish {
	unsigned set;
	const char *name;
	enum kind kind;
	const char *local_host;
	uint16_t local_port;
	uint16_t public_port;
	enum proxy proxy;
	const char *allow; /* as typed; stored as check_cidrs() writes it */
	const char *deny;
	uint32_t address_rate;
	uint32_t visitors_max;
	int64_t expires_at; /* 0: never */
};

/*
 * A tunnel of user, with a leased port: the one wished for, or one that nobody
 * has and that could be bound just now.  Name, kind and target must be set.
 * by_operator is not held to the user's number of tunnels.  Without verified
 * it waits for its link.  0 and *t_out, or -1.
 */
int store_tunnel_add(struct store *s, int64_t user, const struct tunnel_wish *w,
    const struct tunnel_ports *ports, bool by_operator, bool verified,
    struct tunnel *t_out, struct err *e);

/*
 * Changes what w sets; a user's frozen tunnel, or a frozen user's, is refused.
 * An old port rests as a deleted tunnel's does.
 */
int store_tunnel_edit(struct store *s, int64_t user, int64_t id,
    const struct tunnel_wish *w, const struct tunnel_ports *ports,
    struct err *e);

/*
 * Another port for a tunnel that was never served and whose own cannot be had:
 * 1 and *port_out; 0 when it has been served, has another port than `taken` or
 * is gone.  The old port is free for others.
 */
int store_tunnel_move(struct store *s, int64_t id, uint16_t taken,
    const struct tunnel_ports *ports, uint16_t *port_out, struct err *e);

/* A living one. */
int store_tunnel_by_id(struct store *s, int64_t user, int64_t id,
    struct tunnel *t_out, struct err *e);

/* Living ones by id (of everybody: STORE_ANYBODY); free(*list_out). */
int store_tunnel_list(struct store *s, int64_t user, int64_t skip,
    int64_t limit, struct tunnel **list_out, size_t *n_out, struct err *e);

/* How many living ones there are. */
int store_tunnel_count(
    struct store *s, int64_t user, int64_t *n_out, struct err *e);

/* Each is also done (1) when it was so before. */
int store_tunnel_pause(
    struct store *s, int64_t user, int64_t id, bool paused, struct err *e);

/* An admin's word; the owner cannot undo it. */
int store_tunnel_freeze(
    struct store *s, int64_t id, bool frozen, struct err *e);

/* Deleted; within 10 minutes its owner can take it back. */
int store_tunnel_remove(
    struct store *s, int64_t user, int64_t id, struct err *e);

/*
 * Takes a deleted tunnel back, with its port.  Refused after 10 minutes,
 * when the owner has as many as they may by now, or when its port has been
 * given to another tunnel.
 */
int store_tunnel_restore(
    struct store *s, int64_t user, int64_t id, struct err *e);

#endif
