#include "http_server.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/list.h"
#include "http/http.h"
#include "http/http_write.h"
#include "net/listen.h"
#include "net/loop.h"
#include "plat/plat.h"

enum {
	ACCEPT_MAX = 16, /* in one turn */
	CHUNK = 4096,
	REQUESTS_MAX = 1000, /* of one connection */
	LINES_MAX = 64,
	FULL_MS = 1000, /* without descriptors, until the next try */
};

struct http_server {
	struct loop *loop;
	char *path;
	int fd;
	struct watch *watch;
	struct timer *full; /* accepting pauses */
	struct list conns;
	uint64_t held; /* bytes of answers that wait to be taken */
	uint64_t calls;
	struct http_server_limits limits;
	struct http_server_counts counts;
	const struct http_route *routes;
	size_t route_n;
	void *arg;
};

enum conn_state {
	CONN_IDLE,    /* nothing of a request is here */
	CONN_REQUEST, /* something is */
	CONN_WAIT,    /* its handler will answer later */
	CONN_ANSWER,
};

/* What follows a step of a connection. */
enum step {
	STEP_WAIT, /* the loop will tell */
	STEP_ON,   /* there is more to do now */
	STEP_END,
};

struct conn {
	struct http_server *server;
	struct list on;
	enum conn_state state;
	int fd;
	struct watch *watch;
	struct timer *late;
	struct http *http;
	struct buf out;
	uint64_t held; /* its share of the server's */
	uint64_t call;
	unsigned requests;
	bool last; /* closes behind this answer */
};

static void
conn_end(struct conn **cp)
{
	struct conn *c = *cp;

	*cp = NULL;
	timer_cancel(&c->late);
	loop_unwatch(&c->watch);
	plat_close(&c->fd);
	http_free(&c->http);
	buf_free(&c->out);
	list_remove(&c->on);
	c->server->held -= c->held;
	c->server->counts.connections_now--;
	free(c);
}

/* --- answering ------------------------------------------------------------- */

void
http_answer_init(struct http_answer *a)
{
	*a = (struct http_answer){ .status = 200,
		.type = "text/plain; charset=utf-8" };
	buf_init(&a->body, HTTP_SERVER_ANSWER_MAX);
}

void
http_answer_text(struct http_answer *a, unsigned status, const char *text)
{
	a->status = status;
	a->type = "text/plain; charset=utf-8";
	buf_free(&a->body);
	if (buf_add(&a->body, text, strlen(text), NULL) == -1 ||
	    buf_add(&a->body, "\n", 1, NULL) == -1)
		a->status = 500;
}

/* The route of a request; else *allow_out names what its path would take. */
static const struct http_route *
find_route(
    const struct http_server *s, const struct http *h, const char **allow_out)
{
	const char *method = http_method(h);
	size_t i;

	*allow_out = NULL;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (i = 0; i < s->route_n; i++) {
		if (strcmp(s->routes[i].path, http_path(h)) != 0)
			continue;
		if (strcmp(s->routes[i].method, method) == 0)
			return &s->routes[i];
		*allow_out = strcmp(s->routes[i].method, "GET") == 0
		    ? "GET, HEAD"
		    : s->routes[i].method;
	}
	return NULL;
}

/* Appends the answer to what waits to be sent. */
static int
put_answer(struct conn *c, const struct http_answer *a, bool head_only,
    const char *allow)
{
	struct http_line lines[] = { { "Cache-Control", "no-store" },
		{ "Allow", allow } };
	struct http_reply r = {
		.status = a->status,
		.type = a->type,
		.lines = lines,
		.line_count = allow == NULL ? 1 : 2,
		.body = buf_data(&a->body),
		.body_len = buf_len(&a->body),
		.head_only = head_only,
		.close = c->last,
	};

	if (c->server->held + r.body_len > HTTP_SERVER_HELD_MAX) {
		c->server->counts.refused++;
		return -1;
	}
	return http_write_reply(&c->out, &r, NULL);
}

/* 503 in as few bytes as can be; when that does not fit either, nothing. */
static void
put_busy(struct conn *c)
{
	static const struct http_line later = { "Retry-After", "1" };
	struct http_reply r = {
		.status = 503, .lines = &later, .line_count = 1, .close = true
	};

	c->last = true;
	http_write_reply(&c->out, &r, NULL);
}

/* What c->out holds is to be sent. */
static enum step
start_sending(struct conn *c)
{
	c->state = CONN_ANSWER;
	c->held = buf_len(&c->out);
	c->server->held += c->held;
	timer_move(
	    c->late, loop_now(c->server->loop) + c->server->limits.idle_ms);
	return STEP_ON;
}

/* What a handler has filled is sent; frees its body. */
static enum step
put_whole(struct conn *c, struct http_answer *a, const char *allow)
{
	bool head_only = strcmp(http_method(c->http), "HEAD") == 0;

	if (put_answer(c, a, head_only, allow) == -1)
		put_busy(c);
	buf_free(&a->body);
	return start_sending(c);
}

