#include "tls/tls_own.h"

/* Before OpenSSL's headers: wincrypt.h gives names of theirs another meaning. */
#include <windows.h>

#include <wincrypt.h>

#undef X509_NAME
#undef X509_EXTENSIONS
#undef PKCS7_SIGNER_INFO
#undef OCSP_REQUEST
#undef OCSP_RESPONSE

#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls/tls_err.h"

/* Whom Windows believes: the stores "ROOT" of this user and computer. */
int
tls_ctx_system_ca(SSL_CTX *s, struct err *e)
{
	X509_STORE *to = SSL_CTX_get_cert_store(s);
	HCERTSTORE from = CertOpenSystemStoreW(0, L"ROOT");
	const CERT_CONTEXT *c = NULL;
	int taken = 0;

	if (from == NULL)
		return err_set(e, "Windows does not open its certificates");
	while ((c = CertEnumCertificatesInStore(from, c)) != NULL) {
		const unsigned char *p = c->pbCertEncoded;
		X509 *cert = d2i_X509(NULL, &p, (long)c->cbCertEncoded);

		if (cert != NULL && X509_STORE_add_cert(to, cert) == 1)
			taken++;
		X509_free(cert);
	}
	(void)CertCloseStore(from, 0);
	ERR_clear_error();
	return taken > 0 ? 0 : err_set(e, "Windows has no certificates");
}
