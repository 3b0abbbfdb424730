/*
 * visitor: people who come to a public address, many at once, and look hard at
 * what they get.
 *
 *	visitor [options] MODE ADDRESS:PORT [BYTES | SIZE ...]
 *
 * Modes (what they need behind the tunnel: see echo.c):
 *	echo N		send N bytes of the pattern, then the end; get the same
 *	up N		send N bytes and the end; get the verdict    (ask)
 *	down N		get N bytes and the end			     (ask)
 *	half N		get the end; send N bytes all the same	     (ask)
 *	idle		exchange one byte, then stay until told to go
 *	hold WORDS	say that line, then neither read nor write   (ask)
 *	canary		exchange 8 bytes every 100 ms, for ever
 *	udp SIZE ...	a datagram of each size, there and back
 *
 *	-n N	so many visitors at once		(1)
 *	-t S	give up after so many seconds		(60)
 *	-i MS	canary: between two probes		(100)
 *	-a	echo, idle, canary: the service is `ask`
 *	-r N	receive buffer of each socket, bytes
 *	-s ADDRESS	come from there
 *	-b N	connect so many at a time		(256)
 *
 * The result is one line of JSON.  idle, hold and canary say "up" when all
 * stand; they end with standard input, and `report` and `reset` there show and
 * forget the figures.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tool.h"

enum { BUFFER = 65536, TURNS = 32, HEAD = 96, PROBES = 1 << 20, WHY = 200 };

struct visitor {
	int fd;
	bool connected, fin_sent, got_end, over;
	bool counted;          /* one of those who stay */
	uint64_t sent, got;    /* of the pattern */
	size_t head_n, tail_n; /* of them, done */
	uint64_t began;
};

/* What every visitor of this run does. */
static struct {
	char head[HEAD], tail[HEAD]; /* said first; heard last */
	uint64_t up, down;
	bool fin;  /* say the end after `up` */
	bool end;  /* wait for the other's end */
	bool stay; /* then stay */
	bool mute; /* do not read after head */
} plan;

static struct {
	unsigned long n, at_once;
	uint64_t limit_us, interval_us;
	bool ask;
	int rcvbuf;
	const char *from;
} opt = { 1, 256, 60000000, 100000, false, 0, NULL };

static struct {
	unsigned long begun, ok, failed, lost;
	uint64_t bytes, slowest_us;
	char why[WHY];
} sum;

static int epoll_fd;
static char scratch[BUFFER];

static void
want(struct visitor *v, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = v };

	if (epoll_ctl(epoll_fd, op, v->fd, &ev) != 0)
		die("epoll_ctl: %s", strerror(errno));
}

/* It is over for this one; why is NULL when all was as it should be. */
static void
done(struct visitor *v, const char *why, int error)
{
	if (v->over)
		return;
	v->over = true;
	sum.bytes += v->sent + v->got;
	if (now_us() - v->began > sum.slowest_us)
		sum.slowest_us = now_us() - v->began;
	if (why == NULL) {
		sum.ok++;
	} else {
		if (v->counted)
			sum.lost++;
		else
			sum.failed++;
		if (sum.why[0] == '\0')
			snprintf(sum.why, sizeof(sum.why),
			    "%s%s%s, %llu sent, %llu got", why,
			    error != 0 ? ": " : "",
			    error != 0 ? strerror(error) : "",
			    (unsigned long long)v->sent,
			    (unsigned long long)v->got);
	}
	close(v->fd);
	v->fd = -1;
}

static int
dial(const struct where *to)
{
	int fd = socket(to->sa.ss_family, SOCK_STREAM, 0);
	char text[80];

	if (fd < 0)
		die("socket: %s", strerror(errno));
	if (opt.rcvbuf != 0)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &opt.rcvbuf, sizeof(opt.rcvbuf));
	nonblock(fd);
	nodelay(fd);
	if (opt.from != NULL) {
		struct where w;

		snprintf(text, sizeof(text), "%s:0", opt.from);
		w = where(text);
		if (bind(fd, (struct sockaddr *)&w.sa, w.len) != 0)
			die("bind %s: %s", opt.from, strerror(errno));
	}
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) != 0 &&
	    errno != EINPROGRESS)
		die("connect: %s", strerror(errno));
	return fd;
}

/* --- one visitor's sending and receiving ---------------------------------- */

