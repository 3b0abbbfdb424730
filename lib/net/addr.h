/*
 * addr: an internet address and a port, always in the 16 bytes of IPv6; an
 * IPv4 address is ::ffff:a.b.c.d, so that it equals itself however it came.
 */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct sockaddr;
struct sockaddr_storage;

struct addr {
	uint8_t ip[16];
	uint16_t port;
	uint32_t scope; /* interface of a link-local address, else 0 */
};

enum {
	ADDR_WIRE = 18,      /* bytes on the wire: ip, then port */
	ADDR_TEXT = 64,      /* room for any address as text */
	ADDR_HOST_MAX = 253, /* bytes of a host name */
};

/* -1 when it is neither IPv4 nor IPv6. */
int addr_from_sockaddr(
    struct addr *a_out, const struct sockaddr *sa, struct err *e);

/*
 * For a socket of that family: AF_INET6 takes every address, AF_INET only
 * IPv4, AF_UNSPEC gives each its own.  Returns the length, 0 when the family
 * cannot have it.
 */
unsigned addr_to_sockaddr(
    const struct addr *a, int family, struct sockaddr_storage *out);

/* AF_INET or AF_INET6. */
int addr_family(const struct addr *a);

/* To and from the wire (18 bytes; the scope does not travel). */
void addr_put(uint8_t out[ADDR_WIRE], const struct addr *a);
void addr_get(struct addr *a_out, const uint8_t in[ADDR_WIRE]);

/* "192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%3]:80".  Returns to. */
char *addr_text(char to[ADDR_TEXT], const struct addr *a);

/* "192.0.2.1", "2001:db8::1".  Returns to. */
char *addr_ip_text(char to[ADDR_TEXT], const struct addr *a);

/* The opposite of addr_text(): numbers only, with a port. */
int addr_parse(struct addr *a_out, const char *text, struct err *e);

/* "192.0.2.1", "2001:db8::1" or "[2001:db8::1]"; the port becomes 0. */
int addr_parse_ip(struct addr *a_out, const char *text, struct err *e);

/*
 * Takes "HOST:PORT" apart; HOST is a name, an IPv4 address or an IPv6 address
 * in brackets, which are taken off.  PORT is 1 to 65535.  What HOST may be is
 * checked by its letters only, nothing is resolved.
 */
int addr_split(const char *text, char host_out[ADDR_HOST_MAX + 1],
    uint16_t *port_out, struct err *e);

/* "HOST:PORT" again, with brackets where HOST has colons. */
char *addr_join(char *to, size_t cap, const char *host, uint16_t port);

bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_same_ip(const struct addr *a, const struct addr *b);
bool addr_is_v4(const struct addr *a);
bool addr_is_any(const struct addr *a);        /* 0.0.0.0, :: */
bool addr_is_loopback(const struct addr *a);   /* 127/8, ::1 */
bool addr_is_link_local(const struct addr *a); /* 169.254/16, fe80::/10 */
/* RFC 1918, 100.64/10 and fc00::/7: not reachable from the internet. */
bool addr_is_private(const struct addr *a);
bool addr_is_multicast(const struct addr *a); /* and 255.255.255.255 */

/* One network: 192.0.2.0/24, 2001:db8::/32; a plain address is one too. */
struct addr_net {
	uint8_t ip[16];
	uint8_t bits; /* of 128: IPv4's /24 is 120 */
};

/* -1 also when bits are set behind the prefix: 192.0.2.1/24. */
int addr_net_parse(struct addr_net *n_out, const char *text, struct err *e);
bool addr_net_has(const struct addr_net *n, const struct addr *a);
char *addr_net_text(char to[ADDR_TEXT], const struct addr_net *n);

/*
 * Whom a rate limit counts: an IPv4 address, or the /64 of an IPv6 one.
 * Port and scope do not matter.
 */
void addr_net_key(struct addr_net *n_out, const struct addr *a);

/* "CIDR,CIDR,..."; spaces around each are taken off, "" is the empty list. */
struct addr_nets {
	struct addr_net *net;
	size_t count;
};

enum { ADDR_NETS_MAX = 256 };

int addr_nets_parse(struct addr_nets *l_out, const char *text, struct err *e);
void addr_nets_free(struct addr_nets *l);
bool addr_nets_has(const struct addr_nets *l, const struct addr *a);

#endif
