/*
 * ws_open: the opening handshake, both sides against each other, RFC 6455's
 * example, and requests and answers that must not pass.
 */
#include "http/ws_open.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"
#include "tap.h"

static const char good[] = "GET /link HTTP/1.1\r\n"
			   "Host: example.org\r\n"
			   "Upgrade: websocket\r\n"
			   "Connection: Upgrade\r\n"
			   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			   "Sec-WebSocket-Version: 13\r\n"
			   "Sec-WebSocket-Protocol: adit.1\r\n"
			   "\r\n";

static struct http *
message(enum http_side side, const void *p, size_t n, int *rc_out)
{
	struct err e;
	struct http *h = http_new(side, &http_usual, &e);
	size_t used;

	*rc_out = http_feed(h, p, n, &used, &e);
	return h;
}

/* The good request with one line in another's place ("": without it). */
static unsigned
status_of(const char *line, const char *other)
{
	char text[1024];
	const char *at = strstr(good, line);
	struct http *h;
	unsigned status = 0;
	struct err e;
	int rc;

	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, other,
	    at + strlen(line));
	h = message(HTTP_SIDE_REQUEST, text, strlen(text), &rc);
	if (rc == -1)
		status = http_refusal(h);
	else if (rc == 1 && ws_open_check(h, &status, &e) == 0)
		status = 0;
	http_free(&h);
	return status;
}

static void
test_requests(void)
{
	is_int(status_of("Host", "Host"), 0, "a good request passes");
	is_int(status_of("adit.1", "other, adit.1"), 0,
	    "one that offers others too");
	is_int(
	    status_of("Connection: Upgrade", "Connection: keep-alive, upgrade"),
	    0, "one that says keep-alive too");
	is_int(
	    status_of("websocket", "WebSocket"), 0, "in any case of letters");
	is_int(status_of("GET", "HEAD"), 405, "HEAD");
	is_int(status_of("GET", "POST"), 405, "POST");
	is_int(status_of("\r\nUpg", "\r\nOrigin: https://example.org\r\nUpg"),
	    403, "a web page");
	is_int(status_of("Host: example.org\r\n", ""), 400, "no Host");
	is_int(status_of("Upgrade: websocket\r\n", ""), 426, "no Upgrade");
	is_int(status_of("websocket", "h2c"), 426, "another protocol");
	is_int(status_of("Connection: Upgrade\r\n", ""), 426, "no Connection");
	is_int(status_of(": 13", ": 8"), 426, "another version");
	is_int(status_of("Sec-WebSocket-Version: 13\r\n", ""), 426, "none");
	is_int(status_of("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
	    400, "no key");
	is_int(status_of("ZQ==", "ZQ="), 400, "a short key");
	is_int(status_of("ZQ==", "ZQ==="), 400, "a long one");
	is_int(status_of("dGhl", "dG.l"), 400, "one that is not base64");
	is_int(status_of("Sec-WebSocket-V",
		   "Sec-WebSocket-Key: "
		   "AAAAIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-V"),
	    400, "two keys");
	is_int(status_of("Sec-WebSocket-Protocol: adit.1\r\n", ""), 400,
	    "no subprotocol");
	is_int(status_of("adit.1", "adit.10"), 400, "another one");
	is_int(status_of("\r\nUpg", "\r\nContent-Length: 0\r\nUpg"), 0,
	    "a body of no bytes");
}

static void
test_accept(void)
{
	char accept[WS_ACCEPT_TEXT], a[WS_KEY_TEXT], b[WS_KEY_TEXT];
	struct err e;

	ws_open_accept(accept, "dGhlIHNhbXBsZSBub25jZQ==");
	is_str(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "RFC 6455's example");
	ok(ws_open_key(a, &e) == 0 && ws_open_key(b, &e) == 0 &&
		strlen(a) == 24 && strcmp(a, b) != 0,
	    "each connection has a key of its own");
}

/* Our client's request, our server's answer, changed as asked. */
static bool
granted(const char *line, const char *other, struct err *e)
{
	char key[WS_KEY_TEXT], text[1024];
	struct buf ask, answer;
	struct http *h;
	unsigned status;
	const char *at;
	int rc, n;
	bool is;

	buf_init(&ask, 4096);
	buf_init(&answer, 4096);
	ws_open_key(key, e);
	ws_open_ask(&ask, "example.org:8443", "/adit/link", key, e);
	h = message(HTTP_SIDE_REQUEST, buf_data(&ask), buf_len(&ask), &rc);
	is = rc == 1 && ws_open_check(h, &status, e) == 0 &&
	    strcmp(http_path(h), "/adit/link") == 0 &&
	    strcmp(http_header(h, "Host"), "example.org:8443") == 0 &&
	    ws_open_grant(&answer, h, e) == 0;
	http_free(&h);
	n = snprintf(text, sizeof(text), "%.*s", (int)buf_len(&answer),
	    (char *)buf_data(&answer));
	buf_free(&ask);
	if (is && (at = strstr(text, line)) != NULL) {
		n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - text),
		    (char *)buf_data(&answer), other,
		    (char *)buf_data(&answer) + (at - text) + strlen(line));
	} else {
		is = false;
	}
	buf_free(&answer);
	h = message(HTTP_SIDE_RESPONSE, text, (size_t)n, &rc);
	is = is && http_has_head(h) && ws_open_is_granted(h, key, e) == 0;
	http_free(&h);
	return is;
}

static void
test_answers(void)
{
	struct err e = { "" };

	ok(granted("101", "101", &e), "our own server's answer");
	ok(!granted("101", "200", &e), "not with 200");
	is_str(e.text, "no WebSocket is there: status 200", "which is told");
	ok(!granted("101", "502", &e), "not with 502");
	ok(!granted("=\r\n", "A\r\n", &e), "not with another key's answer");
	ok(!granted("adit.1", "adit.2", &e), "not with another subprotocol");
	ok(!granted("Sec-WebSocket-Protocol: adit.1\r\n", "", &e),
	    "not with none");
	ok(!granted("Upgrade: websocket\r\n", "", &e), "not without Upgrade");
	ok(!granted("Connection: Upgrade\r\n", "", &e),
	    "not without Connection");
	ok(!granted("\r\nUpgrade",
	       "\r\nSec-WebSocket-Extensions: permessage-deflate\r\nUpgrade",
	       &e),
	    "not with an extension");
}

static void
test_refusals(void)
{
	static const unsigned all[] = { 400, 403, 405, 413, 426, 431 };
	struct buf b;
	struct err e;
	struct http *h;
	size_t i, n;
	int rc;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		buf_init(&b, 4096);
		ws_open_refuse(&b, all[i], "so it is", &e);
		h = message(HTTP_SIDE_RESPONSE, buf_data(&b), buf_len(&b), &rc);
		ok(rc == 1 && http_status(h) == all[i] && !http_keep_alive(h) &&
			memcmp(http_body(h, &n), "so it is\n", 9) == 0,
		    "a refusal is a whole answer");
		if (all[i] == 426)
			is_str(http_header(h, "Sec-WebSocket-Version"), "13",
			    "and names the version");
		http_free(&h);
		buf_free(&b);
	}
}

int
main(void)
{
	test_accept();
	test_requests();
	test_answers();
	test_refusals();
	return tap_done();
}
