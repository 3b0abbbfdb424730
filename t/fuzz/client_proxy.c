/*
 * What names a proxy (people, the environment, Windows), and what a proxy, or
 * somebody in its place, answers to CONNECT.  The first byte chooses; an answer
 * says the same in pieces of any size.
 */
#include "../../client/proxy.c"

#include "must.h"

static const struct proxy plain = { .host = "p", .port = 3128 };

static int
answer(const uint8_t *p, size_t n, size_t step, struct err *e)
{
	struct http *h = proxy_reader(e);
	size_t at, piece;
	int rc = 0;

	MUST(h != NULL);
	for (at = 0; rc == 0 && at < n; at += piece) {
		piece = n - at < step ? n - at : step;
		rc = proxy_answer(h, &plain, "h", 443, p + at, piece, e);
	}
	http_free(&h);
	return rc;
}

static void
fuzz_answer(const uint8_t *p, size_t n, size_t step)
{
	struct err whole = { "" }, pieces = { "" };
	int a = answer(p, n, SIZE_MAX, &whole);
	int b = answer(p, n, step, &pieces);

	/* Bytes behind the head are seen with it, or come too late. */
	MUST(a == b || (a == -1 && b == 1) || (a == -1 && b == -1));
	MUST(a != -1 || str_is_text(whole.text, strlen(whole.text)));
	MUST(b != -1 || str_is_text(pieces.text, strlen(pieces.text)));
}

static void
must_be_proxy(const struct proxy *p)
{
	struct proxy again;
	char text[PROXY_TEXT];
	struct buf b;
	struct err e;

	MUST(p->port > 0 && p->host[0] != '\0');
	MUST(str_is_text(p->auth, strlen(p->auth)));
	MUST(proxy_parse(&again, proxy_text(text, p), &e) == 0);
	MUST(again.port == p->port && strcmp(again.host, p->host) == 0);
	buf_init(&b, 4096);
	MUST(proxy_ask(&b, p, "h", 443, &e) == 0);
	MUST(memchr(buf_data(&b), '\0', buf_len(&b)) == NULL);
	buf_free(&b);
}

static void
fuzz_text(const char *text)
{
	struct proxy p;
	struct proxies all;
	struct err e = { "" };
	size_t i;

	if (proxy_parse(&p, text, &e) == 0)
		must_be_proxy(&p);
	else
		MUST(e.text[0] != '\0');
	proxies_parse(&all, text);
	MUST(all.count <= PROXIES_MAX);
	for (i = 0; i < all.count; i++)
		must_be_proxy(&all.list[i]);
	proxy_spares(text, "www.example.org", 443);
	proxy_spares(text, "192.0.2.1", 443);
	proxy_spares(text, "2001:db8::1", 443);
	proxy_spares_win(text, "www.example.org");
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text;

	if (n < 1)
		return 0;
	if ((p[0] & 1) != 0) {
		fuzz_answer(p + 1, n - 1, (size_t)(p[0] >> 1) + 1);
		return 0;
	}
	/* exactly as long, so that a byte more is noticed */
	if ((text = malloc(n)) == NULL)
		return 0;
	memcpy(text, p + 1, n - 1);
	text[n - 1] = '\0';
	fuzz_text(text);
	free(text);
	return 0;
}
