#include "tls/tls_cert.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/random.h"
#include "base/str.h"
#include "tls/tls_err.h"
#include "tls/tls_own.h"

enum {
	PATH_CAP = 4096,
	DAY_S = 24 * 60 * 60,
	CN_MAX = 64, /* RFC 5280's upper bound for a common name */
};

#define PIN_HEAD "sha256:"

int
tls_pin_parse(struct tls_pin *p, const char *text, struct err *e)
{
	size_t head = sizeof(PIN_HEAD) - 1;

	if (strncmp(text, PIN_HEAD, head) != 0)
		return err_set(e, "a pin begins with \"%s\"", PIN_HEAD);
	if (strlen(text + head) != 2 * sizeof(p->sha256))
		return err_set(e, "a pin has 64 hex digits, this one has %zu",
		    strlen(text + head));
	if (!str_unhex(p->sha256, sizeof(p->sha256), text + head))
		return err_set(e, "a pin has hex digits only");
	return 0;
}

char *
tls_pin_text(char to[TLS_PIN_TEXT], const struct tls_pin *p)
{
	memcpy(to, PIN_HEAD, sizeof(PIN_HEAD) - 1);
	str_hex(to + sizeof(PIN_HEAD) - 1, p->sha256, sizeof(p->sha256));
	return to;
}

int
tls_pin_of_key(struct tls_pin *p, EVP_PKEY *key, struct err *e)
{
	unsigned char *der = NULL;
	int n;

	if (key == NULL || (n = i2d_PUBKEY(key, &der)) <= 0)
		return tls_err(e, "public key");
	random_sha256(p->sha256, der, (size_t)n);
	OPENSSL_free(der);
	return 0;
}

int
tls_no_phrase(char *to, int cap, int writing, void *arg)
{
	(void)to;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}

/* The first certificate of a PEM file. */
static X509 *
read_cert(const char *file, struct err *e)
{
	X509 *cert = NULL;
	BIO *bio;

	ERR_clear_error();
	if ((bio = BIO_new_file(file, "r")) != NULL)
		cert = PEM_read_bio_X509(bio, NULL, tls_no_phrase, NULL);
	if (cert == NULL)
		tls_err(e, "certificate %s", file);
	BIO_free(bio);
	return cert;
}

/* The private key of a PEM file. */
static EVP_PKEY *
read_key(const char *file, struct err *e)
{
	EVP_PKEY *key = NULL;
	BIO *bio;

	ERR_clear_error();
	if ((bio = BIO_new_file(file, "r")) != NULL)
		key = PEM_read_bio_PrivateKey(bio, NULL, tls_no_phrase, NULL);
	if (key == NULL)
		tls_err(e, "key %s", file);
	BIO_free(bio);
	return key;
}

int
tls_pin_of_cert_file(struct tls_pin *p, const char *file, struct err *e)
{
	X509 *cert;
	int rc;

	if ((cert = read_cert(file, e)) == NULL)
		return -1;
	rc = tls_pin_of_key(p, X509_get0_pubkey(cert), e);
	X509_free(cert);
	return rc;
}

int
tls_pin_of_key_file(struct tls_pin *p, const char *file, struct err *e)
{
	EVP_PKEY *key;
	int rc;

	if ((key = read_key(file, e)) == NULL)
		return -1;
	rc = tls_pin_of_key(p, key, e);
	EVP_PKEY_free(key);
	return rc;
}

int
tls_cert_expiry(int64_t *wall_ms_out, const char *file, struct err *e)
{
	struct tm tm = { 0 };
	X509 *cert;
	int good;

	if ((cert = read_cert(file, e)) == NULL)
		return -1;
	good = ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm);
	X509_free(cert);
	if (!good)
		return err_set(e, "certificate %s: its end is no date", file);
	*wall_ms_out = (int64_t)timegm(&tm) * 1000;
	return 0;
}

/* Writes all of text into a new file of this mode, down to the disk. */
static int
write_file(
    const char *file, mode_t mode, const char *text, size_t n, struct err *e)
{
	ssize_t put;
	int fd;

	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return err_sys(e, "%s", file);
	for (; n > 0; n -= (size_t)put, text += put) {
		if ((put = write(fd, text, n)) < 0 && errno == EINTR)
			put = 0;
		if (put < 0)
			break;
	}
	if (n > 0 || fsync(fd) < 0) {
		err_sys(e, "%s", file);
		close(fd);
		unlink(file);
		return -1;
	}
	if (close(fd) < 0)
		return err_sys(e, "%s", file);
	return 0;
}

/*
 * Puts text into file unless it is there: 1 done, 0 somebody was quicker.
 * It appears whole or not at all.
 */
static int
publish(const char *file, mode_t mode, BIO *text, struct err *e)
{
	char own[PATH_CAP];
	const char *p;
	long n = BIO_get_mem_data(text, &p);
	int rc;

	rc = snprintf(own, sizeof(own), "%s.%ld.%u", file, (long)getpid(),
	    (unsigned)random_below(UINT32_MAX));
	if (rc < 0 || (size_t)rc >= sizeof(own))
		return err_set(e, "the path of %.100s is too long", file);
	if (write_file(own, mode, p, (size_t)n, e) < 0)
		return -1;
	if ((rc = link(own, file)) < 0 && errno != EEXIST) {
		err_sys(e, "%s", file);
		unlink(own);
		return -1;
	}
	unlink(own);
	return rc == 0;
}

