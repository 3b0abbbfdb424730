#include "web.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "http/http.h"
#include "http/http_write.h"
#include "net/dial.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proxy_conf.h"
#include "through.h"
#include "tls/tls_stream.h"

enum {
	REQUEST_MAX = 16384,
	ANSWER_MAX = 8 << 20,
	CHUNK = 16384,
};

/* One question under way. */
struct call {
	struct web *w;
	struct dial *dial;
	struct through *through;
	int fd;
	struct watch *watch;
	struct tls_stream *tls; /* NULL: plain, or not there yet */
	struct buf out;         /* the request, as far as it is not sent */
	bool is_over;
	bool failed;
	struct err why;
};

/* --- the address -------------------------------------------------------------- */

static bool
is_here(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0;
}

/* What may stand in a request's first line. */
static int
read_base(struct web *w, const char *path, struct err *e)
{
	size_t n = strlen(path);

	for (const char *p = path; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"#<>?\\^`{|}%", *p))
			return err_set(e,
			    "its path has a character that paths"
			    " of a dashboard do not have");
	while (n > 0 && path[n - 1] == '/')
		n--;
	if (n > WEB_PATH_MAX)
		return err_set(e, "its path has %zu bytes", n);
	memcpy(w->base, path, n);
	w->base[n] = '\0';
	return 0;
}

int
web_parse(struct web *w, const char *url, struct err *e)
{
	char whole[ADDR_HOST_MAX + 24];
	const char *rest, *bracket;
	size_t n;

	w->is_tls = strncmp(url, "https://", 8) == 0;
	if (!w->is_tls && strncmp(url, "http://", 7) != 0)
		return err_set(e, "write it as https://HOST");
	rest = url + (w->is_tls ? 8 : 7);
	n = strcspn(rest, "/");
	if (n > ADDR_HOST_MAX + 8)
		return err_set(e, "a host of %zu bytes", n);
	memcpy(whole, rest, n);
	whole[n] = '\0';
	bracket = strrchr(whole, ']');
	if (strchr(bracket != NULL ? bracket : whole, ':') == NULL)
		str_copy(
		    whole + n, sizeof(whole) - n, w->is_tls ? ":443" : ":80");
	if (addr_split(whole, w->host, &w->port, e) == -1)
		return -1;
	if (!w->is_tls && !is_here(w->host))
		return err_set(e,
		    "http is for localhost and 127.0.0.1 alone:"
		    " the API key would be read on the way");
	memcpy(w->authority, rest, n);
	w->authority[n] = '\0';
	return read_base(w, rest + n, e);
}

int
web_open(struct web *w, struct err *e)
{
	const struct tls_trust trust = { .ca = w->ca,
		.pins = w->pins,
		.pin_count = w->pin_count,
		.allow_tls12 = true,
		.alpn = TLS_ALPN_HTTP };
	struct http_limits limits = http_usual;

	limits.body_max = ANSWER_MAX;
	if (w->is_tls && (w->ctx = tls_ctx_client(&trust, e)) == NULL)
		return -1;
	if ((w->loop = loop_new(e)) == NULL ||
	    (w->answer = http_new(HTTP_SIDE_RESPONSE, &limits, e)) == NULL)
		return -1;
	return 0;
}

void
web_close(struct web *w)
{
	http_free(&w->answer);
	loop_free(&w->loop);
	tls_ctx_unref(&w->ctx);
	str_wipe(w->key, sizeof(w->key));
}

/* --- a question ---------------------------------------------------------------- */

static void
end(struct call *c, bool failed)
{
	if (!c->is_over)
		c->failed = failed;
	c->is_over = true;
}

/* Fails with what errno or, when it is 0, the end of the connection says. */
static void
end_broken(struct call *c, int why)
{
	if (why != 0)
		err_set(&c->why, "%s", strerror(why));
	else
		err_set(&c->why, "it ended the connection");
	end(c, true);
}

