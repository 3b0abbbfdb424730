#include "net/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* Makes a the IPv4 address in these four bytes. */
static void
set_v4(struct addr *a, const void *ip4)
{
	memcpy(a->ip, mapped, 12);
	memcpy(a->ip + 12, ip4, 4);
}

int
addr_from_sockaddr(struct addr *a, const struct sockaddr *sa, struct err *e)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	*a = (struct addr){ 0 };
	if (sa->sa_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		set_v4(a, &v4.sin_addr);
		a->port = ntohs(v4.sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6) {
		memcpy(&v6, sa, sizeof(v6));
		memcpy(a->ip, &v6.sin6_addr, 16);
		a->port = ntohs(v6.sin6_port);
		if (addr_is_link_local(a) && !addr_is_v4(a))
			a->scope = (uint32_t)v6.sin6_scope_id;
		return 0;
	}
	return err_set(e, "address family %d is unknown", (int)sa->sa_family);
}

unsigned
addr_to_sockaddr(const struct addr *a, int family, struct sockaddr_storage *out)
{
	struct sockaddr_in v4 = { 0 };
	struct sockaddr_in6 v6 = { 0 };

	memset(out, 0, sizeof(*out));
	if (family == AF_UNSPEC)
		family = addr_family(a);
	if (family == AF_INET6) {
		v6.sin6_family = AF_INET6;
		v6.sin6_port = htons(a->port);
		memcpy(&v6.sin6_addr, a->ip, 16);
		v6.sin6_scope_id = a->scope;
		memcpy(out, &v6, sizeof(v6));
		return sizeof(v6);
	}
	if (family != AF_INET || !addr_is_v4(a))
		return 0;
	v4.sin_family = AF_INET;
	v4.sin_port = htons(a->port);
	memcpy(&v4.sin_addr, a->ip + 12, 4);
	memcpy(out, &v4, sizeof(v4));
	return sizeof(v4);
}

int
addr_family(const struct addr *a)
{
	return addr_is_v4(a) ? AF_INET : AF_INET6;
}

void
addr_put(uint8_t out[ADDR_WIRE], const struct addr *a)
{
	memcpy(out, a->ip, 16);
	out[16] = (uint8_t)(a->port >> 8);
	out[17] = (uint8_t)a->port;
}

void
addr_get(struct addr *a, const uint8_t in[ADDR_WIRE])
{
	memcpy(a->ip, in, 16);
	a->port = (uint16_t)(in[16] << 8 | in[17]);
	a->scope = 0;
}

char *
addr_ip_text(char to[ADDR_TEXT], const struct addr *a)
{
	size_t n;

	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->ip + 12, to, ADDR_TEXT);
	else
		inet_ntop(AF_INET6, a->ip, to, ADDR_TEXT);
	n = strlen(to);
	if (a->scope != 0)
		snprintf(to + n, ADDR_TEXT - n, "%%%u", (unsigned)a->scope);
	return to;
}

char *
addr_text(char to[ADDR_TEXT], const struct addr *a)
{
	char ip[ADDR_TEXT];

	return addr_join(to, ADDR_TEXT, addr_ip_text(ip, a), a->port);
}

char *
addr_join(char *to, size_t cap, const char *host, uint16_t port)
{
	if (strchr(host, ':') != NULL)
		snprintf(to, cap, "[%s]:%u", host, (unsigned)port);
	else
		snprintf(to, cap, "%s:%u", host, (unsigned)port);
	return to;
}

/* Numbers without brackets into a's ip and scope. */
static bool
read_ip(struct addr *a, const char *text)
{
	char ip[ADDR_TEXT], *percent;
	uint64_t scope;

	*a = (struct addr){ 0 };
	if (!str_copy(ip, sizeof(ip), text))
		return false;
	if (inet_pton(AF_INET, ip, a->ip + 12) == 1) {
		memcpy(a->ip, mapped, 12);
		return true;
	}
	if ((percent = strchr(ip, '%')) != NULL)
		*percent++ = '\0';
	if (inet_pton(AF_INET6, ip, a->ip) != 1)
		return false;
	if (percent == NULL)
		return true;
	/* A scope means something on a link-local address only. */
	if (!addr_is_link_local(a) || addr_is_v4(a) ||
	    !str_number(percent, 1, UINT32_MAX, &scope))
		return false;
	a->scope = (uint32_t)scope;
	return true;
}

int
addr_parse_ip(struct addr *a, const char *text, struct err *e)
{
	char ip[ADDR_TEXT];
	size_t n = strlen(text);

	if (n > 2 && n < sizeof(ip) && text[0] == '[' && text[n - 1] == ']') {
		memcpy(ip, text + 1, n - 2);
		ip[n - 2] = '\0';
		if (strchr(ip, ':') != NULL && read_ip(a, ip))
			return 0;
	} else if (read_ip(a, text)) {
		return 0;
	}
	return err_set(e, "\"%.64s\" is not an IP address", text);
}

