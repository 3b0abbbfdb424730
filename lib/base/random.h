/*
 * random: secrets and hashes, from OpenSSL.  The one file of base that knows
 * a library.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct err;

/* n bytes nobody can guess. */
int random_bytes(void *out, size_t n, struct err *e);

/* A number nobody can guess easily, 0 to below - 1; for jitter and the like. */
uint32_t random_below(uint32_t below);

/* For WebSocket's handshake, which asks for it; it protects nothing. */
void random_sha1(uint8_t out[20], const void *p, size_t n);

void random_sha256(uint8_t out[32], const void *p, size_t n);

void random_hmac_sha256(
    uint8_t out[32], const void *key, size_t key_len, const void *p, size_t n);

#endif
