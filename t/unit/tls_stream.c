#include "tls/tls_stream.h"

#include <malloc.h>

#include <openssl/ssl.h>

#include "base/err.h"
#include "base/random.h"

#include "certs.h"
#include "tap.h"
#include "tls_pair.h"

enum {
	LOAD = 20 << 20,
	LINKS = 200,
};

static struct err e;
static struct tls_ctx *server, *client;

static bool
up(struct pair *p, size_t piece)
{
	return pair_open(p, client, server, "relay.example") &&
	    pair_shake(p, piece);
}

/* Carries everything from one side to the other and opens it. */
static ssize_t
through(
    struct tls_stream *from, struct tls_stream *to, uint8_t *out, size_t cap)
{
	uint8_t *block;
	size_t sum = 0;
	ssize_t n = 0;

	if (pair_carry(from, to, SIZE_MAX, &block) == 0)
		return 0;
	while (sum < cap &&
	    (n = tls_stream_open(to, out + sum, cap - sum, &e)) > 0)
		sum += (size_t)n;
	if (sum == cap) /* the borrowed block must be used up */
		n = tls_stream_open(to, &(uint8_t){ 0 }, 1, &e);
	free(block);
	return n < 0 ? -1 : (ssize_t)sum;
}

/* The stream of bytes, cut in pieces of every small size. */
static void
test_cuts(void)
{
	static const size_t sizes[] = { 1, 2, 3, 5, 7, 13, 64, 1000, 16384 };
	struct pair p;
	uint8_t in[300], out[300], *block;
	char claim[64];
	size_t i, k, sum, left;
	ssize_t n;

	random_bytes(in, sizeof(in), &e);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(claim, sizeof(claim), "in pieces of %zu", sizes[i]);
		ok(up(&p, sizes[i]), claim);
		for (k = 0; k < sizeof(in); k += 100)
			tls_stream_seal(p.client, in + k, 100, &e);
		left = 0;
		for (sum = 0;
		     pair_carry(p.client, p.server, sizes[i], &block);) {
			while ((n = tls_stream_open(p.server, out + sum,
				    sizeof(out) - sum, &e)) > 0)
				sum += (size_t)n;
			if (sum == sizeof(out))
				n = tls_stream_open(p.server, in, 1, &e);
			left += tls_stream_unread(p.server) + (n != 0);
			free(block);
		}
		is_int(left, 0, "what was fed is used up each time");
		is_int(sum, sizeof(in), "all bytes");
		is_mem(out, in, sizeof(in), "the right ones");
		pair_close(&p);
	}
}

/* 20 MB in full records, and a hash. */
static void
test_load(void)
{
	static uint8_t in[TLS_RECORD_MAX], out[1 << 20];
	uint64_t sent = 0, got = 0, sum_in = 0, sum_out = 0;
	struct pair p;
	ssize_t n;
	size_t i, len;

	ok(up(&p, SIZE_MAX), "a link is up");
	random_bytes(in, sizeof(in), &e);
	while (sent < LOAD) {
		while (tls_stream_room(p.server) > 0 && sent < LOAD) {
			in[sent % sizeof(in)]++;
			len = TLS_RECORD_MAX - (size_t)(sent / 7 % 3);
			if (tls_stream_seal(p.server, in, len, &e) < 0)
				break;
			for (i = 0; i < len; i++)
				sum_in = sum_in * 31 + in[i];
			sent += len;
		}
		n = through(p.server, p.client, out, sizeof(out));
		if (n <= 0)
			break;
		for (i = 0; i < (size_t)n; i++)
			sum_out = sum_out * 31 + out[i];
		got += (uint64_t)n;
	}
	is_int(got, sent, "20 MB arrive");
	ok(sum_in == sum_out, "as they were sent");
	ok(tls_stream_counts(p.server).sealed ==
		    tls_stream_counts(p.client).opened &&
		tls_stream_counts(p.client).opened >= LOAD / TLS_RECORD_MAX,
	    "one record for each call");
	pair_close(&p);
}

static void
test_limits(void)
{
	static uint8_t in[TLS_RECORD_MAX];
	struct pair p;
	size_t n, room;

	ok(up(&p, SIZE_MAX), "a link is up");
	room = tls_stream_room(p.client);
	is_int(room, 62, "a megabyte in full records");
	for (n = 0;
	     n < 1000 && tls_stream_seal(p.client, in, sizeof(in), &e) == 0;
	     n++)
		continue;
	ok(n >= room && n < 1000, "no more than may wait is sealed");
	ok(tls_stream_waiting(p.client) <= TLS_OUT_MAX, "never more waits");
	is_int(tls_stream_room(p.client), 0, "there is no room");
	ok(tls_stream_is_up(p.client), "which breaks nothing");
	tls_stream_sent(p.client, 100000);
	ok(tls_stream_room(p.client) > 0, "there is again");
	is_int(tls_stream_seal(p.client, in, 1, &e), 0, "and is used");
	pair_close(&p);
}

