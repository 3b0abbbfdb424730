#include "tls/tls_ctx.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "net/addr.h"
#include "tls/tls_err.h"
#include "tls/tls_own.h"

enum { ALPN_MAX = 16, NAMES_MAX = 3 };

struct tls_ctx {
	atomic_uint refs;
	bool server;
	bool allow_tls12;
	char *cert_file;
	char *key_file;
	char alpn[ALPN_MAX]; /* as text */
	struct tls_pin pins[TLS_PINS_MAX];
	size_t pin_count;
	pthread_mutex_t lock; /* of ssl: a reload may come at any time */
	SSL_CTX *ssl;
};

/* True when this processor is quick with AES. */
static bool
has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return __builtin_cpu_supports("aes");
#elif defined(__aarch64__) && defined(__linux__)
	return (getauxval(AT_HWCAP) & (1UL << 3)) != 0; /* HWCAP_AES */
#else
	return false;
#endif
}

/* The ciphers of TLS 1.3, the quickest first. */
static const char *
ciphers(void)
{
	return has_aes() ? "TLS_AES_128_GCM_SHA256:"
			   "TLS_CHACHA20_POLY1305_SHA256:"
			   "TLS_AES_256_GCM_SHA384"
			 : "TLS_CHACHA20_POLY1305_SHA256:"
			   "TLS_AES_128_GCM_SHA256:"
			   "TLS_AES_256_GCM_SHA384";
}

