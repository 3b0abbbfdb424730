#include "proxy.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/http.h"
#include "http/http_write.h"

enum {
	PORT_OF_HTTP = 80,
	ITEM_MAX = ADDR_HOST_MAX + 24, /* of a list */
	AUTH_TEXT = (PROXY_AUTH_MAX + 2) / 3 * 4 + 1,
	LINES_MAX = 100,
};

/* --- a proxy's name -------------------------------------------------------- */

/* n bytes with %XX undone; they must be text that a header can carry. */
static int
read_auth(struct proxy *p, const char *s, size_t n, struct err *e)
{
	size_t i, len = 0;

	for (i = 0; i < n; i++) {
		if (len == PROXY_AUTH_MAX)
			return err_set(e,
			    "its name and password have more than %d bytes",
			    PROXY_AUTH_MAX);
		p->auth[len] = s[i];
		if (s[i] == '%') {
			if (i + 2 >= n ||
			    !str_unhex(&p->auth[len], 1,
				(char[]){ s[i + 1], s[i + 2], '\0' }))
				return err_set(e,
				    "its password has a %% that no two hex"
				    " digits follow: write %% as %%25");
			i += 2;
		}
		len++;
	}
	p->auth[len] = '\0';
	if (!str_is_text(p->auth, len))
		return err_set(
		    e, "its name and password hold bytes that are no text");
	/* The name ends at the first colon, which must be there. */
	if (strchr(p->auth, ':') == NULL)
		return err_set(e, "write it as http://USER:PASSWORD@HOST:PORT");
	return 0;
}

/* HOST or HOST:PORT, n bytes of them. */
static int
read_place(struct proxy *p, const char *s, size_t n, struct err *e)
{
	char whole[ITEM_MAX + 8];
	const char *last;
	struct err why;

	if (n == 0 || n > ITEM_MAX)
		return err_set(e, "its host has %zu bytes", n);
	memcpy(whole, s, n);
	whole[n] = '\0';
	last = strrchr(whole, ']');
	if (strchr(last != NULL ? last : whole, ':') == NULL)
		memcpy(whole + n, ":80", 4);
	/* Who forgets the @ has a password here: it is not repeated. */
	if (addr_split(whole, p->host, &p->port, &why) != 0)
		return err_set(e, "write it as http://HOST:PORT");
	return 0;
}

static int
parse(struct proxy *p, const char *url, struct err *e)
{
	const char *at;
	size_t n = strlen(url);

	if (strncasecmp(url, "http://", 7) == 0) {
		url += 7;
		n -= 7;
	} else if (strstr(url, "://") != NULL) {
		return err_set(e,
		    "only proxies that are spoken to by plain HTTP are known:"
		    " http://HOST:PORT");
	}
	if (n > 0 && url[n - 1] == '/')
		n--;
	/* A password may hold an @ that nobody has written as %40. */
	for (at = url + n; at > url && at[-1] != '@'; at--)
		continue;
	if (at > url && read_auth(p, url, (size_t)(at - url) - 1, e) != 0)
		return -1;
	return read_place(p, at, n - (size_t)(at - url), e);
}

int
proxy_parse(struct proxy *p, const char *url, struct err *e)
{
	*p = (struct proxy){ .port = PORT_OF_HTTP };
	if (parse(p, url, e) == 0)
		return 0;
	str_wipe(p, sizeof(*p));
	return -1;
}

char *
proxy_text(char to[PROXY_TEXT], const struct proxy *p)
{
	return addr_join(to, PROXY_TEXT, p->host, p->port);
}

/* --- lists ----------------------------------------------------------------- */

/* The next item of a list; false when there is none.  One too long is "". */
static bool
next_item(const char **list, const char *ends, char item[ITEM_MAX])
{
	const char *p = *list;
	size_t n;

	p += strspn(p, ends);
	if ((n = strcspn(p, ends)) == 0)
		return false;
	*list = p + n;
	if (n >= ITEM_MAX)
		n = 0;
	memcpy(item, p, n);
	item[n] = '\0';
	return true;
}

void
proxies_parse(struct proxies *p, const char *text)
{
	char item[ITEM_MAX];
	const char *at;

	p->count = 0;
	while (p->count < PROXIES_MAX && next_item(&text, "; \t\r\n", item)) {
		at = item;
		/* Words of a script that some hand on; "proxy" is a host. */
		if (strcmp(item, "PROXY") == 0 || strcmp(item, "DIRECT") == 0)
			continue;
		if (strncasecmp(item, "https=", 6) == 0)
			at += 6;
		else if (strchr(item, '=') != NULL)
			continue;
		if (proxy_parse(&p->list[p->count], at, NULL) == 0)
			p->count++;
	}
}

/* "example.org" and ".example.org" have it and all that ends so. */
static bool
has_name(const char *pattern, const char *host)
{
	size_t n, len = strlen(host);

	if (strncmp(pattern, "*.", 2) == 0)
		pattern++;
	/* item is always text: NOLINTNEXTLINE(clang-analyzer-core.*) */
	if (pattern[0] == '.')
		pattern++;
	n = strlen(pattern);
	if (n == 0 || n > len || strcasecmp(host + len - n, pattern) != 0)
		return false;
	return n == len || host[len - n - 1] == '.';
}

/* Takes ":PORT" off; false when it is another port. */
static bool
fits_port(char *item, uint16_t port)
{
	char *colon = strrchr(item, ':');
	uint64_t n;

	/* More than one colon, and no bracket: an address of IPv6. */
	if (colon == NULL || (strchr(item, ':') != colon && colon[-1] != ']') ||
	    !str_number(colon + 1, 1, 65535, &n))
		return true;
	*colon = '\0';
	return n == port;
}

