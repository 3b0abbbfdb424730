/*
 * web: asks the dashboard's API, one question at a time.  It waits for the
 * answer, at most WEB_MS, without looking again and again.
 */
#ifndef CLIENT_WEB_H
#define CLIENT_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "tls/tls_cert.h"
#include "tls/tls_ctx.h"

#include "json.h"

struct err;
struct http;
struct loop;
struct proxy_conf;

enum {
	WEB_MS = 15000,
	WEB_PATH_MAX = 200,
};

struct web {
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;
	char authority[ADDR_HOST_MAX + 16];
	char base[WEB_PATH_MAX + 1]; /* the path in the address, without '/' */
	bool is_tls;
	const char *ca; /* "system" or a file; borrowed */
	struct tls_pin pins[TLS_PINS_MAX];
	size_t pin_count;
	char key[65];                   /* the API key */
	const struct proxy_conf *proxy; /* NULL: none */
	struct tls_ctx *ctx;
	struct loop *loop;
	struct http *answer; /* of the last question */
	bool is_untrusted;   /* the last one failed for its certificate */
};

/*
 * Takes "https://HOST[:PORT][/PATH]" apart; http is for localhost and
 * 127.0.0.1 alone.  -1 with e when it is none.
 */
int web_parse(struct web *w, const char *url, struct err *e);

/* When host, trust and key are set, and before the first question. */
int web_open(struct web *w, struct err *e);
void web_close(struct web *w);

/*
 * Asks "METHOD /api/..." with a JSON body (NULL: none).  The status of the
 * answer, whose JSON is *out until the next question; -1 with e.
 */
int web_ask(struct web *w, const char *method, const char *path,
    const char *body, struct json *out, struct err *e);

#endif
