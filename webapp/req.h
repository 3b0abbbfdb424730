/*
 * req: one request and its answer, whichever way it came (FastCGI or CGI).
 * Belongs to one thread.  Everything that it hands out lives until
 * req_free(); functions that make text never return NULL: without memory they
 * return "" and the answer becomes 503.
 */
#ifndef WEBAPP_REQ_H
#define WEBAPP_REQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store_user.h"
#include "store/store_web.h"

struct api;
struct app;
struct store;
struct tpl;

enum {
	REQ_BODY_MAX = 65536,
	REQ_FIELDS_MAX = 200,
	REQ_ANSWER_MAX = 8 << 20,
	REQ_WORDS_MAX = 2,
};

enum req_method {
	REQ_GET, /* HEAD is a GET whose body is not sent */
	REQ_POST,
	REQ_PUT,
	REQ_PATCH,
	REQ_DELETE,
	REQ_OTHER,
};

/* The way in and out; arg is its own. */
struct req_way {
	/* A CGI variable, or NULL. */
	const char *(*param)(void *arg, const char *name);
	/* Up to n bytes of the body: how many, 0 at the end, -1. */
	long (*read)(void *arg, void *p, size_t n);
	/* All n bytes, or -1. */
	int (*write)(void *arg, const void *p, size_t n);
	void *arg;
};

struct req_field {
	const char *name;
	const char *value;
};

struct req_fields {
	struct req_field *at;
	size_t n;
};

struct req {
	const struct app *app;
	struct store *store; /* this thread's; NULL when it cannot be opened */
	const struct req_way *way;
	struct req_block *blocks;
	struct req_last *lasts;
	bool no_memory;

	enum req_method method;
	bool is_head;
	const char *path;    /* below dashboard_url's, begins with '/' */
	const char *host;    /* as the browser named us; "" when it did not */
	bool is_secure;      /* the browser speaks TLS */
	const char *address; /* of the browser */
	const char *agent;
	struct req_fields query;
	struct req_fields form; /* filled by req_read_form() */
	const char *body;       /* filled by req_read_body() */
	size_t body_len;

	/* What the route's pattern found, in order. */
	int64_t id[REQ_WORDS_MAX];
	const char *word[REQ_WORDS_MAX];

	/* Who asks.  user.id is 0 while nobody is signed in. */
	struct user user;
	struct web_session session; /* id 0: by an API key, or nobody */
	bool may_write;
	const char *seed; /* what form tokens are bound to */

	/* The change that is being made (step.h). */
	bool unnoted; /* the audit trail lacks a line of it */
	int64_t hush; /* whose streams of events end with it; 0: nobody's */

	/* The answer. */
	unsigned status;
	const char *type;
	struct buf head; /* further header lines */
	struct buf out;
	bool cacheable; /* its handler has set Cache-Control */
	bool is_raw;    /* the body is no page of ours: no script at all */
	bool is_secret; /* nothing of the body is left in memory */
	struct tpl *page;
	struct api *api; /* while a handler of the API runs */
};

/*
 * Reads the variables of a request.  0, or the status with which it is to be
 * refused (400, 414); r can be answered and must be freed either way.
 */
unsigned req_init(struct req *r, const struct app *app, struct store *s,
    const struct req_way *w);
void req_free(struct req *r);

/* Sends the answer with the headers that every answer has. */
int req_send(struct req *r);

/* --- asking ---------------------------------------------------------------- */

/* A header of the request, "Content-Type" say; NULL when it is not there. */
const char *req_header(struct req *r, const char *name);

/* A cookie's value, or NULL. */
const char *req_cookie(struct req *r, const char *name);

/* A value, or "" when it is not there. */
const char *req_query(const struct req *r, const char *name);
const char *req_form(const struct req *r, const char *name);

/* Was it sent at all? */
bool req_has(const struct req_fields *f, const char *name);

/* Reads the body: 0, or the status that refuses it (400, 413). */
unsigned req_read_body(struct req *r);

/* Reads it as a form: 0 or 400, 413, 415. */
unsigned req_read_form(struct req *r);

/*
 * Takes "a=1&b=2" apart: 0, or 400 when a name stands twice, a value is no
 * UTF-8 or has a NUL, or there are too many.  text is the caller's.
 */
unsigned req_fields(
    struct req *r, const char *text, size_t n, struct req_fields *out);

/* Does the request come from a page of ours?  Asked of all that changes. */
bool req_is_ours(struct req *r);

/* Is the name that the browser calls us by one of ours? */
bool req_is_host(const struct req *r);

/* The token that forms on this page carry; and whether the form's is good. */
const char *req_token(struct req *r);
bool req_token_is_good(struct req *r);

/* --- answering ------------------------------------------------------------- */

/* "Not Found" */
const char *req_reason(unsigned status);

/* Adds a header line; what would break it is left out. */
void req_line(struct req *r, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Appends to the body. */
void req_write(struct req *r, const void *p, size_t n);

/* 303 to a path of ours, which begins with '/'. */
void req_go(struct req *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sets a cookie for max_age seconds; 0 takes it away. */
void req_set_cookie(
    struct req *r, const char *name, const char *value, int64_t max_age);

/* --- text ------------------------------------------------------------------ */

void *req_alloc(struct req *r, size_t n);

/* fn(arg) is called by req_free(), or now when there is no memory: false. */
bool req_at_end(struct req *r, void (*fn)(void *arg), void *arg);

char *req_text(struct req *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
char *req_copy(struct req *r, const char *p, size_t n);

/* The whole address of one of our paths, as dashboard_url says. */
const char *req_url(struct req *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