int
addr_parse(struct addr *a, const char *text, struct err *e)
{
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;

	if (addr_split(text, host, &port, e) < 0)
		return -1;
	if (addr_parse_ip(a, host, e) < 0)
		return -1;
	a->port = port;
	return 0;
}

/* The letters of a name or an IPv4 address. */
static bool
is_name(const char *host)
{
	for (; *host != '\0'; host++)
		if (!isalnum((unsigned char)*host) &&
		    strchr(".-_", *host) == NULL)
			return false;
	return true;
}

/* The letters of an IPv6 address with a scope. */
static bool
is_v6_like(const char *host)
{
	if (strchr(host, ':') == NULL)
		return false;
	for (; *host != '\0'; host++)
		if (!isalnum((unsigned char)*host) &&
		    strchr(":.%-_", *host) == NULL)
			return false;
	return true;
}

int
addr_split(const char *text, char host[ADDR_HOST_MAX + 1], uint16_t *port_out,
    struct err *e)
{
	const char *from = text, *to, *colon = strrchr(text, ':');
	bool bracket = text[0] == '[';
	uint64_t port;
	size_t n;

	to = bracket ? strchr(text, ']') : colon;
	if (bracket && (to == NULL || to[1] != ':'))
		return err_set(e, "\"%.80s\" is not [ADDRESS]:PORT", text);
	if (to == NULL)
		return err_set(e, "\"%.80s\" has no port (HOST:PORT)", text);
	if (bracket) {
		from++;
		colon = to + 1;
	}
	n = (size_t)(to - from);
	if (n == 0)
		return err_set(e, "\"%.80s\" has no host (HOST:PORT)", text);
	if (n > ADDR_HOST_MAX)
		return err_set(e, "a host name of %zu bytes", n);
	memcpy(host, from, n);
	host[n] = '\0';
	if (!bracket && strchr(host, ':') != NULL)
		return err_set(e,
		    "\"%.80s\": an IPv6 address stands in "
		    "brackets ([ADDRESS]:PORT)",
		    text);
	if (bracket ? !is_v6_like(host) : !is_name(host))
		return err_set(e, "\"%.80s\" is not a host", host);
	if (!str_number(colon + 1, 1, 65535, &port))
		return err_set(
		    e, "\"%.16s\" is not a port (1 to 65535)", colon + 1);
	*port_out = (uint16_t)port;
	return 0;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_same_ip(a, b);
}

bool
addr_same_ip(const struct addr *a, const struct addr *b)
{
	return memcmp(a->ip, b->ip, 16) == 0 && a->scope == b->scope;
}

bool
addr_is_v4(const struct addr *a)
{
	return memcmp(a->ip, mapped, 12) == 0;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[16];

	return addr_is_v4(a) ? memcmp(a->ip + 12, zero, 4) == 0
			     : memcmp(a->ip, zero, 16) == 0;
}

bool
addr_is_loopback(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	return addr_is_v4(a) ? a->ip[12] == 127 : memcmp(a->ip, one, 16) == 0;
}

