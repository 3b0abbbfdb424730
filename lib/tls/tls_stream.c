#include "tls/tls_stream.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "net/addr.h"
#include "tls/tls_ctx.h"
#include "tls/tls_err.h"
#include "tls/tls_own.h"

enum {
	OUT_FIRST = 2048, /* enough for a handshake without a chain */
	/* Beyond TLS_OUT_MAX only what TLS itself has to say may wait. */
	OUT_HARD = TLS_OUT_MAX + (64 << 10),
	MINUTE_MS = 60 * 1000,
};

struct tls_stream {
	SSL *ssl;
	struct tls_check check;
	char host[ADDR_HOST_MAX + 1];
	enum tls_fault fault;
	bool up;
	bool closed; /* the peer has said that nothing will follow */
	bool said_close;

	const uint8_t *in; /* fed and not yet taken by OpenSSL */
	size_t in_len;

	uint8_t *out; /* sealed and not yet sent: head to tail */
	size_t head;
	size_t tail;
	size_t cap;

	uint64_t key_since; /* the minute in which KeyUpdates are counted */
	unsigned key_updates;
	struct tls_counts counts;
};

/* --- where OpenSSL reads and writes -------------------------------------- */

/* OpenSSL wants up to n bytes from the wire. */
static int
bio_read(BIO *bio, char *to, int n)
{
	struct tls_stream *t = BIO_get_data(bio);
	size_t take = n > 0 && (size_t)n < t->in_len ? (size_t)n : t->in_len;

	BIO_clear_retry_flags(bio);
	if (take == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(to, t->in, take);
	t->in += take;
	t->in_len -= take;
	return (int)take;
}

/* Room for n more bytes behind the tail. */
static bool
make_room(struct tls_stream *t, size_t n)
{
	size_t len = t->tail - t->head, cap = t->cap;
	uint8_t *mem;

	if (n <= t->cap - t->tail)
		return true;
	if (len + n > OUT_HARD)
		return false;
	/* What has been sent is closed up when that gives room cheaply. */
	if (len + n <= t->cap && len <= t->cap / 2) {
		memmove(t->out, t->out + t->head, len);
		t->head = 0;
		t->tail = len;
		return true;
	}
	if (cap == 0)
		cap = OUT_FIRST;
	while (cap < len + n)
		cap *= 2;
	if (cap == t->cap)
		cap *= 2;
	if (cap > OUT_HARD)
		cap = OUT_HARD;
	if ((mem = malloc(cap)) == NULL)
		return false;
	if (len > 0)
		memcpy(mem, t->out + t->head, len);
	free(t->out);
	t->out = mem;
	t->cap = cap;
	t->head = 0;
	t->tail = len;
	return true;
}

/* OpenSSL has n bytes for the wire; they are always taken. */
static int
bio_write(BIO *bio, const char *p, int n)
{
	struct tls_stream *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (n < 0 || !make_room(t, (size_t)n))
		return -1;
	memcpy(t->out + t->tail, p, (size_t)n);
	t->tail += (size_t)n;
	return n;
}

static long
bio_ctrl(BIO *bio, int what, long n, void *arg)
{
	(void)bio;
	(void)n;
	(void)arg;
	return what == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

/* Ends with the process, like OpenSSL's own. */
static void
make_method(void)
{
	BIO_METHOD *m =
	    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "adit");

	if (m == NULL)
		return;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	bio_method = m;
}

/* Lays t under its SSL. */
static int
lay_bio(struct tls_stream *t, struct err *e)
{
	BIO *bio;

	pthread_once(&bio_once, make_method);
	if (bio_method == NULL || (bio = BIO_new(bio_method)) == NULL)
		return tls_err(e, "TLS");
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return 0;
}

/* --- making and ending --------------------------------------------------- */

/* t is broken from now on; the first reason stays. */
static int
break_off(struct tls_stream *t, enum tls_fault fault)
{
	if (t->fault == TLS_FAULT_NONE)
		t->fault = fault;
	t->in_len = 0;
	ERR_clear_error();
	return -1;
}

/*
 * OpenSSL shows each message: a KeyUpdate costs us more than it costs the
 * peer, so they are counted.  What is left of the input is taken away, which
 * ends the SSL_read() that we are in.
 */
static void
on_message(int writing, int version, int type, const void *p, size_t n,
    SSL *ssl, void *arg)
{
	struct tls_stream *t = arg;
	uint64_t now;

	(void)version;
	(void)ssl;
	if (writing || type != SSL3_RT_HANDSHAKE || n == 0 ||
	    *(const uint8_t *)p != SSL3_MT_KEY_UPDATE)
		return;
	now = clock_ms();
	if (now - t->key_since >= MINUTE_MS) {
		t->key_since = now;
		t->key_updates = 0;
	}
	if (++t->key_updates <= TLS_KEY_UPDATES_MAX)
		return;
	err_set(&t->check.why, "more than %d KeyUpdates in a minute",
	    TLS_KEY_UPDATES_MAX);
	break_off(t, TLS_FAULT_PEER);
}

/* A stream of c, neither server nor client yet. */
static struct tls_stream *
new_stream(struct tls_ctx *c, struct err *e)
{
	struct tls_stream *t;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_sys(e, "TLS");
		return NULL;
	}
	t->check.ctx = tls_ctx_ref(c);
	t->check.host = t->host;
	if ((t->ssl = tls_ctx_connection(c, e)) == NULL || lay_bio(t, e) < 0) {
		tls_stream_free(&t);
		return NULL;
	}
	SSL_set_app_data(t->ssl, &t->check);
	SSL_set_msg_callback(t->ssl, on_message);
	SSL_set_msg_callback_arg(t->ssl, t);
	return t;
}

