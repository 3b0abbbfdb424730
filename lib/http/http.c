#include "http/http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/http_chunk.h"

enum {
	HEAD_MAX = 65536,   /* below what http-parser was built for */
	LENGTH_DIGITS = 18, /* digits of Content-Length */
};

enum state {
	IN_HEAD,
	IN_LENGTH, /* left bytes of body are to come */
	IN_CHUNKS, /* chunks says where */
	IN_REST,   /* all that comes is body, until the connection ends */
	WHOLE,
	REFUSED,
};

/* Lengths serve while the head is parsed; then NUL ends both. */
struct line {
	char *name;
	char *value;
	size_t name_len;
	size_t value_len;
};

struct http {
	enum http_side side;
	struct http_limits limits;
	enum state state;
	struct buf head;
	struct buf body;
	bool answers_head;
	unsigned refusal;

	/* the head while it comes */
	unsigned head_lines;
	size_t line_len;
	bool cr; /* the last byte was CR */

	/* the head when it is there; all point into head */
	const char *method;
	char *target;
	size_t target_len;
	const char *path;
	const char *query;
	struct line *lines; /* limits.lines_max of them */
	size_t line_count;
	unsigned status;
	unsigned minor;
	bool keep_alive;
	bool upgrade;

	/* the body while it comes */
	uint64_t left; /* bytes of a body with a length */
	struct http_chunks chunks;
};

const struct http_limits http_usual = {
	.head_max = 32768,
	.lines_max = 100,
	.body_max = 65536,
};

static int
refuse(struct http *h, unsigned status, const char *why, struct err *e)
{
	h->state = REFUSED;
	h->refusal = status;
	return err_set(e, "%s", why);
}

struct http *
http_new(enum http_side side, const struct http_limits *l, struct err *e)
{
	struct http *h;

	if ((h = calloc(1, sizeof(*h))) == NULL) {
		err_sys(e, "http");
		return NULL;
	}
	h->side = side;
	h->limits = *l;
	if (h->limits.head_max > HEAD_MAX)
		h->limits.head_max = HEAD_MAX;
	buf_init(&h->head, h->limits.head_max);
	buf_init(&h->body, h->limits.body_max);
	h->lines = calloc(h->limits.lines_max + 1, sizeof(*h->lines));
	if (h->lines == NULL) {
		err_sys(e, "http");
		http_free(&h);
		return NULL;
	}
	http_reset(h);
	return h;
}

void
http_free(struct http **h)
{
	if (*h == NULL)
		return;
	buf_free(&(*h)->head);
	buf_free(&(*h)->body);
	free((*h)->lines);
	free(*h);
	*h = NULL;
}

void
http_reset(struct http *h)
{
	struct http fresh = {
		.side = h->side,
		.limits = h->limits,
		.state = IN_HEAD,
		.method = "",
		.lines = h->lines,
		.chunks = { .trailers_max = h->limits.head_max },
	};

	buf_free(&h->head);
	buf_free(&h->body);
	*h = fresh;
	buf_init(&h->head, h->limits.head_max);
	buf_init(&h->body, h->limits.body_max);
}

void
http_answers_head(struct http *h)
{
	h->answers_head = true;
}

/* --- http_check: the head's bytes ---------------------------------------- */

static bool
is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static size_t
token_len(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && is_token(p[i]); i++)
		;
	return i;
}

/* "HTTP/1.0" or "HTTP/1.1", and which. */
static int
check_version(struct http *h, const char *p, struct err *e)
{
	if (memcmp(p, "HTTP/", 5) != 0 || p[6] != '.')
		return refuse(h, 400, "the first line is not HTTP", e);
	if (p[5] != '1' || (p[7] != '0' && p[7] != '1'))
		return refuse(h, 505, "only HTTP/1.0 and 1.1 are spoken", e);
	h->minor = (unsigned)(p[7] - '0');
	return 0;
}

/* METHOD SP target SP HTTP/1.x, n bytes without the line's end. */
static int
check_request_line(struct http *h, const char *p, size_t n, struct err *e)
{
	size_t i = token_len(p, n), start = i + 1;

	if (i == 0 || i == n || p[i] != ' ')
		return refuse(h, 400, "the method is malformed", e);
	for (i = start; i < n && p[i] > 0x20 && p[i] < 0x7f && p[i] != '#'; i++)
		;
	if (i == start || i == n || p[i] != ' ')
		return refuse(h, 400, "the target is malformed", e);
	if (n - i - 1 != 8)
		return refuse(h, 400, "the first line is not HTTP", e);
	return check_version(h, p + i + 1, e);
}

