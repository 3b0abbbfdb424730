/* client_proxy: what names a proxy, whom it spares, CONNECT and its answer. */
#include "../../client/proxy.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "http/http.h"
#include "tap.h"

static struct proxy p;
static struct err e;

static void
good(const char *url, const char *host, int port, const char *auth)
{
	is_int(proxy_parse(&p, url, &e), 0, url);
	is_str(p.host, host, "its host");
	is_int(p.port, port, "its port");
	is_str(p.auth, auth, "its secret");
}

static void
test_url(void)
{
	static const char *const bad[] = { "", "http://", "://a:1",
		"socks5://a:1080", "https://a:443", "a:0", "a:65536", "a:b",
		"http://a:1/x", "http://ann@a:1", "http://ann:pw@",
		"http://ann:p%4@a:1", "http://ann:%zz@a:1",
		"http://ann:%00@a:1", "http://ann:%0d%0aX:y@a:1",
		"http://ann:secret/a:1" };
	char text[PROXY_TEXT], url[1000];
	size_t i;

	good("http://proxy.lan:3128", "proxy.lan", 3128, "");
	good("HTTP://proxy.lan:3128/", "proxy.lan", 3128, "");
	good("proxy.lan:3128", "proxy.lan", 3128, "");
	good("proxy.lan", "proxy.lan", 80, "");
	good("socks.lan:1080", "socks.lan", 1080, "");
	good("http://[2001:db8::1]:8080", "2001:db8::1", 8080, "");
	good("http://[2001:db8::1]", "2001:db8::1", 80, "");
	good("http://ann:pa%3ass%40%25@10.0.0.1:8080", "10.0.0.1", 8080,
	    "ann:pa:ss@%");
	is_str(proxy_text(text, &p), "10.0.0.1:8080", "its name has no secret");
	good("http://ann:p@ss@a:1", "a", 1, "ann:p@ss");
	good("http://ann:@a:1", "a", 1, "ann:");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e.text[0] = '\0';
		is_int(proxy_parse(&p, bad[i], &e), -1, bad[i]);
		ok(e.text[0] != '\0' && strstr(e.text, "ecret") == NULL &&
			strstr(e.text, "pw") == NULL,
		    "has a reason, which repeats no password");
		is_str(p.auth, "", "and leaves none");
	}
	memset(url, 'x', sizeof(url) - 1);
	url[sizeof(url) - 1] = '\0';
	is_int(proxy_parse(&p, url, &e), -1, "a host that is too long");
	memcpy(url, "a:", 2);
	strcpy(url + sizeof(url) - 5, "@h:1");
	is_int(proxy_parse(&p, url, &e), -1, "a password that is too long");
}

static void
list(const char *text, const char *want)
{
	struct proxies all;
	char got[1500] = "", one[PROXY_TEXT];
	size_t i;

	proxies_parse(&all, text);
	for (i = 0; i < all.count; i++) {
		strcat(got, i > 0 ? " " : "");
		strcat(got, proxy_text(one, &all.list[i]));
	}
	is_str(got, want, text);
}

static void
test_lists(void)
{
	list("", "");
	list("proxy:8080", "proxy:8080");
	list("proxy", "proxy:80");
	list("a:1;b:2 c:3; ;d:4;e:5", "a:1 b:2 c:3 d:4");
	list("http=a:1;https=b:2;ftp=c:3;socks=d:4", "b:2");
	list("http=a:1", "");
	list("PROXY a:1; DIRECT", "a:1");
	list("https=http://b:2/", "b:2");
	list("https=socks5://b:2;c:x", "");
}

static void
test_spared(void)
{
	ok(!proxy_spares("", "a", 1), "an empty list spares nobody");
	ok(proxy_spares("*", "a", 1), "a star spares all");
	ok(proxy_spares("b, example.org", "example.org", 1), "a name");
	ok(proxy_spares("Example.ORG", "www.example.org", 1), "one below it");
	ok(proxy_spares(".example.org", "example.org", 1), "with a dot");
	ok(proxy_spares("*.example.org", "a.example.org", 1), "with a star");
	ok(!proxy_spares("example.org", "badexample.org", 1), "not beside it");
	ok(!proxy_spares("www.example.org", "example.org", 1), "not above it");
	ok(proxy_spares("example.org:443", "example.org", 443), "its port");
	ok(!proxy_spares("example.org:443", "example.org", 80), "not another");
	ok(proxy_spares("10.0.0.0/8", "10.1.2.3", 1), "a network");
	ok(!proxy_spares("10.0.0.0/8", "11.1.2.3", 1), "not another");
	ok(!proxy_spares("10.0.0.0/8", "10.example", 1), "not a name");
	ok(proxy_spares("192.0.2.1", "192.0.2.1", 1), "an address");
	ok(proxy_spares("2001:db8::/32", "2001:db8::1", 1), "of IPv6");
	ok(proxy_spares("[2001:db8::1]", "2001:db8::1", 1), "in brackets");
	ok(proxy_spares("[2001:db8::1]:7", "2001:db8::1", 7), "with a port");
	ok(!proxy_spares("[2001:db8::1]:7", "2001:db8::1", 8), "not another");
	ok(!proxy_spares("1.2", "4.3.1.2", 1), "no end of an address");
}