bool
addr_is_link_local(const struct addr *a)
{
	if (addr_is_v4(a))
		return a->ip[12] == 169 && a->ip[13] == 254;
	return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

bool
addr_is_private(const struct addr *a)
{
	const uint8_t *p = a->ip + 12;

	if (!addr_is_v4(a))
		return (a->ip[0] & 0xfe) == 0xfc;
	return p[0] == 10 || (p[0] == 172 && (p[1] & 0xf0) == 16) ||
	    (p[0] == 192 && p[1] == 168) ||
	    (p[0] == 100 && (p[1] & 0xc0) == 64);
}

bool
addr_is_multicast(const struct addr *a)
{
	const uint8_t *p = a->ip + 12;

	if (!addr_is_v4(a))
		return a->ip[0] == 0xff;
	return (p[0] & 0xf0) == 0xe0 ||
	    (p[0] == 255 && p[1] == 255 && p[2] == 255 && p[3] == 255);
}

/* Clears what stands behind the first bits of ip; true if it was clear. */
static bool
mask(uint8_t ip[16], unsigned bits)
{
	unsigned i;
	uint8_t keep;
	bool clear = true;

	for (i = bits / 8; i < 16; i++) {
		keep = 0;
		if (i == bits / 8)
			keep = (uint8_t)(0xff00 >> bits % 8);
		clear = clear && (ip[i] & (uint8_t)~keep) == 0;
		ip[i] = (uint8_t)(ip[i] & keep);
	}
	return clear;
}

int
addr_net_parse(struct addr_net *n, const char *text, struct err *e)
{
	char ip[ADDR_TEXT], *slash;
	struct addr a;
	uint64_t bits;
	bool v4;

	*n = (struct addr_net){ 0 };
	if (!str_copy(ip, sizeof(ip), text))
		return err_set(e, "\"%.64s\" is not a network", text);
	if ((slash = strchr(ip, '/')) != NULL)
		*slash++ = '\0';
	if (!read_ip(&a, ip) || a.scope != 0)
		return err_set(e,
		    "\"%.64s\" is not a network (192.0.2.0/24, "
		    "2001:db8::/32)",
		    text);
	v4 = strchr(ip, ':') == NULL;
	bits = v4 ? 32 : 128;
	if (slash != NULL && !str_number(slash, 0, bits, &bits))
		return err_set(e,
		    "\"%.64s\": the part behind / goes from 0 "
		    "to %d",
		    text, v4 ? 32 : 128);
	n->bits = (uint8_t)(v4 ? bits + 96 : bits);
	memcpy(n->ip, a.ip, 16);
	if (!mask(n->ip, n->bits))
		return err_set(e, "\"%.64s\" has bits behind its prefix", text);
	return 0;
}

/* Networks of IPv4 lie within ::ffff:0:0/96. */
static bool
net_is_v4(const struct addr_net *n)
{
	return n->bits >= 96 && memcmp(n->ip, mapped, 12) == 0;
}

bool
addr_net_has(const struct addr_net *n, const struct addr *a)
{
	uint8_t ip[16];

	/* ::/0 means all of IPv6; that IPv4 is written into it is our way. */
	if (addr_is_v4(a) != net_is_v4(n))
		return false;
	memcpy(ip, a->ip, 16);
	mask(ip, n->bits);
	return memcmp(ip, n->ip, 16) == 0;
}

char *
addr_net_text(char to[ADDR_TEXT], const struct addr_net *n)
{
	struct addr a = { 0 };
	size_t len;

	memcpy(a.ip, n->ip, 16);
	if (net_is_v4(n))
		inet_ntop(AF_INET, a.ip + 12, to, ADDR_TEXT);
	else
		inet_ntop(AF_INET6, a.ip, to, ADDR_TEXT);
	len = strlen(to);
	snprintf(to + len, ADDR_TEXT - len, "/%u",
	    net_is_v4(n) ? n->bits - 96u : n->bits);
	return to;
}

void
addr_net_key(struct addr_net *n, const struct addr *a)
{
	memcpy(n->ip, a->ip, 16);
	n->bits = addr_is_v4(a) ? 128 : 64;
	mask(n->ip, n->bits);
}

/*
 * The next entry of a list, without its spaces; where the one after begins.
 * One that is too long for any network becomes "", which is none.
 */
static const char *
next_entry(const char *p, char to[ADDR_TEXT])
{
	const char *end = p + strcspn(p, ","), *last = end;
	size_t n;

	while (p < last && isspace((unsigned char)*p))
		p++;
	while (last > p && isspace((unsigned char)last[-1]))
		last--;
	n = (size_t)(last - p) < ADDR_TEXT ? (size_t)(last - p) : 0;
	memcpy(to, p, n);
	to[n] = '\0';
	return *end == ',' ? end + 1 : NULL;
}

/* Reads one entry into the list, behind those that are there. */
static int
add_net(struct addr_nets *l, const char *entry, struct err *e)
{
	struct addr_net *more;

	if (l->count >= ADDR_NETS_MAX)
		return err_set(e, "more than %d networks", ADDR_NETS_MAX);
	if ((more = realloc(l->net, (l->count + 1) * sizeof(*more))) == NULL)
		return err_sys(e, "networks");
	l->net = more;
	if (addr_net_parse(&l->net[l->count], entry, e) < 0)
		return -1;
	l->count++;
	return 0;
}

int
addr_nets_parse(struct addr_nets *l, const char *text, struct err *e)
{
	char entry[ADDR_TEXT];
	const char *p = text;

	*l = (struct addr_nets){ 0 };
	if (text[strspn(text, " \t")] == '\0')
		return 0;
	while (p != NULL) {
		p = next_entry(p, entry);
		if (add_net(l, entry, e) < 0) {
			addr_nets_free(l);
			return -1;
		}
	}
	return 0;
}

void
addr_nets_free(struct addr_nets *l)
{
	free(l->net);
	*l = (struct addr_nets){ 0 };
}

bool
addr_nets_has(const struct addr_nets *l, const struct addr *a)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		if (addr_net_has(&l->net[i], a))
			return true;
	return false;
}