static void
test_close(void)
{
	struct pair p;
	uint8_t out[16];

	ok(up(&p, SIZE_MAX), "a link is up");
	tls_stream_seal(p.client, "bye", 3, &e);
	tls_stream_close(p.client);
	tls_stream_close(p.client);
	is_int(tls_stream_seal(p.client, "x", 1, &e), -1, "closed: no more");
	is_int(through(p.client, p.server, out, sizeof(out)), 3, "the last");
	ok(tls_stream_is_closed(p.server), "and then the end is told");
	ok(tls_stream_fault(p.server) == TLS_FAULT_NONE, "which is no fault");
	is_int(
	    tls_stream_seal(p.server, "x", 1, &e), 0, "the other half goes on");
	is_int(through(p.server, p.client, out, sizeof(out)), 1, "and arrives");
	tls_stream_feed(p.server, "junk", 4);
	is_int(tls_stream_open(p.server, out, sizeof(out), &e), 0,
	    "what follows the end is nothing");
	pair_close(&p);
}

/* A flipped bit anywhere in a record breaks the link and nothing else. */
static void
test_corrupt(void)
{
	uint8_t wire[64], out[64];
	const uint8_t *p;
	struct pair k;
	size_t i, n;
	int broken = 0, told = 0;

	for (i = 0; i < 32; i++) {
		if (!up(&k, SIZE_MAX))
			break;
		tls_stream_seal(k.client, "0123456789", 10, &e);
		p = tls_stream_out(k.client, &n);
		memcpy(wire, p, n);
		wire[i % n] ^= 0x40;
		tls_stream_feed(k.server, wire, n);
		e.text[0] = '\0';
		/* A longer length waits for more; the rest is an error. */
		broken += tls_stream_open(k.server, out, sizeof(out), &e) <= 0;
		told += tls_stream_fault(k.server) == TLS_FAULT_PEER &&
		    e.text[0] != '\0' && tls_stream_unread(k.server) == 0;
		pair_close(&k);
	}
	is_int(broken, 32, "no flipped bit is let through");
	ok(told >= 30, "and the reason is told");
}

static void
test_strangers(void)
{
	static const char http[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
	struct tls_stream *t = tls_stream_server(server, &e);
	uint8_t byte;

	is_int(
	    tls_stream_open(t, &byte, 1, &e), -1, "not before the handshake");
	is_int(tls_stream_seal(t, "x", 1, &e), -1, "neither");
	ok(tls_stream_fault(t) == TLS_FAULT_NONE, "that is our fault");
	is_int(tls_stream_handshake(t, &e), 0, "nothing was fed");
	tls_stream_feed(t, http, sizeof(http) - 1);
	is_int(tls_stream_handshake(t, &e), -1, "HTTP is not TLS");
	ok(strstr(e.text, "http request") != NULL, "says so");
	is_int(tls_stream_handshake(t, &e), -1, "broken stays broken");
	ok(!tls_stream_is_up(t), "and is not up");
	tls_stream_free(&t);
	ok(t == NULL, "freed in the midst");
	tls_stream_free(&t);
	ok(tls_stream_client(client, "", &e) == NULL,
	    "a client without a host");
}

/* A peer of bare OpenSSL, which can do what ours never does. */
struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in;
	BIO *out;
};

static void
raw_open(struct raw *r, int version)
{
	static const unsigned char alpn[] = "\006adit/1";

	r->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(r->ctx, version);
	r->ssl = SSL_new(r->ctx);
	SSL_set_alpn_protos(r->ssl, alpn, 7);
	r->in = BIO_new(BIO_s_mem());
	r->out = BIO_new(BIO_s_mem());
	SSL_set_bio(r->ssl, r->in, r->out);
	SSL_set_connect_state(r->ssl);
}

static void
raw_close(struct raw *r)
{
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
}

/* What r has to say goes to t; returns what t then opens, or its handshake. */
static ssize_t
raw_push(struct raw *r, struct tls_stream *t)
{
	static uint8_t out[4096];
	const uint8_t *back;
	char *p;
	size_t n;
	long len = BIO_get_mem_data(r->out, &p);
	ssize_t rc;

	tls_stream_feed(t, p, (size_t)len);
	if (tls_stream_handshake(t, &e) != 1)
		rc = -2;
	else
		while ((rc = tls_stream_open(t, out, sizeof(out), &e)) > 0)
			continue;
	BIO_reset(r->out);
	back = tls_stream_out(t, &n);
	if (n > 0)
		BIO_write(r->in, back, (int)n);
	tls_stream_sent(t, n);
	return rc;
}