/* 1: all is sent, 0: later, -1: it is over. */
static int
send_all(struct visitor *v)
{
	size_t head = strlen(plan.head), n;
	const char *p;
	ssize_t sent;

	for (int turn = 0; turn < TURNS; turn++) {
		if (v->head_n < head) {
			p = plan.head + v->head_n;
			n = head - v->head_n;
		} else if (v->sent < plan.up) {
			n = plan.up - v->sent < BUFFER
			    ? (size_t)(plan.up - v->sent)
			    : BUFFER;
			p = pattern(v->sent, n, &n);
		} else {
			break;
		}
		sent = send(v->fd, p, n, MSG_NOSIGNAL);
		if (sent < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (sent < 0) {
			done(v, "send", errno);
			return -1;
		}
		if (v->head_n < head)
			v->head_n += (size_t)sent;
		else
			v->sent += (uint64_t)sent;
	}
	if (v->head_n < head || v->sent < plan.up)
		return 0;
	if (plan.fin && !v->fin_sent) {
		v->fin_sent = true;
		(void)shutdown(v->fd, SHUT_WR);
	}
	return 1;
}

/* These n bytes have come: is it what should come? */
static bool
is_right(struct visitor *v, const char *p, size_t n)
{
	size_t part = 0, tail = strlen(plan.tail);

	if (v->got < plan.down) {
		part =
		    plan.down - v->got < n ? (size_t)(plan.down - v->got) : n;
		if (pattern_match(v->got, p, part) < part)
			return false;
		v->got += part;
	}
	n -= part;
	if (n > tail - v->tail_n ||
	    memcmp(p + part, plan.tail + v->tail_n, n) != 0)
		return false;
	v->tail_n += n;
	return true;
}

static bool
has_all(const struct visitor *v)
{
	return v->got == plan.down && v->tail_n == strlen(plan.tail);
}

static void
receive_all(struct visitor *v)
{
	ssize_t n;

	for (int turn = 0; turn < TURNS && !v->over && !v->got_end; turn++) {
		n = recv(v->fd, scratch, sizeof(scratch), 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0)
			done(v, "recv", errno);
		else if (n == 0)
			v->got_end = true;
		else if (!is_right(v, scratch, (size_t)n))
			done(v, "wrong bytes", 0);
	}
}

static void
visitor_run(struct visitor *v, uint32_t events)
{
	int error = 0, sent;
	socklen_t len = sizeof(error);

	if (!v->connected) {
		(void)getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error != 0) {
			done(v, "connect", error);
			return;
		}
		if ((events & EPOLLOUT) == 0)
			return;
		v->connected = true;
	}
	if ((sent = send_all(v)) == -1)
		return;
	if (plan.mute) {
		want(v, sent == 1 ? 0 : EPOLLOUT, EPOLL_CTL_MOD);
		if (sent == 1 && !v->counted) {
			v->counted = true;
			sum.ok++;
		} else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
			done(v, "the end, unasked for", 0);
		}
		return;
	}
	receive_all(v);
	if (v->over)
		return;
	if (v->got_end && plan.stay) {
		done(v, "the end, unasked for", 0);
	} else if (v->got_end && !has_all(v)) {
		done(v, "the end, too early", 0);
	} else if (has_all(v) && sent == 1 && (v->got_end || !plan.end)) {
		if (!plan.stay) {
			done(v, NULL, 0);
		} else if (!v->counted) {
			v->counted = true;
			sum.ok++;
		}
	}
	if (!v->over)
		want(v,
		    (sent == 1 ? 0u : EPOLLOUT) | (v->got_end ? 0u : EPOLLIN),
		    EPOLL_CTL_MOD);
}

/* --- the crowd ------------------------------------------------------------ */

static void
print_sum(uint64_t began)
{
	char *c;

	for (c = sum.why; *c != '\0'; c++)
		if (*c == '"' || *c == '\\')
			*c = '\'';
	say("{\"n\":%lu,\"ok\":%lu,\"failed\":%lu,\"lost\":%lu,\"bytes\":%llu,"
	    "\"ms\":%llu,\"slowest_ms\":%llu,\"why\":\"%s\"}",
	    opt.n, sum.ok, sum.failed, sum.lost, (unsigned long long)sum.bytes,
	    (unsigned long long)(now_us() - began) / 1000,
	    (unsigned long long)sum.slowest_us / 1000, sum.why);
}

static void
begin_some(struct visitor *all, const struct where *to)
{
	struct visitor *v;
	unsigned long finished = sum.ok + sum.failed;

	while (sum.begun < opt.n && sum.begun - finished < opt.at_once) {
		v = &all[sum.begun++];
		v->fd = dial(to);
		v->began = now_us();
		want(v, EPOLLOUT, EPOLL_CTL_ADD);
	}
}

/* True: the tool shall end. */
static bool
obey(uint64_t began)
{
	char line[64];
	int rc = stdin_line(line, sizeof(line));

	if (rc == 1 && strcmp(line, "report") == 0)
		print_sum(began);
	return rc == -1;
}

