/*
 * http: one HTTP/1.1 message at a time, read from bytes that may be cut
 * anywhere.  The head is gathered whole, held against http_check's rules and
 * given to http-parser; the body is measured here.  No sockets, no time: who
 * feeds it sets the deadlines.
 *
 * What http-parser lets pass and two programs could read in two ways is
 * refused: a bare CR or LF, a space before the colon, folded lines, control
 * characters, two Hosts or a wrong one, an absolute target that differs from
 * Host, several Content-Length, Transfer-Encoding that is not "chunked" alone
 * or stands beside Content-Length, chunks that are not written exactly.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct http;

enum http_side {
	HTTP_SIDE_REQUEST = 1,
	HTTP_SIDE_RESPONSE = 2,
};

struct http_limits {
	size_t head_max;    /* bytes of the head, at most 65,536 */
	unsigned lines_max; /* lines of the head, the first one too */
	size_t body_max;    /* bytes of the body */
};

/* 32 kB, 100 lines, 64 kB of body. */
extern const struct http_limits http_usual;

/* A reader of messages of one side.  Copies *l. */
struct http *http_new(
    enum http_side side, const struct http_limits *l, struct err *e);
void http_free(struct http **h);

/* Forgets the message; the next one may be fed. */
void http_reset(struct http *h);

/* To be said before a response is fed: it answers HEAD and has no body. */
void http_answers_head(struct http *h);

/*
 * Reads on: 1 when the message is whole, 0 when more must come, -1 with the
 * reason when it is refused (nothing of it may then be used, and the
 * connection is to be closed).  *used_out says how many of the n bytes belong
 * to this message; the rest is the caller's: a next request that came early,
 * or, behind an upgrade, the other protocol.
 */
int http_feed(
    struct http *h, const void *p, size_t n, size_t *used_out, struct err *e);

/*
 * The other side has closed: 1 when the message is whole (a response may last
 * until then), 0 when nothing of one had come, -1 when it was cut.
 */
int http_end(struct http *h, struct err *e);

/* After -1: the status that answers it (400, 413, 431, 500, 501, 505). */
unsigned http_refusal(const struct http *h);

/* The head has been read; all questions below may be asked from now on. */
bool http_has_head(const struct http *h);

/* What these return lives until http_reset() or http_free(). */

const char *http_method(const struct http *h); /* "GET"; "" in a response */
unsigned http_status(const struct http *h);    /* 200; 0 in a request */

/*
 * The path as it was sent, escapes and all: "/live"; "*" of OPTIONS.  It
 * begins with '/' even when the target was absolute.
 */
const char *http_path(const struct http *h);

/* What stood behind '?', as it was sent; "" when there was none. */
const char *http_query(const struct http *h);

/*
 * The value of the first NAME=VALUE in the query, its escapes undone, as text:
 * 1, or 0 when there is none, or -1 when it is no text or longer than cap - 1.
 */
int http_query_get(const struct http *h, const char *name, char *to, size_t cap,
    struct err *e);

/* The first header of this name, without spaces around it; NULL: none. */
const char *http_header(const struct http *h, const char *name);

/* The i-th header line; false when there are not so many. */
bool http_header_at(const struct http *h, size_t i, const char **name_out,
    const char **value_out);

/* A list like that of Connection names this word, in any case of letters. */
bool http_header_has(const struct http *h, const char *name, const char *word);

/* The body so far, and how many bytes. */
const void *http_body(const struct http *h, size_t *n_out);

/* Another message may follow on this connection. */
bool http_keep_alive(const struct http *h);

/* The request asks for another protocol (Upgrade, named in Connection). */
bool http_upgrades(const struct http *h);

#endif