static void
test_key_updates(void)
{
	struct tls_stream *t = tls_stream_server(server, &e);
	struct raw r;
	char byte;
	int i;

	raw_open(&r, TLS1_3_VERSION);
	for (i = 0; i < 5 && !tls_stream_is_up(t); i++) {
		SSL_do_handshake(r.ssl);
		raw_push(&r, t);
	}
	ok(tls_stream_is_up(t), "a stranger's OpenSSL is let in");
	SSL_read(r.ssl, &byte, 1);
	for (i = 0; i < TLS_KEY_UPDATES_MAX; i++) {
		SSL_key_update(r.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		SSL_do_handshake(r.ssl);
	}
	is_int(raw_push(&r, t), 0, "a hundred KeyUpdates are borne");
	ok(tls_stream_is_up(t), "and the link is up");
	SSL_key_update(r.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
	SSL_do_handshake(r.ssl);
	is_int(raw_push(&r, t), -1, "one more is not");
	ok(strstr(e.text, "KeyUpdate") != NULL, "says so");
	ok(tls_stream_fault(t) == TLS_FAULT_PEER, "the peer's fault");
	raw_close(&r);
	tls_stream_free(&t);
}

static void
test_old_versions(void)
{
	struct tls_ctx *older =
	    tls_ctx_server(certs_path("a.crt"), certs_path("a.key"), true, &e);
	struct tls_stream *t = tls_stream_server(server, &e);
	struct raw r;
	int i;

	raw_open(&r, TLS1_2_VERSION);
	SSL_do_handshake(r.ssl);
	is_int(raw_push(&r, t), -2, "TLS 1.2 is refused");
	ok(tls_stream_fault(t) == TLS_FAULT_PEER, "as the peer's fault");
	raw_close(&r);
	tls_stream_free(&t);
	t = tls_stream_server(older, &e);
	raw_open(&r, TLS1_2_VERSION);
	for (i = 0; i < 5 && !tls_stream_is_up(t); i++) {
		SSL_do_handshake(r.ssl);
		raw_push(&r, t);
	}
	ok(tls_stream_is_up(t), "unless it is asked for");
	is_str(tls_stream_version(t), "TLSv1.2", "and then it is that");
	SSL_do_handshake(r.ssl);
	SSL_renegotiate(r.ssl);
	SSL_do_handshake(r.ssl);
	raw_push(&r, t);
	ok(SSL_do_handshake(r.ssl) != 1, "renegotiation is refused");
	raw_close(&r);
	tls_stream_free(&t);
	tls_ctx_unref(&older);
}

/* No session may be resumed: no ticket comes. */
static void
test_no_tickets(void)
{
	struct tls_stream *t = tls_stream_server(server, &e);
	struct raw r;
	char byte;
	int i;

	raw_open(&r, TLS1_3_VERSION);
	for (i = 0; i < 5 && !tls_stream_is_up(t); i++) {
		SSL_do_handshake(r.ssl);
		raw_push(&r, t);
	}
	SSL_read(r.ssl, &byte, 1);
	ok(!SSL_SESSION_is_resumable(SSL_get_session(r.ssl)),
	    "the server gives no ticket");
	raw_close(&r);
	tls_stream_free(&t);
}

/* What an idle link costs, told and bounded. */
static void
test_memory(void)
{
	static struct pair all[LINKS];
	static uint8_t in[TLS_RECORD_MAX], out[TLS_RECORD_MAX];
	struct mallinfo2 before = mallinfo2(), after;
	size_t each;
	int i, good = 0;

	for (i = 0; i < LINKS; i++) {
		good += up(&all[i], SIZE_MAX);
		tls_stream_seal(all[i].client, in, sizeof(in), &e);
		good += through(all[i].client, all[i].server, out,
			    sizeof(out)) == sizeof(out);
		tls_stream_idle(all[i].client);
		tls_stream_idle(all[i].server);
	}
	after = mallinfo2();
	is_int(good, 2 * LINKS, "200 links are up and used");
	each =
	    (after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
	    (2 * LINKS);
	printf("# an idle stream holds %zu bytes\n", each);
	ok(each < 32 * 1024, "an idle stream is small");
	for (i = 0; i < LINKS; i++)
		pair_close(&all[i]);
}

int
main(void)
{
	struct tls_pin pin;
	struct tls_trust trust = { .pins = &pin, .pin_count = 1 };

	if (certs_open() < 0 ||
	    tls_cert_make_missing(certs_path("a.crt"), certs_path("a.key"),
		"relay.example", &e) < 0 ||
	    tls_pin_of_cert_file(&pin, certs_path("a.crt"), &e) < 0 ||
	    (server = tls_ctx_server(certs_path("a.crt"), certs_path("a.key"),
		 false, &e)) == NULL ||
	    (client = tls_ctx_client(&trust, &e)) == NULL) {
		printf("Bail out! %s\n", e.text);
		return 1;
	}
	test_memory();
	test_cuts();
	test_load();
	test_limits();
	test_close();
	test_corrupt();
	test_strangers();
	test_key_updates();
	test_old_versions();
	test_no_tickets();
	tls_ctx_unref(&server);
	tls_ctx_unref(&client);
	certs_remove("a.crt");
	certs_remove("a.key");
	ok(certs_close(), "no file is left behind");
	return tap_done();
}
