/*
 * proxy: an HTTP proxy as people and systems name it, whom it is not meant for,
 * and what is said to it: CONNECT, and its answer.  Pure: bytes and text.
 */
#ifndef CLIENT_PROXY_H
#define CLIENT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct buf;
struct err;
struct http;

enum {
	PROXIES_MAX = 4,      /* that a system names for one address */
	PROXY_AUTH_MAX = 300, /* bytes of "USER:PASSWORD" */
	PROXY_TEXT = ADDR_HOST_MAX + 16,
	PROXY_HEAD_BYTES = 16384, /* of its answer */
};

struct proxy {
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;
	char auth[PROXY_AUTH_MAX + 1]; /* a secret; "": none */
};

struct proxies {
	struct proxy list[PROXIES_MAX];
	size_t count;
};

/*
 * "[http://][USER:PASSWORD@]HOST[:PORT][/]"; the port is 80 if none is given,
 * %XX in USER and PASSWORD stands for a byte.  The reason never repeats the
 * text: it may hold a password.
 */
int proxy_parse(struct proxy *p, const char *url, struct err *e);

/* "HOST:PORT", without the secret.  Returns to. */
char *proxy_text(char to[PROXY_TEXT], const struct proxy *p);

/*
 * As Windows writes them: "HOST:PORT; HOST:PORT", or "http=...;https=...".
 * Those that https goes through; what cannot be used is left out.
 */
void proxies_parse(struct proxies *p, const char *text);

/*
 * Whether host:port is on a list of no_proxy: "name" and ".name" stand for it
 * and all below it, "*" for everything, an address or CIDR for itself; each may
 * have a ":PORT".
 */
bool proxy_spares(const char *no_proxy, const char *host, uint16_t port);

/* The same for Windows' list: "*.lan;10.*;<local>". */
bool proxy_spares_win(const char *bypass, const char *host);

/* Nothing outside of this computer has to do with it: no proxy ever helps. */
bool proxy_is_here(const char *host);

/* CONNECT host:port, with the secret if there is one. */
int proxy_ask(struct buf *to, const struct proxy *p, const char *host,
    uint16_t port, struct err *e);

/* A reader for its answer. */
struct http *proxy_reader(struct err *e);

/*
 * Reads on: 1 granted, what follows is the other side's; 0 more must come; -1
 * with a sentence about "the proxy", which says what to do.
 */
int proxy_answer(struct http *h, const struct proxy *p, const char *host,
    uint16_t port, const void *bytes, size_t n, struct err *e);

#endif
