/* web_req: requests as a web server hands them over (webapp/req.c). */
#include "../../webapp/req.h"

#include <stdlib.h>

#include "../../webapp/app.h"
#include "../../webapp/tpl.h"
#include "base/str.h"
#include "tap.h"

/* The program's templates are in C++ and play no part here. */
void
tpl_free(struct tpl **t)
{
	*t = NULL;
}

static const char *vars[40][2];
static const char *body;
static char sent[20000];

static const char *
param(void *arg, const char *name)
{
	(void)arg;
	for (int i = 0; vars[i][0] != NULL; i++)
		if (strcmp(vars[i][0], name) == 0)
			return vars[i][1];
	return NULL;
}

static long
take(void *arg, void *p, size_t n)
{
	size_t left = strlen(body);

	(void)arg;
	n = n < left ? n : left;
	n = n < 7 ? n : 7; /* in pieces */
	memcpy(p, body, n);
	body += n;
	return (long)n;
}

static int
give(void *arg, const void *p, size_t n)
{
	(void)arg;
	if (n >= sizeof(sent))
		return -1;
	memcpy(sent, p, n);
	sent[n] = '\0';
	return 0;
}

static const struct req_way way = { param, take, give, NULL };
static struct app app;
static struct req r;

static void
set(const char *name, const char *value)
{
	int i;

	for (i = 0; vars[i][0] != NULL; i++)
		if (strcmp(vars[i][0], name) == 0)
			break;
	vars[i][0] = name;
	vars[i][1] = value;
}

static unsigned
begin(void)
{
	req_free(&r);
	return req_init(&r, &app, NULL, &way);
}

static void
paths(void)
{
	static const struct {
		const char *uri, *path;
	} plain[] = { { "/", "/" }, { "/a/b", "/a/b" }, { "/a?b=/c", "/a" },
		{ "/%61", "" }, { "/a\\b", "" }, { "a", "" }, { "", "" } },
	  below[] = { { "/adit/", "/" }, { "/adit", "/" },
		  { "/adit/new", "/new" }, { "/aditnew", "" }, { "/new", "" } };
	size_t i;

	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		set("REQUEST_URI", plain[i].uri);
		begin();
		is_str(r.path, plain[i].path, plain[i].uri);
	}
	app.base = "/adit";
	for (i = 0; i < sizeof(below) / sizeof(below[0]); i++) {
		set("REQUEST_URI", below[i].uri);
		begin();
		is_str(r.path, below[i].path, below[i].uri);
	}
	app.base = "";
	set("REQUEST_URI", "");
	set("SCRIPT_NAME", "");
	set("PATH_INFO", "/by/cgi");
	begin();
	is_str(r.path, "/by/cgi", "without an address there is PATH_INFO");
	set("REQUEST_URI", "/");
}

static void
fields(void)
{
	static const char *const bad[] = { "a=1&a=2", "a=%00", "a=%ff", "a=%zz",
		"a=%2", "%00=a", "q=1" };
	struct req_fields f;
	char many[3000] = "";
	size_t i;

	set("QUERY_STRING", "q=x%20y+z&empty=");
	is_int(begin(), 0, "a query");
	is_str(req_query(&r, "q"), "x y z", "its escapes are undone");
	is_str(req_query(&r, "empty"), "", "nothing is a value");
	ok(req_has(&r.query, "empty"), "that was sent");
	ok(!req_has(&r.query, "other"), "and another was not");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(req_fields(&r, bad[i], strlen(bad[i]), &f), 400, bad[i]);
	is_int(req_fields(&r, "&&a=1&&b=2&", 11, &f), 0, "empty pairs");
	is_int(f.n, 2, "are none");
	for (i = 0; i <= REQ_FIELDS_MAX; i++)
		snprintf(many + strlen(many), 12, "f%zu&", i);
	is_int(req_fields(&r, many, strlen(many), &f), 400, "too many");
}

static void
bodies(void)
{
	static char large[REQ_BODY_MAX + 10];

	memset(large, 'a', sizeof(large) - 1);
	set("QUERY_STRING", "");
	set("CONTENT_TYPE", "application/x-www-form-urlencoded; charset=utf-8");
	set("CONTENT_LENGTH", "21");
	body = "name=%C3%A4&token=1&x";
	begin();
	is_int(req_read_form(&r), 0, "a form");
	is_str(req_form(&r, "name"), "\xc3\xa4", "is read in pieces");
	body = "short";
	begin();
	is_int(req_read_form(&r), 400, "a cut one is refused");
	set("CONTENT_LENGTH", "99999999999999999999");
	begin();
	is_int(req_read_form(&r), 400, "so is a length that is none");
	set("CONTENT_LENGTH", "65537");
	begin();
	is_int(req_read_form(&r), 413, "and one that is too large");
	set("CONTENT_LENGTH", "");
	body = large;
	begin();
	is_int(req_read_form(&r), 413, "said or not");
	set("CONTENT_TYPE", "text/plain");
	body = "a=1";
	begin();
	is_int(req_read_form(&r), 415, "plain text is no form");
}

