#include "net/allow.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"

static int
read_ports(struct allow_entry *n, char *ports, struct err *e)
{
	char *dash = strchr(ports, '-');
	uint64_t from = 0, to = 0;
	bool good;

	if (strcmp(ports, "*") == 0) {
		n->from = 1;
		n->to = UINT16_MAX;
		return 0;
	}
	if (dash != NULL)
		*dash = '\0';
	good = str_number(ports, 1, UINT16_MAX, &from) &&
	    (dash == NULL || str_number(dash + 1, 1, UINT16_MAX, &to));
	to = dash == NULL ? from : to;
	if (!good)
		return err_set(e,
		    "%s: a port is 1 to 65535, a range is PORT-PORT, all"
		    " ports are *",
		    n->text);
	if (from > to)
		return err_set(
		    e, "%s: the range ends before it begins", n->text);
	n->from = (uint16_t)from;
	n->to = (uint16_t)to;
	return 0;
}

static int
add_one(struct allow *a, const char *text, size_t len, struct err *e)
{
	struct allow_entry *n = &a->entries[a->count];
	char whole[sizeof(n->text)], probe[sizeof(n->text) + 8], *colon;
	uint16_t port;

	if (a->count == ALLOW_MAX)
		return err_set(e, "more than %d addresses", ALLOW_MAX);
	if (len == 0)
		return err_set(e, "an address between the commas is missing");
	if (len >= sizeof(n->text))
		return err_set(e, "an address of %zu bytes", len);
	memset(n, 0, sizeof(*n));
	memcpy(n->text, text, len);
	memcpy(whole, n->text, sizeof(whole));
	if ((colon = strrchr(whole, ':')) == NULL || colon[1] == '\0' ||
	    strchr(colon, ']') != NULL)
		return err_set(
		    e, "%s: the port is missing (%s:PORT)", n->text, n->text);
	if (read_ports(n, colon + 1, e) != 0)
		return -1;
	*colon = '\0';
	snprintf(probe, sizeof(probe), "%s:1", whole);
	if (addr_split(probe, n->host, &port, e) != 0)
		return -1;
	n->is_number = addr_parse_ip(&n->ip, n->host, NULL) == 0;
	a->count++;
	return 0;
}

int
allow_add(struct allow *a, const char *text, struct err *e)
{
	const char *end;

	for (;; text = end + 1) {
		while (*text == ' ')
			text++;
		end = text + strcspn(text, ",");
		if (add_one(a, text, (size_t)(end - text), e) != 0)
			return -1;
		if (*end == '\0')
			return 0;
	}
}

/* 127.0.0.1 and ::1 are what "localhost" is dialled as. */
static bool
is_localhost(const struct addr *ip)
{
	struct addr v4, v6;

	(void)addr_parse_ip(&v4, "127.0.0.1", NULL);
	(void)addr_parse_ip(&v6, "::1", NULL);
	return addr_same_ip(ip, &v4) || addr_same_ip(ip, &v6);
}

static bool
host_fits(const struct allow_entry *n, const char *host, const struct addr *ip)
{
	if (ip == NULL)
		return !n->is_number && strcasecmp(n->host, host) == 0;
	if (n->is_number)
		return addr_same_ip(&n->ip, ip);
	return strcasecmp(n->host, "localhost") == 0 && is_localhost(ip);
}

bool
allow_has(const struct allow *a, const char *host, uint16_t port)
{
	const struct allow_entry *n;
	struct addr ip;
	bool number = addr_parse_ip(&ip, host, NULL) == 0;

	for (n = a->entries; n < a->entries + a->count; n++)
		if (port >= n->from && port <= n->to &&
		    host_fits(n, host, number ? &ip : NULL))
			return true;
	return false;
}

char *
allow_text(const struct allow *a, char *to, size_t cap)
{
	size_t i, len = 0;
	int n;

	to[0] = '\0';
	for (i = 0; i < a->count; i++) {
		n = snprintf(to + len, cap - len, "%s%s", i > 0 ? ", " : "",
		    a->entries[i].text);
		if (n < 0 || (size_t)n + 6 > cap - len) {
			snprintf(
			    to + len, cap - len, "%s...", i > 0 ? ", " : "");
			break;
		}
		len += (size_t)n;
	}
	return to;
}
