#include "net/dial.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/addr.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "plat/plat.h"

enum {
	KEEP_IDLE_S = 60,
	KEEP_EVERY_S = 15,
};

_Static_assert((int)DIAL_ADDRS_MAX >= (int)LOOKUP_ADDRS_MAX,
    "a dial has room for all that a look-up finds");

/* One address that is being tried. */
struct attempt {
	struct dial *dial;
	struct addr to;
	int fd;
	struct watch *watch;
};

struct dial {
	struct loop *loop;
	struct timer *end;  /* the deadline; moved to now when all is known */
	struct timer *race; /* until the next address is tried as well */
	struct lookup *lookup;
	dial_fn *fn;
	void *arg;
	uint16_t port;
	struct attempt at[DIAL_ADDRS_MAX];
	size_t count;
	size_t next; /* first address that has not been tried */
	size_t live; /* attempts that are pending */
	bool ended;
	enum dial_result result;
	int fd;
	struct addr peer;
	struct err why;
};

const char *
dial_result_name(enum dial_result r)
{
	static const char *const names[] = { "ok", "pending", "refused",
		"unreachable", "timeout", "name does not resolve", "failed",
		"reset" };

	return (size_t)r < sizeof(names) / sizeof(names[0]) ? names[r] : "?";
}

/* What errno of a connect() means to people. */
static enum dial_result
meaning(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return DIAL_REFUSED;
	case ECONNRESET:
		return DIAL_RESET;
	case ETIMEDOUT:
		return DIAL_TIMEOUT;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
		return DIAL_FAILED;
	default:
		return DIAL_UNREACHABLE;
	}
}

/* Writes "127.0.0.1:80: Connection refused" and returns its meaning. */
static enum dial_result
fail(const struct addr *to, int error, struct err *e)
{
	char text[ADDR_TEXT];

	errno = error;
	err_sys(e, "%s", addr_text(text, to));
	return meaning(error);
}

/*
 * A port above the ephemeral range's start may by chance be given to the very
 * socket that dials it, which then talks to itself.
 */
static bool
is_own_echo(int fd, const struct addr *to)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	struct addr own;

	return getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
	    addr_from_sockaddr(&own, (struct sockaddr *)&ss, NULL) == 0 &&
	    own.port == to->port && memcmp(own.ip, to->ip, 16) == 0;
}

static void
set(int fd, int level, int option, int value)
{
	setsockopt(fd, level, option, (const void *)&value, sizeof(value));
}

/* A socket as every one of ours is. */
static int
open_socket(int family, struct err *e)
{
	int fd;

	if ((fd = plat_socket(family, SOCK_STREAM, 0, e)) < 0)
		return -1;
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S);
	return fd;
}

/* connect(), twice: see dial_now() in the header.  0 or an errno. */
static int
connect_twice(int fd, const struct sockaddr_storage *ss, socklen_t n)
{
	int turn, error = 0;

	for (turn = 0; turn < 2; turn++) {
		if (connect(fd, (const struct sockaddr *)ss, n) == 0)
			return 0;
		error = errno;
		if (error != EINPROGRESS)
			break;
	}
	return error == EISCONN ? 0 : error;
}

enum dial_result
dial_now(const struct addr *to, int *fd_out, struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(to, AF_UNSPEC, &ss);
	int error, fd;

	*fd_out = -1;
	if ((fd = open_socket(addr_family(to), e)) < 0)
		return DIAL_FAILED;
	error = connect_twice(fd, &ss, n);
	if (error == 0 && is_own_echo(fd, to))
		error = ECONNREFUSED;
	if (error != 0 && error != EINPROGRESS && error != EALREADY &&
	    error != EINTR) {
		plat_close(&fd);
		return fail(to, error, e);
	}
	*fd_out = fd;
	return error == 0 ? DIAL_OK : DIAL_PENDING;
}

/* Ends one attempt. */
static void
drop(struct attempt *a)
{
	if (a->fd < 0)
		return;
	loop_unwatch(&a->watch);
	plat_close(&a->fd);
	a->dial->live--;
}