/* Whether a file is there: 1, 0, or -1. */
static int
is_there(const char *file, struct err *e)
{
	struct stat st;

	if (stat(file, &st) == 0)
		return 1;
	return errno == ENOENT ? 0 : err_sys(e, "%s", file);
}

int
tls_key_make_missing(const char *key_file, struct err *e)
{
	EVP_PKEY *key;
	BIO *text;
	int rc;

	if ((rc = is_there(key_file, e)) != 0)
		return rc < 0 ? -1 : 0;
	ERR_clear_error();
	key = EVP_EC_gen("P-256");
	text = BIO_new(BIO_s_secmem());
	if (key == NULL || text == NULL ||
	    !PEM_write_bio_PKCS8PrivateKey(
		text, key, NULL, NULL, 0, NULL, NULL))
		rc = tls_err(e, "a new key");
	else
		rc = publish(key_file, 0600, text, e);
	BIO_free(text);
	EVP_PKEY_free(key);
	return rc;
}

/* Adds one extension, given as OpenSSL's configuration would. */
static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *x;
	X509V3_CTX ctx;
	bool good;

	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	if ((x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value)) == NULL)
		return false;
	good = X509_add_ext(cert, x, -1) == 1;
	X509_EXTENSION_free(x);
	return good;
}

/* Says for which name or address the certificate is. */
static bool
add_host(X509 *cert, const char *host)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(host);
	char value[300];

	snprintf(
	    value, sizeof(value), "%s:%s", ip != NULL ? "IP" : "DNS", host);
	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	return add_extension(cert, NID_subject_alt_name, value);
}

/* A number nobody else uses: 127 random bits. */
static bool
set_serial(X509 *cert)
{
	unsigned char bytes[16];
	BIGNUM *n;
	bool good;

	if (random_bytes(bytes, sizeof(bytes), NULL) < 0)
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40);
	if ((n = BN_bin2bn(bytes, sizeof(bytes), NULL)) == NULL)
		return false;
	good = BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL;
	BN_free(n);
	return good;
}

/* Its names, dates and purposes. */
static bool
fill_cert(X509 *cert, EVP_PKEY *key, const char *host)
{
	const char *cn = strlen(host) <= CN_MAX ? host : "adit";
	X509_NAME *name = X509_get_subject_name(cert);

	/* A day back, for clients whose clock is behind. */
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	    set_serial(cert) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) != NULL &&
	    X509_time_adj_ex(X509_getm_notAfter(cert),
		TLS_CERT_YEARS * 365 + TLS_CERT_YEARS / 4, 0, NULL) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		(const unsigned char *)cn, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1 &&
	    add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	    add_extension(cert, NID_subject_key_identifier, "hash") &&
	    add_host(cert, host);
}

/* Makes a certificate for key and publishes it. */
static int
make_cert(const char *cert_file, EVP_PKEY *key, const char *host, struct err *e)
{
	X509 *cert;
	BIO *text;
	int rc;

	ERR_clear_error();
	cert = X509_new();
	text = BIO_new(BIO_s_mem());
	if (cert == NULL || text == NULL || !fill_cert(cert, key, host) ||
	    X509_sign(cert, key, EVP_sha256()) <= 0 ||
	    !PEM_write_bio_X509(text, cert))
		rc = tls_err(e, "a new certificate for %s", host);
	else
		rc = publish(cert_file, 0644, text, e);
	BIO_free(text);
	X509_free(cert);
	return rc;
}

/* A name or an address, and nothing that OpenSSL would take for more. */
static int
check_host(const char *host, struct err *e)
{
	const char *p;

	if (host[0] == '\0' || strlen(host) > 253)
		return err_set(e, "a certificate needs a host name");
	for (p = host; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr(".-_:", *p) == NULL)
			return err_set(e,
			    "a certificate for \"%.64s\": this "
			    "is no host name",
			    host);
	return 0;
}

int
tls_cert_make_missing(const char *cert_file, const char *key_file,
    const char *host, struct err *e)
{
	EVP_PKEY *key;
	int cert_there, made, rc;

	if (check_host(host, e) < 0)
		return -1;
	/*
	 * In this order: the key always appears before its certificate, so
	 * whoever sees the certificate must see the key.
	 */
	if ((cert_there = is_there(cert_file, e)) < 0)
		return -1;
	if (cert_there) {
		if ((rc = is_there(key_file, e)) != 0)
			return rc < 0 ? -1 : 0;
		return err_set(e,
		    "certificate %s is there and its key %s is "
		    "missing",
		    cert_file, key_file);
	}
	if ((made = tls_key_make_missing(key_file, e)) < 0)
		return -1;
	if ((key = read_key(key_file, e)) == NULL)
		return -1;
	rc = make_cert(cert_file, key, host, e);
	EVP_PKEY_free(key);
	return rc < 0 ? -1 : made || rc;
}