bool
proxy_spares(const char *no_proxy, const char *host, uint16_t port)
{
	char item[ITEM_MAX];
	struct addr_net net;
	struct addr ip;
	bool is_ip = addr_parse_ip(&ip, host, NULL) == 0;

	while (next_item(&no_proxy, ", \t\r\n", item)) {
		if (strcmp(item, "*") == 0)
			return true;
		if (!fits_port(item, port))
			continue;
		if (!is_ip && has_name(item, host))
			return true;
		if (is_ip && item[0] == '[')
			item[strcspn(item, "]")] = '\0';
		if (is_ip &&
		    addr_net_parse(&net, item + (item[0] == '['), NULL) == 0 &&
		    addr_net_has(&net, &ip))
			return true;
	}
	return false;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* "*" stands for any letters.  One mark to come back to is enough. */
static bool
fits(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (lower(*pattern) == lower(*text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	pattern += strspn(pattern, "*");
	return *pattern == '\0';
}

bool
proxy_spares_win(const char *bypass, const char *host)
{
	char item[ITEM_MAX], *at;

	while (next_item(&bypass, "; \t\r\n", item)) {
		if (strcasecmp(item, "<local>") == 0) {
			if (strpbrk(host, ".:") == NULL)
				return true;
			continue;
		}
		at = strstr(item, "://");
		if (fits(at != NULL ? at + 3 : item, host))
			return true;
	}
	return false;
}

bool
proxy_is_here(const char *host)
{
	struct addr a;

	if (strcasecmp(host, "localhost") == 0)
		return true;
	return addr_parse_ip(&a, host, NULL) == 0 && addr_is_loopback(&a);
}

/* --- CONNECT --------------------------------------------------------------- */

int
proxy_ask(struct buf *to, const struct proxy *p, const char *host,
    uint16_t port, struct err *e)
{
	char target[PROXY_TEXT], secret[AUTH_TEXT + 6] = "Basic ";
	const struct http_line line = { "Proxy-Authorization", secret };
	int rc;

	(void)addr_join(target, sizeof(target), host, port);
	str_base64(secret + 6, p->auth, strlen(p->auth));
	rc = http_write_ask(
	    to, "CONNECT", target, target, &line, p->auth[0] != '\0', e);
	str_wipe(secret, sizeof(secret));
	return rc;
}

struct http *
proxy_reader(struct err *e)
{
	/* Its head is enough, whatever page follows. */
	static const struct http_limits limits = { .head_max = PROXY_HEAD_BYTES,
		.lines_max = LINES_MAX,
		.body_max = 1 << 30 };

	return http_new(HTTP_SIDE_RESPONSE, &limits, e);
}

/* One of the ways in which it wants to be told who asks. */
static bool
takes_basic(const struct http *h)
{
	const char *name, *value;
	size_t i;

	for (i = 0; http_header_at(h, i, &name, &value); i++) {
		if (strcasecmp(name, "Proxy-Authenticate") != 0)
			continue;
		for (; *value != '\0'; value++)
			if (strncasecmp(value, "Basic", 5) == 0)
				return true;
	}
	return false;
}

static int
wants_name(const struct http *h, const struct proxy *p, struct err *e)
{
	unsigned status = http_status(h);

	/* 401 is what some say who mean 407. */
	if (status == 407 && !takes_basic(h))
		return err_set(e,
		    "the proxy wants a sign-in that this program does not know"
		    " (only Basic): ask its operator for a way without (407)");
	if (p->auth[0] != '\0')
		return err_set(e,
		    "the proxy does not accept this name and password (%u)",
		    status);
	return err_set(e,
	    "the proxy wants a name and a password: give"
	    " http://USER:PASSWORD@HOST:PORT in ADIT_PROXY or --proxy-file"
	    " (%u)",
	    status);
}

/* What a status other than 2xx means to people. */
static int
refusal(const struct http *h, const struct proxy *p, const char *host,
    uint16_t port, struct err *e)
{
	unsigned status = http_status(h);
	char target[PROXY_TEXT];

	(void)addr_join(target, sizeof(target), host, port);
	switch (status) {
	case 401:
	case 407:
		return wants_name(h, p, e);
	case 403:
	case 405:
		return err_set(e,
		    "the proxy does not allow connections to %.120s: its"
		    " operator has to (%u)",
		    target, status);
	case 502:
	case 503:
	case 504:
		return err_set(e,
		    "the proxy does not reach %.120s: is it up, and the name"
		    " right? (%u)",
		    target, status);
	default:
		return err_set(e,
		    "the proxy does not make a connection to %.120s (%u)",
		    target, status);
	}
}

int
proxy_answer(struct http *h, const struct proxy *p, const char *host,
    uint16_t port, const void *bytes, size_t n, struct err *e)
{
	struct err why;
	size_t used, body;
	int rc = http_feed(h, bytes, n, &used, &why);

	if (rc == -1 && http_refusal(h) == 431)
		return err_set(
		    e, "what answers as the proxy says far too much");
	if (rc == -1 && !http_has_head(h))
		return err_set(e,
		    "what answers is no HTTP proxy: look at its host and port"
		    " (%.80s)",
		    why.text);
	if (!http_has_head(h))
		return 0;
	if (http_status(h) / 100 != 2)
		return refusal(h, p, host, port, e);
	/* TLS waits to be spoken to: whoever speaks first is not the relay. */
	(void)http_body(h, &body);
	if (rc == -1 || used < n || body > 0)
		return err_set(
		    e, "the proxy sends bytes that nobody has asked for");
	return 1;
}