static void
fail_tls(struct call *c)
{
	c->w->is_untrusted = tls_stream_fault(c->tls) == TLS_FAULT_TRUST;
	end(c, true);
}

/* Bytes of the answer. */
static void
take(struct call *c, const void *p, size_t n)
{
	size_t used;
	int rc = http_feed(c->w->answer, p, n, &used, &c->why);

	if (rc != 0)
		end(c, rc == -1);
}

/* The other side has closed, which may be the answer's end. */
static void
take_end(struct call *c)
{
	if (http_end(c->w->answer, &c->why) == 1)
		end(c, false);
	else
		end_broken(c, 0);
}

/* Goes on with TLS as far as the bytes that were fed last allow. */
static void
turn_tls(struct call *c)
{
	uint8_t plain[CHUNK];
	ssize_t n;
	int rc = 1;

	if (!tls_stream_is_up(c->tls)) {
		if ((rc = tls_stream_handshake(c->tls, &c->why)) == -1)
			fail_tls(c);
		if (rc != 1)
			return;
	}
	if (buf_len(&c->out) > 0) {
		if (tls_stream_seal(c->tls, buf_data(&c->out), buf_len(&c->out),
			&c->why) == -1)
			fail_tls(c);
		buf_drop(&c->out, buf_len(&c->out));
	}
	while (!c->is_over &&
	    (n = tls_stream_open(c->tls, plain, sizeof(plain), &c->why)) != 0) {
		if (n == -1)
			fail_tls(c);
		else
			take(c, plain, (size_t)n);
	}
	if (!c->is_over && tls_stream_is_closed(c->tls))
		take_end(c);
}

/* What waits for the wire, and how much. */
static const uint8_t *
waiting(struct call *c, size_t *n_out)
{
	if (c->tls != NULL)
		return tls_stream_out(c->tls, n_out);
	*n_out = buf_len(&c->out);
	return buf_data(&c->out);
}

static void
send_waiting(struct call *c)
{
	const uint8_t *p;
	struct span v;
	ptrdiff_t n;
	size_t left;

	while ((p = waiting(c, &left)) != NULL && left > 0) {
		v = (struct span){ (void *)(uintptr_t)p, left };
		n = plat_writev(c->fd, &v, 1);
		if (n == -1 && errno != EAGAIN)
			end_broken(c, errno);
		if (n == -1)
			return;
		if (c->tls != NULL)
			tls_stream_sent(c->tls, (size_t)n);
		else
			buf_drop(&c->out, (size_t)n);
	}
}

static void
receive(struct call *c)
{
	uint8_t bytes[CHUNK];
	struct span v = { bytes, sizeof(bytes) };
	ptrdiff_t n;

	while (!c->is_over) {
		n = plat_readv(c->fd, &v, 1);
		if (n == -1 && errno == EAGAIN)
			return;
		if (n == -1)
			end_broken(c, errno);
		else if (n == 0)
			take_end(c);
		else if (c->tls == NULL)
			take(c, bytes, (size_t)n);
		else {
			tls_stream_feed(c->tls, bytes, (size_t)n);
			turn_tls(c);
			send_waiting(c);
		}
	}
}

static void
on_socket(void *arg, unsigned what)
{
	struct call *c = arg;

	send_waiting(c);
	receive(c);
	loop_again(c->watch, what & (LOOP_READ | LOOP_WRITE));
}

/* Connected: TLS, if need be, and the question. */
static void
begin(struct call *c, int fd)
{
	c->fd = fd;
	if (c->w->ctx != NULL) {
		c->tls = tls_stream_client(c->w->ctx, c->w->host, &c->why);
		if (c->tls == NULL) {
			end(c, true);
			return;
		}
		turn_tls(c);
	}
	c->watch = loop_watch(
	    c->w->loop, fd, LOOP_READ | LOOP_WRITE, on_socket, c, &c->why);
	if (c->watch == NULL)
		end(c, true);
}

