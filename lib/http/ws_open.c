#include "http/ws_open.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "http/http.h"
#include "http/http_write.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* 16 bytes in base64. */
static bool
is_key(const char *key)
{
	return strlen(key) == WS_KEY_TEXT - 1 && strspn(key, letters) == 22 &&
	    strcmp(key + 22, "==") == 0;
}

int
ws_open_key(char key_out[WS_KEY_TEXT], struct err *e)
{
	uint8_t bytes[16];

	if (random_bytes(bytes, sizeof(bytes), e) == -1)
		return -1;
	str_base64(key_out, bytes, sizeof(bytes));
	return 0;
}

void
ws_open_accept(char accept_out[WS_ACCEPT_TEXT], const char *key)
{
	char text[WS_KEY_TEXT + 36];
	uint8_t sum[20];
	int n;

	n = snprintf(text, sizeof(text), "%.24s%s", key,
	    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	random_sha1(sum, text, (size_t)n);
	str_base64(accept_out, sum, sizeof(sum));
}

int
ws_open_ask(struct buf *to, const char *host, const char *path, const char *key,
    struct err *e)
{
	const struct http_line lines[] = {
		{ "Upgrade", "websocket" },
		{ "Connection", "Upgrade" },
		{ "Sec-WebSocket-Key", key },
		{ "Sec-WebSocket-Version", "13" },
		{ "Sec-WebSocket-Protocol", WS_PROTOCOL },
	};

	return http_write_ask(
	    to, "GET", path, host, lines, sizeof(lines) / sizeof(lines[0]), e);
}

/* The value is there once and is this one. */
static bool
says(const struct http *h, const char *name, const char *value)
{
	const char *n, *v;
	unsigned found = 0;
	size_t i;

	for (i = 0; http_header_at(h, i, &n, &v); i++) {
		if (strcasecmp(n, name) != 0)
			continue;
		if (strcmp(v, value) != 0)
			return false;
		found++;
	}
	return found == 1;
}

static bool
is_upgrade(const struct http *h)
{
	return http_upgrades(h) && http_header_has(h, "Upgrade", "websocket") &&
	    http_header_has(h, "Connection", "Upgrade");
}

int
ws_open_is_granted(const struct http *h, const char *key, struct err *e)
{
	char accept[WS_ACCEPT_TEXT];

	if (http_status(h) != 101)
		return err_set(
		    e, "no WebSocket is there: status %u", http_status(h));
	ws_open_accept(accept, key);
	if (!is_upgrade(h) || !says(h, "Sec-WebSocket-Accept", accept))
		return err_set(e, "what answers 101 is no WebSocket");
	if (!says(h, "Sec-WebSocket-Protocol", WS_PROTOCOL))
		return err_set(e, "the WebSocket does not speak " WS_PROTOCOL);
	if (http_header(h, "Sec-WebSocket-Extensions") != NULL)
		return err_set(e, "an extension that was not asked for");
	return 0;
}

static int
refuse(unsigned *status_out, unsigned status, struct err *e, const char *why)
{
	*status_out = status;
	return err_set(e, "%s", why);
}

int
ws_open_check(const struct http *h, unsigned *status_out, struct err *e)
{
	const char *key = http_header(h, "Sec-WebSocket-Key");
	size_t body;

	(void)http_body(h, &body);
	if (strcmp(http_method(h), "GET") != 0)
		return refuse(status_out, 405, e, "only GET is known here");
	if (http_header(h, "Origin") != NULL)
		return refuse(
		    status_out, 403, e, "this is for adit, not for web pages");
	if (!is_upgrade(h))
		return refuse(status_out, 426, e,
		    "this address is a WebSocket, for adit");
	if (!says(h, "Sec-WebSocket-Version", "13"))
		return refuse(
		    status_out, 426, e, "Sec-WebSocket-Version must be 13");
	if (http_header(h, "Host") == NULL || body > 0)
		return refuse(
		    status_out, 400, e, "Host is missing, or there is a body");
	if (key == NULL || !is_key(key) || !says(h, "Sec-WebSocket-Key", key))
		return refuse(status_out, 400, e,
		    "Sec-WebSocket-Key must be 16 bytes in base64");
	if (!http_header_has(h, "Sec-WebSocket-Protocol", WS_PROTOCOL))
		return refuse(status_out, 400, e,
		    "Sec-WebSocket-Protocol must offer " WS_PROTOCOL);
	return 0;
}

int
ws_open_grant(struct buf *to, const struct http *h, struct err *e)
{
	char accept[WS_ACCEPT_TEXT];
	const struct http_line lines[] = {
		{ "Upgrade", "websocket" },
		{ "Connection", "Upgrade" },
		{ "Sec-WebSocket-Accept", accept },
		{ "Sec-WebSocket-Protocol", WS_PROTOCOL },
	};
	const struct http_reply r = { .status = 101,
		.lines = lines,
		.line_count = sizeof(lines) / sizeof(lines[0]) };

	ws_open_accept(accept, http_header(h, "Sec-WebSocket-Key"));
	return http_write_reply(to, &r, e);
}

int
ws_open_refuse(struct buf *to, unsigned status, const char *why, struct err *e)
{
	static const struct http_line upgrade[] = {
		{ "Upgrade", "websocket" },
		{ "Sec-WebSocket-Version", "13" },
	};
	static const struct http_line allow[] = { { "Allow", "GET" } };
	struct http_reply r = {
		.status = status, .type = "text/plain", .close = true
	};
	char text[300];

	if (status == 426) {
		r.lines = upgrade;
		r.line_count = 2;
	} else if (status == 405) {
		r.lines = allow;
		r.line_count = 1;
	}
	r.body = text;
	r.body_len = (size_t)snprintf(text, sizeof(text), "%.290s\n", why);
	return http_write_reply(to, &r, e);
}
