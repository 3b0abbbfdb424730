/*
 * store_snapshot: everything that relayd serves from, as it was at one moment,
 * in plain arrays that know nothing of the database.  A snapshot never
 * changes; many threads may read one.
 */
#ifndef STORE_STORE_SNAPSHOT_H
#define STORE_STORE_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/check.h"
#include "store/store_setting.h"

struct err;
struct store;

struct snap_user {
	int64_t id;
	bool frozen;
};

/* One that was deleted is missing; its keys are there, revoked. */
struct snap_machine {
	int64_t id;
	int64_t user;
	const char *name;
};

struct snap_key {
	int64_t id;
	int64_t machine;  /* may be missing when revoked */
	uint8_t hash[32]; /* SHA-256 of the token's 32 bytes */
	bool revoked;
	bool used;
	int64_t expires_at; /* void from then on, unless used */
};

/* Times are ms UTC, 0 when the thing has not happened. */
struct snap_tunnel {
	int64_t id;
	int64_t user;
	const char *name;
	enum kind kind;
	const char *local_host;
	uint16_t local_port;
	uint16_t public_port; /* 0: none (http) */
	const char *host;     /* "" unless http */
	int64_t verify_serial;
	int64_t verify_until;
	int64_t verified_at;
	int64_t paused_at;
	int64_t frozen_at; /* the user's own is in snap_user */
	int64_t expires_at;
	int64_t deleted_at; /* kept for an hour; missing is deleted, too */
	bool was_online;    /* has been served since it was made */
	enum proxy proxy;
	const char *allow; /* as check_cidrs() writes them; "": everybody */
	const char *deny;
	uint32_t address_rate; /* visitors of an address a minute; 0: off */
	uint32_t visitors_max; /* at once; 0: no limit of its own */
	int64_t revision;      /* rises with every change of the row */
};

struct snap_pair {
	int64_t machine;
	int64_t tunnel;
};

/*
 * Each array is sorted by id, but keys by hash and pairs by machine, then
 * tunnel.
 */
struct snapshot {
	int64_t change; /* the newest change that is in it */
	struct settings settings;
	struct snap_user *users;
	size_t user_n;
	struct snap_machine *machines;
	size_t machine_n;
	struct snap_key *keys;
	size_t key_n;
	struct snap_tunnel *tunnels;
	size_t tunnel_n;
	struct snap_pair *pairs;
	size_t pair_n;
	struct snap_text *texts; /* what the names point into */
};

/* NULL with e; the snapshot that the caller has stays good. */
struct snapshot *store_snapshot(struct store *s, struct err *e);

void snapshot_free(struct snapshot **n);

/* The row, or NULL. */
const struct snap_user *snapshot_user(const struct snapshot *n, int64_t id);
const struct snap_machine *snapshot_machine(
    const struct snapshot *n, int64_t id);
const struct snap_tunnel *snapshot_tunnel(const struct snapshot *n, int64_t id);

/*
 * The key of a token (32 bytes); revoked and expired ones are found, too.
 * What its timing tells is about hashes, never about tokens.
 */
const struct snap_key *snapshot_key(
    const struct snapshot *n, const uint8_t token[32]);

/* The same, for whoever has kept the hash of a key that was found. */
const struct snap_key *snapshot_key_of_hash(
    const struct snapshot *n, const uint8_t hash[32]);

/* May the key open a session at this time? */
bool snapshot_key_is_good(const struct snap_key *k, int64_t now);

/* The machine's pairs: a pointer to the first and how many. */
const struct snap_pair *snapshot_pairs(
    const struct snapshot *n, int64_t machine, size_t *n_out);

#endif