static void
test_spared_win(void)
{
	ok(!proxy_spares_win("", "a"), "an empty list spares nobody");
	ok(proxy_spares_win("<local>", "intranet"), "<local>: no dot");
	ok(!proxy_spares_win("<local>", "a.b"), "not with a dot");
	ok(!proxy_spares_win("<local>", "::1"), "nor an address");
	ok(proxy_spares_win("x;*.Lan;y", "a.b.lan"), "letters of any case");
	ok(proxy_spares_win("10.*", "10.1.2.3"), "the beginning of an address");
	ok(!proxy_spares_win("*.lan", "lan"), "not without its dot");
	ok(proxy_spares_win("*a*b*", "xxaxxbxx"), "several stars");
	ok(!proxy_spares_win("*a*b", "xxaxxbxx"), "which have an end");
	ok(proxy_spares_win("https://a.b", "a.b"), "with a scheme");
	ok(proxy_spares_win("*", "a"), "all");
	ok(proxy_is_here("localhost") && proxy_is_here("127.0.0.9") &&
		proxy_is_here("::1"),
	    "this computer");
	ok(!proxy_is_here("localhost.example.org") &&
		!proxy_is_here("10.0.0.1"),
	    "is nobody else");
}

/* --- CONNECT --------------------------------------------------------------- */

static void
test_ask(void)
{
	struct buf b;

	buf_init(&b, 4096);
	is_int(proxy_parse(&p, "http://Aladdin:open%20sesame@p:1", &e), 0,
	    "a proxy");
	is_int(proxy_ask(&b, &p, "2001:db8::1", 7000, &e), 0, "is asked");
	is_int(buf_add(&b, "", 1, &e), 0, "in text");
	is_str((char *)buf_data(&b),
	    "CONNECT [2001:db8::1]:7000 HTTP/1.1\r\n"
	    "Host: [2001:db8::1]:7000\r\n"
	    "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
	    "\r\n",
	    "of RFC 9110 and 7617");
	buf_free(&b);
	p.auth[0] = '\0';
	is_int(proxy_ask(&b, &p, "h", 1, &e), 0, "without a secret");
	ok(memchr(buf_data(&b), 'A', buf_len(&b)) == NULL, "none is sent");
	buf_free(&b);
}

/* The answer in two pieces, cut everywhere; the outcome is the same. */
static int
answer(const char *text, size_t n)
{
	int rc = 0, first = 2;
	size_t cut, piece;

	for (cut = 0; cut <= n; cut++) {
		struct http *h = proxy_reader(&e);

		rc = 0;
		for (piece = 0; rc == 0 && piece < 2; piece++)
			rc = proxy_answer(h, &p, "relay.example", 7000,
			    text + (piece > 0 ? cut : 0),
			    piece > 0 ? n - cut : cut, &e);
		http_free(&h);
		/* Bytes behind the head, in another piece, come too late. */
		if (first == 2)
			first = rc;
		if (rc != first && !(first == -1 && rc == 1))
			return 9;
	}
	return first;
}

static void
says(const char *text, int rc, const char *words)
{
	is_int(answer(text, strlen(text)), rc, words);
	if (rc == -1)
		ok(strstr(e.text, words) != NULL, e.text);
}

static void
test_answers(void)
{
	p = (struct proxy){ .host = "p", .port = 1 };
	says("HTTP/1.1 200 Connection established\r\n\r\n", 1, "granted");
	says("HTTP/1.0 200 OK\r\nVia: x\r\n\r\n", 1, "by an old one");
	says("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 1, "with a length");
	says("HTTP/1.1 200 OK\r\nVia:", 0, "half of one");
	says("HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!", -1,
	    "does not allow connections to relay.example:7000");
	says("HTTP/1.1 502 Bad Gateway\r\n\r\n", -1,
	    "does not reach relay.example:7000");
	says("HTTP/1.1 503 No\r\n\r\n", -1, "does not reach");
	says("HTTP/1.1 504 No\r\n\r\n", -1, "does not reach");
	says("HTTP/1.1 400 No\r\n\r\n", -1, "(400)");
	says("HTTP/1.1 301 No\r\nLocation: /\r\n\r\n", -1, "(301)");
	says("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate, "
	     "basic realm=x\r\n\r\n",
	    -1, "wants a name and a password");
	says("HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n", -1,
	    "does not know (only Basic)");
	strcpy(p.auth, "a:b");
	says("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n", -1,
	    "does not accept this name and password");
	says("HTTP/1.0 401 No\r\n\r\n", -1,
	    "does not accept this name and password (401)");
	says("SSH-2.0-OpenSSH_9\r\n\r\n", -1, "no HTTP proxy");
	says("\x15\x03\x01\r\n\r\n", -1, "no HTTP proxy");
	says("HTTP/1.1 200 OK\r\n\r\nhello", -1, "nobody has asked for");
}

static void
test_huge(void)
{
	static char text[PROXY_HEAD_BYTES + 200] = "HTTP/1.1 200 OK\r\nX: ";
	struct http *h = proxy_reader(&e);
	size_t n = strlen(text);

	memset(text + n, 'x', sizeof(text) - n - 1);
	is_int(proxy_answer(h, &p, "h", 1, text, strlen(text), &e), -1,
	    "a head without an end");
	ok(strstr(e.text, "far too much") != NULL, "is said");
	http_free(&h);
}

int
main(void)
{
	test_url();
	test_lists();
	test_spared();
	test_spared_win();
	test_ask();
	test_answers();
	test_huge();
	return tap_done();
}
