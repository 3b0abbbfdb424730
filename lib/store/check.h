/*
 * check: what people may type.  aditctl, the pages and the API ask here, so
 * that all refuse alike.  Each refusal is one sentence that names the field
 * and the remedy.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	CHECK_NAME_MAX = 100,
	CHECK_EMAIL_MAX = 254,
	CHECK_HOST_MAX = 253,
	CHECK_CIDRS_MAX = 2047, /* bytes of a list as it is stored */
	CHECK_CIDR_COUNT = 64,
	CHECK_PASSWORD_MIN = 8,
	CHECK_PASSWORD_MAX = 512,
};

/* The numbers of both are those of the wire (docs/PROTOCOL.md). */
enum kind {
	KIND_TCP = 1,
	KIND_UDP,
	KIND_BOTH,
	KIND_HTTP,
};

enum proxy {
	PROXY_OFF,
	PROXY_V1,
	PROXY_V2,
};

/* A name of a tunnel, machine or key: text for people, without edges. */
int check_name(const char *name, struct err *e);

int check_email(const char *email, struct err *e);

int check_password(const char *password, size_t n, struct err *e);

/* The kinds that can be made: tcp, udp, both. */
int check_kind(const char *text, enum kind *kind_out, struct err *e);
const char *check_kind_name(enum kind k);

int check_proxy(const char *text, enum proxy *proxy_out, struct err *e);
const char *check_proxy_name(enum proxy p);

/* A host name, an IPv4 address or an IPv6 address without brackets. */
int check_host(const char *host, struct err *e);

/*
 * "HOST:PORT", "[V6]:PORT", or "PORT" alone, which is on 127.0.0.1.  host_out
 * has room for CHECK_HOST_MAX + 1 bytes.
 */
int check_target(
    const char *text, char *host_out, uint16_t *port_out, struct err *e);

/*
 * Addresses and networks between commas or spaces, as they are stored: no
 * bits behind the prefix, each once, in order of appearance, joined by one
 * comma; "" is the empty list.  field names the list in refusals.  to has room
 * for CHECK_CIDRS_MAX + 1 bytes.
 */
int check_cidrs(const char *field, const char *text, char *to, struct err *e);

#endif