static void
origins(void)
{
	static const struct {
		const char *origin, *site;
		bool ours;
	} table[] = { { NULL, NULL, true }, { "http://localhost", NULL, true },
		{ "http://localhost", "same-origin", true },
		{ "null", "same-origin", true }, { "null", NULL, false },
		{ "null", "cross-site", false },
		{ "http://evil.example", NULL, false },
		{ "http://evil.example", "same-origin", false },
		{ "https://localhost", NULL, false },
		{ NULL, "cross-site", false }, { NULL, "same-site", false },
		{ NULL, "none", false } };

	set("HTTP_HOST", "localhost");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		set("HTTP_ORIGIN", table[i].origin);
		set("HTTP_SEC_FETCH_SITE", table[i].site);
		begin();
		is_int(req_is_ours(&r), table[i].ours,
		    table[i].origin != NULL ? table[i].origin : "no origin");
	}
	set("HTTP_ORIGIN", NULL);
	set("HTTP_SEC_FETCH_SITE", NULL);
}

static void
hosts(void)
{
	static const struct {
		const char *host;
		bool ours;
	} table[] = { { "tunnel.example:8443", true },
		{ "TUNNEL.example:8443", true }, { "tunnel.example", true },
		{ "tunnel.example:1", false }, { "localhost:9", true },
		{ "127.0.0.1", true }, { "127.0.0.1.evil", false },
		{ "localhost.evil", false }, { "evil", false }, { "", false } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		set("HTTP_HOST", table[i].host);
		begin();
		is_int(req_is_host(&r), table[i].ours, table[i].host);
	}
}

static void
tokens(void)
{
	char token[64], seed[64];

	set("HTTP_HOST", "localhost");
	set("HTTP_COOKIE", NULL);
	begin();
	ok(!req_token_is_good(&r), "who has no cookie was shown no form");
	str_copy(token, sizeof(token), req_token(&r));
	is_int(strlen(token), 32, "a token");
	snprintf(seed, sizeof(seed), "x=1; adit-form=%s; y=2", r.seed);
	set("HTTP_COOKIE", seed);
	set("CONTENT_TYPE", "application/x-www-form-urlencoded");
	set("CONTENT_LENGTH", "");
	body = req_text(&r, "token=%s", token);
	body = strdup(body);
	const char *mine = body;
	begin();
	is_int(req_read_form(&r), 0, "its form");
	ok(req_token_is_good(&r), "comes back with it");
	free((void *)(uintptr_t)mine);
	begin();
	body = "token=00000000000000000000000000000000";
	is_int(req_read_form(&r), 0, "another form");
	ok(!req_token_is_good(&r), "does not");
	set("HTTPS", "on");
	begin();
	ok(req_cookie(&r, "form") == NULL, "a plain cookie is none for https");
	set("HTTPS", "");
}

static void
answers(void)
{
	begin();
	req_line(&r, "X-Bad", "a\r\nSet-Cookie: b=c");
	req_line(&r, "X-Good", "a");
	req_write(&r, "body", 4);
	is_int(req_send(&r), 0, "an answer");
	ok(strstr(sent, "Status: 200 OK\r\n") == sent, "begins so");
	ok(strstr(sent, "X-Bad") == NULL, "no line breaks out");
	ok(strstr(sent, "X-Good: a\r\n") != NULL, "a good one is there");
	ok(strstr(sent, "Cache-Control: no-store\r\n") != NULL, "kept nowhere");
	ok(strstr(sent, "frame-ancestors 'none'") != NULL, "and shut");
	is_str(strstr(sent, "\r\n\r\n") + 4, "body", "then the body");
	set("REQUEST_METHOD", "HEAD");
	begin();
	req_write(&r, "body", 4);
	req_send(&r);
	is_str(strstr(sent, "\r\n\r\n") + 4, "", "HEAD has none");
	req_free(&r);
}

int
main(void)
{
	app.base = "";
	str_copy(app.host, sizeof(app.host), "tunnel.example:8443");
	app.secure = true;
	body = "";
	set("REQUEST_METHOD", "GET");
	set("REMOTE_ADDR", "192.0.2.7");
	paths();
	fields();
	bodies();
	origins();
	hosts();
	tokens();
	answers();
	return tap_done();
}