static int
crowd(const struct where *to)
{
	struct visitor *all = calloc(opt.n, sizeof(*all));
	struct epoll_event ev[256], in = { .events = EPOLLIN };
	uint64_t began = now_us();
	bool stays = plan.stay || plan.mute, is_up = false;
	int i, n;

	if (all == NULL)
		die("no memory");
	in.data.ptr = NULL;
	if (stays && epoll_ctl(epoll_fd, EPOLL_CTL_ADD, 0, &in) != 0)
		die("standard input: %s", strerror(errno));
	while (stays || sum.ok + sum.failed < opt.n) {
		begin_some(all, to);
		n = epoll_wait(epoll_fd, ev, 256, 50);
		for (i = 0; i < n; i++) {
			if (ev[i].data.ptr != NULL)
				visitor_run(ev[i].data.ptr, ev[i].events);
		}
		if (!is_up && stays && sum.ok + sum.failed >= opt.n) {
			is_up = true;
			say("up");
		}
		if (stays && obey(began))
			break;
		if (!is_up && now_us() - began > opt.limit_us) {
			for (i = 0; i < (int)sum.begun; i++)
				done(&all[i], "no end within the time", 0);
			break;
		}
	}
	print_sum(began);
	return sum.failed == 0 && sum.lost == 0 && sum.ok == opt.n ? 0 : 1;
}

/* --- the canary ----------------------------------------------------------- */

static struct {
	uint32_t *us; /* latency of each answer */
	size_t n;
	uint64_t gap_us;
	unsigned long probes;
	const char *ended;
} canary;

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t
quantile(double q)
{
	size_t i = (size_t)(q * (double)canary.n);

	if (canary.n == 0)
		return 0;
	return canary.us[i < canary.n ? i : canary.n - 1];
}

static void
canary_report(uint64_t last)
{
	uint64_t gap = now_us() - last;

	if (gap < canary.gap_us || gap < 2 * opt.interval_us)
		gap = canary.gap_us; /* an answer is still due */
	qsort(canary.us, canary.n, sizeof(*canary.us), by_size);
	say("{\"probes\":%lu,\"answers\":%zu,\"gap_ms\":%llu,\"p50_us\":%u,"
	    "\"p90_us\":%u,\"p99_us\":%u,\"max_us\":%u,\"ended\":\"%s\"}",
	    canary.probes, canary.n, (unsigned long long)gap / 1000,
	    quantile(0.5), quantile(0.9), quantile(0.99), quantile(1),
	    canary.ended);
}

/* Answers are the times at which their questions were sent. */
static void
canary_read(int fd, uint64_t *last)
{
	uint64_t asked[64], now;
	static size_t part;
	static char held[sizeof(asked)];
	ssize_t n = recv(fd, held + part, sizeof(held) - part, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		canary.ended = n == 0 ? "closed" : "reset";
		return;
	}
	part += (size_t)n;
	memcpy(asked, held, part);
	now = now_us();
	for (size_t i = 0; i < part / sizeof(*asked); i++) {
		if (now - *last > canary.gap_us)
			canary.gap_us = now - *last;
		*last = now;
		if (canary.n < PROBES)
			canary.us[canary.n++] = (uint32_t)(now - asked[i]);
	}
	n = (ssize_t)(part / sizeof(*asked) * sizeof(*asked));
	part -= (size_t)n;
	memmove(held, held + n, part);
}

static void
canary_sing(int fd, const struct where *to)
{
	uint64_t now, next = 0, last = now_us();
	struct pollfd p[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = 0, .events = POLLIN } };
	char line[64];
	int rc, wait;
	bool is_up = false;

	(void)to;
	do {
		now = now_us();
		if (now >= next && canary.ended[0] == '\0') {
			next = now + opt.interval_us;
			canary.probes++;
			if (send(fd, &now, sizeof(now), MSG_NOSIGNAL) !=
				sizeof(now) &&
			    errno != EAGAIN)
				canary.ended = "broken";
		}
		wait = next > now ? (int)((next - now) / 1000) + 1 : 0;
		p[0].fd = canary.ended[0] == '\0' ? fd : -1;
		if (poll(p, 2, canary.ended[0] == '\0' ? wait : 100) > 0 &&
		    p[0].revents != 0)
			canary_read(fd, &last);
		if (!is_up && canary.n > 0) {
			is_up = true;
			say("up");
		}
		rc = stdin_line(line, sizeof(line));
		if (rc == 1 && strcmp(line, "report") == 0)
			canary_report(last);
		if (rc == 1 && strcmp(line, "reset") == 0) {
			canary.n = 0;
			canary.gap_us = 0;
			canary.probes = 0;
		}
	} while (rc >= 0);
	canary_report(last);
}

static int
canary_main(const struct where *to)
{
	int fd = dial(to), error = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(error);

	canary.ended = "";
	if ((canary.us = malloc(PROBES * sizeof(*canary.us))) == NULL)
		die("no memory");
	if (poll(&p, 1, (int)(opt.limit_us / 1000)) != 1 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 ||
	    error != 0)
		die("canary: connect: %s", strerror(error));
	if (opt.ask && send(fd, "echo\n", 5, MSG_NOSIGNAL) != 5)
		die("canary: send: %s", strerror(errno));
	canary_sing(fd, to);
	return canary.ended[0] == '\0' ? 0 : 1;
}

