/* http: what is read, what is refused, and that cuts change nothing. */
#include <stdlib.h>

#include "base/err.h"
#include "http/http.h"
#include "tap.h"

struct result {
	int rc;
	size_t used;
	unsigned refusal;
};

static struct err e;

/* Feeds n bytes in pieces of at most step; the reader is left for questions. */
static struct result
feed(struct http *h, const char *p, size_t n, size_t step)
{
	struct result r = { 0 };
	size_t used, piece;

	http_reset(h);
	while (r.rc == 0 && r.used < n) {
		piece = n - r.used < step ? n - r.used : step;
		r.rc = http_feed(h, p + r.used, piece, &used, &e);
		r.used += used;
	}
	r.refusal = r.rc < 0 ? http_refusal(h) : 0;
	return r;
}

static struct http *
reader(enum http_side side, const struct http_limits *l)
{
	struct http *h = http_new(side, l, &e);

	if (h == NULL) {
		printf("Bail out! %s\n", e.text);
		exit(1);
	}
	return h;
}

static const char get_live[] = "GET /live?tunnel=1%2C2&x=&y=a+b HTTP/1.1\r\n"
			       "Host: localhost\r\n"
			       "X-Empty:\r\n"
			       "X-Tail: some words \t\r\n"
			       "Connection: keep-alive, Upgrade\r\n"
			       "Upgrade: websocket\r\n"
			       "\r\n";

static void
test_request(struct http *h)
{
	struct result r = feed(h, get_live, sizeof(get_live) - 1, SIZE_MAX);
	const char *name, *value;
	char text[16];
	size_t n;

	is_int(r.rc, 1, "a request is whole");
	is_int(r.used, sizeof(get_live) - 1, "all of it is used");
	is_str(http_method(h), "GET", "method");
	is_str(http_path(h), "/live", "path");
	is_str(http_query(h), "tunnel=1%2C2&x=&y=a+b", "query");
	is_int(http_query_get(h, "tunnel", text, sizeof(text), &e), 1, "found");
	is_str(text, "1,2", "escapes are undone");
	is_int(http_query_get(h, "x", text, sizeof(text), &e), 1, "empty");
	is_str(text, "", "is empty");
	is_int(http_query_get(h, "y", text, sizeof(text), &e), 1, "a plus");
	is_str(text, "a b", "is a space");
	is_int(http_query_get(h, "z", text, sizeof(text), &e), 0, "none");
	is_int(http_query_get(h, "tunnel", text, 3, &e), -1, "too long");
	is_str(http_header(h, "host"), "localhost", "Host");
	is_str(http_header(h, "x-empty"), "", "an empty header");
	is_str(http_header(h, "X-TAIL"), "some words", "spaces are cut");
	ok(http_header(h, "x-none") == NULL, "a header that is not there");
	ok(http_header_at(h, 1, &name, &value), "the second header");
	is_str(name, "X-Empty", "its name");
	ok(!http_header_at(h, 5, &name, &value), "there is no sixth");
	ok(http_header_has(h, "connection", "upgrade"), "a word of a list");
	ok(!http_header_has(h, "connection", "up"), "not half a word");
	ok(http_upgrades(h), "it asks for an upgrade");
	ok(http_keep_alive(h), "it keeps the connection");
	http_body(h, &n);
	is_int(n, 0, "no body");
}

static void
test_queries(struct http *h)
{
	static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "a=%00",
		"a=%ff", "a=%0a" };
	char text[64], to[8];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
		    "GET /?%s HTTP/1.1\r\nHost: h\r\n\r\n", bad[i]);
		is_int(feed(h, text, strlen(text), SIZE_MAX).rc, 1, text);
		is_int(http_query_get(h, "a", to, sizeof(to), &e), -1, bad[i]);
	}
}

