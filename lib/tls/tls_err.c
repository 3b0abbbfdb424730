#include "tls/tls_err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/err.h"

/* The first of the reasons that OpenSSL keeps. */
static const char *
reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text;

	if (code == 0)
		return "OpenSSL tells no reason";
	if (ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	text = ERR_reason_error_string(code);
	return text != NULL ? text : "OpenSSL has no words for the reason";
}

int
tls_err(struct err *e, const char *fmt, ...)
{
	char words[sizeof(e->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	err_set(e, "%s: %s", words, reason());
	ERR_clear_error();
	return -1;
}
