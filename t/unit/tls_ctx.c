#include "tls/tls_ctx.h"

#include <stdbool.h>

#include "base/err.h"

#include "certs.h"
#include "tap.h"
#include "tls_pair.h"

static struct err e;

static const struct certs_want all[] = {
	{ "ca", NULL, NULL, -1, 100 },
	{ "other-ca", NULL, NULL, -1, 100 },
	{ "old-ca", NULL, NULL, -100, -1 },
	{ "good", "DNS:relay.example,IP:192.0.2.1,IP:2001:db8::1", "ca", -1,
	    9 },
	{ "wild", "DNS:*.relay.example", "ca", -1, 9 },
	{ "expired", "DNS:relay.example", "ca", -9, -2 },
	{ "future", "DNS:relay.example", "ca", 2, 9 },
	{ "other", "DNS:relay.example", "other-ca", -1, 9 },
	{ "late", "DNS:relay.example", "old-ca", -1, 9 },
	{ "self", "DNS:relay.example", NULL, -1, 9 },
	{ "self-old", "DNS:relay.example", NULL, -9, -2 },
};
enum { ALL = sizeof(all) / sizeof(all[0]) };

static struct tls_ctx *
server_of(const char *name)
{
	char crt[80], key[80];

	snprintf(crt, sizeof(crt), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	return tls_ctx_server(certs_path(crt), certs_path(key), false, &e);
}

static struct tls_pin
pin_of(const char *name)
{
	struct tls_pin p = { { 0 } };
	char key[80];

	snprintf(key, sizeof(key), "%s.key", name);
	tls_pin_of_key_file(&p, certs_path(key), &e);
	return p;
}

/* A client's trust in a file of the folder, or in a key by its pin. */
static struct tls_ctx *
client_of(const char *ca, const char *pin)
{
	struct tls_pin pins[2];
	struct tls_trust t = { 0 };
	char crt[80];

	if (ca != NULL && strcmp(ca, "system") == 0) {
		t.ca = ca;
	} else if (ca != NULL) {
		snprintf(crt, sizeof(crt), "%s.crt", ca);
		t.ca = certs_path(crt);
	}
	if (pin != NULL) {
		memset(pins, 0, sizeof(pins));
		pins[1] = pin_of(pin);
		t.pins = pins;
		t.pin_count = 2;
	}
	return tls_ctx_client(&t, &e);
}

struct row {
	const char *server, *host, *ca, *pin, *why; /* NULL: accepted */
};

static const struct row rows[] = {
	{ "good", "relay.example", "ca", NULL, NULL },
	{ "good", "relay.example.", "ca", NULL, NULL },
	{ "good", "RELAY.example", "ca", NULL, NULL },
	{ "good", "192.0.2.1", "ca", NULL, NULL },
	{ "good", "2001:db8::1", "ca", NULL, NULL },
	{ "good", "192.0.2.2", "ca", NULL, "not 192.0.2.2" },
	{ "good", "other.example", "ca", NULL,
	    "the certificate is for "
	    "relay.example, 192.0.2.1, 2001:db8::1, not other.example" },
	{ "good", "relay.example", "good", NULL, NULL },
	{ "wild", "a.relay.example", "ca", NULL, NULL },
	{ "wild", "relay.example", "ca", NULL, "for *.relay.example, not" },
	{ "wild", "a.b.relay.example", "ca", NULL, "for *.relay.example, not" },
	{ "expired", "relay.example", "ca", NULL,
	    "the certificate expired on 2" },
	{ "future", "relay.example", "ca", NULL, "clock right" },
	{ "other", "relay.example", "ca", NULL, "issued by other-ca" },
	{ "late", "relay.example", "old-ca", NULL, "issuer expired on" },
	{ "self", "relay.example", "ca", NULL, "signed by itself" },
	{ "self", "relay.example", "system", NULL, "signed by itself" },
	{ "other", "relay.example", "system", NULL, "issued by other-ca" },
	{ "self", "relay.example", "self", NULL, NULL },
	{ "self", "wrong.example", "self", NULL, "not wrong.example" },
	{ "self", "relay.example", NULL, "self", NULL },
	{ "self", "wrong.example", NULL, "self", NULL },
	{ "self-old", "relay.example", NULL, "self-old", NULL },
	{ "self", "relay.example", NULL, "good", "pin differs: got sha256:" },
	{ "good", "relay.example", NULL, "good", NULL },
	{ "good", "relay.example", "ca", "self", "pin differs" },
};

static void
test_matrix(void)
{
	const struct row *r;
	struct tls_ctx *c, *s;
	struct pair p;
	char claim[160];
	size_t i;
	bool up;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		s = server_of(r->server);
		c = client_of(r->ca, r->pin);
		snprintf(claim, sizeof(claim), "%s as %s, ca %s, pin %s",
		    r->server, r->host, r->ca != NULL ? r->ca : "-",
		    r->pin != NULL ? r->pin : "-");
		up = pair_open(&p, c, s, r->host) && pair_shake(&p, SIZE_MAX);
		if (r->why == NULL)
			ok(up, claim);
		else
			ok(!up && p.client_rc == -1 && p.server_rc == -1 &&
				tls_stream_fault(p.client) == TLS_FAULT_TRUST &&
				tls_stream_fault(p.server) == TLS_FAULT_PEER &&
				strstr(p.client_why.text, r->why) != NULL,
			    claim);
		if ((r->why == NULL) != up)
			printf("# %s / %s\n", p.client_why.text,
			    p.server_why.text);
		else if (r->why != NULL &&
		    strstr(p.client_why.text, r->why) == NULL)
			printf("# %s\n", p.client_why.text);
		pair_close(&p);
		tls_ctx_unref(&c);
		tls_ctx_unref(&s);
	}
}