/* All is known: it is told when the timers fire next. */
static void
finish(struct dial *d, enum dial_result r)
{
	size_t i;

	assert(!d->ended);
	d->ended = true;
	d->result = r;
	for (i = 0; i < d->next; i++)
		drop(&d->at[i]);
	timer_cancel(&d->race);
	timer_move(d->end, 0);
}

/* An attempt has failed; what says most about the service is kept. */
static void
note(struct dial *d, enum dial_result r, const struct err *why)
{
	static const int weight[] = { [DIAL_FAILED] = 1,
		[DIAL_UNREACHABLE] = 2,
		[DIAL_TIMEOUT] = 3,
		[DIAL_REFUSED] = 4,
		[DIAL_RESET] = 5 };

	if (d->result != DIAL_PENDING && weight[r] <= weight[d->result])
		return;
	d->result = r;
	d->why = *why;
}

/* The attempt's socket is connected. */
static void
win(struct dial *d, struct attempt *a)
{
	loop_unwatch(&a->watch);
	d->fd = a->fd;
	a->fd = -1;
	d->live--;
	d->peer = a->to;
	finish(d, DIAL_OK);
}

/* How a pending socket stands: 0 connected, EINPROGRESS, or what failed. */
static int
standing(const struct attempt *a)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(int);
	int error = 0;

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, (void *)&error, &n) < 0)
		return errno;
	if (error != 0)
		return error;
	n = sizeof(ss);
	if (getpeername(a->fd, (struct sockaddr *)&ss, &n) < 0)
		return errno == ENOTCONN ? EINPROGRESS : errno;
	return is_own_echo(a->fd, &a->to) ? ECONNREFUSED : 0;
}

static void try_next(struct dial *d);

/* The socket of an attempt has something to say. */
static void
on_event(void *arg, unsigned what)
{
	struct attempt *a = arg;
	struct dial *d = a->dial;
	struct err why;
	int error = standing(a);

	if (error == EINPROGRESS) {
		loop_again(a->watch, what);
		return;
	}
	if (error == 0) {
		win(d, a);
		return;
	}
	note(d, fail(&a->to, error, &why), &why);
	drop(a);
	try_next(d);
}

/* The addresses tried so far take their time: one more beside them. */
static void
on_race(void *arg)
{
	struct dial *d = arg;

	d->race = NULL;
	try_next(d);
}

/* Waits for a pending attempt. */
static int
await(struct attempt *a, struct err *e)
{
	struct dial *d = a->dial;

	d->live++;
	a->watch =
	    loop_watch(d->loop, a->fd, LOOP_READ | LOOP_WRITE, on_event, a, e);
	if (a->watch != NULL)
		return 0;
	drop(a);
	return -1;
}

/* Begins one attempt: its result, or DIAL_PENDING. */
static enum dial_result
begin(struct attempt *a, struct err *why)
{
	enum dial_result r;

	r = dial_now(&a->to, &a->fd, why);
	if (r == DIAL_PENDING && await(a, why) < 0)
		return DIAL_FAILED;
	if (r == DIAL_OK)
		a->dial->live++;
	return r;
}

/* Tries address after address until one is pending or none is left. */
static void
try_next(struct dial *d)
{
	struct attempt *a;
	struct err why;
	enum dial_result r;

	timer_cancel(&d->race);
	while (d->next < d->count) {
		a = &d->at[d->next++];
		r = begin(a, &why);
		if (r == DIAL_OK) {
			win(d, a);
			return;
		}
		if (r == DIAL_PENDING)
			break;
		note(d, r, &why);
	}
	if (d->live == 0)
		finish(d, d->result);
	else if (d->next < d->count)
		d->race = loop_after(d->loop, DIAL_RACE_MS, on_race, d, NULL);
}

