/*
 * http_write: whole HTTP/1.1 messages into a buf.
 */
#ifndef HTTP_HTTP_WRITE_H
#define HTTP_HTTP_WRITE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

struct http_line {
	const char *name;
	const char *value;
};

struct http_reply {
	unsigned status;
	const char *type;              /* of the body; NULL: no Content-Type */
	const struct http_line *lines; /* further headers */
	size_t line_count;
	const void *body;
	size_t body_len;
	bool head_only; /* it answers HEAD: the body is measured, not sent */
	bool close;     /* no further request is read */
};

/*
 * Appends the reply, with Content-Length and, when close is set, Connection:
 * close.  -1, and nothing appended, when a header holds what would end its
 * line, or to cannot hold it all.
 */
int http_write_reply(struct buf *to, const struct http_reply *r, struct err *e);

/*
 * Appends a request for one answer (Connection: close).  A body, when there is
 * one, is of type application/json.
 */
int http_write_request(struct buf *to, const char *method, const char *target,
    const char *host, const void *body, size_t body_len, struct err *e);

/* A request without a body, with just these headers besides Host. */
int http_write_ask(struct buf *to, const char *method, const char *target,
    const char *host, const struct http_line *lines, size_t line_count,
    struct err *e);

#endif
