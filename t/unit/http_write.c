/* http_write: what is written is what http reads. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"
#include "http/http_write.h"
#include "tap.h"

static struct err e;

static void
is_text(struct buf *b, const char *want, const char *claim)
{
	size_t n = strlen(want);

	if (!ok(buf_len(b) == n && memcmp(buf_data(b), want, n) == 0, claim))
		printf("#   got %.*s\n", (int)buf_len(b), (char *)buf_data(b));
	buf_free(b);
}

static void
test_reply(struct buf *b)
{
	struct http_line lines[] = { { "Cache-Control", "no-store" } };
	struct http_reply r = {
		.status = 200,
		.type = "text/plain",
		.lines = lines,
		.line_count = 1,
		.body = "ok\n",
		.body_len = 3,
		.close = true,
	};

	is_int(http_write_reply(b, &r, &e), 0, "a reply");
	is_text(b,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Cache-Control: no-store\r\nContent-Length: 3\r\n"
	    "Connection: close\r\n\r\nok\n",
	    "as it should be");
	r.head_only = true;
	is_int(http_write_reply(b, &r, &e), 0, "to HEAD");
	is_text(b,
	    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
	    "Cache-Control: no-store\r\nContent-Length: 3\r\n"
	    "Connection: close\r\n\r\n",
	    "the same without the body");
	lines[0].value = "a\r\nX: b";
	is_int(http_write_reply(b, &r, &e), -1, "a value of two lines");
	lines[0].value = "a";
	lines[0].name = "X: b\r\nY";
	is_int(http_write_reply(b, &r, &e), -1, "a name of two lines");
	lines[0].name = "";
	is_int(http_write_reply(b, &r, &e), -1, "no name");
	is_int(buf_len(b), 0, "nothing of it was written");
	r = (struct http_reply){ .status = 204 };
	is_int(http_write_reply(b, &r, &e), 0, "no content");
	is_text(b, "HTTP/1.1 204 No Content\r\n\r\n", "has no length");
}

static void
test_request(struct buf *b)
{
	struct http *h = http_new(HTTP_SIDE_REQUEST, &http_usual, &e);
	const char *body;
	size_t used, n;

	is_int(http_write_request(b, "POST", "/x?y", "h", "{}", 2, &e), 0,
	    "a request");
	is_int(http_feed(h, buf_data(b), buf_len(b), &used, &e), 1, "is read");
	is_int(used, buf_len(b), "whole");
	is_str(http_method(h), "POST", "its method");
	is_str(http_path(h), "/x", "its path");
	is_str(http_query(h), "y", "its query");
	body = http_body(h, &n);
	ok(n == 2 && memcmp(body, "{}", 2) == 0, "its body");
	ok(!http_keep_alive(h), "one answer is asked for");
	buf_free(b);
	is_int(http_write_request(b, "GET", "/ x", "h", NULL, 0, &e), -1,
	    "a target with a space");
	is_int(http_write_request(b, "GET", "/\r\n", "h", NULL, 0, &e), -1,
	    "a target of two lines");
	http_free(&h);
}

static void
test_ask(void)
{
	static const struct http_line lines[] = { { "A", "b" } };
	static const struct http_line bad[] = { { "A", "b\r\nC: d" } };
	struct buf b;

	buf_init(&b, 4096);
	is_int(http_write_ask(&b, "GET", "/a", "h:1", lines, 1, &e), 0,
	    "a request with headers of its own");
	buf_add(&b, "", 1, &e);
	is_str((char *)buf_data(&b),
	    "GET /a HTTP/1.1\r\nHost: h:1\r\nA: b\r\n\r\n", "and no others");
	is_int(http_write_ask(&b, "GET", "/a", "h", bad, 1, &e), -1,
	    "a header that would become two is refused");
	is_int(http_write_ask(&b, "GET", "/a b", "h", lines, 1, &e), -1,
	    "a path with a space, too");
	buf_free(&b);
}

int
main(void)
{
	struct buf b;

	buf_init(&b, 4096);
	test_reply(&b);
	test_request(&b);
	buf_free(&b);
	buf_init(&b, 20);
	is_int(http_write_request(&b, "GET", "/", "h", NULL, 0, &e), -1,
	    "no room");
	is_int(buf_len(&b), 0, "nothing written");
	buf_free(&b);
	test_ask();
	return tap_done();
}
