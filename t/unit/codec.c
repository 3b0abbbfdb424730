/*
 * codec: a link inside a WebSocket, both sides in memory, with what nginx does
 * between them done here: TLS undone, X-Real-IP put in.  Bytes go in pieces of
 * every size.  codec_tls.c is what wire.c and carry.c try.
 */
#include "carry/codec.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "tap.h"
#include "tls/tls_cert.h"
#include "tls/tls_ctx.h"
#include "tls/tls_stream.h"

enum { RECORD = 16384, HOPS = 1 << 20 };

/* The client, nginx's half of TLS, and the server. */
struct rig {
	struct codec client;
	struct tls_stream *nginx;
	struct codec server;
	const char *real_ip; /* the line that nginx puts in, or "" */
	bool asked;          /* the request has gone by */
	bool server_up;
	int client_rc, server_rc;
	struct err client_why, server_why;
	size_t step; /* bytes that go at once */
	/* what came out at either end */
	uint8_t *at_server, *at_client;
	size_t server_len, client_len, server_records, client_records;
};

enum { SINK = 4 << 20 };

static struct tls_ctx *server_ctx, *client_ctx;

static void
open_all(struct codec *c, uint8_t *sink, size_t *len, size_t *records, int *rc,
    struct err *why)
{
	ssize_t n;

	while ((n = c->ops->open(c->self, sink + *len, RECORD, why)) > 0) {
		*len += (size_t)n;
		(*records)++;
	}
	if (n < 0)
		*rc = -1;
}

/* n bytes have come to the server from nginx. */
static void
to_server(struct rig *g, const void *p, size_t n)
{
	uint8_t *copy;

	if (g->server_rc == -1 || (copy = malloc(n)) == NULL)
		return;
	memcpy(copy, p, n);
	g->server.ops->feed(g->server.self, copy, n);
	if (!g->server_up) {
		g->server_rc =
		    g->server.ops->handshake(g->server.self, &g->server_why);
		g->server_up = g->server_rc == 1;
	}
	if (g->server_up)
		open_all(&g->server, g->at_server, &g->server_len,
		    &g->server_records, &g->server_rc, &g->server_why);
	free(copy);
}

/* nginx adds its line behind the first one of the request. */
static void
from_nginx(struct rig *g, const uint8_t *p, size_t n)
{
	const uint8_t *end;
	size_t line, i, piece;

	if (!g->asked && (end = memchr(p, '\n', n)) != NULL) {
		line = (size_t)(end - p) + 1;
		to_server(g, p, line);
		if (g->real_ip[0] != '\0')
			to_server(g, g->real_ip, strlen(g->real_ip));
		g->asked = true;
		p += line;
		n -= line;
	}
	for (i = 0; i < n; i += piece) {
		piece = n - i < g->step ? n - i : g->step;
		to_server(g, p + i, piece);
	}
}

/* From the client's wire through nginx; true when something went. */
static bool
go_up(struct rig *g)
{
	static uint8_t plain[SINK];
	const uint8_t *p;
	uint8_t *copy;
	size_t n, len = 0;
	ssize_t k;

	p = g->client.ops->out(g->client.self, &n);
	if (n == 0)
		return false;
	n = n < g->step ? n : g->step;
	if ((copy = malloc(n)) == NULL)
		return false;
	memcpy(copy, p, n);
	g->client.ops->sent(g->client.self, n);
	tls_stream_feed(g->nginx, copy, n);
	if (tls_stream_handshake(g->nginx, NULL) == 1)
		while ((k = tls_stream_open(
			    g->nginx, plain + len, RECORD, NULL)) > 0)
			len += (size_t)k;
	from_nginx(g, plain, len);
	free(copy);
	return true;
}

/* What has come to the client from nginx. */
static void
to_client(struct rig *g, const void *p, size_t n)
{
	g->client.ops->feed(g->client.self, p, n);
	if (g->client_rc == 0)
		g->client_rc =
		    g->client.ops->handshake(g->client.self, &g->client_why);
	if (g->client_rc == 1)
		open_all(&g->client, g->at_client, &g->client_len,
		    &g->client_records, &g->client_rc, &g->client_why);
}

