/*
 * tls_ctx: what all connections of one kind share: the server's certificate,
 * or whom a client trusts.
 *
 * TLS 1.3 (1.2 when asked for), ALPN, no tickets, no resumption, no 0-RTT, no
 * renegotiation, no compression.  AES-128-GCM first, ChaCha20 for clients
 * that prefer it and on processors without AES.  Every function may be called
 * from every thread.
 */
#ifndef TLS_CTX_H
#define TLS_CTX_H

#include <stdbool.h>
#include <stddef.h>

#include "tls/tls_cert.h"

struct err;
struct tls_ctx;

#define TLS_ALPN_ADIT "adit/1"
#define TLS_ALPN_HTTP "http/1.1"

enum { TLS_PINS_MAX = 8 };

/* The files are read now and at each tls_ctx_reload(). */
struct tls_ctx *tls_ctx_server(const char *cert_file, const char *key_file,
    bool allow_tls12, struct err *e);

/*
 * Reads the files again.  Connections that are up stay as they are; new ones
 * get the new certificate.  -1 leaves the old one in use.
 */
int tls_ctx_reload(struct tls_ctx *c, struct err *e);

/* Whom a client trusts: pins when there are any, else ca. */
struct tls_trust {
	const char *ca; /* a PEM file, or "system" */
	const struct tls_pin *pins;
	size_t pin_count;
	bool allow_tls12;
	const char *alpn; /* NULL: TLS_ALPN_ADIT */
};

/*
 * With pins the key alone decides: neither chain, name nor dates are looked
 * at.  With ca all three are.  Everything is copied.
 */
struct tls_ctx *tls_ctx_client(const struct tls_trust *trust, struct err *e);

/* One more, or one less, that holds it.  Connections hold it themselves. */
struct tls_ctx *tls_ctx_ref(struct tls_ctx *c);
void tls_ctx_unref(struct tls_ctx **c);

#endif
