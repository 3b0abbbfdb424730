/*
 * password: how passwords are kept: yescrypt of libcrypt, about 15 ms and
 * 16 MB each.
 */
#ifndef STORE_PASSWORD_H
#define STORE_PASSWORD_H

#include <stdbool.h>

struct err;

enum {
	PASSWORD_HASH_MAX = 384, /* bytes of a hash, without its NUL */
};

/* hash_out has room for PASSWORD_HASH_MAX + 1 bytes. */
int password_hash(char *hash_out, const char *password, struct err *e);

/*
 * True when password is the one of hash.  Pass NULL for an account that does
 * not exist: it takes as long and is false.
 */
bool password_matches(const char *hash, const char *password);

#endif