static bool
go_down(struct rig *g)
{
	const uint8_t *p;
	uint8_t *copy;
	size_t n, k;

	while (tls_stream_is_up(g->nginx) && tls_stream_room(g->nginx) > 0) {
		p = g->server.ops->out(g->server.self, &n);
		if (n == 0)
			break;
		n = n < g->step ? n : g->step;
		n = n < RECORD ? n : RECORD;
		tls_stream_seal(g->nginx, p, n, NULL);
		g->server.ops->sent(g->server.self, n);
	}
	p = tls_stream_out(g->nginx, &k);
	if (k == 0)
		return false;
	k = k < g->step ? k : g->step;
	if ((copy = malloc(k)) == NULL)
		return false;
	memcpy(copy, p, k);
	tls_stream_sent(g->nginx, k);
	if (g->client_rc != -1)
		to_client(g, copy, k);
	free(copy);
	return true;
}

/* Until nothing moves. */
static void
run(struct rig *g)
{
	int i;

	for (i = 0; i < HOPS; i++) {
		bool up = go_up(g), down = go_down(g);

		if (!up && !down)
			return;
	}
}

static void
open_rig(struct rig *g, const char *real_ip, size_t step)
{
	struct err e;

	*g = (struct rig){ .real_ip = real_ip, .step = step };
	g->client =
	    codec_ws_client(tls_stream_client(client_ctx, "localhost", &e),
		"localhost:8443", "/adit/link", &e);
	g->nginx = tls_stream_server(server_ctx, &e);
	g->server = codec_ws_server(&e);
	g->at_server = malloc(SINK);
	g->at_client = malloc(SINK);
	g->client_rc = g->client.ops->handshake(g->client.self, &g->client_why);
	run(g);
}

static void
close_rig(struct rig *g)
{
	g->client.ops->free(g->client.self);
	g->server.ops->free(g->server.self);
	tls_stream_free(&g->nginx);
	free(g->at_server);
	free(g->at_client);
}

static int
seal(struct codec *c, const void *p, size_t n)
{
	return c->ops->seal(c->self, p, n);
}

/* Records of many lengths, both ways at once. */
static void
test_bytes(size_t step)
{
	static const size_t lens[] = { 1, 16, 125, 126, 16384, 16384, 5, 16384,
		65, 4096, 16384, 2 };
	static uint8_t plain[RECORD * 12];
	const size_t count = sizeof(lens) / sizeof(lens[0]);
	struct rig g;
	struct addr a;
	size_t i, n = 0;
	bool good = true;
	char text[ADDR_TEXT];

	open_rig(&g, "X-Real-IP: 192.0.2.7\r\n", step);
	ok(g.client_rc == 1 && g.server_up, "both sides are up");
	ok(g.server.ops->peer(g.server.self, &a), "the server knows who it is");
	is_str(addr_ip_text(text, &a), "192.0.2.7", "as nginx has said");
	for (i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)rand();
	for (i = 0; i < count; n += lens[i++]) {
		good = good && seal(&g.client, plain + n, lens[i]) == 0 &&
		    seal(&g.server, plain + n, lens[i]) == 0;
		if (i % 4 == 3)
			run(&g);
	}
	run(&g);
	ok(good && g.server_len == n && g.client_len == n, "all bytes arrive");
	is_mem(g.at_server, plain, n, "up as they were");
	is_mem(g.at_client, plain, n, "down as they were");
	if (step >= SINK) {
		is_int(g.server_records, count, "record by record up");
		is_int(g.client_records, count, "and down");
	}
	is_int(g.client.ops->waiting(g.client.self) +
		g.server.ops->waiting(g.server.self),
	    0, "nothing is left");
	g.client.ops->idle(g.client.self);
	g.server.ops->idle(g.server.self);
	good = seal(&g.client, "x", 1) == 0 && seal(&g.server, "y", 1) == 0;
	run(&g);
	ok(good && g.server_len == n + 1 && g.client_len == n + 1,
	    "after a rest it goes on");
	close_rig(&g);
}