/* --- datagrams ------------------------------------------------------------ */

/* One there and back; asked again each second, as a person would. */
static bool
udp_echo(const struct where *to, size_t size)
{
	static char out[65536], in[65536];
	struct pollfd p = { .events = POLLIN };
	uint64_t end = now_us() + opt.limit_us;
	ssize_t n = -1;
	size_t part;
	int many = 1 << 20;

	for (size_t i = 0; i < size; i += part) {
		const void *text = pattern(size + i, size - i, &part);

		memcpy(out + i, text, part);
	}
	p.fd = socket(to->sa.ss_family, SOCK_DGRAM, 0);
	(void)setsockopt(p.fd, SOL_SOCKET, SO_RCVBUF, &many, sizeof(many));
	if (connect(p.fd, (const struct sockaddr *)&to->sa, to->len) != 0)
		die("udp: connect: %s", strerror(errno));
	while (n < 0 && now_us() < end) {
		if (send(p.fd, out, size, 0) < 0 && errno != ECONNREFUSED)
			die("udp: send %zu: %s", size, strerror(errno));
		if (poll(&p, 1, 1000) == 1)
			n = recv(p.fd, in, sizeof(in), 0);
	}
	close(p.fd);
	if (n < 0)
		snprintf(sum.why, sizeof(sum.why), "%zu: no answer", size);
	else if ((size_t)n != size || memcmp(in, out, size) != 0)
		snprintf(sum.why, sizeof(sum.why), "%zu: %zd came", size, n);
	else
		return true;
	return false;
}

static int
udp_main(const struct where *to, char **sizes, int n)
{
	uint64_t began = now_us();

	opt.n = (unsigned long)n;
	for (int i = 0; i < n; i++) {
		if (udp_echo(to, (size_t)number(sizes[i])))
			sum.ok++;
		else
			sum.failed++;
	}
	print_sum(began);
	return sum.failed == 0 ? 0 : 1;
}

/* --- the command line ----------------------------------------------------- */

static void
make_plan(const char *mode, const char *word)
{
	uint64_t n =
	    word != NULL && strcmp(mode, "hold") != 0 ? number(word) : 0;

	plan.end = true;
	if (opt.ask)
		snprintf(plan.head, HEAD, "echo\n");
	if (strcmp(mode, "echo") == 0) {
		plan.up = plan.down = n;
		plan.fin = true;
	} else if (strcmp(mode, "up") == 0) {
		snprintf(plan.head, HEAD, "sink\n");
		snprintf(plan.tail, HEAD, "ok %llu\n", (unsigned long long)n);
		plan.up = n;
		plan.fin = true;
	} else if (strcmp(mode, "down") == 0) {
		snprintf(
		    plan.head, HEAD, "source %llu\n", (unsigned long long)n);
		plan.down = n;
	} else if (strcmp(mode, "half") == 0) {
		snprintf(plan.head, HEAD, "half\n");
		plan.up = n;
		plan.fin = true;
	} else if (strcmp(mode, "idle") == 0) {
		plan.up = plan.down = 1;
		plan.stay = true;
		plan.end = false;
	} else if (strcmp(mode, "hold") == 0 && word != NULL) {
		snprintf(plan.head, HEAD, "%s\n", word);
		plan.mute = true;
	} else {
		die("\"%s\" is no mode", mode);
	}
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:t:i:ar:s:b:")) != -1) {
		if (c == 'n')
			opt.n = number(optarg);
		else if (c == 't')
			opt.limit_us = number(optarg) * 1000000;
		else if (c == 'i')
			opt.interval_us = number(optarg) * 1000;
		else if (c == 'a')
			opt.ask = true;
		else if (c == 'r')
			opt.rcvbuf = (int)number(optarg);
		else if (c == 's')
			opt.from = optarg;
		else if (c == 'b')
			opt.at_once = number(optarg);
		else
			exit(2);
	}
	if (argc - optind < 2)
		die("visitor [options] MODE ADDRESS:PORT [N ...]");
}

int
main(int argc, char **argv)
{
	struct where to;
	const char *mode;

	options(argc, argv);
	mode = argv[optind];
	to = where(argv[optind + 1]);
	many_files();
	epoll_fd = epoll_create1(0);
	if (strcmp(mode, "canary") == 0)
		return canary_main(&to);
	if (strcmp(mode, "udp") == 0)
		return udp_main(&to, argv + optind + 2, argc - optind - 2);
	make_plan(mode, argv[optind + 2]);
	return crowd(&to);
}
