/*
 * http_server: answers HTTP/1.1 on a socket in the file system, from one
 * thread.  An answer is made whole, from what is in memory, at once or a little
 * later; or its handler takes the socket over.  A connection has a deadline for
 * each request and for taking each answer; who is too slow is cut, and counted.
 */
#ifndef RELAYD_HTTP_SERVER_H
#define RELAYD_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct http;
struct http_server;
struct loop;

enum {
	HTTP_SERVER_HEAD_MAX = 16384,     /* bytes of a request's head */
	HTTP_SERVER_ANSWER_MAX = 4 << 20, /* bytes of one body */
	HTTP_SERVER_HELD_MAX = 16 << 20,  /* bytes of all that wait */
};

/* What a handler fills.  It is 200, text, and empty when it is handed over. */
struct http_answer {
	unsigned status;
	const char *type;
	struct buf body;
	uint64_t call; /* names this request */
	/* http_server_answer() will bring the answer: leave the rest alone. */
	bool is_later;
	/*
	 * When it is set, nothing is sent and the connection is no longer the
	 * server's: take is called with the socket, which is its own from then
	 * on.
	 */
	void (*take)(void *arg, int fd);
	void *take_arg;
};

/*
 * Answers req, whose words live until it returns.  A body that could not be
 * written whole is the handler's to answer with 500.
 */
typedef void http_server_fn(
    void *arg, const struct http *req, struct http_answer *a);

struct http_route {
	const char *method; /* "GET" answers HEAD too */
	const char *path;
	http_server_fn *fn;
};

struct http_server_limits {
	uint32_t connections; /* at a time; further ones hear 503 */
	uint32_t request_ms;  /* for a whole request to arrive */
	uint32_t idle_ms;     /* between requests, and to take an answer */
};

struct http_server_options {
	const char *path;
	unsigned mode;
	const char *group; /* NULL: as it comes */
	struct http_server_limits limits;
	const struct http_route *routes; /* borrowed */
	size_t route_n;
	void *arg; /* of the handlers */
};

struct http_server_counts {
	uint64_t connections_now;
	uint64_t requests;
	uint64_t refused; /* no room for one more connection or answer */
	uint64_t bad;     /* requests that were no good HTTP */
	uint64_t late;    /* too slow to ask or to take the answer */
};

/* Listens; NULL also when another program answers at this path. */
struct http_server *http_server_open(
    struct loop *l, const struct http_server_options *o, struct err *e);

/* Cuts what is open; the socket goes.  Leaves NULL; NULL is welcome. */
void http_server_close(struct http_server **s);

/* From now on. */
void http_server_retune(
    struct http_server *s, const struct http_server_limits *l);

const struct http_server_counts *http_server_counts(
    const struct http_server *s);

/*
 * An empty answer to be filled for http_server_answer(), which sends it to who
 * made this call, frees its body, and does no more when nobody waits for it.
 */
void http_answer_init(struct http_answer *a);
void http_server_answer(
    struct http_server *s, uint64_t call, struct http_answer *a);

/* Makes the answer this status, and text as its one line. */
void http_answer_text(struct http_answer *a, unsigned status, const char *text);

/* The number of a group that may use a socket; NULL is none, -1. */
int http_server_group(const char *name, long *gid_out, struct err *e);

#endif