static void
test_close(void)
{
	struct rig g;

	open_rig(&g, "X-Real-IP: ::1\r\n", SINK);
	seal(&g.server, "last", 4);
	g.server.ops->close(g.server.self);
	is_int(seal(&g.server, "x", 1), -1, "behind a close nothing is said");
	run(&g);
	is_int(g.client_len, 4, "what came before it arrives");
	ok(g.client.ops->is_closed(g.client.self), "then the end is told");
	run(&g);
	ok(g.server.ops->is_closed(g.server.self), "and answered");
	is_int(g.server.ops->waiting(g.server.self), 0, "once");
	close_rig(&g);
	open_rig(&g, "X-Real-IP: ::1\r\n", 3);
	g.client.ops->close(g.client.self);
	run(&g);
	ok(g.server.ops->is_closed(g.server.self), "the client may end it too");
	close_rig(&g);
}

static void
test_limit(void)
{
	static const uint8_t block[RECORD];
	struct rig g;
	size_t i;

	open_rig(&g, "X-Real-IP: ::1\r\n", SINK);
	for (i = 0; i < 1000 && seal(&g.client, block, RECORD) == 0; i++)
		continue;
	ok(i > 50 && i < 100, "about 1 MB may wait, not more");
	is_int(
	    g.client.ops->waiting(g.client.self) / RECORD, i, "and is counted");
	run(&g);
	is_int(g.server_len, i * RECORD, "it arrives");
	is_int(seal(&g.client, block, RECORD), 0, "then there is room again");
	for (i = 0; i < 1000 && seal(&g.server, block, RECORD) == 0; i++)
		continue;
	ok(i > 50 && i < 100, "the same down");
	run(&g);
	is_int(g.client_len, i * RECORD, "it arrives");
	close_rig(&g);
}

/* --- the server alone ------------------------------------------------------ */

static const char request[] = "GET /link HTTP/1.1\r\n"
			      "Host: h\r\n"
			      "Upgrade: websocket\r\n"
			      "Connection: Upgrade\r\n"
			      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
			      "Sec-WebSocket-Version: 13\r\n"
			      "Sec-WebSocket-Protocol: adit.1\r\n"
			      "X-Real-IP: 192.0.2.9\r\n\r\n";

/* Feeds all of it; what it answers is in out. */
static int
serve(const void *p, size_t n, char *out, size_t cap, size_t *len_out,
    uint8_t *plain)
{
	struct err e;
	struct codec c = codec_ws_server(&e);
	size_t k, len = 0;
	const uint8_t *q;
	int rc;

	c.ops->feed(c.self, p, n);
	if ((rc = c.ops->handshake(c.self, &e)) == 1) {
		ssize_t got;

		while ((got = c.ops->open(c.self, plain + len, 64, &e)) > 0)
			len += (size_t)got;
		rc = got < 0 ? -1 : 1;
	}
	if (rc == -1 && c.ops->fault(c.self) != WIRE_TLS)
		rc = -2;
	q = c.ops->out(c.self, &k);
	snprintf(out, cap, "%.*s", (int)k, k > 0 ? (const char *)q : "");
	if (k >= 4 && k < cap) /* frames behind the answer hold NULs */
		memcpy(out, q, k);
	*len_out = k;
	c.ops->free(c.self);
	return rc;
}

