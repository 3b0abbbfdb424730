#include "base/random.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/clock.h"
#include "base/err.h"

int
random_bytes(void *out, size_t n, struct err *e)
{
	uint8_t *to = out;

	while (n > 0) {
		int part = n > INT_MAX ? INT_MAX : (int)n;

		if (RAND_bytes(to, part) != 1) {
			ERR_clear_error();
			return err_set(e, "the system gives no random bytes");
		}
		to += part;
		n -= (size_t)part;
	}
	return 0;
}

uint32_t
random_below(uint32_t below)
{
	uint32_t r;

	/* Jitter must come even then; the clock is good enough for that. */
	if (random_bytes(&r, sizeof(r), NULL) != 0)
		r = (uint32_t)(clock_us() * UINT64_C(0x9e3779b97f4a7c15) >> 32);
	return (uint32_t)((uint64_t)r * below >> 32);
}

void
random_sha1(uint8_t out[20], const void *p, size_t n)
{
	if (EVP_Digest(n == 0 ? "" : p, n, out, NULL, EVP_sha1(), NULL) != 1) {
		ERR_clear_error();
		(void)random_bytes(out, 20, NULL);
	}
}

void
random_sha256(uint8_t out[32], const void *p, size_t n)
{
	/* Fails only without memory; nothing must match then. */
	if (EVP_Digest(n == 0 ? "" : p, n, out, NULL, EVP_sha256(), NULL) !=
	    1) {
		ERR_clear_error();
		(void)random_bytes(out, 32, NULL);
	}
}

void
random_hmac_sha256(
    uint8_t out[32], const void *key, size_t key_len, const void *p, size_t n)
{
	/* A NULL key would mean "the key of last time" to OpenSSL. */
	if (key_len > INT_MAX ||
	    HMAC(EVP_sha256(), key_len == 0 ? "" : key, (int)key_len,
		n == 0 ? (const uint8_t *)"" : p, n, out, NULL) == NULL) {
		ERR_clear_error();
		(void)random_bytes(out, 32, NULL);
	}
}
