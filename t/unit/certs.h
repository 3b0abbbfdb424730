/*
 * certs: keys and certificates of every kind, for the tests of TLS, in a
 * folder of their own.
 */
#ifndef T_CERTS_H
#define T_CERTS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

static char certs_dir[64];

/* The path of a file in the folder; good until the eighth call after. */
static inline const char *
certs_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *p = paths[next++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", certs_dir, name);
	return p;
}

static inline int
certs_open(void)
{
	snprintf(certs_dir, sizeof(certs_dir), "/tmp/adit-t-XXXXXX");
	return mkdtemp(certs_dir) != NULL ? 0 : -1;
}

static inline void
certs_remove(const char *name)
{
	unlink(certs_path(name));
}

/* True when the folder was empty but for what was removed before. */
static inline bool
certs_close(void)
{
	return rmdir(certs_dir) == 0;
}

static inline void
certs_extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *x = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	X509_add_ext(cert, x, -1);
	X509_EXTENSION_free(x);
}

struct certs_want {
	const char *name;   /* NAME.crt and NAME.key are written */
	const char *host;   /* "DNS:a.example,IP:192.0.2.1"; NULL: a CA */
	const char *issuer; /* NAME of the CA; NULL: itself */
	int from_days;      /* good from so many days from now */
	int to_days;
};

static inline EVP_PKEY *
certs_key(const char *name)
{
	char file[80];
	EVP_PKEY *key;
	FILE *f;

	snprintf(file, sizeof(file), "%s.key", name);
	if ((f = fopen(certs_path(file), "r")) != NULL) {
		key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
		fclose(f);
		return key;
	}
	key = EVP_EC_gen("P-256");
	f = fopen(certs_path(file), "w");
	PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
	return key;
}

static inline void
certs_make(const struct certs_want *w)
{
	const char *by = w->issuer != NULL ? w->issuer : w->name;
	EVP_PKEY *key = certs_key(w->name), *signer = certs_key(by);
	X509 *cert = X509_new();
	X509_NAME *name = X509_NAME_new();
	static long serial;
	char file[80];
	FILE *f;

	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
	X509_time_adj_ex(X509_getm_notBefore(cert), w->from_days, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(cert), w->to_days, 0, NULL);
	X509_set_pubkey(cert, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)w->name, -1, -1, 0);
	X509_set_subject_name(cert, name);
	X509_NAME_free(name);
	name = X509_NAME_new();
	X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)by, -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_NAME_free(name);
	certs_extend(cert, NID_basic_constraints,
	    w->host == NULL ? "critical,CA:TRUE" : "critical,CA:FALSE");
	if (w->host != NULL)
		certs_extend(cert, NID_subject_alt_name, w->host);
	X509_sign(cert, signer, EVP_sha256());
	snprintf(file, sizeof(file), "%s.crt", w->name);
	f = fopen(certs_path(file), "w");
	PEM_write_X509(f, cert);
	fclose(f);
	X509_free(cert);
	EVP_PKEY_free(key);
	EVP_PKEY_free(signer);
}

#endif
