#include "req.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/random.h"
#include "base/str.h"
#include "tpl.h"

enum {
	BLOCK = 4096,
	HEAD_MAX = 16384,
	COOKIE_MAX = 4096,
	TOKEN_BYTES = 16,
	TOKEN_LEN = 2 * TOKEN_BYTES,
	SEED_BYTES = 16,
	SEED_LEN = 2 * SEED_BYTES,
	FORM_COOKIE_S = 86400,
};

struct req_block {
	struct req_block *next;
	size_t used, size;
	max_align_t bytes[];
};

static const char form_cookie[] = "form";

/*
 * No Strict-Transport-Security: it would hold for every port of this name,
 * and so for plain web servers behind tunnels.
 */
static const char fixed_lines[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "X-Frame-Options: DENY\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n";

/* --- text ------------------------------------------------------------------ */

/* What follows in a block is aligned. */
static size_t
rounded(size_t n)
{
	return (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) *
	    sizeof(max_align_t);
}

void *
req_alloc(struct req *r, size_t n)
{
	struct req_block *b = r->blocks;
	size_t size;
	void *p;

	n = rounded(n);
	if (b == NULL || b->size - b->used < n) {
		size = n > BLOCK ? n : BLOCK;
		if ((b = malloc(sizeof(*b) + size)) == NULL) {
			r->no_memory = true;
			return NULL;
		}
		b->used = 0;
		b->size = size;
		b->next = r->blocks;
		r->blocks = b;
	}
	p = (char *)b->bytes + b->used;
	b->used += n;
	memset(p, 0, n);
	return p;
}

/* What is to be done at the end; lives in the blocks. */
struct req_last {
	struct req_last *next;
	void (*fn)(void *arg);
	void *arg;
};

bool
req_at_end(struct req *r, void (*fn)(void *), void *arg)
{
	struct req_last *l = req_alloc(r, sizeof(*l));

	if (l == NULL) {
		fn(arg);
		return false;
	}
	l->fn = fn;
	l->arg = arg;
	l->next = r->lasts;
	r->lasts = l;
	return true;
}

static char nothing[1]; /* what text is without memory; nobody writes to it */

char *
req_copy(struct req *r, const char *p, size_t n)
{
	char *to = req_alloc(r, n + 1);

	if (to == NULL)
		return nothing;
	memcpy(to, p, n);
	return to;
}

static char *format(struct req *r, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static char *
format(struct req *r, const char *fmt, va_list ap)
{
	struct req_block *b = r->blocks;
	size_t room = b != NULL ? b->size - b->used : 0;
	char *to = room > 0 ? (char *)b->bytes + b->used : NULL;
	va_list again;
	int n;

	va_copy(again, ap);
	/* where the next text stands anyway, if there is room for it */
	n = vsnprintf(to, room, fmt, ap);
	if (n >= 0 && (size_t)n < room) {
		b->used += rounded((size_t)n + 1);
		va_end(again);
		return to;
	}
	if (room > 0)
		str_wipe(to, room);
	if (n < 0 || (to = req_alloc(r, (size_t)n + 1)) == NULL) {
		r->no_memory = true;
		to = nothing;
	} else {
		vsnprintf(to, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	return to;
}

char *
req_text(struct req *r, const char *fmt, ...)
{
	va_list ap;
	char *to;

	va_start(ap, fmt);
	to = format(r, fmt, ap);
	va_end(ap);
	return to;
}

const char *
req_url(struct req *r, const char *fmt, ...)
{
	va_list ap;
	char *path;

	va_start(ap, fmt);
	path = format(r, fmt, ap);
	va_end(ap);
	return req_text(r, "%s%s", r->app->conf.dashboard_url, path);
}

/* --- the variables --------------------------------------------------------- */

static const char *
param(struct req *r, const char *name)
{
	const char *v = r->way->param(r->way->arg, name);

	return v != NULL ? v : "";
}

const char *
req_header(struct req *r, const char *name)
{
	char var[80] = "HTTP_";
	size_t i, at = 5;

	if (strcasecmp(name, "Content-Type") == 0)
		return r->way->param(r->way->arg, "CONTENT_TYPE");
	for (i = 0; name[i] != '\0' && at < sizeof(var) - 1; i++)
		var[at++] = name[i] == '-'
		    ? '_'
		    : (char)toupper((unsigned char)name[i]);
	var[at] = '\0';
	return r->way->param(r->way->arg, var);
}

const char *
req_cookie(struct req *r, const char *name)
{
	const char *prefix = r->is_secure ? "__Host-adit" : "adit";
	const char *p = param(r, "HTTP_COOKIE");
	char *want = req_text(r, "%s%s%s=", prefix, *name ? "-" : "", name);
	size_t n = strlen(want), len;

	for (; *p != '\0'; p += len + strspn(p + len, "; ")) {
		len = strcspn(p, ";");
		if (len >= n && len < COOKIE_MAX && memcmp(p, want, n) == 0)
			return req_copy(r, p + n, len - n);
	}
	return NULL;
}

static enum req_method
method_of(const char *m)
{
	static const struct {
		const char *name;
		enum req_method method;
	} table[] = {
		{ "GET", REQ_GET },
		{ "HEAD", REQ_GET },
		{ "POST", REQ_POST },
		{ "PUT", REQ_PUT },
		{ "PATCH", REQ_PATCH },
		{ "DELETE", REQ_DELETE },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(m, table[i].name) == 0)
			return table[i].method;
	return REQ_OTHER;
}

/*
 * The path below the one of dashboard_url; "" when it is not below it.  None
 * of our paths needs an escape, so that one with an escape is none of ours.
 */
static const char *
path_of(struct req *r)
{
	const char *uri = param(r, "REQUEST_URI");
	size_t base = strlen(r->app->base);
	char *path;

	if (*uri == '\0')
		path = req_text(
		    r, "%s%s", param(r, "SCRIPT_NAME"), param(r, "PATH_INFO"));
	else
		path = req_copy(r, uri, strcspn(uri, "?#"));
	if (strncmp(path, r->app->base, base) != 0)
		return "";
	path += base;
	if (*path == '\0')
		return base > 0 ? "/" : "";
	return *path == '/' && strpbrk(path, "%\\") == NULL ? path : "";
}

static bool
is_local(const char *host)
{
	size_t n = strcspn(host, ":");

	return (n == 9 && strncasecmp(host, "localhost", 9) == 0) ||
	    (n == 9 && memcmp(host, "127.0.0.1", 9) == 0);
}

/*
 * A web server may leave the port away when it says the host, as Debian's
 * fastcgi_params do.
 */
static bool
is_our_name(const struct req *r)
{
	const char *colon = strrchr(r->app->host, ':');
	size_t n = strlen(r->host);

	if (strcasecmp(r->host, r->app->host) == 0)
		return true;
	return colon != NULL && strchr(colon, ']') == NULL &&
	    (size_t)(colon - r->app->host) == n &&
	    strncasecmp(r->host, r->app->host, n) == 0;
}

bool
req_is_host(const struct req *r)
{
	return is_our_name(r) || is_local(r->host);
}

/*
 * nginx says whether it ended TLS itself; under the name of dashboard_url it
 * is as that says, because another proxy may stand in front.
 */
static bool
is_secure(struct req *r)
{
	const char *https = param(r, "HTTPS");

	if (strcasecmp(https, "on") == 0 || strcmp(https, "1") == 0)
		return true;
	return r->app->secure && is_our_name(r);
}

unsigned
req_init(struct req *r, const struct app *app, struct store *s,
    const struct req_way *w)
{
	const char *q;

	memset(r, 0, sizeof(*r));
	r->app = app;
	r->store = s;
	r->way = w;
	r->status = 200;
	r->type = "text/html; charset=utf-8";
	r->path = "";
	buf_init(&r->head, HEAD_MAX);
	buf_init(&r->out, REQ_ANSWER_MAX);
	r->method = method_of(param(r, "REQUEST_METHOD"));
	r->is_head = strcmp(param(r, "REQUEST_METHOD"), "HEAD") == 0;
	r->host = param(r, "HTTP_HOST");
	r->address = param(r, "REMOTE_ADDR");
	r->agent = param(r, "HTTP_USER_AGENT");
	r->is_secure = is_secure(r);
	r->path = path_of(r);
	q = param(r, "QUERY_STRING");
	if (strlen(q) > 4096)
		return 414;
	return req_fields(r, q, strlen(q), &r->query);
}

void
req_free(struct req *r)
{
	struct req_block *b;

	for (; r->lasts != NULL; r->lasts = r->lasts->next)
		r->lasts->fn(r->lasts->arg);
	tpl_free(&r->page);
	buf_free(&r->head);
	buf_free(&r->out);
	while ((b = r->blocks) != NULL) {
		r->blocks = b->next;
		/* passwords and keys went through here */
		str_wipe(b->bytes, b->used);
		free(b);
	}
}

/* --- fields ---------------------------------------------------------------- */

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes the escapes of n bytes; NULL when it is no text then. */
static const char *
unescape(struct req *r, const char *p, size_t n)
{
	char *to = req_alloc(r, n + 1);
	size_t i, len = 0;
	int hi, lo;

	if (to == NULL)
		return NULL;
	for (i = 0; i < n; i++) {
		if (p[i] == '+') {
			to[len++] = ' ';
		} else if (p[i] != '%') {
			to[len++] = p[i];
		} else {
			if (n - i < 3 || (hi = hex(p[i + 1])) == -1 ||
			    (lo = hex(p[i + 2])) == -1)
				return NULL;
			to[len++] = (char)(hi << 4 | lo);
			i += 2;
		}
	}
	if (memchr(to, '\0', len) != NULL || !str_is_utf8(to, len))
		return NULL;
	return to;
}

static const struct req_field *
find(const struct req_fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->at[i].name, name) == 0)
			return &f->at[i];
	return NULL;
}

/* Adds the field of "name=value". */
static unsigned
add_field(struct req *r, const char *p, size_t n, struct req_fields *out)
{
	const char *eq = memchr(p, '=', n), *name, *value;
	size_t name_len = eq != NULL ? (size_t)(eq - p) : n;

	name = unescape(r, p, name_len);
	value = eq != NULL ? unescape(r, eq + 1, n - name_len - 1) : "";
	if (name == NULL || value == NULL || find(out, name) != NULL ||
	    find(&r->query, name) != NULL || out->n == REQ_FIELDS_MAX)
		return 400;
	out->at[out->n].name = name;
	out->at[out->n].value = value;
	out->n++;
	return 0;
}

unsigned
req_fields(struct req *r, const char *text, size_t n, struct req_fields *out)
{
	const char *end = text + n, *amp;
	size_t len;

	out->n = 0;
	if (n == 0)
		return 0;
	out->at = req_alloc(r, REQ_FIELDS_MAX * sizeof(out->at[0]));
	if (out->at == NULL)
		return 503;
	for (; text < end; text += len + 1) {
		amp = memchr(text, '&', (size_t)(end - text));
		len = (size_t)((amp != NULL ? amp : end) - text);
		if (len > 0 && add_field(r, text, len, out) != 0)
			return 400;
	}
	return 0;
}

bool
req_has(const struct req_fields *f, const char *name)
{
	return find(f, name) != NULL;
}

const char *
req_query(const struct req *r, const char *name)
{
	const struct req_field *f = find(&r->query, name);

	return f != NULL ? f->value : "";
}

const char *
req_form(const struct req *r, const char *name)
{
	const struct req_field *f = find(&r->form, name);

	return f != NULL ? f->value : "";
}

unsigned
req_read_body(struct req *r)
{
	const char *said = param(r, "CONTENT_LENGTH");
	uint64_t want = REQ_BODY_MAX + 1;
	char *to;
	long n;

	if (r->body != NULL)
		return 0;
	if (*said != '\0' && !str_number(said, 0, UINT64_MAX, &want))
		return 400;
	if (*said != '\0' && want > REQ_BODY_MAX)
		return 413;
	if ((to = req_alloc(r, (size_t)want + 1)) == NULL)
		return 503;
	while (r->body_len < want) {
		n = r->way->read(
		    r->way->arg, to + r->body_len, want - r->body_len);
		if (n < 0)
			return 400;
		if (n == 0)
			break;
		r->body_len += (size_t)n;
	}
	if (*said != '\0' && r->body_len < want)
		return 400;
	if (r->body_len > REQ_BODY_MAX)
		return 413;
	r->body = to;
	return 0;
}

unsigned
req_read_form(struct req *r)
{
	static const char form[] = "application/x-www-form-urlencoded";
	const char *type = req_header(r, "Content-Type");
	unsigned refused;
	size_t n;

	if ((refused = req_read_body(r)) != 0)
		return refused;
	if (r->body_len == 0)
		return 0;
	n = type != NULL ? strcspn(type, "; ") : 0;
	if (n != sizeof(form) - 1 || strncasecmp(type, form, n) != 0)
		return 415;
	return req_fields(r, r->body, r->body_len, &r->form);
}

/* --- whose page it was ------------------------------------------------------ */

/*
 * Our pages forbid referrers, and browsers then say "Origin: null" for their
 * forms; Sec-Fetch-Site tells the truth.  Programs that are no browsers send
 * neither, and for those the form's token is proof enough.
 */
bool
req_is_ours(struct req *r)
{
	const char *origin = req_header(r, "Origin");
	const char *site = req_header(r, "Sec-Fetch-Site");
	char *own =
	    req_text(r, "http%s://%s", r->is_secure ? "s" : "", r->host);

	if (site != NULL && strcmp(site, "same-origin") != 0)
		return false;
	if (origin == NULL)
		return true;
	if (strcmp(origin, "null") == 0)
		return site != NULL;
	if (is_our_name(r))
		own = req_text(
		    r, "http%s://%s", r->is_secure ? "s" : "", r->app->host);
	return strcasecmp(origin, own) == 0;
}

/* Nobody is signed in: a cookie of its own binds the forms to this browser. */
static const char *
seed(struct req *r)
{
	uint8_t bytes[SEED_BYTES];
	char text[2 * SEED_BYTES + 1];

	if (r->seed != NULL)
		return r->seed;
	r->seed = req_cookie(r, form_cookie);
	if (r->seed != NULL && strlen(r->seed) == SEED_LEN)
		return r->seed;
	if (random_bytes(bytes, sizeof(bytes), NULL) == -1) {
		r->no_memory = true;
		return "";
	}
	str_hex(text, bytes, sizeof(bytes));
	r->seed = req_copy(r, text, sizeof(text) - 1);
	req_set_cookie(r, form_cookie, r->seed, FORM_COOKIE_S);
	return r->seed;
}

const char *
req_token(struct req *r)
{
	char *text = req_text(r, "form:%s", seed(r));
	char digits[2 * TOKEN_BYTES + 1];
	uint8_t mac[32];

	random_hmac_sha256(
	    mac, r->app->key, sizeof(r->app->key), text, strlen(text));
	str_hex(digits, mac, TOKEN_BYTES);
	return req_copy(r, digits, sizeof(digits) - 1);
}

bool
req_token_is_good(struct req *r)
{
	const char *got = req_form(r, "token");
	const char *want;

	/* a browser that has no cookie has been shown no form */
	if (r->seed == NULL && req_cookie(r, form_cookie) == NULL)
		return false;
	want = req_token(r);
	return strlen(got) == TOKEN_LEN &&
	    str_equal_secret(got, want, TOKEN_LEN);
}

/* --- answering ------------------------------------------------------------- */

void
req_line(struct req *r, const char *name, const char *fmt, ...)
{
	va_list ap;
	char *value;

	va_start(ap, fmt);
	value = format(r, fmt, ap);
	va_end(ap);
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return;
	if (strcasecmp(name, "Cache-Control") == 0)
		r->cacheable = true;
	value = req_text(r, "%s: %s\r\n", name, value);
	if (buf_add(&r->head, value, strlen(value), NULL) == -1)
		r->no_memory = true;
}

void
req_write(struct req *r, const void *p, size_t n)
{
	if (buf_add(&r->out, p, n, NULL) == -1)
		r->no_memory = true;
}

void
req_go(struct req *r, const char *fmt, ...)
{
	va_list ap;
	char *path;

	va_start(ap, fmt);
	path = format(r, fmt, ap);
	va_end(ap);
	r->status = 303;
	req_line(r, "Location", "%s%s", r->app->base, path);
}

void
req_set_cookie(
    struct req *r, const char *name, const char *value, int64_t max_age)
{
	req_line(r, "Set-Cookie",
	    "%s%s%s=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
	    r->is_secure ? "__Host-adit" : "adit", *name ? "-" : "", name,
	    value, (long long)max_age, r->is_secure ? "; Secure" : "");
}

const char *
req_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *reason;
	} table[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 303, "See Other" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].reason;
	return "Error";
}

