/*
 * allow: the addresses that a machine's owner lets the relay reach.  Its client
 * dials nothing else, whatever the relay says; who makes a tunnel is told
 * before (webapp).
 */
#ifndef NET_ALLOW_H
#define NET_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct err;

enum {
	ALLOW_MAX = 64, /* entries, as HELLO carries them */
	ALLOW_TEXT_MAX = 255,
};

struct allow_entry {
	char text[ALLOW_TEXT_MAX + 1]; /* as given, for HELLO and for people */
	char host[ADDR_HOST_MAX + 1];
	bool is_number; /* host is an address: ip */
	struct addr ip;
	uint16_t from;
	uint16_t to;
};

struct allow {
	struct allow_entry entries[ALLOW_MAX];
	size_t count;
};

/*
 * Adds the entries of "HOST:PORT,HOST:PORT-PORT,HOST:*".  A host is a name, an
 * IPv4 address, or an IPv6 address in brackets.
 */
int allow_add(struct allow *a, const char *text, struct err *e);

/*
 * Whether host and port are on the list.  Addresses are compared as numbers,
 * names letter by letter; "localhost" stands for 127.0.0.1 and ::1 as well.
 */
bool allow_has(const struct allow *a, const char *host, uint16_t port);

/* "127.0.0.1:22, game.lan:*", cut with "..." where it does not fit. */
char *allow_text(const struct allow *a, char *to, size_t cap);

#endif
