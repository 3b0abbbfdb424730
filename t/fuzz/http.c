/*
 * http: any bytes as a message, in pieces of any size.  The first byte chooses
 * the side and the pieces; a request that is taken is written anew and says
 * the same.
 */
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"
#include "http/http_write.h"
#include "must.h"

static const struct http_limits limits = {
	.head_max = 2048, .lines_max = 12, .body_max = 1024
};

struct fed {
	struct http *h;
	int rc;
	size_t used;
};

static struct fed
feed(enum http_side side, const uint8_t *p, size_t n, size_t step)
{
	struct err e;
	struct fed f = { http_new(side, &limits, &e), 0, 0 };
	size_t used, piece;

	MUST(f.h != NULL);
	while (f.rc == 0 && f.used < n) {
		piece = n - f.used < step ? n - f.used : step;
		f.rc = http_feed(f.h, p + f.used, piece, &used, &e);
		MUST(used <= piece);
		MUST(f.rc != 0 || used == piece);
		f.used += used;
	}
	if (f.rc == 0)
		f.rc = http_end(f.h, &e);
	return f;
}

static void
must_equal(const struct http *a, const struct http *b)
{
	const char *an, *av, *bn, *bv;
	const void *ap, *bp;
	size_t i, na, nb;

	MUST(strcmp(http_method(a), http_method(b)) == 0);
	MUST(strcmp(http_path(a), http_path(b)) == 0);
	MUST(strcmp(http_query(a), http_query(b)) == 0);
	MUST(http_status(a) == http_status(b));
	MUST(http_keep_alive(a) == http_keep_alive(b));
	for (i = 0; http_header_at(a, i, &an, &av); i++) {
		MUST(http_header_at(b, i, &bn, &bv));
		MUST(strcmp(an, bn) == 0 && strcmp(av, bv) == 0);
		MUST(strpbrk(an, " \t\r\n:") == NULL && an[0] != '\0');
		MUST(strpbrk(av, "\r\n") == NULL);
	}
	MUST(!http_header_at(b, i, &bn, &bv));
	ap = http_body(a, &na);
	bp = http_body(b, &nb);
	MUST(na == nb && memcmp(ap, bp, na) == 0);
}

static void
write_again(const struct http *h)
{
	char target[4096];
	const void *body, *body2;
	struct buf b;
	struct err e;
	struct fed f;
	size_t n, n2;

	snprintf(target, sizeof(target), "%s%s%s", http_path(h),
	    http_query(h)[0] != '\0' ? "?" : "", http_query(h));
	body = http_body(h, &n);
	buf_init(&b, 8192);
	MUST(http_write_request(&b, http_method(h), target, "h", body, n, &e) ==
	    0);
	if (buf_len(&b) - n > limits.head_max) {
		buf_free(&b); /* with our own headers it is too long to read */
		return;
	}
	f = feed(HTTP_SIDE_REQUEST, buf_data(&b), buf_len(&b), SIZE_MAX);
	MUST(f.rc == 1 && f.used == buf_len(&b));
	MUST(strcmp(http_method(h), http_method(f.h)) == 0);
	MUST(strcmp(http_path(h), http_path(f.h)) == 0);
	MUST(strcmp(http_query(h), http_query(f.h)) == 0);
	body2 = http_body(f.h, &n2);
	MUST(n == n2 && memcmp(body, body2, n) == 0);
	http_free(&f.h);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum http_side side;
	struct fed a, b;
	char text[64];
	struct err e;

	if (n < 1)
		return 0;
	side = (p[0] & 1) != 0 ? HTTP_SIDE_RESPONSE : HTTP_SIDE_REQUEST;
	a = feed(side, p + 1, n - 1, SIZE_MAX);
	b = feed(side, p + 1, n - 1, (size_t)(p[0] >> 1) + 1);
	MUST(a.rc == b.rc);
	if (a.rc == 1) {
		MUST(a.used == b.used);
		must_equal(a.h, b.h);
		http_query_get(a.h, "a", text, sizeof(text), &e);
		http_header_has(a.h, "connection", "close");
	}
	if (a.rc < 0)
		MUST(http_refusal(a.h) >= 400 &&
		    http_refusal(a.h) == http_refusal(b.h));
	if (a.rc == 1 && side == HTTP_SIDE_REQUEST)
		write_again(a.h);
	http_free(&a.h);
	http_free(&b.h);
	return 0;
}
