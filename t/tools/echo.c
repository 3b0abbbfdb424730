/*
 * echo: the services behind the tunnels of a test.
 *
 *	echo [-b ADDRESS] KIND[+KIND]:PORT ...
 *
 * Kinds: echo (TCP), udp (sends every datagram back), ask (TCP: the first line
 * says what is wanted), rst (resets whoever comes), hang (accepts and never
 * reads), full (never accepts, and its queue is full).  Port 0 is any; a line
 * "KIND PORT" tells which.  With several kinds, all have the same number.
 *
 * What ask understands, N bytes each:
 *	echo		sends back what comes, keeps half-closes
 *	sink		reads the pattern, then "ok N" or "bad N"
 *	source N	sends the pattern, then the end
 *	slow N		as sink, N bytes a second
 *	never		never reads
 *	rst N		reads so many, then resets
 *	close N		reads so many, then closes
 *	half		sends the end at once; then as sink, told on stdout
 *	watch		reads; how it ended is told on stdout
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "tool.h"

enum { BUFFER = 65536, TURNS = 16, LINE = 64, TICKS_PER_S = 10 };

enum kind {
	ECHO,
	SINK,
	SOURCE,
	SLOW,
	NEVER,
	RST,
	CLOSE,
	HALF,
	WATCH,
	ASK,
	UDP,
	HANG,
	FULL,
	TICK,
	KINDS,
};

static const char *const kind_name[KINDS] = { "echo", "sink", "source", "slow",
	"never", "rst", "close", "half", "watch", "ask", "udp", "hang", "full",
	"tick" };

struct conn {
	int fd;
	enum kind kind;
	bool is_listener;
	bool eof, shut, bad;
	uint32_t events;
	uint64_t at; /* bytes read or sent */
	uint64_t want;
	char *held; /* echo: what could not be sent yet */
	size_t held_at, held_n;
	char line[LINE];
	size_t line_n;
	struct conn *next_slow;
};

static int epoll_fd;
static struct conn *slow;
static char scratch[BUFFER];

static void
watch(struct conn *c, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (op == EPOLL_CTL_MOD && c->events == events)
		return;
	c->events = events;
	if (epoll_ctl(epoll_fd, op, c->fd, &ev) != 0)
		die("epoll_ctl: %s", strerror(errno));
}

static void
conn_end(struct conn *c)
{
	for (struct conn **p = &slow; *p != NULL; p = &(*p)->next_slow)
		if (*p == c) {
			*p = c->next_slow;
			break;
		}
	close(c->fd);
	free(c->held);
	free(c);
}

