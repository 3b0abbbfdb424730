/*
 * tls_cert: certificates, keys and pins in files.  A pin is the SHA-256 of a
 * public key (DER SubjectPublicKeyInfo): it survives the renewal of the
 * certificate as long as the key stays.
 */
#ifndef TLS_CERT_H
#define TLS_CERT_H

#include <stdint.h>

struct err;

struct tls_pin {
	uint8_t sha256[32];
};

enum {
	TLS_PIN_TEXT = 72, /* "sha256:", 64 hex digits, NUL */
	TLS_CERT_YEARS = 10,
};

/* "sha256:HEX", HEX in either case.  Says what is wrong with it. */
int tls_pin_parse(struct tls_pin *p_out, const char *text, struct err *e);

/* "sha256:HEX" in lower case.  Returns to. */
char *tls_pin_text(char to[TLS_PIN_TEXT], const struct tls_pin *p);

/* The pin of the first certificate, or of the private key, in a PEM file. */
int tls_pin_of_cert_file(
    struct tls_pin *p_out, const char *file, struct err *e);
int tls_pin_of_key_file(struct tls_pin *p_out, const char *file, struct err *e);

/*
 * Makes what is missing of a self-signed pair (ECDSA P-256, 10 years, host
 * being a name or an address): the key with mode 0600, or, when only the
 * certificate is missing, a certificate for the key that is there.  A
 * certificate without its key is an error.  Several programs may call it at
 * once: one wins, the others use its pair.  Returns 1 when something was
 * made, 0 when both were there.
 */
int tls_cert_make_missing(const char *cert_file, const char *key_file,
    const char *host, struct err *e);

/* A new private key alone (relay.next_key), 0600.  1 made, 0 was there. */
int tls_key_make_missing(const char *key_file, struct err *e);

/* The last second of the first certificate, in milliseconds UTC. */
int tls_cert_expiry(int64_t *wall_ms_out, const char *cert_file, struct err *e);

#endif
