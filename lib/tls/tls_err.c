#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/tls_own.h"

/* The most telling of OpenSSL's reasons: the first, where the trouble began. */
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

int
tls_no_phrase(char *to, int cap, int writing, void *arg)
{
	(void)to;
	(void)cap;
	(void)writing;
	(void)arg;
	return -1;
}