static void
test_server(void)
{
	char in[1024], out[1024];
	uint8_t plain[256];
	size_t n = sizeof(request) - 1, len;

	memcpy(in, request, n);
	memcpy(in + n,
	    "\x89\x80"
	    "abcd\x82\x82\0\0\0\0hi",
	    14);
	is_int(serve(in, n + 14, out, sizeof(out), &len, plain), 1,
	    "a request with frames behind it");
	is_mem(plain, "hi", 2, "which are read");
	ok(strstr(out, " 101 ") != NULL &&
		strstr(out,
		    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") !=
		    NULL,
	    "it is granted");
	is_mem(out + len - 2, "\x8a\x00", 2, "and the ping is answered");
	memcpy(in + n, "\x81\x82\0\0\0\0hi", 8);
	is_int(serve(in, n + 8, out, sizeof(out), &len, plain), -1,
	    "text breaks it");
	is_mem(out + len - 4, "\x88\x02\x03\xeb", 4, "with a close of 1003");
	memcpy(in + n, "\x82\x02hi", 4);
	is_int(serve(in, n + 4, out, sizeof(out), &len, plain), -1,
	    "so does what is not masked");
	is_mem(out + len - 4, "\x88\x02\x03\xea", 4, "with one of 1002");
	memcpy(in + n, "\x88\x82\0\0\0\0\x03\xe9", 8);
	is_int(serve(in, n + 8, out, sizeof(out), &len, plain), 1,
	    "a close is no fault");
	is_mem(out + len - 4, "\x88\x02\x03\xe9", 4, "and is echoed");
	is_int(serve("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 27, out, sizeof(out),
		   &len, plain),
	    -1, "a page is refused");
	ok(strstr(out, "HTTP/1.1 426 ") != NULL, "with 426");
	is_int(serve("\x16\x03\x01\n\n\n", 6, out, sizeof(out), &len, plain),
	    -1, "so is TLS");
	ok(strstr(out, "HTTP/1.1 400 ") != NULL, "with 400");
	is_int(serve(request, n - 25, out, sizeof(out), &len, plain), 0,
	    "half a request waits");
	is_int(len, 0, "and nothing is said");
}

/* nginx forgot its line, or wrote nonsense. */
static void
test_no_peer(void)
{
	struct rig g;

	open_rig(&g, "", SINK);
	is_int(g.server_rc, -1, "without X-Real-IP it is refused");
	is_str(g.server_why.text, "refused with 400: X-Real-IP is missing",
	    "and says why");
	is_int(g.client_rc, -1, "the client hears that");
	is_str(g.client_why.text, "no WebSocket is there: status 400",
	    "by its status");
	is_int(g.client.ops->fault(g.client.self), WIRE_TLS,
	    "which is the peer's fault");
	close_rig(&g);
	open_rig(&g, "X-Real-IP: unix:\r\n", 1);
	is_int(g.server_rc, -1, "nor with what is no address");
	close_rig(&g);
}

/* --- the client against what is no relay ----------------------------------- */

static void
test_strange_server(void)
{
	static const char page[] = "HTTP/1.1 502 Bad Gateway\r\n"
				   "Content-Length: 99999\r\n\r\n<html>";
	struct rig g;
	struct err e;

	g = (struct rig){ .real_ip = "", .step = SINK };
	g.client =
	    codec_ws_client(tls_stream_client(client_ctx, "localhost", &e),
		"localhost", "/link", &e);
	g.nginx = tls_stream_server(server_ctx, &e);
	g.server = codec_ws_server(&e);
	g.server_rc = -1; /* nobody is behind nginx */
	g.at_client = malloc(SINK);
	g.client_rc = g.client.ops->handshake(g.client.self, &e);
	run(&g);
	is_int(g.client_rc, 0, "the client waits for an answer");
	tls_stream_seal(g.nginx, page, sizeof(page) - 1, NULL);
	run(&g);
	is_int(g.client_rc, -1, "a page is no WebSocket");
	is_str(g.client_why.text, "no WebSocket is there: status 502",
	    "its status is told, the page not waited for");
	close_rig(&g);
}

int
main(void)
{
	struct tls_pin pin;
	struct tls_trust trust = { .pins = &pin, .pin_count = 1 };
	char dir[] = "/tmp/adit-codec-XXXXXX", cert[64], key[64];
	size_t steps[] = { SINK, 16388, 4097, 100, 7, 1 }, i;
	struct err e;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(cert, sizeof(cert), "%s/c", dir);
	snprintf(key, sizeof(key), "%s/k", dir);
	if (tls_cert_make_missing(cert, key, "localhost", &e) == -1 ||
	    tls_pin_of_cert_file(&pin, cert, &e) == -1 ||
	    (server_ctx = tls_ctx_server(cert, key, false, &e)) == NULL ||
	    (client_ctx = tls_ctx_client(&trust, &e)) == NULL) {
		printf("Bail out! %s\n", e.text);
		return 1;
	}
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		test_bytes(steps[i]);
	test_close();
	test_limit();
	test_server();
	test_no_peer();
	test_strange_server();
	tls_ctx_unref(&server_ctx);
	tls_ctx_unref(&client_ctx);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	return tap_done();
}