/* HTTP/1.x SP 3 digits [SP words]. */
static int
check_status_line(struct http *h, const char *p, size_t n, struct err *e)
{
	size_t i;

	if (n < 12)
		return refuse(h, 400, "the first line is not HTTP", e);
	if (check_version(h, p, e) < 0)
		return -1;
	for (i = 9; i < 12; i++)
		if (p[i] < (i == 9 ? '1' : '0') || p[i] > '9')
			break;
	if (p[8] != ' ' || i != 12 || (n > 12 && p[12] != ' '))
		return refuse(h, 400, "the status is malformed", e);
	for (; i < n; i++)
		if (is_control(p[i]))
			return refuse(h, 400, "a control character", e);
	return 0;
}

static int
check_header_line(struct http *h, const char *p, size_t n, struct err *e)
{
	size_t i = token_len(p, n);

	if (p[0] == ' ' || p[0] == '\t')
		return refuse(h, 400, "a folded header", e);
	if (i == 0 || i == n || p[i] != ':')
		return refuse(h, 400, "a header's name is malformed", e);
	for (i++; i < n; i++)
		if (is_control(p[i]))
			return refuse(
			    h, 400, "a control character in a header", e);
	return 0;
}

/* Every line of the head; that they end in CR LF is known already. */
static int
check_lines(struct http *h, const char *p, struct err *e)
{
	size_t n = strcspn(p, "\r");

	if (h->side == HTTP_SIDE_REQUEST ? check_request_line(h, p, n, e) < 0
					 : check_status_line(h, p, n, e) < 0)
		return -1;
	for (p += n + 2; (n = strcspn(p, "\r")) > 0; p += n + 2)
		if (check_header_line(h, p, n, e) < 0)
			return -1;
	return 0;
}

/* --- http-parser: what the lines say ------------------------------------- */

/* http-parser hands back what it was given: our own memory. */
static char *
writable(const char *at)
{
	return (char *)(uintptr_t)at;
}

static int
on_url(http_parser *p, const char *at, size_t n)
{
	struct http *h = p->data;

	h->target = writable(at);
	h->target_len = n;
	return 0;
}

static int
on_name(http_parser *p, const char *at, size_t n)
{
	struct http *h = p->data;

	if (h->line_count == h->limits.lines_max)
		return -1;
	h->lines[h->line_count].name = writable(at);
	h->lines[h->line_count].name_len = n;
	return 0;
}

static int
on_value(http_parser *p, const char *at, size_t n)
{
	struct http *h = p->data;

	h->lines[h->line_count].value = writable(at);
	h->lines[h->line_count].value_len = n;
	h->line_count++;
	return 0;
}

static int
on_head(http_parser *p)
{
	struct http *h = p->data;

	h->keep_alive = http_should_keep_alive(p) != 0;
	h->upgrade = p->upgrade != 0;
	if (h->side == HTTP_SIDE_REQUEST)
		h->method = http_method_str((enum http_method)p->method);
	else
		h->status = p->status_code;
	return 1; /* the body is not its business */
}

/* An empty value is told with a place that belongs to the next line. */
static void
end_value(struct line *l)
{
	static char none[] = "";
	size_t n = l->value_len;

	while (n > 0 && (l->value[n - 1] == ' ' || l->value[n - 1] == '\t'))
		n--;
	if (n == 0)
		l->value = none;
	else
		l->value[n] = '\0';
}

/* Puts NUL behind each part of the head, now that it has been parsed. */
static void
end_parts(struct http *h)
{
	size_t i;

	for (i = 0; i < h->line_count; i++) {
		h->lines[i].name[h->lines[i].name_len] = '\0';
		end_value(&h->lines[i]);
	}
	if (h->target != NULL)
		h->target[h->target_len] = '\0';
}