static void
test_files(void)
{
	struct tls_trust t = { 0 };

	ok(tls_ctx_server(certs_path("good.crt"), certs_path("self.key"), false,
	       &e) == NULL,
	    "a key of another certificate");
	ok(strstr(e.text, "key") != NULL, "says so");
	ok(tls_ctx_server(
	       certs_path("no"), certs_path("self.key"), false, &e) == NULL &&
		strstr(e.text, "No such file") != NULL,
	    "no file");
	ok(tls_ctx_client(&t, &e) == NULL, "neither pin nor CA");
	t.ca = certs_path("no");
	ok(tls_ctx_client(&t, &e) == NULL, "a CA file that is missing");
	t.ca = certs_path("good.key");
	ok(tls_ctx_client(&t, &e) == NULL, "a CA file without a certificate");
	t.pin_count = TLS_PINS_MAX + 1;
	ok(tls_ctx_client(&t, &e) == NULL, "too many pins");
}

static void
test_reload(void)
{
	struct tls_ctx *s, *old = client_of("ca", NULL);
	struct tls_ctx *fresh = client_of("self", NULL);
	struct pair p, q;
	char byte;
	uint8_t *block;
	FILE *f;

	certs_make(
	    &(struct certs_want){ "live", "DNS:relay.example", "ca", -1, 9 });
	s = server_of("live");
	ok(pair_open(&p, old, s, "relay.example") && pair_shake(&p, SIZE_MAX),
	    "a link with the old certificate");
	f = fopen(certs_path("live.crt"), "w");
	fputs("junk", f);
	fclose(f);
	is_int(tls_ctx_reload(s, &e), -1, "a bad file is refused");
	ok(pair_open(&q, old, s, "relay.example") && pair_shake(&q, SIZE_MAX),
	    "the old certificate stays");
	pair_close(&q);
	rename(certs_path("self.crt"), certs_path("live.crt"));
	rename(certs_path("self.key"), certs_path("live.key"));
	is_int(tls_ctx_reload(s, &e), 0, "a good one is taken");
	tls_stream_seal(p.client, "x", 1, &e);
	pair_carry(p.client, p.server, SIZE_MAX, &block);
	ok(tls_stream_open(p.server, &byte, 1, &e) == 1 && byte == 'x',
	    "the link goes on");
	free(block);
	ok(pair_open(&q, old, s, "relay.example") && !pair_shake(&q, SIZE_MAX),
	    "new links get the new one");
	tls_ctx_unref(&s);
	pair_close(&q);
	pair_close(&p);
	tls_ctx_unref(&fresh);
	tls_ctx_unref(&old);
	ok(s == NULL, "all is given back");
}

/* Versions, and who speaks something else. */
static void
test_protocols(void)
{
	struct tls_pin pin = pin_of("good");
	struct tls_trust t = {
		.pins = &pin, .pin_count = 1, .alpn = TLS_ALPN_HTTP
	};
	struct tls_ctx *s = server_of("good"), *c = tls_ctx_client(&t, &e);
	struct pair p;

	ok(pair_open(&p, c, s, "relay.example") && !pair_shake(&p, SIZE_MAX),
	    "who does not speak adit/1 is refused");
	ok(tls_stream_fault(p.client) == TLS_FAULT_PEER,
	    "which is no matter of certificates");
	pair_close(&p);
	tls_ctx_unref(&c);
	t.alpn = NULL;
	c = tls_ctx_client(&t, &e);
	ok(pair_open(&p, c, s, "relay.example") && pair_shake(&p, SIZE_MAX),
	    "who speaks it is not");
	is_str(tls_stream_version(p.server), "TLSv1.3", "TLS 1.3");
	is_str(tls_stream_version(p.client), "TLSv1.3", "on both sides");
	ok(strncmp(tls_stream_cipher(p.client), "TLS_", 4) == 0, "a cipher");
	pair_close(&p);
	tls_ctx_unref(&c);
	tls_ctx_unref(&s);
}

int
main(void)
{
	char file[80];
	int i;

	if (certs_open() < 0)
		return 1;
	for (i = 0; i < ALL; i++)
		certs_make(&all[i]);
	test_matrix();
	test_files();
	test_protocols();
	test_reload();
	for (i = 0; i < ALL; i++) {
		snprintf(file, sizeof(file), "%s.crt", all[i].name);
		certs_remove(file);
		snprintf(file, sizeof(file), "%s.key", all[i].name);
		certs_remove(file);
	}
	certs_remove("live.crt");
	certs_remove("live.key");
	ok(certs_close(), "no file is left behind");
	return tap_done();
}
