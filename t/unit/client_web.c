/* The dashboard's address, as a person writes it. */
#include "../../client/web.h"

#include <string.h>

#include "base/err.h"
#include "tap.h"

static struct web w;
static struct err e;

static void
good(const char *url, const char *host, int port, const char *authority,
    const char *base)
{
	ok(web_parse(&w, url, &e) == 0, url);
	is_str(w.host, host, "its host");
	is_int(w.port, port, "its port");
	is_str(w.authority, authority, "as HTTP calls it");
	is_str(w.base, base, "its path");
}

int
main(void)
{
	static const char *const bad[] = { "", "example.org", "ftp://a",
		"https://", "https:///x", "http://example.org",
		"http://localhost.example.org", "https://a b", "https://a/b c",
		"https://a/b?c", "https://a/#", "https://a:0", "https://a:x",
		"https://u@a", "https://a/%2e", "https://a\r\nX: y" };
	char url[1000];

	good("https://example.org", "example.org", 443, "example.org", "");
	good("https://example.org/", "example.org", 443, "example.org", "");
	good("https://example.org:8443/a/b/", "example.org", 8443,
	    "example.org:8443", "/a/b");
	good("https://[2001:db8::1]/x", "2001:db8::1", 443, "[2001:db8::1]",
	    "/x");
	good("http://localhost:8080", "localhost", 8080, "localhost:8080", "");
	good("http://127.0.0.1", "127.0.0.1", 80, "127.0.0.1", "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(web_parse(&w, bad[i], &e) == -1,
		    strchr(bad[i], '\n') == NULL ? bad[i] : "a line");
	memset(url, 'a', sizeof(url) - 1);
	memcpy(url, "https://", 8);
	ok(web_parse(&w, url, &e) == -1, "a host that is too long");
	memcpy(url, "https://a/", 10);
	ok(web_parse(&w, url, &e) == -1, "and a path");
	return tap_done();
}
