/*
 * tls_own: what the files of this room share among themselves.  Nobody else
 * includes this.
 */
#ifndef TLS_OWN_H
#define TLS_OWN_H

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

#include "base/err.h"
#include "tls/tls_cert.h"

/* OpenSSL asks for the pass phrase of a key: there is none, and no prompt. */
int tls_no_phrase(char *to, int cap, int writing, void *arg);

struct tls_ctx;

/* The pin of a public or private key; a certificate holds the first. */
int tls_pin_of_key(struct tls_pin *p_out, EVP_PKEY *key, struct err *e);

/* A new connection's object: holds the certificate in force now. */
SSL *tls_ctx_connection(struct tls_ctx *c, struct err *e);
bool tls_ctx_is_server(const struct tls_ctx *c);

/* True when the application protocol that was agreed on is c's. */
bool tls_ctx_speaks(const struct tls_ctx *c, const SSL *ssl);
const char *tls_ctx_alpn(const struct tls_ctx *c);

/* s believes whom this system believes: tls_ctx_posix.c, tls_ctx_win32.c. */
int tls_ctx_system_ca(SSL_CTX *s, struct err *e);

/*
 * A stream's word to tls_ctx's verification: the host that was dialled, and
 * where the reason of a refusal goes.
 */
struct tls_check {
	struct tls_ctx *ctx;
	const char *host;
	bool refused;
	struct err why;
};

#endif
