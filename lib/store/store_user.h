/*
 * store_user: people with an account.
 */
#ifndef STORE_STORE_USER_H
#define STORE_STORE_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/check.h"
#include "store/password.h"

struct err;
struct store;

struct user {
	int64_t id;
	char email[CHECK_EMAIL_MAX + 1];
	bool admin;
	int64_t created_at;
	int64_t frozen_at; /* 0: not frozen */
	int64_t tunnels;   /* living ones */
	int64_t machines;
};

/* hash is password_hash()'s.  Refused when the address is taken. */
int store_user_add(struct store *s, const char *email, const char *hash,
    bool admin, int64_t *id_out, struct err *e);

int store_user_by_id(
    struct store *s, int64_t id, struct user *u_out, struct err *e);

/* The same without counting what is theirs, which is asked at each request. */
int store_user_who(
    struct store *s, int64_t id, struct user *u_out, struct err *e);

int store_user_by_email(
    struct store *s, const char *email, struct user *u_out, struct err *e);

/* The hash of the account's password; hash_out as for password_hash(). */
int store_user_password(
    struct store *s, int64_t id, char *hash_out, struct err *e);

/* Every user by id, from the skip-th, at most limit; free(*list_out). */
int store_user_list(struct store *s, int64_t skip, int64_t limit,
    struct user **list_out, size_t *n_out, struct err *e);

/* A new password ends the user's sessions in the pages. */
int store_user_set_password(
    struct store *s, int64_t id, const char *hash, struct err *e);

/* A frozen user's tunnels stop, and cannot be changed by their owner. */
int store_user_freeze(struct store *s, int64_t id, bool frozen, struct err *e);

/* With all that is theirs; their ports rest for a day. */
int store_user_remove(struct store *s, int64_t id, struct err *e);

#endif