/* Any size of pieces gives the same; every cut end waits or fails. */
static void
test_cuts(struct http *h, const char *p, size_t n, int rc, const char *claim)
{
	struct result whole = feed(h, p, n, SIZE_MAX), r;
	bool same = true, waits = true;
	size_t i;

	is_int(whole.rc, rc, claim);
	for (i = 1; i < n; i++) {
		r = feed(h, p, n, i);
		if (r.rc != whole.rc || r.refusal != whole.refusal ||
		    (rc == 1 && r.used != whole.used))
			same = false;
	}
	ok(same, "in pieces of any size the same");
	for (i = 0; i < whole.used && rc == 1; i++)
		if (feed(h, p, i, SIZE_MAX).rc != 0 ||
		    http_end(h, &e) != (i == 0 ? 0 : -1))
			waits = false;
	ok(waits, "cut short it waits, and its end is no message");
}

static const char post_chunks[] =
    "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
    "5\r\nhello\r\n"
    "00a;ext=\"1\"\r\n, wide wor\r\n"
    "2\r\nld\r\n"
    "0\r\nTrailer: x\r\n\r\n"
    "GET / HTTP/1.1\r\n";

static const char post_length[] =
    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET /";

static void
test_bodies(struct http *h)
{
	const char *body;
	size_t n;

	test_cuts(h, post_chunks, sizeof(post_chunks) - 1, 1, "chunks");
	feed(h, post_chunks, sizeof(post_chunks) - 1, 1);
	body = http_body(h, &n);
	ok(n == 17 && memcmp(body, "hello, wide world", n) == 0,
	    "the chunks' data");
	is_int(feed(h, post_chunks, sizeof(post_chunks) - 1, SIZE_MAX).used,
	    sizeof(post_chunks) - 1 - 16, "the next request is left over");
	test_cuts(h, post_length, sizeof(post_length) - 1, 1, "a length");
	is_int(feed(h, post_length, sizeof(post_length) - 1, SIZE_MAX).used,
	    sizeof(post_length) - 1 - 5, "the rest is left over");
	body = http_body(h, &n);
	ok(n == 5 && memcmp(body, "hello", 5) == 0, "the body");
}

struct refused {
	unsigned status; /* 0: it is taken */
	const char *text;
	size_t n; /* when it holds a NUL */
};

#define G "GET / HTTP/1.1\r\n"
#define H G "Host: h\r\n"
#define P "POST / HTTP/1.1\r\nHost: h\r\n"
#define C P "Transfer-Encoding: chunked\r\n\r\n"

