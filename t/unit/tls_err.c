#include "tls/tls_err.h"

#include <errno.h>

#include <openssl/err.h>

#include "tap.h"

int
main(void)
{
	struct err e;

	is_int(tls_err(&e, "key %d", 7), -1, "is an error");
	is_str(e.text, "key 7: OpenSSL tells no reason", "without a reason");
	ERR_raise(ERR_LIB_SSL, ERR_R_MALLOC_FAILURE);
	ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
	tls_err(&e, "key");
	is_str(e.text, "key: malloc failure", "the first of two reasons");
	ok(ERR_peek_error() == 0, "is forgotten, and so is the other");
	ERR_raise(ERR_LIB_SYS, ENOENT);
	tls_err(&e, "key");
	is_str(e.text, "key: No such file or directory", "the system's reason");
	is_int(tls_err(NULL, "key"), -1, "nobody wants to know");
	return tap_done();
}
