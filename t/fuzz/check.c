/*
 * Text that somebody typed into a field: whatever is accepted keeps within its
 * room, and what is stored is accepted again and stays as it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try_cidrs(const char *text)
{
	char once[CHECK_CIDRS_MAX + 1], twice[CHECK_CIDRS_MAX + 1];
	struct err e;

	if (check_cidrs("allow", text, once, &e) == -1)
		return;
	if (check_cidrs("allow", once, twice, &e) == -1 ||
	    strcmp(once, twice) != 0)
		abort();
}

static void
try_target(const char *text)
{
	char host[CHECK_HOST_MAX + 1];
	struct err e;
	uint16_t port;

	if (check_target(text, host, &port, &e) == 0 &&
	    (port == 0 || check_host(host, &e) == -1))
		abort();
}

static void
try_words(const char *text)
{
	struct err e;
	enum kind k;
	enum proxy x;

	if (check_kind(text, &k, &e) == 0 &&
	    strcmp(check_kind_name(k), text) != 0)
		abort();
	if (check_proxy(text, &x, &e) == 0 &&
	    strcmp(check_proxy_name(x), text) != 0)
		abort();
	check_name(text, &e);
	check_email(text, &e);
	check_password(text, strlen(text), &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text;

	if ((text = malloc(n + 1)) == NULL)
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	try_cidrs(text);
	try_target(text);
	try_words(text);
	free(text);
	return 0;
}