static int
parse(struct http *h, size_t n, struct err *e)
{
	static const http_parser_settings settings = {
		.on_url = on_url,
		.on_header_field = on_name,
		.on_header_value = on_value,
		.on_headers_complete = on_head,
	};
	http_parser p;
	enum http_errno why;

	http_parser_init(
	    &p, h->side == HTTP_SIDE_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE);
	p.data = h;
	http_parser_execute(&p, &settings, (char *)buf_data(&h->head), n);
	why = HTTP_PARSER_ERRNO(&p);
	if (why == HPE_INVALID_METHOD)
		return refuse(h, 501, "the method is not known", e);
	if (why != HPE_OK)
		return refuse(h, 400, http_errno_description(why), e);
	end_parts(h);
	return 0;
}

/* --- http_check: the head's meaning -------------------------------------- */

static size_t
header_count(const struct http *h, const char *name)
{
	size_t i, n = 0;

	for (i = 0; i < h->line_count; i++)
		if (strcasecmp(h->lines[i].name, name) == 0)
			n++;
	return n;
}

/* host, host:port or [address]:port; nothing that begins another part. */
static bool
is_host(const char *s)
{
	return s[0] != '\0' && s[strcspn(s, " \t,/\\?#@\"<>{}|^`;")] == '\0';
}

static int
check_host(struct http *h, struct err *e)
{
	size_t n = header_count(h, "host");
	const char *p;

	if (n > 1)
		return refuse(h, 400, "more than one Host", e);
	if (n == 0 && h->minor >= 1)
		return refuse(h, 400, "Host is missing", e);
	if (n == 0)
		return 0;
	for (p = http_header(h, "host"); *p != '\0'; p++)
		if ((unsigned char)*p >= 0x7f)
			return refuse(h, 400, "Host is malformed", e);
	if (!is_host(http_header(h, "host")))
		return refuse(h, 400, "Host is malformed", e);
	return 0;
}

/* http://HOST/path: its HOST is Host.  Leaves path at the '/', if any. */
static int
check_absolute(struct http *h, char **path, struct err *e)
{
	const char *host = http_header(h, "host");
	char *p = strstr(*path, "://");
	size_t n;

	if (p == NULL ||
	    (strncasecmp(*path, "http://", 7) != 0 &&
		strncasecmp(*path, "https://", 8) != 0))
		return refuse(h, 400, "the target is no path", e);
	p += 3;
	n = strcspn(p, "/?");
	if (host == NULL || n != strlen(host) || strncasecmp(p, host, n) != 0)
		return refuse(h, 400, "the target's host is not Host", e);
	*path = p + n;
	return 0;
}

/* Splits the target into path and query. */
static int
check_target(struct http *h, struct err *e)
{
	char *p = h->target;

	if (strcmp(h->method, "CONNECT") == 0)
		return refuse(h, 501, "CONNECT is not served", e);
	if (strcmp(p, "*") == 0 && strcmp(h->method, "OPTIONS") != 0)
		return refuse(h, 400, "the target is no path", e);
	if (*p != '/' && strcmp(p, "*") != 0 && check_absolute(h, &p, e) < 0)
		return -1;
	h->path = *p == '\0' || *p == '?' ? "/" : p;
	h->query = "";
	p += strcspn(p, "?");
	if (*p == '?') {
		*p = '\0';
		h->query = p + 1;
	}
	return 0;
}

/* Content-Length: digits only, few enough; 0 when there is none. */
static int
read_length(struct http *h, struct err *e)
{
	const char *v = http_header(h, "content-length");

	h->left = 0;
	if (v == NULL)
		return 0;
	if (header_count(h, "content-length") > 1)
		return refuse(h, 400, "more than one Content-Length", e);
	if (strlen(v) > LENGTH_DIGITS ||
	    !str_number(v, 0, UINT64_MAX, &h->left))
		return refuse(h, 400, "Content-Length is no number", e);
	return 0;
}

static bool
has_no_body(const struct http *h)
{
	if (h->side == HTTP_SIDE_REQUEST)
		return false;
	return h->answers_head || h->status < 200 || h->status == 204 ||
	    h->status == 304;
}