static void
on_dialled(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct call *c = arg;

	(void)peer;
	c->dial = NULL;
	if (r != DIAL_OK) {
		c->why = *why;
		end(c, true);
		return;
	}
	begin(c, fd);
}

static int
dial(struct call *c, struct err *e)
{
	struct web *w = c->w;

	c->dial =
	    dial_start(w->loop, w->host, w->port, WEB_MS, on_dialled, c, e);
	return c->dial == NULL ? -1 : 0;
}

/* Through a proxy; without one, or if it leads nowhere, directly. */
static void
on_through(void *arg, enum through_result r, int fd, const struct addr *peer,
    const struct proxy *p, const struct err *why)
{
	struct call *c = arg;

	(void)peer;
	(void)p;
	c->through = NULL;
	if (r == THROUGH_OK) {
		begin(c, fd);
		return;
	}
	c->why = *why;
	if (c->w->proxy->use == PROXY_GIVEN || dial(c, &c->why) != 0)
		end(c, true);
}

/* A dashboard on this computer needs no proxy. */
static int
start(struct call *c, struct err *e)
{
	struct web *w = c->w;

	if (w->proxy == NULL || !w->is_tls)
		return dial(c, e);
	c->through = through_start(
	    w->loop, w->proxy, w->host, w->port, on_through, c, e);
	return c->through == NULL ? -1 : 0;
}

static int
write_request(struct call *c, const char *method, const char *path,
    const char *body, struct err *e)
{
	char target[WEB_PATH_MAX + 300], key[80], length[24];
	struct http_line lines[] = { { "Authorization", key },
		{ "Connection", "close" }, { "Accept", "application/json" },
		{ "Content-Length", length },
		{ "Content-Type", "application/json" } };
	size_t n = body != NULL ? strlen(body) : 0;
	int rc;

	snprintf(target, sizeof(target), "%s%s", c->w->base, path);
	snprintf(key, sizeof(key), "Bearer %s", c->w->key);
	snprintf(length, sizeof(length), "%zu", n);
	rc = http_write_ask(&c->out, method, target, c->w->authority, lines,
	    body != NULL ? 5 : 4, e);
	str_wipe(key, sizeof(key));
	if (rc == 0 && n > 0)
		rc = buf_add(&c->out, body, n, e);
	return rc;
}

/* Turns the loop until the answer is whole, or too late. */
static int
await(struct call *c, struct err *e)
{
	uint64_t now, until = clock_ms() + WEB_MS;

	while (!c->is_over) {
		if ((now = clock_ms()) >= until)
			return err_set(
			    e, "no answer within %d s", WEB_MS / 1000);
		if (loop_turn(c->w->loop, until - now, e) == -1)
			return -1;
	}
	if (!c->failed)
		return 0;
	*e = c->why;
	return -1;
}

static void
close_call(struct call *c)
{
	through_cancel(&c->through);
	dial_cancel(&c->dial);
	loop_unwatch(&c->watch);
	tls_stream_free(&c->tls);
	plat_close(&c->fd);
	str_wipe(buf_data(&c->out), buf_len(&c->out));
	buf_free(&c->out);
}

int
web_ask(struct web *w, const char *method, const char *path, const char *body,
    struct json *out, struct err *e)
{
	struct call c = { .w = w, .fd = -1 };
	const void *answer;
	size_t n;
	int rc = -1;

	w->is_untrusted = false;
	http_reset(w->answer);
	buf_init(&c.out, REQUEST_MAX);
	if (write_request(&c, method, path, body, e) == 0 && start(&c, e) == 0)
		rc = await(&c, e);
	close_call(&c);
	if (rc == -1 && strncmp(e->text, w->host, strlen(w->host)) == 0)
		return -1; /* a dial says itself where it failed */
	if (rc == -1)
		return err_prefix(e, "%s", w->authority);
	answer = http_body(w->answer, &n);
	*out = json_whole(answer, n);
	return (int)http_status(w->answer);
}