/* Asks the route's handler, and lets it answer as it likes. */
static enum step
answer(struct conn *c)
{
	struct http_server *s = c->server;
	struct http_answer a;
	const struct http_route *route;
	const char *allow;
	int fd;

	s->counts.requests++;
	http_answer_init(&a);
	a.call = c->call = ++s->calls;
	if ((route = find_route(s, c->http, &allow)) != NULL)
		route->fn(s->arg, c->http, &a);
	else if (allow != NULL)
		http_answer_text(&a, 405, "This path takes other methods.");
	else
		http_answer_text(&a, 404, "There is nothing at this path.");
	if (a.is_later) {
		c->state = CONN_WAIT;
		timer_move(c->late, loop_now(s->loop) + s->limits.request_ms);
		return STEP_WAIT;
	}
	if (a.take == NULL)
		return put_whole(c, &a, allow);
	loop_unwatch(&c->watch);
	fd = c->fd;
	c->fd = -1;
	a.take(a.take_arg, fd);
	return STEP_END;
}

/* The answer has gone: another request may follow. */
static enum step
next_request(struct conn *c)
{
	c->server->held -= c->held;
	c->held = 0;
	if (c->last)
		return STEP_END;
	http_reset(c->http);
	c->state = CONN_IDLE;
	timer_move(
	    c->late, loop_now(c->server->loop) + c->server->limits.idle_ms);
	return STEP_ON;
}

/* Sends what is there. */
static enum step
send_on(struct conn *c)
{
	struct span v;
	ptrdiff_t n;

	while (buf_len(&c->out) > 0) {
		v.p = buf_data(&c->out);
		v.n = buf_len(&c->out);
		n = plat_writev(c->fd, &v, 1);
		if (n == -1 && errno == EAGAIN) {
			loop_again(c->watch, LOOP_WRITE);
			return STEP_WAIT;
		}
		if (n <= 0)
			return STEP_END;
		buf_drop(&c->out, (size_t)n);
	}
	return next_request(c);
}

/* What came is no request that we take. */
static enum step
refuse(struct conn *c, unsigned status, const struct err *why)
{
	struct http_answer a = { 0 };

	c->server->counts.bad++;
	c->last = true;
	buf_init(&a.body, HTTP_SERVER_ANSWER_MAX);
	http_answer_text(&a, status, why->text);
	if (put_answer(c, &a, false, NULL) == -1)
		put_busy(c);
	buf_free(&a.body);
	return start_sending(c);
}

/* --- asking ---------------------------------------------------------------- */

/* n bytes have come. */
static enum step
feed(struct conn *c, const void *p, size_t n)
{
	struct err e;
	size_t used;
	int rc;

	if (c->state == CONN_IDLE) {
		c->state = CONN_REQUEST;
		timer_move(c->late,
		    loop_now(c->server->loop) + c->server->limits.request_ms);
	}
	rc = http_feed(c->http, p, n, &used, &e);
	if (rc == 0)
		return STEP_ON;
	if (rc == -1)
		return refuse(c, http_refusal(c->http), &e);
	/* What a client sends before it has its answer is not kept. */
	c->last = used < n || !http_keep_alive(c->http) ||
	    ++c->requests == REQUESTS_MAX;
	return answer(c);
}

static enum step
read_on(struct conn *c)
{
	char chunk[CHUNK];
	struct span v = { .p = chunk, .n = sizeof(chunk) };
	ptrdiff_t n;

	n = plat_readv(c->fd, &v, 1);
	if (n == -1 && errno == EAGAIN) {
		loop_again(c->watch, LOOP_READ);
		return STEP_WAIT;
	}
	if (n <= 0)
		return STEP_END;
	return feed(c, chunk, (size_t)n);
}

static void
on_conn(void *arg, unsigned what)
{
	struct conn *c = arg;
	enum step next;

	(void)what;
	do {
		next = c->state == CONN_WAIT  ? STEP_WAIT
		    : c->state == CONN_ANSWER ? send_on(c)
					      : read_on(c);
	} while (next == STEP_ON);
	if (next == STEP_END)
		conn_end(&c);
}

void
http_server_answer(struct http_server *s, uint64_t call, struct http_answer *a)
{
	struct list *n;
	struct conn *c;

	for (n = s->conns.next; n != &s->conns; n = n->next) {
		c = LIST_OF(n, struct conn, on);
		if (c->call != call || c->state != CONN_WAIT)
			continue;
		put_whole(c, a, NULL);
		on_conn(c, LOOP_WRITE);
		return;
	}
	buf_free(&a->body);
}