/* How the body ends: one way only, and the one that both sides will see. */
static int
check_body(struct http *h, struct err *e)
{
	const char *te = http_header(h, "transfer-encoding");
	bool length = http_header(h, "content-length") != NULL;

	if (te != NULL && length)
		return refuse(
		    h, 400, "Transfer-Encoding beside Content-Length", e);
	if (te != NULL &&
	    (header_count(h, "transfer-encoding") > 1 || h->minor == 0))
		return refuse(h, 400, "Transfer-Encoding is malformed", e);
	if (te != NULL && strcasecmp(te, "chunked") != 0)
		return refuse(h, 501, "only chunked is understood", e);
	if (read_length(h, e) < 0)
		return -1;
	if (has_no_body(h))
		h->state = WHOLE;
	else if (te != NULL)
		h->state = IN_CHUNKS;
	else if (length || h->side == HTTP_SIDE_REQUEST)
		h->state = h->left > 0 ? IN_LENGTH : WHOLE;
	else
		h->state = IN_REST;
	if (h->state == IN_REST)
		h->keep_alive = false;
	if (h->state == IN_LENGTH && h->left > h->limits.body_max)
		return refuse(h, 413, "the body is too long", e);
	return 0;
}

/* The head is there: n bytes, the empty line included. */
static int
read_head(struct http *h, struct err *e)
{
	size_t n = buf_len(&h->head);

	if (check_lines(h, (char *)buf_data(&h->head), e) < 0 ||
	    parse(h, n, e) < 0)
		return -1;
	if (h->side == HTTP_SIDE_REQUEST &&
	    (check_host(h, e) < 0 || check_target(h, e) < 0))
		return -1;
	return check_body(h, e);
}

/* --- feeding ------------------------------------------------------------- */

/* One byte of the head: 1 when it was the last, 0, or -1. */
static int
head_byte(struct http *h, char c, struct err *e)
{
	if (c == '\0')
		return refuse(h, 400, "a control character", e);
	if (h->cr != (c == '\n'))
		return refuse(h, 400, "a line that does not end in CR LF", e);
	h->cr = c == '\r';
	if (c != '\n') {
		h->line_len += !h->cr;
		return 0;
	}
	if (h->line_len == 0 && h->head_lines == 0)
		return refuse(h, 400, "the first line is empty", e);
	if (h->line_len == 0)
		return 1;
	if (++h->head_lines > h->limits.lines_max)
		return refuse(h, 431, "the head has too many lines", e);
	h->line_len = 0;
	return 0;
}

/* Each feeder returns the bytes it took, or -1. */
static long
feed_head(struct http *h, const char *p, size_t n, struct err *e)
{
	size_t i, room = h->limits.head_max - buf_len(&h->head);
	int rc = 0;

	for (i = 0; rc == 0 && i < n && i < room; i++)
		if ((rc = head_byte(h, p[i], e)) < 0)
			return -1;
	if (rc == 0 && i == room)
		return refuse(h, 431, "the head is too long", e);
	if (buf_add(&h->head, p, i, e) < 0) {
		h->state = REFUSED;
		h->refusal = 500;
		return -1;
	}
	if (rc == 1 && read_head(h, e) < 0)
		return -1;
	return (long)i;
}

static int
add_body(struct http *h, const char *p, size_t n, struct err *e)
{
	if (n > h->limits.body_max - buf_len(&h->body))
		return refuse(h, 413, "the body is too long", e);
	if (buf_add(&h->body, p, n, e) < 0) {
		h->state = REFUSED;
		h->refusal = 500;
		return -1;
	}
	return 0;
}

/* As much of n as is left of the body. */
static long
feed_left(struct http *h, const char *p, size_t n, struct err *e)
{
	if (n > h->left)
		n = (size_t)h->left;
	if (add_body(h, p, n, e) < 0)
		return -1;
	h->left -= n;
	return (long)n;
}

static long
feed_chunks(struct http *h, const char *p, size_t n, struct err *e)
{
	unsigned refusal = 400;
	size_t data;
	long took = http_chunks_feed(&h->chunks, p, n, &data, &refusal, e);

	if (took < 0) {
		h->state = REFUSED;
		h->refusal = refusal;
		return -1;
	}
	if (data > 0 && add_body(h, p, data, e) < 0)
		return -1;
	if (h->chunks.state == CHUNK_DONE)
		h->state = WHOLE;
	return took;
}

static long
feed_some(struct http *h, const char *p, size_t n, struct err *e)
{
	long took;

	switch (h->state) {
	case IN_HEAD:
		return feed_head(h, p, n, e);
	case IN_LENGTH:
		took = feed_left(h, p, n, e);
		if (took >= 0 && h->left == 0)
			h->state = WHOLE;
		return took;
	case IN_CHUNKS:
		return feed_chunks(h, p, n, e);
	case IN_REST:
		return add_body(h, p, n, e) < 0 ? -1 : (long)n;
	case WHOLE:
	case REFUSED:
		break;
	}
	return err_set(e, "the message was refused before");
}

