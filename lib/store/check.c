#include "store/check.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const char *const kinds[] = { NULL, "tcp", "udp", "both", "http" };
static const char *const proxies[] = { "off", "v1", "v2" };

int
check_name(const char *name, struct err *e)
{
	size_t n = strlen(name);

	if (n == 0)
		return err_set(e, "name: empty; give it one");
	if (n > CHECK_NAME_MAX)
		return err_set(e, "name: %zu bytes; at most %d are kept", n,
		    (int)CHECK_NAME_MAX);
	if (!str_is_text(name, n))
		return err_set(e,
		    "name: control characters or broken UTF-8; use letters, "
		    "digits and signs");
	if (name[0] == ' ' || name[n - 1] == ' ')
		return err_set(e, "name: a space at its edge; leave it away");
	return 0;
}

/* What may stand in an address, without quoting or comments. */
static bool
is_email_byte(unsigned char c)
{
	return c > ' ' && c < 0x7f && strchr("\"(),:;<>@[\\]", c) == NULL;
}

int
check_email(const char *email, struct err *e)
{
	const char *at = strchr(email, '@'), *p;
	struct err ignored;
	size_t n = strlen(email);

	if (n > CHECK_EMAIL_MAX)
		return err_set(e, "email: %zu bytes; at most %d are kept", n,
		    (int)CHECK_EMAIL_MAX);
	if (at == NULL || at == email || check_host(at + 1, &ignored) == -1 ||
	    strchr(at, ':') != NULL)
		return err_set(
		    e, "email: not an address; write it as name@example.com");
	for (p = email; p < at; p++) {
		if (!is_email_byte((unsigned char)*p))
			return err_set(e,
			    "email: a character that addresses here do not "
			    "have; write it as name@example.com");
	}
	return 0;
}

int
check_password(const char *password, size_t n, struct err *e)
{
	if (n < CHECK_PASSWORD_MIN)
		return err_set(e, "password: %zu bytes; use at least %d", n,
		    (int)CHECK_PASSWORD_MIN);
	if (n > CHECK_PASSWORD_MAX)
		return err_set(e, "password: %zu bytes; use at most %d", n,
		    (int)CHECK_PASSWORD_MAX);
	if (!str_is_text(password, n))
		return err_set(e,
		    "password: control characters or broken UTF-8; use "
		    "letters, digits and signs");
	return 0;
}

int
check_kind(const char *text, enum kind *kind_out, struct err *e)
{
	int k;

	for (k = KIND_TCP; k <= KIND_BOTH; k++) {
		if (strcmp(text, kinds[k]) != 0)
			continue;
		*kind_out = (enum kind)k;
		return 0;
	}
	return err_set(e, "kind: not known; choose tcp, udp or both");
}

const char *
check_kind_name(enum kind k)
{
	return kinds[k];
}

int
check_proxy(const char *text, enum proxy *proxy_out, struct err *e)
{
	int p;

	for (p = PROXY_OFF; p <= PROXY_V2; p++) {
		if (strcmp(text, proxies[p]) != 0)
			continue;
		*proxy_out = (enum proxy)p;
		return 0;
	}
	return err_set(e, "proxy-protocol: not known; choose off, v1 or v2");
}

const char *
check_proxy_name(enum proxy p)
{
	return proxies[p];
}

/* One part of a name between dots: letters, digits, hyphens inside. */
static bool
is_label(const char *p, size_t n)
{
	size_t i;

	if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-')
		return false;
	for (i = 0; i < n; i++) {
		if (!isascii((unsigned char)p[i]) ||
		    (!isalnum((unsigned char)p[i]) && p[i] != '-' &&
			p[i] != '_'))
			return false;
	}
	return true;
}

/* A name of labels whose last one is not a number, so no odd address. */
static bool
is_host_name(const char *host)
{
	const char *p = host;
	size_t n;

	for (;;) {
		n = strcspn(p, ".");
		if (!is_label(p, n))
			return false;
		if (p[n] == '\0')
			return strspn(p, "0123456789") != n &&
			    strncasecmp(p, "0x", 2) != 0;
		p += n + 1;
	}
}

int
check_host(const char *host, struct err *e)
{
	struct in6_addr a6;
	struct in_addr a4;

	if (*host == '\0')
		return err_set(e, "target: no host; write it as HOST:PORT");
	if (strlen(host) <= CHECK_HOST_MAX &&
	    (inet_pton(AF_INET, host, &a4) == 1 ||
		inet_pton(AF_INET6, host, &a6) == 1 || is_host_name(host)))
		return 0;
	return err_set(e,
	    "target: the host is neither a name nor an address; write it as "
	    "localhost, 192.0.2.7 or [2001:db8::7]");
}