static void
wipe(struct buf *b)
{
	if (buf_len(b) > 0)
		str_wipe(buf_data(b), buf_len(b));
}

int
req_send(struct req *r)
{
	struct buf all;
	char *lines;
	int rc;

	if (r->no_memory) {
		buf_drop(&r->out, buf_len(&r->out));
		r->no_memory = false;
		r->status = 503;
		r->type = "text/plain; charset=utf-8";
		req_write(r, "Out of memory; try again.\n", 26);
	}
	buf_init(&all, REQ_ANSWER_MAX + 2 * HEAD_MAX);
	/* in one piece from the start: growing leaves copies */
	if (r->is_secret)
		(void)buf_room(&all, HEAD_MAX + buf_len(&r->out), NULL);
	lines =
	    req_text(r, "Status: %u %s\r\n", r->status, req_reason(r->status));
	/* 204 has no body, and nothing that would describe one */
	if (r->status != 204)
		lines =
		    req_text(r, "%sContent-Type: %s\r\nContent-Length: %zu\r\n",
			lines, r->type, buf_len(&r->out));
	lines = req_text(r, "%s%s%s", lines, fixed_lines,
	    r->cacheable ? "" : "Cache-Control: no-store\r\n");
	rc = buf_add(&all, lines, strlen(lines), NULL);
	if (rc == 0 && buf_len(&r->head) > 0)
		rc = buf_add(&all, buf_data(&r->head), buf_len(&r->head), NULL);
	if (rc == 0)
		rc = buf_add(&all, "\r\n", 2, NULL);
	if (rc == 0 && !r->is_head && buf_len(&r->out) > 0)
		rc = buf_add(&all, buf_data(&r->out), buf_len(&r->out), NULL);
	if (rc == 0)
		rc = r->way->write(r->way->arg, buf_data(&all), buf_len(&all));
	if (r->is_secret) {
		wipe(&all);
		wipe(&r->out);
	}
	buf_free(&all);
	return rc;
}
