/*
 * store_verify: the one-time link that lets a new tunnel become active.  Its
 * code is not stored: it is the first 128 bits of HMAC-SHA256(installation
 * key, "verify", tunnel, serial), in base32.
 */
#ifndef STORE_STORE_VERIFY_H
#define STORE_STORE_VERIFY_H

#include <stdint.h>

struct err;
struct store;
struct tunnel;

enum {
	VERIFY_CODE_LEN = 26,
	VERIFY_KEY_LEN = 32,
};

/*
 * The installation key: the file adit.key beside the database at db_path
 * (0600, 64 hex digits), made when it is missing.  Programs that make it at
 * once end with the same key.
 */
int store_verify_key(
    const char *db_path, uint8_t key_out[VERIFY_KEY_LEN], struct err *e);

/* Copies it into a new file (0600), as a backup. */
int store_verify_key_copy(const char *db_path, const char *to, struct err *e);

/* The path of that file; the caller frees it.  NULL: out of memory. */
char *store_verify_key_path(const char *db_path);

/* code_out has room for VERIFY_CODE_LEN + 1 bytes. */
void store_verify_code(char *code_out, const uint8_t key[VERIFY_KEY_LEN],
    int64_t tunnel, int64_t serial);

/*
 * The tunnel that waits for this code, in any case of letters; 0 when the code
 * is wrong, was used, or is too old.
 */
int store_verify_find(struct store *s, const uint8_t key[VERIFY_KEY_LEN],
    const char *code, struct tunnel *t_out, struct err *e);

/*
 * The tunnel becomes verified.  serial is that of the code that was shown, or
 * 0 for an admin's word.  0 when there is no such tunnel or the code is no
 * longer the newest; a verified one stays as it is.
 */
int store_verify(
    struct store *s, int64_t tunnel, int64_t serial, struct err *e);

/* A new link, good from now; the old one is void. */
int store_verify_renew(
    struct store *s, int64_t user, int64_t tunnel, struct err *e);

#endif