/* recv() into scratch: > 0, 0 the end, -1 nothing yet, -2 an error. */
static ssize_t
take(struct conn *c, size_t max)
{
	ssize_t n = recv(c->fd, scratch, max, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : -2;
	return n;
}

/* send(): > 0, -1 not now, -2 an error. */
static ssize_t
put(struct conn *c, const void *p, size_t n)
{
	ssize_t sent = send(c->fd, p, n, MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? -1 : -2;
	return sent;
}

/* Each of these: true, it goes on; false, the connection is over. */

static bool
send_held(struct conn *c)
{
	ssize_t n = put(c, c->held + c->held_at, c->held_n - c->held_at);

	if (n == -2)
		return false;
	c->held_at += n > 0 ? (size_t)n : 0;
	if (c->held_at == c->held_n) {
		free(c->held);
		c->held = NULL;
	}
	watch(c, c->held != NULL ? EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
	return true;
}

static bool
run_echo(struct conn *c)
{
	ssize_t n, sent;

	for (int turn = 0; turn < TURNS; turn++) {
		if (c->held != NULL && !send_held(c))
			return false;
		if (c->held != NULL)
			return true;
		if ((n = take(c, sizeof(scratch))) == -1)
			return true;
		if (n <= 0)
			return false; /* all was sent: close is the end */
		if ((sent = put(c, scratch, (size_t)n)) == -2)
			return false;
		sent = sent < 0 ? 0 : sent;
		if (sent == n)
			continue;
		c->held_n = (size_t)(n - sent);
		c->held_at = 0;
		if ((c->held = malloc(c->held_n)) == NULL)
			die("no memory");
		memcpy(c->held, scratch + sent, c->held_n);
		watch(c, EPOLLOUT, EPOLL_CTL_MOD);
	}
	return true;
}

/* The end has come: the verdict. */
static void
verdict(struct conn *c, ssize_t n)
{
	char text[64];
	int len;

	len = snprintf(text, sizeof(text), "%s %llu\n", c->bad ? "bad" : "ok",
	    (unsigned long long)c->at);
	if (c->kind == HALF || n < 0)
		say("%s %s %llu%s", kind_name[c->kind], c->bad ? "bad" : "ok",
		    (unsigned long long)c->at, n < 0 ? " reset" : "");
	else if (put(c, text, (size_t)len) != len)
		say("%s: no verdict", kind_name[c->kind]);
}

static bool
read_pattern(struct conn *c, size_t max, int turns)
{
	ssize_t n;

	for (int turn = 0; turn < turns; turn++) {
		if ((n = take(c, max)) == -1)
			return true;
		if (n <= 0) {
			verdict(c, n);
			return false;
		}
		if (!c->bad) {
			size_t good = pattern_match(c->at, scratch, (size_t)n);

			c->bad = good < (size_t)n;
			c->at += good;
		}
	}
	return true;
}

static bool
run_source(struct conn *c)
{
	const void *p;
	size_t part;
	ssize_t n;

	for (int turn = 0; turn < TURNS && c->at < c->want; turn++) {
		part = c->want - c->at < BUFFER ? (size_t)(c->want - c->at)
						: BUFFER;
		p = pattern(c->at, part, &part);
		if ((n = put(c, p, part)) == -2)
			return false;
		if (n == -1)
			break;
		c->at += (uint64_t)n;
	}
	if (c->at == c->want && !c->shut) {
		c->shut = true;
		(void)shutdown(c->fd, SHUT_WR);
	}
	while (!c->eof && (n = take(c, sizeof(scratch))) != -1) {
		if (n == -2)
			return false;
		c->eof = n == 0;
	}
	watch(c, (c->at < c->want ? EPOLLOUT : 0u) | (c->eof ? 0u : EPOLLIN),
	    EPOLL_CTL_MOD);
	return !(c->eof && c->shut);
}

/* Reads so many bytes, then ends it by a reset or a close. */
static bool
run_until(struct conn *c)
{
	ssize_t n;

	while (c->at < c->want) {
		if ((n = take(c, sizeof(scratch))) == -1)
			return true;
		if (n <= 0)
			return false;
		c->at += (uint64_t)n;
	}
	if (c->kind == RST)
		reset_on_close(c->fd);
	return false;
}

static bool
run_watch(struct conn *c)
{
	ssize_t n;

	while ((n = take(c, sizeof(scratch))) > 0)
		c->at += (uint64_t)n;
	if (n == -1)
		return true;
	say("watch %s %llu", n == 0 ? "eof" : "reset",
	    (unsigned long long)c->at);
	return false;
}

static bool run(struct conn *c);

/* The line is whole: what is wanted? */
static bool
chosen(struct conn *c)
{
	char word[LINE] = "";
	unsigned long long n = 0;
	int size = 4096;

	c->line[c->line_n] = '\0';
	if (sscanf(c->line, "%63s %llu", word, &n) < 1)
		return false;
	for (c->kind = ECHO; c->kind < ASK; c->kind++)
		if (strcmp(word, kind_name[c->kind]) == 0)
			break;
	if (c->kind == ASK)
		return false;
	c->want = n;
	if (c->kind == HALF) {
		(void)shutdown(c->fd, SHUT_WR);
	} else if (c->kind == SLOW) {
		(void)setsockopt(
		    c->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
		c->next_slow = slow;
		slow = c;
		watch(c, 0, EPOLL_CTL_MOD);
	} else if (c->kind == NEVER) {
		watch(c, 0, EPOLL_CTL_MOD);
	}
	return run(c);
}

static bool
run_ask(struct conn *c)
{
	ssize_t n;

	while ((n = take(c, 1)) == 1) {
		if (scratch[0] == '\n')
			return chosen(c);
		if (c->line_n == sizeof(c->line) - 1)
			return false;
		c->line[c->line_n++] = scratch[0];
	}
	return n == -1;
}

static bool
run(struct conn *c)
{
	switch (c->kind) {
	case ECHO:
		return run_echo(c);
	case SINK:
	case HALF:
		return read_pattern(c, sizeof(scratch), TURNS);
	case SOURCE:
		return run_source(c);
	case RST:
	case CLOSE:
		return run_until(c);
	case WATCH:
		return run_watch(c);
	case ASK:
		return run_ask(c);
	default:
		return true;
	}
}

static void
conn_new(int fd, enum kind kind)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		die("no memory");
	c->fd = fd;
	c->kind = kind;
	nonblock(fd);
	nodelay(fd);
	watch(c, kind == HANG ? 0 : EPOLLIN, EPOLL_CTL_ADD);
	if (kind == RST && !run(c))
		conn_end(c);
}

static void
listener_run(struct conn *l)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	ssize_t n;
	int fd;

	if (l->kind == UDP) {
		while ((n = recvfrom(l->fd, scratch, sizeof(scratch), 0,
			    (struct sockaddr *)&from, &len)) >= 0) {
			(void)sendto(l->fd, scratch, (size_t)n, 0,
			    (struct sockaddr *)&from, len);
			len = sizeof(from);
		}
		return;
	}
	if (l->kind == FULL)
		return;
	while ((fd = accept(l->fd, NULL, NULL)) >= 0)
		conn_new(fd, l->kind);
}

/* Slow readers take their next spoonful. */
static void
tick(struct conn *t)
{
	uint64_t times;
	struct conn *c, *next;

	if (read(t->fd, &times, sizeof(times)) != (ssize_t)sizeof(times))
		return;
	for (c = slow; c != NULL; c = next) {
		size_t n = (size_t)(c->want / TICKS_PER_S);

		next = c->next_slow;
		n = n == 0 ? 1 : n > sizeof(scratch) ? sizeof(scratch) : n;
		if (!read_pattern(c, n, 1))
			conn_end(c);
	}
}

/* --- setting up ----------------------------------------------------------- */

static unsigned
listener_new(const char *address, enum kind kind, unsigned port)
{
	struct conn *l = calloc(1, sizeof(*l));
	struct where w;
	char text[96];
	int on = 1;

	if (l == NULL)
		die("no memory");
	snprintf(text, sizeof(text), "%s:%u", address, port);
	w = where(text);
	l->kind = kind;
	l->is_listener = true;
	l->fd =
	    socket(w.sa.ss_family, kind == UDP ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (l->fd < 0)
		die("socket: %s", strerror(errno));
	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	on = 1 << 22;
	if (kind == UDP)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &on, sizeof(on));
	if (bind(l->fd, (struct sockaddr *)&w.sa, w.len) != 0 ||
	    (kind != UDP && listen(l->fd, kind == FULL ? 0 : 4096) != 0))
		die("%s: %s", text, strerror(errno));
	nonblock(l->fd);
	port = where_port(l->fd);
	watch(l, kind == FULL ? 0 : EPOLLIN, EPOLL_CTL_ADD);
	if (kind == FULL) { /* one in the queue fills it */
		w.len = sizeof(w.sa);
		if (getsockname(l->fd, (struct sockaddr *)&w.sa, &w.len) != 0 ||
		    connect(socket(w.sa.ss_family, SOCK_STREAM, 0),
			(struct sockaddr *)&w.sa, w.len) != 0)
			die("connect: %s", strerror(errno));
	}
	say("%s %u", kind_name[kind], port);
	return port;
}

/* "KIND+KIND:PORT" */
static void
open_spec(const char *address, char *spec)
{
	char *colon = strrchr(spec, ':'), *word, *rest = spec;
	unsigned port;
	enum kind k;

	if (colon == NULL)
		die("\"%s\" is not KIND:PORT", spec);
	*colon = '\0';
	port = (unsigned)number(colon + 1);
	while ((word = strsep(&rest, "+")) != NULL) {
		for (k = ECHO; k < KINDS; k++)
			if (strcmp(word, kind_name[k]) == 0)
				break;
		if (k == KINDS)
			die("\"%s\" is no kind", word);
		port = listener_new(address, k, port);
	}
}

static struct conn *
tick_new(void)
{
	struct itimerspec each = { { 0, 1000000000 / TICKS_PER_S },
		{ 0, 1000000000 / TICKS_PER_S } };
	struct conn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		die("no memory");
	t->kind = TICK;
	t->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (t->fd < 0 || timerfd_settime(t->fd, 0, &each, NULL) != 0)
		die("timerfd: %s", strerror(errno));
	watch(t, EPOLLIN, EPOLL_CTL_ADD);
	return t;
}

/* True: it is the clock's turn, after all others of this round. */
static bool
event(struct conn *c, uint32_t events)
{
	if (c->kind == TICK)
		return true;
	if (c->is_listener)
		listener_run(c);
	else if (c->events == 0 && (events & (EPOLLHUP | EPOLLERR)) != 0)
		conn_end(c);
	else if (!run(c))
		conn_end(c);
	return false;
}

int
main(int argc, char **argv)
{
	const char *address = "127.0.0.1";
	struct epoll_event ev[64];
	struct conn *clock;
	bool is_due;
	int i, n;

	many_files();
	epoll_fd = epoll_create1(0);
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-b") == 0 && i + 1 < argc)
			address = argv[++i];
		else
			open_spec(address, argv[i]);
	}
	clock = tick_new();
	say("ready");
	for (;;) {
		n = epoll_wait(epoll_fd, ev, 64, -1);
		is_due = false;
		for (i = 0; i < n; i++)
			is_due |= event(ev[i].data.ptr, ev[i].events);
		if (is_due)
			tick(clock);
	}
}