/* Divides "HOST:PORT" and its kin; false when there is no such shape. */
static bool
split_target(const char *text, char *host, const char **port_out)
{
	bool bracketed = *text == '[';
	const char *end;
	size_t n;

	if (strchr(text, ':') == NULL) {
		*port_out = text;
		return str_copy(host, CHECK_HOST_MAX + 1, "127.0.0.1");
	}
	text += bracketed;
	if ((end = strchr(text, bracketed ? ']' : ':')) == NULL)
		return false;
	if ((n = (size_t)(end - text)) > CHECK_HOST_MAX)
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	end += bracketed;
	if (*end != ':' || bracketed != (strchr(host, ':') != NULL))
		return false;
	*port_out = end + 1;
	return true;
}

int
check_target(
    const char *text, char *host_out, uint16_t *port_out, struct err *e)
{
	const char *port;
	uint64_t number;

	if (!split_target(text, host_out, &port))
		return err_set(e,
		    "target: not understood; write it as HOST:PORT, with an "
		    "IPv6 address as [2001:db8::7]:PORT");
	if (!str_number(port, 1, 65535, &number))
		return err_set(
		    e, "target: the port is not a number from 1 to 65535");
	*port_out = (uint16_t)number;
	return check_host(host_out, e);
}

/* Clears the bits behind the prefix. */
static void
mask(uint8_t *addr, unsigned bytes, unsigned prefix)
{
	unsigned i;

	for (i = 0; i < bytes; i++) {
		if (prefix >= 8) {
			prefix -= 8;
			continue;
		}
		addr[i] = (uint8_t)(addr[i] & ~(0xffu >> prefix));
		prefix = 0;
	}
}

/*
 * Reads "ADDR" or "ADDR/PREFIX" and writes it in its one form; an IPv4 address
 * dressed as IPv6 becomes IPv4, which it is on the wire.
 */
static bool
canonical(const char *word, char *to, size_t cap)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char addr[INET6_ADDRSTRLEN];
	uint8_t bin[16];
	uint64_t prefix;
	const char *slash = strchr(word, '/');
	size_t n = slash != NULL ? (size_t)(slash - word) : strlen(word);
	int family = memchr(word, ':', n) != NULL ? AF_INET6 : AF_INET;
	unsigned bits = family == AF_INET6 ? 128 : 32;
	uint8_t *at = bin;

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, word, n);
	addr[n] = '\0';
	prefix = bits;
	if (inet_pton(family, addr, bin) != 1 ||
	    (slash != NULL && !str_number(slash + 1, 0, bits, &prefix)))
		return false;
	if (family == AF_INET6 && prefix >= 96 &&
	    memcmp(bin, mapped, sizeof(mapped)) == 0) {
		family = AF_INET;
		at = bin + 12;
		bits = 32;
		prefix -= 96;
	}
	mask(at, bits / 8, (unsigned)prefix);
	if (inet_ntop(family, at, addr, sizeof(addr)) == NULL)
		return false;
	if (prefix == bits)
		return str_copy(to, cap, addr);
	return (size_t)snprintf(to, cap, "%s/%u", addr, (unsigned)prefix) < cap;
}

/* Is word one of those in the list that ends at end? */
static bool
is_listed(const char *list, const char *word)
{
	size_t n = strlen(word), len;

	for (; *list != '\0'; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		if (len == n && memcmp(list, word, n) == 0)
			return true;
	}
	return false;
}

int
check_cidrs(const char *field, const char *text, char *to, struct err *e)
{
	char word[64], form[64], shown[64];
	size_t n, len = 0;
	unsigned count = 0;

	to[0] = '\0';
	while (*(text += strspn(text, ", \t\r\n")) != '\0') {
		n = strcspn(text, ", \t\r\n");
		snprintf(
		    word, sizeof(word), "%.*s", n < 60 ? (int)n : 60, text);
		if (n >= 60 || !canonical(word, form, sizeof(form)))
			return err_set(e,
			    "%s: \"%s\" is not an address or a network; write "
			    "192.0.2.7, 192.0.2.0/24 or 2001:db8::/32",
			    field,
			    str_escape(
				shown, sizeof(shown), word, strlen(word)));
		text += n;
		if (is_listed(to, form))
			continue;
		if (++count > CHECK_CIDR_COUNT)
			return err_set(e,
			    "%s: more than %d entries; join some "
			    "into larger networks",
			    field, (int)CHECK_CIDR_COUNT);
		len += (size_t)snprintf(to + len, CHECK_CIDRS_MAX + 1 - len,
		    "%s%s", len > 0 ? "," : "", form);
	}
	return 0;
}
