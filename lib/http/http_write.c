#include "http/http_write.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <http_parser.h>

#include "base/buf.h"
#include "base/err.h"

/* A head that is being written; len > cap when it did not fit. */
struct writer {
	char *to;
	size_t cap;
	size_t len;
	bool bad; /* something would have ended its line */
};

static void put(struct writer *w, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
put(struct writer *w, const char *fmt, ...)
{
	size_t room = w->len < w->cap ? w->cap - w->len : 0;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? w->to + w->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		w->len += (size_t)n;
}

/* Text inside a line: no control characters but a tab. */
static const char *
inner(struct writer *w, const char *s)
{
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (((unsigned char)s[i] < 0x20 && s[i] != '\t') ||
		    s[i] == 0x7f)
			w->bad = true;
	return s;
}

/* A word that a space, a colon or nothing at all would break. */
static const char *
word(struct writer *w, const char *s)
{
	if (s[0] == '\0' || strpbrk(s, " \t") != NULL)
		w->bad = true;
	return inner(w, s);
}

static const char *
name(struct writer *w, const char *s)
{
	if (strchr(s, ':') != NULL)
		w->bad = true;
	return word(w, s);
}

static void
put_reply(struct writer *w, const void *what)
{
	const struct http_reply *r = what;
	size_t i;

	put(w, "HTTP/1.1 %u %s\r\n", r->status,
	    http_status_str((enum http_status)r->status));
	if (r->type != NULL)
		put(w, "Content-Type: %s\r\n", inner(w, r->type));
	for (i = 0; i < r->line_count; i++)
		put(w, "%s: %s\r\n", name(w, r->lines[i].name),
		    inner(w, r->lines[i].value));
	if (r->status >= 200 && r->status != 204)
		put(w, "Content-Length: %zu\r\n", r->body_len);
	if (r->close)
		put(w, "Connection: close\r\n");
	put(w, "\r\n");
}

/*
 * Head and body into to, or nothing: the head is written twice, to measure it
 * and, when there is room for all, to keep it.
 */
static int
append(struct buf *to, void (*put_head)(struct writer *, const void *),
    const void *what, const void *body, size_t body_len, struct err *e)
{
	struct writer w = { 0 };
	uint8_t *p;
	size_t head;

	put_head(&w, what);
	if (w.bad)
		return err_set(e, "a header would break its line");
	head = w.len;
	if ((p = buf_room(to, head + 1 + body_len, e)) == NULL)
		return -1;
	w = (struct writer){ .to = (char *)p, .cap = head + 1 };
	put_head(&w, what);
	if (body_len > 0)
		memcpy(p + head, body, body_len);
	buf_added(to, head + body_len);
	return 0;
}

int
http_write_reply(struct buf *to, const struct http_reply *r, struct err *e)
{
	bool sent = !r->head_only && r->status >= 200 && r->status != 204 &&
	    r->status != 304;

	return append(to, put_reply, r, r->body, sent ? r->body_len : 0, e);
}

struct request {
	const char *method;
	const char *target;
	const char *host;
	size_t body_len;
};

static void
put_request(struct writer *w, const void *what)
{
	const struct request *r = what;

	put(w, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n",
	    word(w, r->method), word(w, r->target), word(w, r->host));
	if (r->body_len > 0)
		put(w,
		    "Content-Type: application/json\r\n"
		    "Content-Length: %zu\r\n",
		    r->body_len);
	put(w, "\r\n");
}

int
http_write_request(struct buf *to, const char *method, const char *target,
    const char *host, const void *body, size_t body_len, struct err *e)
{
	struct request r = { method, target, host, body_len };

	return append(to, put_request, &r, body, body_len, e);
}

struct ask {
	const char *method;
	const char *target;
	const char *host;
	const struct http_line *lines;
	size_t line_count;
};

static void
put_ask(struct writer *w, const void *what)
{
	const struct ask *a = what;
	size_t i;

	put(w, "%s %s HTTP/1.1\r\nHost: %s\r\n", word(w, a->method),
	    word(w, a->target), word(w, a->host));
	for (i = 0; i < a->line_count; i++)
		put(w, "%s: %s\r\n", name(w, a->lines[i].name),
		    inner(w, a->lines[i].value));
	put(w, "\r\n");
}

int
http_write_ask(struct buf *to, const char *method, const char *target,
    const char *host, const struct http_line *lines, size_t line_count,
    struct err *e)
{
	struct ask a = { method, target, host, lines, line_count };

	return append(to, put_ask, &a, NULL, 0, e);
}