struct tls_stream *
tls_stream_server(struct tls_ctx *c, struct err *e)
{
	struct tls_stream *t;

	assert(tls_ctx_is_server(c));
	if ((t = new_stream(c, e)) != NULL)
		SSL_set_accept_state(t->ssl);
	return t;
}

/* Tells OpenSSL whom we want: for the server, and for the check. */
static int
set_host(struct tls_stream *t, const char *host, struct err *e)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
	size_t n = strlen(host);
	struct addr ip;
	char text[ADDR_TEXT];

	if (n == 0 || n > ADDR_HOST_MAX)
		return err_set(e, "a host name of %zu bytes", n);
	memcpy(t->host, host, n + 1);
	if (addr_parse_ip(&ip, host, NULL) == 0) {
		ip.scope = 0;
		addr_ip_text(text, &ip);
		return X509_VERIFY_PARAM_set1_ip_asc(param, text) == 1
		    ? 0
		    : tls_err(e, "TLS for %s", host);
	}
	if (t->host[n - 1] == '.') /* the root's dot is no part of the name */
		t->host[n - 1] = '\0';
	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_host(param, t->host, 0) != 1 ||
	    SSL_set_tlsext_host_name(t->ssl, t->host) != 1)
		return tls_err(e, "TLS for %s", host);
	return 0;
}

struct tls_stream *
tls_stream_client(struct tls_ctx *c, const char *host, struct err *e)
{
	struct tls_stream *t;

	assert(!tls_ctx_is_server(c));
	if ((t = new_stream(c, e)) == NULL)
		return NULL;
	SSL_set_connect_state(t->ssl);
	if (set_host(t, host, e) < 0)
		tls_stream_free(&t);
	return t;
}

void
tls_stream_free(struct tls_stream **tp)
{
	struct tls_stream *t = *tp;

	if (t == NULL)
		return;
	SSL_free(t->ssl);
	tls_ctx_unref(&t->check.ctx);
	free(t->out);
	free(t);
	*tp = NULL;
}

/* --- the handshake ------------------------------------------------------- */

void
tls_stream_feed(struct tls_stream *t, const void *p, size_t n)
{
	assert(t->in_len == 0);
	if (t->fault != TLS_FAULT_NONE || t->closed)
		return;
	t->in = p;
	t->in_len = n;
}

size_t
tls_stream_unread(const struct tls_stream *t)
{
	return t->in_len;
}

bool
tls_stream_is_up(const struct tls_stream *t)
{
	return t->up && t->fault == TLS_FAULT_NONE;
}

enum tls_fault
tls_stream_fault(const struct tls_stream *t)
{
	return t->fault;
}

bool
tls_stream_is_closed(const struct tls_stream *t)
{
	return t->closed;
}

/* Says why t is broken. */
static int
tell(const struct tls_stream *t, struct err *e)
{
	return err_set(e, "%s", t->check.why.text);
}

/* OpenSSL has failed: finds out about what. */
static int
fail(struct tls_stream *t, int error, struct err *e)
{
	if (t->fault != TLS_FAULT_NONE)
		return tell(t, e);
	if (t->check.refused) {
		break_off(t, TLS_FAULT_TRUST);
	} else if (error == SSL_ERROR_SSL) {
		tls_err(&t->check.why, "TLS");
		break_off(t, TLS_FAULT_PEER);
	} else if (error == SSL_ERROR_ZERO_RETURN) {
		err_set(&t->check.why, "TLS: the other side has ended it");
		break_off(t, TLS_FAULT_PEER);
	} else {
		err_set(&t->check.why, "TLS: no memory, or nothing is sent");
		break_off(t, TLS_FAULT_OWN);
	}
	return tell(t, e);
}