/* Frees a dial in any state; fd must have been handed out or be -1. */
static void
dial_free(struct dial **dp)
{
	struct dial *d = *dp;
	size_t i;

	for (i = 0; i < d->next; i++)
		drop(&d->at[i]);
	timer_cancel(&d->end);
	timer_cancel(&d->race);
	lookup_cancel(&d->lookup);
	plat_close(&d->fd);
	free(d);
	*dp = NULL;
}

/* The deadline, or the moment to tell: see finish(). */
static void
on_end(void *arg)
{
	struct dial *d = arg;
	struct addr peer;
	struct err why;
	enum dial_result r;
	dial_fn *fn = d->fn;
	void *to = d->arg;
	int fd;

	d->end = NULL;
	if (!d->ended && d->lookup != NULL)
		err_set(&d->why, "the name's look-up takes too long");
	else if (!d->ended)
		err_set(&d->why, "no answer in time");
	r = d->ended ? d->result : DIAL_TIMEOUT;
	fd = d->fd;
	d->fd = -1;
	peer = d->peer;
	why = d->why;
	dial_free(&d);
	fn(to, r, fd, &peer, &why);
}

/* A dial without addresses. */
static struct dial *
dial_new(
    struct loop *l, uint64_t within_ms, dial_fn *fn, void *arg, struct err *e)
{
	struct dial *d;

	if ((d = calloc(1, sizeof(*d))) == NULL) {
		err_sys(e, "dial");
		return NULL;
	}
	d->loop = l;
	d->fn = fn;
	d->arg = arg;
	d->fd = -1;
	d->result = DIAL_PENDING;
	if ((d->end = loop_after(l, within_ms, on_end, d, e)) == NULL)
		dial_free(&d);
	return d;
}

/* Puts an address behind those that will be tried. */
static void
add(struct dial *d, const struct addr *to, uint16_t port)
{
	struct attempt *a = &d->at[d->count++];

	a->dial = d;
	a->fd = -1;
	a->to = *to;
	a->to.port = port;
}

struct dial *
dial_any(struct loop *l, const struct addr *to, size_t count,
    uint64_t within_ms, dial_fn *fn, void *arg, struct err *e)
{
	struct dial *d;
	size_t i;

	assert(count > 0 && count <= DIAL_ADDRS_MAX);
	if ((d = dial_new(l, within_ms, fn, arg, e)) == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		add(d, &to[i], to[i].port);
	try_next(d);
	return d;
}

struct dial *
dial_wait(struct loop *l, int fd, const struct addr *to, uint64_t within_ms,
    dial_fn *fn, void *arg, struct err *e)
{
	struct dial *d;

	if ((d = dial_new(l, within_ms, fn, arg, e)) == NULL) {
		plat_close(&fd);
		return NULL;
	}
	add(d, to, to->port);
	d->at[0].fd = fd;
	d->next = 1;
	if (await(&d->at[0], e) < 0)
		dial_free(&d);
	return d;
}

/* The numbers are here, or the reason why there are none. */
static void
on_found(
    void *arg, const struct addr *found, size_t count, const struct err *why)
{
	struct dial *d = arg;
	size_t i;

	d->lookup = NULL;
	if (d->ended)
		return;
	for (i = 0; i < count; i++)
		add(d, &found[i], d->port);
	d->why = *why;
	if (d->count == 0)
		finish(d, DIAL_NAME);
	else
		try_next(d);
}

struct dial *
dial_start(struct loop *l, const char *host, uint16_t port, uint64_t within_ms,
    dial_fn *fn, void *arg, struct err *e)
{
	struct addr to[2] = { 0 };
	size_t i, count = lookup_here(host, to);
	struct dial *d;

	for (i = 0; i < count; i++)
		to[i].port = port;
	if (count > 0)
		return dial_any(l, to, count, within_ms, fn, arg, e);
	if ((d = dial_new(l, within_ms, fn, arg, e)) == NULL)
		return NULL;
	d->port = port;
	if ((d->lookup = lookup_start(l, host, on_found, d, e)) == NULL)
		dial_free(&d);
	return d;
}

void
dial_cancel(struct dial **d)
{
	if (*d != NULL)
		dial_free(d);
}
