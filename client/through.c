#include "through.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "base/str.h"
#include "http/http.h"
#include "net/dial.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proxy.h"
#include "proxy_conf.h"
#include "sysproxy.h"

enum {
	ASK_MAX = 4096, /* bytes of the question */
	CHUNK = 4096,
};

struct through {
	struct loop *loop;
	const struct proxy_conf *conf;
	through_fn *fn;
	void *arg;
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;
	struct timer *step; /* of what is waited for now */
	struct timer *all;  /* the whole may take so long */
	struct sysproxy *asked;
	struct proxies found;
	size_t next; /* of found, to be tried */
	struct dial *dial;
	int fd;
	struct addr peer;
	struct watch *watch;
	struct http *answer;
	struct buf ask;
	struct err why;
};

/* Lets go of the proxy that was tried. */
static void
drop(struct through *t)
{
	timer_cancel(&t->step);
	dial_cancel(&t->dial);
	loop_unwatch(&t->watch);
	plat_close(&t->fd);
	http_free(&t->answer);
	if (buf_len(&t->ask) > 0)
		str_wipe(buf_data(&t->ask), buf_len(&t->ask));
	buf_free(&t->ask);
}

void
through_cancel(struct through **tp)
{
	struct through *t = *tp;

	if (t == NULL)
		return;
	*tp = NULL;
	drop(t);
	timer_cancel(&t->all);
	sysproxy_cancel(&t->asked);
	str_wipe(&t->found, sizeof(t->found));
	free(t);
}

/* The last thing that is said about it. */
static void
end(struct through *t, enum through_result r)
{
	through_fn *fn = t->fn;
	void *arg = t->arg;
	struct proxy p;
	bool has = t->next > 0;
	struct err why = t->why;
	struct addr peer = t->peer;
	int fd = t->fd;

	if (has)
		p = t->found.list[t->next - 1];
	t->fd = -1;
	through_cancel(&t);
	fn(arg, r, fd, &peer, has ? &p : NULL, &why);
	if (has)
		str_wipe(&p, sizeof(p));
}

static void try_next(struct through *t);

/* This proxy does not help; t->why says why. */
static void
fail(struct through *t)
{
	drop(t);
	try_next(t);
}

static void
on_all_late(void *arg)
{
	struct through *t = arg;

	t->all = NULL;
	err_set(&t->why, "the proxy did not answer in time");
	drop(t);
	end(t, t->next > 0 ? THROUGH_FAILED : THROUGH_NONE);
}

static void
on_late(void *arg)
{
	struct through *t = arg;

	t->step = NULL;
	err_set(&t->why, "the proxy did not answer in time");
	fail(t);
}

/* --- CONNECT --------------------------------------------------------------- */

static void
broken(struct through *t, int why)
{
	if (why == 0)
		err_set(&t->why, "the proxy hung up without an answer");
	else
		err_set(&t->why, "the proxy hung up: %s", strerror(why));
	fail(t);
}

/* False when the connection is no longer there. */
static bool
send_ask(struct through *t)
{
	struct span v;
	ptrdiff_t n;

	while (buf_len(&t->ask) > 0) {
		v = (struct span){ buf_data(&t->ask), buf_len(&t->ask) };
		if ((n = plat_writev(t->fd, &v, 1)) == -1 && errno == EAGAIN)
			return true;
		if (n == -1) {
			broken(t, errno);
			return false;
		}
		str_wipe(buf_data(&t->ask), (size_t)n);
		buf_drop(&t->ask, (size_t)n);
	}
	return true;
}