/* What server and client have in common. */
static SSL_CTX *
new_ssl(const struct tls_ctx *c, struct err *e)
{
	SSL_CTX *s;

	ERR_clear_error();
	s = SSL_CTX_new(c->server ? TLS_server_method() : TLS_client_method());
	if (s == NULL) {
		tls_err(e, "TLS");
		return NULL;
	}
	SSL_CTX_set_options(s,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
		SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(s, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(s, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_default_passwd_cb(s, tls_no_phrase);
	SSL_CTX_set_max_early_data(s, 0);
	if (!SSL_CTX_set_min_proto_version(
		s, c->allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(s, ciphers()) ||
	    !SSL_CTX_set_cipher_list(s, "ECDHE+AESGCM:ECDHE+CHACHA20") ||
	    !SSL_CTX_set_num_tickets(s, 0)) {
		tls_err(e, "TLS");
		SSL_CTX_free(s);
		return NULL;
	}
	return s;
}

/* The client's list of protocols: ours, or the handshake ends here. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned in_len, void *arg)
{
	const char *want = arg;
	size_t n = strlen(want);
	unsigned i;

	(void)ssl;
	for (i = 0; i < in_len && i + 1 + in[i] <= in_len; i += 1u + in[i]) {
		if (in[i] != n || memcmp(in + i + 1, want, n) != 0)
			continue;
		*out = in + i + 1;
		*out_len = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Reads the server's files into a new context. */
static SSL_CTX *
load_server(struct tls_ctx *c, struct err *e)
{
	SSL_CTX *s;

	if ((s = new_ssl(c, e)) == NULL)
		return NULL;
	SSL_CTX_set_alpn_select_cb(s, on_alpn, c->alpn);
	if (!SSL_CTX_use_certificate_chain_file(s, c->cert_file))
		tls_err(e, "certificate %s", c->cert_file);
	else if (!SSL_CTX_use_PrivateKey_file(s, c->key_file, SSL_FILETYPE_PEM))
		tls_err(e, "key %s", c->key_file);
	else if (!SSL_CTX_check_private_key(s))
		tls_err(e, "key %s does not belong to certificate %s",
		    c->key_file, c->cert_file);
	else
		return s;
	SSL_CTX_free(s);
	return NULL;
}

/* One holder, nothing loaded. */
static struct tls_ctx *
new_ctx(bool server, bool allow_tls12, const char *alpn, struct err *e)
{
	struct tls_ctx *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		err_sys(e, "TLS");
		return NULL;
	}
	c->refs = 1;
	c->server = server;
	c->allow_tls12 = allow_tls12;
	str_copy(c->alpn, sizeof(c->alpn), alpn);
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

struct tls_ctx *
tls_ctx_server(const char *cert_file, const char *key_file, bool allow_tls12,
    struct err *e)
{
	struct tls_ctx *c;

	if ((c = new_ctx(true, allow_tls12, TLS_ALPN_ADIT, e)) == NULL)
		return NULL;
	c->cert_file = strdup(cert_file);
	c->key_file = strdup(key_file);
	if (c->cert_file == NULL || c->key_file == NULL) {
		err_sys(e, "TLS");
		tls_ctx_unref(&c);
		return NULL;
	}
	if ((c->ssl = load_server(c, e)) == NULL)
		tls_ctx_unref(&c);
	return c;
}

int
tls_ctx_reload(struct tls_ctx *c, struct err *e)
{
	SSL_CTX *fresh, *old;

	assert(c->server);
	if ((fresh = load_server(c, e)) == NULL)
		return -1;
	pthread_mutex_lock(&c->lock);
	old = c->ssl;
	c->ssl = fresh;
	pthread_mutex_unlock(&c->lock);
	SSL_CTX_free(old); /* live connections hold it themselves */
	return 0;
}

/* "adit/1" as the extension writes it: its length, then its bytes. */
static bool
offer_alpn(SSL_CTX *s, const char *alpn)
{
	unsigned char wire[1 + ALPN_MAX];
	size_t n = strlen(alpn);

	wire[0] = (unsigned char)n;
	memcpy(wire + 1, alpn, n);
	return SSL_CTX_set_alpn_protos(s, wire, (unsigned)n + 1) == 0;
}

/* Whom a client without pins believes. */
static int
load_ca(SSL_CTX *s, const char *ca, struct err *e)
{
	if (ca == NULL || ca[0] == '\0')
		return err_set(e, "TLS needs a pin or a CA");
	if (strcmp(ca, "system") == 0)
		return tls_ctx_system_ca(s, e);
	if (SSL_CTX_load_verify_file(s, ca) != 1)
		return tls_err(e, "CA file %s", ca);
	/* The file may hold what it means: an intermediate, or the server. */
	X509_VERIFY_PARAM_set_flags(
	    SSL_CTX_get0_param(s), X509_V_FLAG_PARTIAL_CHAIN);
	return 0;
}

static int on_verify(X509_STORE_CTX *store, void *arg);

struct tls_ctx *
tls_ctx_client(const struct tls_trust *trust, struct err *e)
{
	const char *alpn = trust->alpn != NULL ? trust->alpn : TLS_ALPN_ADIT;
	struct tls_ctx *c;

	assert(strlen(alpn) < ALPN_MAX);
	if (trust->pin_count > TLS_PINS_MAX) {
		err_set(e, "%zu pins, at most %d can be used", trust->pin_count,
		    TLS_PINS_MAX);
		return NULL;
	}
	if ((c = new_ctx(false, trust->allow_tls12, alpn, e)) == NULL)
		return NULL;
	c->pin_count = trust->pin_count;
	if (c->pin_count > 0)
		memcpy(c->pins, trust->pins, c->pin_count * sizeof(c->pins[0]));
	if ((c->ssl = new_ssl(c, e)) == NULL ||
	    (c->pin_count == 0 && load_ca(c->ssl, trust->ca, e) < 0)) {
		tls_ctx_unref(&c);
		return NULL;
	}
	SSL_CTX_set_verify(c->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(c->ssl, on_verify, NULL);
	if (!offer_alpn(c->ssl, alpn)) {
		tls_err(e, "TLS");
		tls_ctx_unref(&c);
	}
	return c;
}

struct tls_ctx *
tls_ctx_ref(struct tls_ctx *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void
tls_ctx_unref(struct tls_ctx **cp)
{
	struct tls_ctx *c = *cp;

	*cp = NULL;
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	SSL_CTX_free(c->ssl);
	pthread_mutex_destroy(&c->lock);
	free(c->cert_file);
	free(c->key_file);
	free(c);
}

SSL *
tls_ctx_connection(struct tls_ctx *c, struct err *e)
{
	SSL *ssl;

	ERR_clear_error();
	pthread_mutex_lock(&c->lock);
	ssl = SSL_new(c->ssl);
	pthread_mutex_unlock(&c->lock);
	if (ssl == NULL)
		tls_err(e, "TLS");
	return ssl;
}

bool
tls_ctx_is_server(const struct tls_ctx *c)
{
	return c->server;
}

const char *
tls_ctx_alpn(const struct tls_ctx *c)
{
	return c->alpn;
}

bool
tls_ctx_speaks(const struct tls_ctx *c, const SSL *ssl)
{
	const unsigned char *p = NULL;
	unsigned n = 0;

	SSL_get0_alpn_selected(ssl, &p, &n);
	/* HTTP is older than ALPN: a web server need not know it. */
	if (n == 0 && strcmp(c->alpn, TLS_ALPN_HTTP) == 0)
		return true;
	return n == strlen(c->alpn) && memcmp(p, c->alpn, n) == 0;
}

/* --- whether a server is the one that was meant -------------------------- */

/* One of a certificate's names, for people; 0 when it is none of ours. */
static size_t
name_text(char *to, size_t cap, const GENERAL_NAME *name)
{
	const ASN1_STRING *s = name->d.ia5;
	char text[ADDR_TEXT];
	struct addr a = { .ip = { [10] = 0xff, [11] = 0xff } };
	size_t n;

	to[0] = '\0';
	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return 0;
	n = (size_t)ASN1_STRING_length(s);
	if (name->type == GEN_DNS) {
		str_escape(to, cap, (const char *)ASN1_STRING_get0_data(s), n);
	} else if (n == 4 || n == 16) {
		memcpy(a.ip + 16 - n, ASN1_STRING_get0_data(s), n);
		str_copy(to, cap, addr_ip_text(text, &a));
	}
	return strlen(to);
}

/* The first names that a certificate is for: "a.example, b.example, ...". */
static void
names_text(char *to, size_t cap, const X509 *cert)
{
	GENERAL_NAMES *all;
	char one[80];
	size_t len = 0;
	int i, shown = 0, count;

	to[0] = '\0';
	all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;
	for (i = 0; i < count && shown <= NAMES_MAX; i++) {
		if (name_text(
			one, sizeof(one), sk_GENERAL_NAME_value(all, i)) == 0)
			continue;
		if (len + strlen(one) + 3 > cap || shown == NAMES_MAX)
			str_copy(one, sizeof(one), "...");
		snprintf(
		    to + len, cap - len, "%s%s", shown++ > 0 ? ", " : "", one);
		len = strlen(to);
	}
	GENERAL_NAMES_free(all);
	if (len == 0)
		str_copy(to, cap, "no name");
}

/* The common name of a certificate's maker. */
static void
issuer_text(char *to, size_t cap, const X509 *cert)
{
	char cn[80];
	int n;

	n = X509_NAME_get_text_by_NID(
	    X509_get_issuer_name(cert), NID_commonName, cn, sizeof(cn));
	if (n > 0)
		str_escape(to, cap, cn, (size_t)n);
	else
		str_copy(to, cap, "somebody without a name");
}

/* "2026-11-20". */
static void
date_text(char *to, size_t cap, const ASN1_TIME *at)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(at, &tm) != 1 ||
	    strftime(to, cap, "%Y-%m-%d", &tm) == 0)
		str_copy(to, cap, "no date");
}

/* Says why X509_verify_cert() refused, in words that lead somewhere. */
static void
explain(struct tls_check *check, X509_STORE_CTX *store)
{
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	X509 *at = X509_STORE_CTX_get_current_cert(store);
	int error = X509_STORE_CTX_get_error(store);
	char text[200];

	if (at == NULL)
		at = leaf;
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names_text(text, 120, leaf);
		err_set(&check->why, "the certificate is for %s, not %s", text,
		    check->host);
		return;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		date_text(text, sizeof(text), X509_get0_notAfter(at));
		err_set(&check->why, "the %s expired on %s",
		    at == leaf ? "certificate" : "certificate's issuer", text);
		return;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		date_text(text, sizeof(text), X509_get0_notBefore(at));
		err_set(&check->why,
		    "the certificate is good from %s on (is "
		    "this computer's clock right?)",
		    text);
		return;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		err_set(&check->why,
		    "the certificate is signed by itself, and "
		    "nothing here vouches for it; --pin would");
		return;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		issuer_text(text, sizeof(text), at);
		err_set(&check->why,
		    "the certificate was issued by %s, whom "
		    "nothing here vouches for",
		    text);
		return;
	default:
		err_set(&check->why, "the certificate is not accepted: %s",
		    X509_verify_cert_error_string(error));
	}
}

/* Whether the key of the server's certificate is one of the pinned. */
static bool
is_pinned(struct tls_check *check, const X509 *leaf)
{
	const struct tls_ctx *c = check->ctx;
	char text[TLS_PIN_TEXT];
	struct tls_pin got;
	size_t i;

	if (tls_pin_of_key(&got, X509_get0_pubkey(leaf), &check->why) < 0)
		return false;
	for (i = 0; i < c->pin_count; i++)
		if (memcmp(&got, &c->pins[i], sizeof(got)) == 0)
			return true;
	err_set(&check->why, "pin differs: got %s", tls_pin_text(text, &got));
	return false;
}

/* OpenSSL asks whether the server's certificate is good: 1 or 0. */
static int
on_verify(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_check *check = SSL_get_app_data(ssl);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);

	(void)arg;
	if (check->ctx->pin_count > 0) {
		if (is_pinned(check, leaf)) {
			X509_STORE_CTX_set_error(store, X509_V_OK);
			return 1;
		}
		X509_STORE_CTX_set_error(
		    store, X509_V_ERR_APPLICATION_VERIFICATION);
	} else if (X509_verify_cert(store) == 1) {
		return 1;
	} else {
		explain(check, store);
	}
	check->refused = true;
	ERR_clear_error();
	return 0;
}