int
http_feed(struct http *h, const void *bytes, size_t n, size_t *used_out,
    struct err *e)
{
	const char *p = bytes;
	size_t used = 0;
	long took;

	*used_out = 0;
	if (h->state == REFUSED)
		return err_set(e, "the message was refused before");
	while (used < n && h->state != WHOLE) {
		if ((took = feed_some(h, p + used, n - used, e)) < 0)
			return -1;
		used += (size_t)took;
	}
	*used_out = used;
	return h->state == WHOLE ? 1 : 0;
}

int
http_end(struct http *h, struct err *e)
{
	if (h->state == IN_REST)
		h->state = WHOLE;
	if (h->state == WHOLE)
		return 1;
	if (h->state == IN_HEAD && buf_len(&h->head) == 0)
		return 0;
	return refuse(h, 400, "the message was cut", e);
}

/* --- questions ----------------------------------------------------------- */

unsigned
http_refusal(const struct http *h)
{
	return h->refusal;
}

bool
http_has_head(const struct http *h)
{
	return h->state != IN_HEAD && h->state != REFUSED;
}

const char *
http_method(const struct http *h)
{
	return h->method;
}

unsigned
http_status(const struct http *h)
{
	return h->status;
}

const char *
http_path(const struct http *h)
{
	return h->path == NULL ? "" : h->path;
}

const char *
http_query(const struct http *h)
{
	return h->query == NULL ? "" : h->query;
}

/* Two hex digits. */
static bool
unhex(char *out, const char *from)
{
	const char pair[] = { from[0], from[1], '\0' };

	return str_unhex(out, 1, pair);
}

/* Undoes %XX and '+' in n bytes; false when that is no text or too long. */
static bool
unescape(char *to, size_t cap, const char *from, size_t n)
{
	size_t i, len = 0;
	char c;

	for (i = 0; i < n; i++) {
		c = from[i] == '+' ? ' ' : from[i];
		if (c == '%') {
			if (n - i < 3 || !unhex(&c, from + i + 1))
				return false;
			i += 2;
		}
		if (len + 1 >= cap)
			return false;
		to[len++] = c;
	}
	to[len] = '\0';
	return str_is_text(to, len);
}

int
http_query_get(
    const struct http *h, const char *name, char *to, size_t cap, struct err *e)
{
	size_t len = strlen(name), n;
	const char *p;

	for (p = http_query(h); *p != '\0'; p += n + (p[n] == '&')) {
		n = strcspn(p, "&");
		if (n <= len || strncmp(p, name, len) != 0 || p[len] != '=')
			continue;
		if (!unescape(to, cap, p + len + 1, n - len - 1))
			return err_set(e, "%s in the query is malformed", name);
		return 1;
	}
	return 0;
}

const char *
http_header(const struct http *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->line_count; i++)
		if (strcasecmp(h->lines[i].name, name) == 0)
			return h->lines[i].value;
	return NULL;
}

bool
http_header_at(const struct http *h, size_t i, const char **name_out,
    const char **value_out)
{
	if (i >= h->line_count)
		return false;
	*name_out = h->lines[i].name;
	*value_out = h->lines[i].value;
	return true;
}

static bool
list_has(const char *list, const char *word)
{
	size_t n, len = strlen(word);

	for (;; list += n) {
		list += strspn(list, " \t,");
		if (*list == '\0')
			return false;
		n = strcspn(list, " \t,");
		if (n == len && strncasecmp(list, word, n) == 0)
			return true;
	}
}

bool
http_header_has(const struct http *h, const char *name, const char *word)
{
	size_t i;

	for (i = 0; i < h->line_count; i++)
		if (strcasecmp(h->lines[i].name, name) == 0 &&
		    list_has(h->lines[i].value, word))
			return true;
	return false;
}

const void *
http_body(const struct http *h, size_t *n_out)
{
	*n_out = buf_len(&h->body);
	return *n_out == 0 ? (const void *)"" : buf_data(&h->body);
}

bool
http_keep_alive(const struct http *h)
{
	return h->keep_alive;
}

bool
http_upgrades(const struct http *h)
{
	return h->upgrade;
}
