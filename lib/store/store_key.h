/*
 * store_key: API keys, with which a program acts for a user.
 */
#ifndef STORE_STORE_KEY_H
#define STORE_STORE_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/check.h"

struct err;
struct store;

enum {
	KEY_LEN = 64,   /* hex digits of 32 random bytes */
	KEYS_MAX = 100, /* of one user */
};

struct api_key {
	int64_t id;
	int64_t user;
	char name[CHECK_NAME_MAX + 1];
	int64_t created_at;
	int64_t last_used_at; /* 0: never; kept to 5 minutes */
	bool may_write;       /* else it only reads */
};

/*
 * key_out has room for KEY_LEN + 1 bytes and is the only copy.  Refused when the
 * user has KEYS_MAX already.
 */
int store_key_add(struct store *s, int64_t user, const char *name,
    int64_t *id_out, char *key_out, struct err *e);

/* The same; may_write or not. */
int store_key_add_as(struct store *s, int64_t user, const char *name,
    bool may_write, int64_t *id_out, char *key_out, struct err *e);

/* By id, of user or everybody; free(*list_out). */
int store_key_list(struct store *s, int64_t user, struct api_key **list_out,
    size_t *n_out, struct err *e);

int store_key_remove(struct store *s, int64_t user, int64_t id, struct err *e);

/*
 * The user who holds this key: 1, or 0 when there is no such key.  Notes that
 * it was used; a database that is busy is no hindrance.
 */
int store_key_user(
    struct store *s, const char *key, int64_t *user_out, struct err *e);

/* The same, and whether it may write. */
int store_key_holder(struct store *s, const char *key, int64_t *user_out,
    bool *may_write_out, struct err *e);

#endif