int
tls_stream_handshake(struct tls_stream *t, struct err *e)
{
	int error, rc;

	if (t->fault != TLS_FAULT_NONE)
		return tell(t, e);
	if (t->up)
		return 1;
	ERR_clear_error();
	if ((rc = SSL_do_handshake(t->ssl)) != 1) {
		error = SSL_get_error(t->ssl, rc);
		if (error == SSL_ERROR_WANT_READ && t->fault == TLS_FAULT_NONE)
			return 0;
		return fail(t, error, e);
	}
	if (!tls_ctx_speaks(t->check.ctx, t->ssl)) {
		err_set(&t->check.why, "the other side speaks TLS, but not %s",
		    tls_ctx_alpn(t->check.ctx));
		break_off(t, TLS_FAULT_PEER);
		return tell(t, e);
	}
	t->up = true;
	return 1;
}

/* --- bytes --------------------------------------------------------------- */

ssize_t
tls_stream_open(struct tls_stream *t, void *p, size_t n, struct err *e)
{
	int error, got;

	if (t->fault != TLS_FAULT_NONE)
		return tell(t, e);
	if (!t->up)
		return err_set(e, "TLS: the handshake is not done");
	if (n == 0 || t->closed)
		return 0;
	ERR_clear_error();
	got = SSL_read(t->ssl, p, n < TLS_RECORD_MAX ? (int)n : TLS_RECORD_MAX);
	if (got > 0) {
		t->counts.opened++;
		return got;
	}
	error = SSL_get_error(t->ssl, got);
	if (t->fault != TLS_FAULT_NONE)
		return tell(t, e);
	if (error == SSL_ERROR_WANT_READ)
		return 0;
	if (error != SSL_ERROR_ZERO_RETURN)
		return fail(t, error, e);
	t->closed = true;
	t->in_len = 0; /* what follows the end is nothing */
	return 0;
}

size_t
tls_stream_waiting(const struct tls_stream *t)
{
	return t->tail - t->head;
}

size_t
tls_stream_room(const struct tls_stream *t)
{
	size_t waiting = tls_stream_waiting(t);

	return waiting < TLS_OUT_MAX
	    ? (TLS_OUT_MAX - waiting) / (TLS_RECORD_MAX + TLS_RECORD_EXTRA)
	    : 0;
}

int
tls_stream_seal(struct tls_stream *t, const void *p, size_t n, struct err *e)
{
	int rc;

	assert(n > 0 && n <= TLS_RECORD_MAX);
	if (t->fault != TLS_FAULT_NONE)
		return tell(t, e);
	if (!t->up || t->said_close)
		return err_set(e, "TLS: it is not up");
	if (tls_stream_waiting(t) + n + TLS_RECORD_EXTRA > TLS_OUT_MAX)
		return err_set(e, "TLS: nothing more may wait to be sent");
	ERR_clear_error();
	if ((rc = SSL_write(t->ssl, p, (int)n)) <= 0)
		return fail(t, SSL_get_error(t->ssl, rc), e);
	t->counts.sealed++;
	return 0;
}

void
tls_stream_close(struct tls_stream *t)
{
	if (!tls_stream_is_up(t) || t->said_close)
		return;
	t->said_close = true;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

const uint8_t *
tls_stream_out(const struct tls_stream *t, size_t *n_out)
{
	*n_out = tls_stream_waiting(t);
	return *n_out > 0 ? t->out + t->head : NULL;
}

void
tls_stream_sent(struct tls_stream *t, size_t n)
{
	assert(n <= tls_stream_waiting(t));
	t->head += n;
	if (t->head == t->tail)
		t->head = t->tail = 0;
}

void
tls_stream_idle(struct tls_stream *t)
{
	if (t->head != t->tail)
		return;
	free(t->out);
	t->out = NULL;
	t->head = t->tail = t->cap = 0;
}

const char *
tls_stream_version(const struct tls_stream *t)
{
	return SSL_get_version(t->ssl);
}

const char *
tls_stream_cipher(const struct tls_stream *t)
{
	return SSL_get_cipher_name(t->ssl);
}

struct tls_counts
tls_stream_counts(const struct tls_stream *t)
{
	return t->counts;
}