static const struct refused cases[] = {
	{ 0, H "\r\n", 0 },
	{ 0, "GET / HTTP/1.0\r\n\r\n", 0 },
	{ 0, "GET http://H:80/x?y HTTP/1.1\r\nHost: h:80\r\n\r\n", 0 },
	{ 0, "GET http://h?y HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 0, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 0, H "X: \tb\xc3\xa4 \r\n\r\n", 0 },
	{ 0, G "Host: [::1]:8080\r\n\r\n", 0 },
	/* lines */
	{ 400, "GET / HTTP/1.1\nHost: h\n\n", 0 },
	{ 400, H "X: y\n\r\n", 0 },
	{ 400, H "X: y\rz\r\n\r\n", 0 },
	{ 400, H "X: y\r\r\n\r\n", 0 },
	{ 400, "\r\n" H "\r\n", 0 },
	{ 400, H "X: a\0b\r\n\r\n", sizeof(H "X: a\0b\r\n\r\n") - 1 },
	/* the first line */
	{ 400, "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, " GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET /\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET / HTTP/1.1 \r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET / http/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET x HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET * HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 505, "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 0 },
	{ 505, "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 0 },
	{ 501, "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 501, "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", 0 },
	/* headers */
	{ 400, G "Host : h\r\n\r\n", 0 },
	{ 400, H "X\r\n\r\n", 0 },
	{ 400, H ": y\r\n\r\n", 0 },
	{ 400, H "X: y\r\n z\r\n\r\n", 0 },
	{ 400, H "X: y\r\n\tz\r\n\r\n", 0 },
	{ 400, H "X y: z\r\n\r\n", 0 },
	{ 400, H "X: \x01\r\n\r\n", 0 },
	{ 400, H "X: \x7f\r\n\r\n", 0 },
	/* Host */
	{ 400, G "\r\n", 0 },
	{ 400, H "Host: h\r\n\r\n", 0 },
	{ 400, H "host: i\r\n\r\n", 0 },
	{ 400, G "Host:\r\n\r\n", 0 },
	{ 400, G "Host: a b\r\n\r\n", 0 },
	{ 400, G "Host: a,b\r\n\r\n", 0 },
	{ 400, G "Host: a/b\r\n\r\n", 0 },
	{ 400, G "Host: u@b\r\n\r\n", 0 },
	{ 400, "GET http://i/ HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET http://h:80/ HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET http://hh/ HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	{ 400, "GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", 0 },
	/* lengths */
	{ 400, P "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 0 },
	{ 400, P "Content-Length: 1, 1\r\n\r\nx", 0 },
	{ 400, P "Content-Length: +1\r\n\r\nx", 0 },
	{ 400, P "Content-Length: -1\r\n\r\nx", 0 },
	{ 400, P "Content-Length: 0x1\r\n\r\nx", 0 },
	{ 400, P "Content-Length:\r\n\r\nx", 0 },
	{ 400, P "Content-Length: 99999999999999999999\r\n\r\nx", 0 },
	{ 413, P "Content-Length: 65537\r\n\r\n", 0 },
	{ 0, P "Content-Length: 0\r\n\r\n", 0 },
	/* transfer codings */
	{ 400,
	    P "Transfer-Encoding: chunked\r\n"
	      "Content-Length: 1\r\n\r\nx",
	    0 },
	{ 400,
	    P "Content-Length: 1\r\n"
	      "Transfer-Encoding: chunked\r\n\r\nx",
	    0 },
	{ 501, P "Transfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n", 0 },
	{ 501, P "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 0 },
	{ 501, P "Transfer-Encoding: identity\r\n\r\n", 0 },
	{ 501, P "Transfer-Encoding:\r\n\r\n", 0 },
	{ 400,
	    P "Transfer-Encoding: chunked\r\n"
	      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    0 },
	{ 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 0 },
	/* chunks */
	{ 0, C "0\r\n\r\n", 0 },
	{ 400, C "\r\n\r\n", 0 },
	{ 400, C "x\r\n", 0 },
	{ 400, C " 1\r\na\r\n", 0 },
	{ 400, C "1 \r\na\r\n", 0 },
	{ 400, C "+1\r\na\r\n", 0 },
	{ 400, C "0x1\r\na\r\n", 0 },
	{ 400, C "1\na\r\n", 0 },
	{ 400, C "1\r\nab\r\n", 0 },
	{ 400, C "1\r\na\n", 0 },
	{ 400, C "1\rXa", 0 },
	{ 400, C "1;a\nb\r\na\r\n", 0 },
	{ 400, C "0\r\nX: y\n\r\n", 0 },
	{ 400, C "0\r\nX: \x01\r\n\r\n", 0 },
};

static void
test_refusals(struct http *h)
{
	const struct refused *c;
	char claim[160];
	size_t i, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = &cases[i];
		n = c->n != 0 ? c->n : strlen(c->text);
		snprintf(claim, sizeof(claim), "case %zu, %u", i, c->status);
		test_cuts(h, c->text, n, c->status == 0 ? 1 : -1, claim);
		is_int(feed(h, c->text, n, SIZE_MAX).refusal, c->status, claim);
	}
}

/* A body of chunks is measured as it comes. */
static void
test_long_chunks(struct http *h)
{
	static char text[70000];
	int n = snprintf(text, sizeof(text), C "10001\r\n");

	memset(text + n, 'x', sizeof(text) - (size_t)n);
	is_int(feed(h, text, sizeof(text), 1000).refusal, 413,
	    "chunks beyond the limit");
	n = snprintf(text, sizeof(text), C "1000000000000000\r\n");
	is_int(feed(h, text, (size_t)n, SIZE_MAX).refusal, 413,
	    "a size of 16 digits");
	n = snprintf(text, sizeof(text), C "10000\r\n");
	memset(text + n, 'x', 65536);
	memcpy(text + n + 65536, "\r\n0\r\n\r\n", 7);
	is_int(feed(h, text, (size_t)n + 65536 + 7, 777).rc, 1,
	    "a body of exactly the limit");
	n = snprintf(text, sizeof(text), C "1;");
	memset(text + n, 'x', 300);
	is_int(feed(h, text, (size_t)n + 300, 7).refusal, 400,
	    "an extension without an end");
}

static void
test_limits(void)
{
	struct http_limits small = {
		.head_max = 64, .lines_max = 4, .body_max = 2
	};
	struct http *h = reader(HTTP_SIDE_REQUEST, &small);
	const char four[] = H "A: b\r\nC: d\r\n\r\n";
	const char five[] = H "A: b\r\nC: d\r\nE: f\r\n\r\n";
	const char body2[] = P "Content-Length: 2\r\n\r\nab";
	const char body3[] = P "Content-Length: 3\r\n\r\nabc";
	char text[65 + 1];
	size_t used;

	is_int(feed(h, four, sizeof(four) - 1, 1).rc, 1, "four lines");
	is_int(feed(h, five, sizeof(five) - 1, 1).refusal, 431, "five lines");
	is_int(feed(h, body2, sizeof(body2) - 1, 1).rc, 1, "two bytes");
	is_int(feed(h, body3, sizeof(body3) - 1, 1).refusal, 413, "three");
	is_int(http_feed(h, "x", 1, &used, &e), -1, "refused it stays refused");
	snprintf(text, sizeof(text), H "A: %032d\r\n\r\n", 1);
	is_int(strlen(text), 64, "(a head of 64 bytes)");
	is_int(feed(h, text, 64, 3).rc, 1, "is taken");
	snprintf(text, sizeof(text), H "A: %033d\r\n\r\n", 1);
	is_int(feed(h, text, 65, 3).refusal, 431, "one of 65 is not");
	http_free(&h);
	ok(h == NULL, "the owner's pointer is NULL");
	http_free(&h);
}

static void
test_responses(void)
{
	struct http *h = reader(HTTP_SIDE_RESPONSE, &http_usual);
	const char rest[] = "HTTP/1.1 200 OK\r\n\r\nall of it";
	const char length[] = "HTTP/1.1 404 Not Found\r\n"
			      "Content-Length: 2\r\n\r\nno";
	const char empty[] = "HTTP/1.1 204\r\n\r\nx";
	const char change[] = "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n"
			      "Connection: Upgrade\r\n\r\n\x82";
	const char chunks[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
			      "\r\n\r\n1\r\na\r\n0\r\n\r\n";
	const char bad[] = "HTTP/1.1 2x0 OK\r\n\r\n";
	size_t n, used;

	is_int(feed(h, rest, sizeof(rest) - 1, 1).rc, 0, "without a length");
	is_int(http_end(h, &e), 1, "it lasts until the end");
	http_body(h, &n);
	is_int(n, 9, "and that is its body");
	ok(!http_keep_alive(h), "nothing can follow");
	test_cuts(h, length, sizeof(length) - 1, 1, "with a length");
	is_int(http_status(h) == 0 || http_status(h) == 404, 1, "status");
	test_cuts(h, empty, sizeof(empty) - 1, 1, "204 has no body");
	test_cuts(h, change, sizeof(change) - 1, 1, "101 has no body");
	test_cuts(h, chunks, sizeof(chunks) - 1, 1, "chunks");
	test_cuts(h, bad, sizeof(bad) - 1, -1, "a status with a letter");
	http_reset(h);
	http_answers_head(h);
	is_int(http_feed(h, length, sizeof(length) - 1, &used, &e), 1,
	    "an answer to HEAD");
	is_int(used, sizeof(length) - 1 - 2, "has no body");
	http_free(&h);
}

int
main(void)
{
	struct http *h = reader(HTTP_SIDE_REQUEST, &http_usual);

	test_request(h);
	test_queries(h);
	test_cuts(h, get_live, sizeof(get_live) - 1, 1, "a request");
	test_bodies(h);
	test_refusals(h);
	test_long_chunks(h);
	http_free(&h);
	test_limits();
	test_responses();
	return tap_done();
}