static void
on_late(void *arg)
{
	struct conn *c = arg;

	c->late = NULL;
	if (c->state != CONN_IDLE)
		c->server->counts.late++;
	conn_end(&c);
}

/* --- coming ---------------------------------------------------------------- */

/* Takes over fd. */
static void
conn_new(struct http_server *s, int fd)
{
	static const struct http_limits limits = { HTTP_SERVER_HEAD_MAX,
		LINES_MAX, 0 };
	struct conn *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		plat_close(&fd);
		return;
	}
	c->server = s;
	c->fd = fd;
	list_append(&s->conns, &c->on);
	s->counts.connections_now++;
	buf_init(&c->out, HTTP_SERVER_ANSWER_MAX + HTTP_SERVER_HEAD_MAX);
	if ((c->http = http_new(HTTP_SIDE_REQUEST, &limits, NULL)) == NULL ||
	    (c->late = loop_after(
		 s->loop, s->limits.request_ms, on_late, c, NULL)) == NULL ||
	    (c->watch = loop_watch(s->loop, fd, LOOP_READ | LOOP_WRITE, on_conn,
		 c, NULL)) == NULL)
		conn_end(&c);
}

/* Takes over fd, which is one too many. */
static void
turn_away(struct http_server *s, int fd)
{
	char busy[] = "HTTP/1.1 503 Service Unavailable\r\n"
		      "Retry-After: 1\r\nContent-Length: 0\r\n"
		      "Connection: close\r\n\r\n";
	struct span v = { .p = busy, .n = sizeof(busy) - 1 };

	s->counts.refused++;
	(void)plat_writev(fd, &v, 1);
	plat_close(&fd);
}

static void
on_room(void *arg)
{
	struct http_server *s = arg;

	s->full = NULL;
	if (loop_resume(s->watch, NULL) == -1)
		s->full = loop_after(s->loop, FULL_MS, on_room, s, NULL);
}

/* No descriptor is left: asking again at once would only burn time. */
static void
wait_for_room(struct http_server *s)
{
	s->full = loop_after(s->loop, FULL_MS, on_room, s, NULL);
	if (s->full != NULL)
		loop_pause(s->watch);
}

static void
on_listen(void *arg, unsigned what)
{
	struct http_server *s = arg;
	int fd, n;

	(void)what;
	for (n = 0; n < ACCEPT_MAX; n++) {
		fd = listen_unix_accept(s->fd, NULL);
		if (fd == LISTEN_NOBODY)
			return;
		if (fd < 0) {
			wait_for_room(s);
			return;
		}
		if (s->counts.connections_now < s->limits.connections)
			conn_new(s, fd);
		else
			turn_away(s, fd);
	}
}

/* --- the server ------------------------------------------------------------ */

int
http_server_group(const char *name, long *gid_out, struct err *e)
{
	struct group *g;

	*gid_out = -1;
	if (name == NULL)
		return 0;
	if ((g = getgrnam(name)) == NULL)
		return err_set(
		    e, "socket_group: there is no group \"%s\"", name);
	*gid_out = (long)g->gr_gid;
	return 0;
}

static int
start_listening(
    struct http_server *s, const struct http_server_options *o, struct err *e)
{
	long gid;

	if ((s->path = strdup(o->path)) == NULL)
		return err_sys(e, "%s", o->path);
	if (http_server_group(o->group, &gid, e) == -1)
		return -1;
	if ((s->fd = listen_unix(o->path, o->mode, gid, NULL, e)) == -1)
		return -1;
	s->watch = loop_watch(s->loop, s->fd, LOOP_LISTEN, on_listen, s, e);
	return s->watch == NULL ? -1 : 0;
}

struct http_server *
http_server_open(
    struct loop *l, const struct http_server_options *o, struct err *e)
{
	struct http_server *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_sys(e, "%s", o->path);
		return NULL;
	}
	s->loop = l;
	s->fd = -1;
	list_init(&s->conns);
	s->limits = o->limits;
	s->routes = o->routes;
	s->route_n = o->route_n;
	s->arg = o->arg;
	if (start_listening(s, o, e) == -1)
		http_server_close(&s);
	return s;
}

void
http_server_close(struct http_server **sp)
{
	struct http_server *s = *sp;
	struct list *n, *next;
	struct conn *c;

	if (s == NULL)
		return;
	*sp = NULL;
	for (n = s->conns.next; n != &s->conns; n = next) {
		next = n->next;
		c = LIST_OF(n, struct conn, on);
		conn_end(&c);
	}
	timer_cancel(&s->full);
	loop_unwatch(&s->watch);
	if (s->path != NULL)
		listen_unix_close(&s->fd, s->path);
	free(s->path);
	free(s);
}

void
http_server_retune(struct http_server *s, const struct http_server_limits *l)
{
	s->limits = *l;
}

const struct http_server_counts *
http_server_counts(const struct http_server *s)
{
	return &s->counts;
}
