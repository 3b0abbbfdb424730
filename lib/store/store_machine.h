/*
 * store_machine: computers that run the client, their keys (tokens), and
 * which tunnels each may serve.
 */
#ifndef STORE_STORE_MACHINE_H
#define STORE_STORE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/check.h"

struct err;
struct store;

#define MACHINE_KEY_UNUSED_MS (INT64_C(7) * 24 * 3600 * 1000)

enum { MACHINE_KEYS_MAX = 20000 }; /* of one user */

enum {
	MACHINE_TOKEN_LEN = 64, /* hex digits of 32 random bytes */
};

struct machine {
	int64_t id;
	int64_t user;
	char name[CHECK_NAME_MAX + 1];
	char computer[256]; /* what the last one said of itself */
	char system[256];
	char address[65];
	int64_t seen_at; /* 0: never */
	int64_t created_at;
	int64_t tunnels; /* living ones that it may serve */
	int64_t keys;    /* good ones */
};

enum machine_key_state {
	MACHINE_KEY_GOOD,
	MACHINE_KEY_REVOKED,
	MACHINE_KEY_EXPIRED, /* was never used and is too old */
};

struct machine_key {
	int64_t id;
	int64_t machine;
	enum machine_key_state state;
	int64_t created_at;
	int64_t first_used_at; /* 0: never */
	int64_t last_used_at;
	int64_t revoked_at;
	int64_t expires_at; /* counts until it is used */
};

/*
 * A machine of user that may serve the n tunnels, which must be the same
 * user's, with its first key.  token_out has room for MACHINE_TOKEN_LEN + 1
 * bytes and is the only copy there will ever be.
 */
int store_machine_add(struct store *s, int64_t user, const char *name,
    const int64_t *tunnels, size_t n, int64_t *id_out, char *token_out,
    struct err *e);

/* Living ones, by id; free(*list_out). */
int store_machine_list(struct store *s, int64_t user, int64_t skip,
    int64_t limit, struct machine **list_out, size_t *n_out, struct err *e);
int store_machine_by_id(struct store *s, int64_t user, int64_t id,
    struct machine *m_out, struct err *e);

enum machine_order {
	MACHINE_BY_ID,
	MACHINE_BY_NEW,  /* the newest first */
	MACHINE_BY_NAME, /* in whatever case */
	MACHINE_BY_SEEN, /* the last one that was there first */
};

/*
 * Those whose name, computer or address has q in it, in whatever case of ASCII
 * ("" is in all), in that order, and how many there are in all.
 */
int store_machine_search(struct store *s, int64_t user, const char *q,
    enum machine_order order, int64_t skip, int64_t limit,
    struct machine **list_out, size_t *n_out, int64_t *total_out,
    struct err *e);

/* 0 when there is no such machine. */
int store_machine_rename(
    struct store *s, int64_t user, int64_t id, const char *name, struct err *e);

/* Its keys are revoked at once. */
int store_machine_remove(
    struct store *s, int64_t user, int64_t id, struct err *e);

enum { MACHINE_ALLOW_MAX = 4095 };

/*
 * What its last client said that it may be asked to reach ("127.0.0.1:22,
 * nas:*", without spaces); "" when none has said so yet.  to has room for
 * MACHINE_ALLOW_MAX + 1 bytes.
 */
int store_machine_allow(
    struct store *s, int64_t machine, char *to, struct err *e);

/* May the machine serve the tunnel?  0 when either is not user's. */
int store_machine_serve(struct store *s, int64_t user, int64_t machine,
    int64_t tunnel, bool may, struct err *e);

/* Ids of the living tunnels that it may serve; free(*list_out). */
int store_machine_tunnels(struct store *s, int64_t machine, int64_t **list_out,
    size_t *n_out, struct err *e);

/* Ids of the living machines that may serve it; free(*list_out). */
int store_machine_of_tunnel(struct store *s, int64_t tunnel, int64_t **list_out,
    size_t *n_out, struct err *e);

/* A further key; 0 when there is no such machine. */
int store_machine_key_add(struct store *s, int64_t user, int64_t machine,
    int64_t *id_out, char *token_out, struct err *e);

int store_machine_key_remove(
    struct store *s, int64_t user, int64_t key, struct err *e);

int store_machine_key_list(struct store *s, int64_t machine,
    struct machine_key **list_out, size_t *n_out, struct err *e);

#endif
