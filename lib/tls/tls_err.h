/*
 * tls_err: OpenSSL's reasons as ours.
 */
#ifndef TLS_ERR_H
#define TLS_ERR_H

#include "base/err.h"

/*
 * As err_sys(), with what OpenSSL says behind the words: of its reasons the
 * first, where the trouble began.  Forgets all of them.  Returns -1.
 */
int tls_err(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