/* Reads until the answer is there.  False when t may be gone. */
static bool
read_answer(struct through *t)
{
	uint8_t bytes[CHUNK];
	struct span v = { bytes, sizeof(bytes) };
	const struct proxy *p = &t->found.list[t->next - 1];
	ptrdiff_t n;
	int rc;

	for (;;) {
		n = plat_readv(t->fd, &v, 1);
		if (n == -1 && errno == EAGAIN)
			return true;
		if (n <= 0) {
			broken(t, n == 0 ? 0 : errno);
			return false;
		}
		rc = proxy_answer(
		    t->answer, p, t->host, t->port, bytes, (size_t)n, &t->why);
		if (rc == -1)
			fail(t);
		if (rc == 1) {
			loop_unwatch(&t->watch);
			end(t, THROUGH_OK);
		}
		if (rc != 0)
			return false;
	}
}

static void
on_socket(void *arg, unsigned what)
{
	struct through *t = arg;

	if (send_ask(t) && read_answer(t))
		loop_again(t->watch, what & (LOOP_READ | LOOP_WRITE));
}

static int
begin(struct through *t)
{
	const struct proxy *p = &t->found.list[t->next - 1];

	t->answer = proxy_reader(&t->why);
	if (t->answer == NULL ||
	    proxy_ask(&t->ask, p, t->host, t->port, &t->why) != 0)
		return -1;
	t->step = loop_after(t->loop, THROUGH_ANSWER_MS, on_late, t, &t->why);
	t->watch = loop_watch(
	    t->loop, t->fd, LOOP_READ | LOOP_WRITE, on_socket, t, &t->why);
	return t->step == NULL || t->watch == NULL ? -1 : 0;
}

static void
on_dialled(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct through *t = arg;

	t->dial = NULL;
	t->fd = fd;
	t->peer = *peer;
	if (r != DIAL_OK)
		err_set(
		    &t->why, "the proxy cannot be reached: %.180s", why->text);
	if (r != DIAL_OK || begin(t) != 0)
		fail(t);
}

static void
try_next(struct through *t)
{
	const struct proxy *p;

	while (t->next < t->found.count) {
		p = &t->found.list[t->next++];
		t->dial = dial_start(t->loop, p->host, p->port, DIAL_DOOR_MS,
		    on_dialled, t, &t->why);
		if (t->dial != NULL)
			return;
	}
	end(t, THROUGH_FAILED);
}

/* --- which proxy ------------------------------------------------------------ */

static void
on_found(void *arg, const struct proxies *p)
{
	struct through *t = arg;

	t->asked = NULL;
	timer_cancel(&t->step);
	t->found = *p;
	if (t->found.count == 0)
		end(t, THROUGH_NONE);
	else
		try_next(t);
}

/* The system takes too long, or nobody has to be asked. */
static void
on_step(void *arg)
{
	struct through *t = arg;

	t->step = NULL;
	sysproxy_cancel(&t->asked);
	if (t->found.count == 0)
		end(t, THROUGH_NONE);
	else
		try_next(t);
}

/* Asks the system, if nobody else knows. */
static int
find(struct through *t, struct err *e)
{
	uint64_t wait = 0;

	if (proxy_conf_know(t->conf, t->host, t->port, &t->found) == -1)
		t->asked =
		    sysproxy_start(t->loop, t->host, t->port, on_found, t);
	if (t->asked != NULL)
		wait = THROUGH_FIND_MS;
	t->step = loop_after(t->loop, wait, on_step, t, e);
	t->all = loop_after(t->loop, THROUGH_MS, on_all_late, t, e);
	return t->step == NULL || t->all == NULL ? -1 : 0;
}

struct through *
through_start(struct loop *l, const struct proxy_conf *conf, const char *host,
    uint16_t port, through_fn *fn, void *arg, struct err *e)
{
	struct through *t;

	if ((t = calloc(1, sizeof(*t))) == NULL) {
		err_sys(e, "proxy");
		return NULL;
	}
	t->loop = l;
	t->conf = conf;
	t->fn = fn;
	t->arg = arg;
	t->port = port;
	t->fd = -1;
	buf_init(&t->ask, ASK_MAX);
	if (!str_copy(t->host, sizeof(t->host), host))
		err_set(e, "a host of %zu bytes", strlen(host));
	else if (find(t, e) == 0)
		return t;
	through_cancel(&t);
	return NULL;
}
