#include "tls/tls_cert.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#ifndef T_ALONE
#include <sys/wait.h>
#endif

#include "base/clock.h"
#include "base/err.h"

#include "certs.h"
#include "tap.h"

static struct err e;

static int
make(const char *host)
{
	return tls_cert_make_missing(
	    certs_path("a.crt"), certs_path("a.key"), host, &e);
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(certs_path(name), "w");

	fputs(text, f);
	fclose(f);
}

static void
test_pins(void)
{
	static const char hex[] = "0123456789abcdef0123456789ABCDEF"
				  "0123456789abcdef0123456789abcdef";
	char text[TLS_PIN_TEXT + 8], back[TLS_PIN_TEXT];
	struct tls_pin p;

	snprintf(text, sizeof(text), "sha256:%s", hex);
	is_int(tls_pin_parse(&p, text, &e), 0, "a pin");
	is_int(p.sha256[15], 0xef, "its bytes");
	is_str(tls_pin_text(back, &p),
	    "sha256:0123456789abcdef0123456789abcdef"
	    "0123456789abcdef0123456789abcdef",
	    "in lower case");
	is_int(tls_pin_parse(&p, hex, &e), -1, "without its head");
	ok(strstr(e.text, "begins with") != NULL, "says so");
	text[70] = '\0';
	is_int(tls_pin_parse(&p, text, &e), -1, "63 digits");
	ok(strstr(e.text, "63") != NULL, "says so");
	text[70] = 'x';
	is_int(tls_pin_parse(&p, text, &e), -1, "a letter that is no digit");
	snprintf(text, sizeof(text), "sha256:%s0", hex);
	is_int(tls_pin_parse(&p, text, &e), -1, "65 digits");
}

#ifndef T_ALONE
enum { RACERS = 8 };

static void
test_mode(void)
{
	struct stat st;

	ok(stat(certs_path("a.key"), &st) == 0 && (st.st_mode & 0777) == 0600,
	    "the key is its owner's");
}

/* What the command line of OpenSSL says is the pin. */
static void
test_against_openssl(void)
{
	char command[400], line[80] = "", want[TLS_PIN_TEXT];
	struct tls_pin p;
	FILE *f;

	snprintf(command, sizeof(command),
	    "openssl x509 -in %s -pubkey -noout"
	    " | openssl pkey -pubin -outform DER | sha256sum",
	    certs_path("a.crt"));
	tls_pin_of_cert_file(&p, certs_path("a.crt"), &e);
	tls_pin_text(want, &p);
	if ((f = popen(command, "r")) == NULL ||
	    fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	if (f != NULL)
		pclose(f);
	line[64] = '\0';
	is_str(line, want + 7, "the pin is what openssl(1) computes");
}

static void
test_race(void)
{
	struct tls_pin cert, key;
	int i, status, made = 0, bad = 0;

	for (i = 0; i < RACERS; i++)
		if (fork() == 0)
			_exit(make("relay.example") + 1);
	for (i = 0; i < RACERS; i++) {
		wait(&status);
		made += WIFEXITED(status) && WEXITSTATUS(status) == 2;
		bad += !WIFEXITED(status) || WEXITSTATUS(status) == 0;
	}
	is_int(bad, 0, "eight programs at once: none fails");
	ok(made >= 1, "somebody made it");
	ok(tls_pin_of_cert_file(&cert, certs_path("a.crt"), &e) == 0 &&
		tls_pin_of_key_file(&key, certs_path("a.key"), &e) == 0 &&
		memcmp(&cert, &key, sizeof(key)) == 0,
	    "key and certificate fit");
	certs_remove("a.crt");
	certs_remove("a.key");
}

#else
static void
test_mode(void)
{
}

static void
test_against_openssl(void)
{
}

static void
test_race(void)
{
}
#endif

static void
test_make(void)
{
	struct tls_pin cert, key, later;
	int64_t end = 0;

	is_int(make("relay.example"), 1, "a pair is made");
	test_mode();
	is_int(
	    tls_pin_of_cert_file(&cert, certs_path("a.crt"), &e), 0, "a pin");
	is_int(tls_pin_of_key_file(&key, certs_path("a.key"), &e), 0, "a pin");
	is_mem(&cert, &key, sizeof(key), "key and certificate have one pin");
	test_against_openssl();
	is_int(tls_cert_expiry(&end, certs_path("a.crt"), &e), 0, "its end");
	ok(end > clock_wall_ms() + 3650LL * 86400000 &&
		end < clock_wall_ms() + 3654LL * 86400000,
	    "in ten years");
	is_int(make("relay.example"), 0, "nothing is missing");
	certs_remove("a.crt");
	is_int(make("192.0.2.1"), 1, "only the certificate is missing");
	tls_pin_of_cert_file(&later, certs_path("a.crt"), &e);
	is_mem(&later, &key, sizeof(key), "the key and so the pin stay");
	certs_remove("a.key");
	is_int(make("relay.example"), -1, "a certificate without its key");
	ok(strstr(e.text, "missing") != NULL, "says so");
	certs_remove("a.crt");
	is_int(make("a.example,DNS:b.example"), -1, "a host with a comma");
	is_int(make(""), -1, "no host");
	is_int(tls_key_make_missing(certs_path("next.key"), &e), 1, "next key");
	is_int(tls_key_make_missing(certs_path("next.key"), &e), 0, "is kept");
	is_int(
	    tls_pin_of_key_file(&later, certs_path("next.key"), &e), 0, "pin");
	ok(memcmp(&later, &key, sizeof(key)) != 0, "of its own");
	certs_remove("next.key");
}

static void
test_faults(void)
{
	struct tls_pin p;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	FILE *f;

	is_int(tls_pin_of_cert_file(&p, certs_path("none"), &e), -1, "no file");
	ok(strstr(e.text, "No such file") != NULL, "says so");
	put("junk",
	    "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n");
	is_int(tls_pin_of_cert_file(&p, certs_path("junk"), &e), -1, "junk");
	is_int(tls_pin_of_key_file(&p, certs_path("junk"), &e), -1, "junk");
	is_int(tls_cert_make_missing(
		   certs_path("no/a.crt"), certs_path("no/a.key"), "h", &e),
	    -1, "no folder");
	f = fopen(certs_path("junk"), "w");
	PEM_write_PKCS8PrivateKey(
	    f, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL);
	fclose(f);
	is_int(tls_pin_of_key_file(&p, certs_path("junk"), &e), -1,
	    "a key with a pass phrase: no prompt");
	certs_remove("junk");
	EVP_PKEY_free(key);
}

int
main(void)
{
	if (certs_open() < 0)
		return 1;
	test_pins();
	test_make();
	test_race();
	test_faults();
	ok(certs_close(), "no file is left behind");
	return tap_done();
}
