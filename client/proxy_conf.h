/*
 * proxy_conf: which HTTP proxy is to be used, as this program's user or the
 * system wants it: --proxy, --no-proxy or --proxy-file; else ADIT_PROXY; else
 * the system's (sysproxy).
 */
#ifndef CLIENT_PROXY_CONF_H
#define CLIENT_PROXY_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "proxy.h"

enum proxy_use {
	PROXY_SYSTEM, /* what the system says, or none */
	PROXY_GIVEN,  /* this one alone */
	PROXY_NEVER,
};

struct proxy_conf {
	enum proxy_use use;
	const char *file;   /* of --proxy-file */
	const char *whence; /* "--proxy", "https_proxy"; NULL: nowhere */
	bool has_proxy;     /* given, or of the environment */
	struct proxy proxy;
	char *spared;       /* no_proxy; NULL: none */
	struct err trouble; /* an environment that cannot be used; "" */
};

/* Whether word is one of the options, and whether a value follows it. */
bool proxy_conf_knows(const char *word, bool *has_value_out);

/* Takes one of them; value is NULL for one without. */
int proxy_conf_set(
    struct proxy_conf *c, const char *name, const char *value, struct err *e);

/* The line of a downloaded file: a URL, or "none". */
int proxy_conf_line(struct proxy_conf *c, const char *value, struct err *e);

/*
 * All options are known: reads the file and the environment, whose secrets are
 * wiped.
 */
int proxy_conf_settle(struct proxy_conf *c, struct err *e);

/* Wipes what is secret. */
void proxy_conf_close(struct proxy_conf *c);

/*
 * What is known without asking the system: 1 with *out, the proxies for
 * host:port; 0 none; -1 only the system can tell.
 */
int proxy_conf_know(const struct proxy_conf *c, const char *host, uint16_t port,
    struct proxies *out);

#endif
