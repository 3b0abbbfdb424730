#include "tls/tls_own.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "tls/tls_err.h"

int
tls_ctx_system_ca(SSL_CTX *s, struct err *e)
{
	/* Red Hat's and SUSE's; the others have what OpenSSL looks for. */
	static const char *const bundles[] = {
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/ca-bundle.pem",
	};
	size_t i;

	if (SSL_CTX_set_default_verify_paths(s) != 1)
		return tls_err(e, "the system's certificates");
	if (getenv("SSL_CERT_FILE") != NULL || getenv("SSL_CERT_DIR") != NULL)
		return 0;
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]); i++)
		if (SSL_CTX_load_verify_file(s, bundles[i]) == 1)
			break;
	ERR_clear_error();
	return 0;
}
