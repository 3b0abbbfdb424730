/*
 * load: what bench/run.pl measures with, both ends of it.
 *
 *	load serve PORT				the service
 *	load bulk PORT STREAMS SECONDS up|down	bytes a second
 *	load conns PORT AT-A-TIME SECONDS	new connections a second
 *	load reqs PORT CONNECTIONS SECONDS	requests a second, kept alive
 *	load lat PORT SECONDS			one request at a time: p50 p99 us
 *	load udp PORT SOCKETS SECONDS		echoes a second of 64 bytes
 *	load rate PORT PER-SECOND SECONDS	share of echoes that were lost
 *	load idle PORT COUNT			opens them, prints "ready", waits
 *						for the end of its input
 *
 * Everything goes to 127.0.0.1 and prints one line of numbers.  One thread,
 * epoll, level-triggered: the same load for every tunnel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST = 64, /* bytes of a request and of its answer */
	CHUNK = 256 << 10,
	EVENTS = 256,
	LAT_MAX = 4000000,
};

/* What a connection is for: its first byte says so. */
enum { ECHO = 'E', SOURCE = 'S', SINK = 'K' };

struct conn {
	int fd;
	int what; /* 0: its first byte has not come */
	size_t got;
};

static int ep;
static char chunk[CHUNK];

static _Noreturn void
die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static struct sockaddr_in
loopback(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	return a;
}

static void
watch(struct conn *c, uint32_t events, int op)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	if (epoll_ctl(ep, op, c->fd, &ev) == -1)
		die("epoll_ctl");
}

static struct conn *
conn_new(int fd, int what)
{
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (c == NULL)
		die("conn");
	c->fd = fd;
	c->what = what;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return c;
}

static int
dial(int port, bool wait)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | (wait ? 0 : SOCK_NONBLOCK), 0);

	if (fd == -1)
		die("socket");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1 &&
	    errno != EINPROGRESS)
		die("connect");
	return fd;
}

/* --- the service ----------------------------------------------------------- */

static void
service_end(struct conn *c)
{
	close(c->fd);
	free(c);
}

static void
service_ready(struct conn *c, uint32_t events)
{
	ssize_t n;
	char first;

	if (c->what == 0) {
		if ((n = recv(c->fd, &first, 1, MSG_DONTWAIT)) <= 0) {
			if (n == 0 || errno != EAGAIN)
				service_end(c);
			return;
		}
		c->what = first;
		if (c->what == SOURCE)
			watch(c, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
	}
	if (c->what == SOURCE && (events & EPOLLOUT) &&
	    send(c->fd, chunk, CHUNK, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
	    errno != EAGAIN) {
		service_end(c);
		return;
	}
	n = recv(c->fd, chunk, c->what == ECHO ? 4096 : CHUNK, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN)) {
		service_end(c);
		return;
	}
	if (n <= 0 || c->what != ECHO)
		return;
	c->got += (size_t)n;
	for (; c->got >= REQUEST; c->got -= REQUEST)
		if (send(c->fd, chunk, REQUEST, MSG_NOSIGNAL) < 0)
			break;
}

static void
udp_echo(int fd)
{
	struct sockaddr_storage from;
	socklen_t len;
	ssize_t n;
	int i;

	for (i = 0; i < 64; i++) {
		len = sizeof(from);
		n = recvfrom(fd, chunk, CHUNK, MSG_DONTWAIT,
		    (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		sendto(fd, chunk, (size_t)n, MSG_DONTWAIT,
		    (struct sockaddr *)&from, len);
	}
}

static void
service_turn(struct epoll_event *ev, const struct conn *l, const struct conn *u)
{
	struct conn *c = ev->data.ptr;
	int fd;

	if (c == u) {
		udp_echo(u->fd);
	} else if (c == l) {
		while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
			c = conn_new(fd, 0);
			watch(c, EPOLLIN, EPOLL_CTL_ADD);
			service_ready(c, EPOLLIN);
		}
	} else {
		service_ready(c, ev->events);
	}
}

static _Noreturn void
serve(int port)
{
	struct sockaddr_in a = loopback(port);
	struct epoll_event ev[EVENTS];
	struct conn *l, *u;
	int one = 1, big = 4 << 20, n, i;

	l = conn_new(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), 0);
	u = conn_new(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), 0);
	setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	if (bind(l->fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    bind(u->fd, (struct sockaddr *)&a, sizeof(a)) == -1 ||
	    listen(l->fd, 4096) == -1)
		die("bind");
	watch(l, EPOLLIN, EPOLL_CTL_ADD);
	watch(u, EPOLLIN, EPOLL_CTL_ADD);
	puts("ready");
	fflush(stdout);
	for (;;) {
		if ((n = epoll_wait(ep, ev, EVENTS, -1)) == -1 &&
		    errno != EINTR)
			die("epoll_wait");
		for (i = 0; i < n; i++)
			service_turn(&ev[i], l, u);
	}
}

/* --- the loads ------------------------------------------------------------- */

static int
bulk(int port, int streams, int seconds, bool down)
{
	struct epoll_event ev[EVENTS];
	uint64_t end, start, bytes = 0;
	char first = down ? SOURCE : SINK;
	int i, n, fd;
	ssize_t k;

	for (i = 0; i < streams; i++) {
		fd = dial(port, true);
		if (send(fd, &first, 1, 0) != 1)
			die("send");
		watch(conn_new(fd, first), down ? EPOLLIN : EPOLLOUT,
		    EPOLL_CTL_ADD);
	}
	start = now_us();
	end = start + (uint64_t)seconds * 1000000;
	while (now_us() < end) {
		n = epoll_wait(ep, ev, EVENTS, 100);
		for (i = 0; i < n; i++) {
			fd = ((struct conn *)ev[i].data.ptr)->fd;
			k = down ? recv(fd, chunk, CHUNK, MSG_DONTWAIT)
				 : send(fd, chunk, CHUNK,
				       MSG_DONTWAIT | MSG_NOSIGNAL);
			if (k == 0 || (k < 0 && errno != EAGAIN))
				die("bulk");
			bytes += k > 0 ? (uint64_t)k : 0;
		}
	}
	printf("%.0f %ju\n", (double)bytes * 1e6 / (double)(now_us() - start),
	    (uintmax_t)bytes);
	return 0;
}

static void
ask(int fd, bool first)
{
	char req[REQUEST + 1];
	size_t n = REQUEST + (first ? 1 : 0);

	memset(req, 'x', sizeof(req));
	req[0] = first ? ECHO : 'x';
	if (send(fd, req, n, MSG_NOSIGNAL) != (ssize_t)n)
		die("send");
}

static struct conn *
asking(int port)
{
	struct conn *c = conn_new(dial(port, true), ECHO);

	ask(c->fd, true);
	watch(c, EPOLLIN, EPOLL_CTL_ADD);
	return c;
}

/* Requests, over kept connections or a new one for each. */
static int
requests(int port, int count, int seconds, bool anew)
{
	struct epoll_event ev[EVENTS];
	uint64_t start, end, done = 0;
	struct linger hard = { 1, 0 };
	struct conn *c;
	ssize_t k;
	int i, n;

	for (i = 0; i < count; i++)
		asking(port);
	start = now_us();
	end = start + (uint64_t)seconds * 1000000;
	while (now_us() < end) {
		n = epoll_wait(ep, ev, EVENTS, 100);
		for (i = 0; i < n; i++) {
			c = ev[i].data.ptr;
			k = recv(c->fd, chunk, REQUEST, MSG_DONTWAIT);
			if (k <= 0 && !(k < 0 && errno == EAGAIN))
				die("answer");
			c->got += k > 0 ? (size_t)k : 0;
			if (c->got < REQUEST)
				continue;
			c->got = 0;
			done++;
			if (!anew) {
				ask(c->fd, false);
				continue;
			}
			/* no TIME_WAIT: the ports must last */
			setsockopt(
			    c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
			close(c->fd);
			free(c);
			asking(port);
		}
	}
	printf("%.0f %ju\n", (double)done * 1e6 / (double)(now_us() - start),
	    (uintmax_t)done);
	return 0;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static int
latency(int port, int seconds)
{
	uint32_t *us = malloc(LAT_MAX * sizeof(*us));
	uint64_t end = now_us() + (uint64_t)seconds * 1000000, t;
	int fd = dial(port, true), one = 1;
	size_t n = 0;

	if (us == NULL)
		die("latency");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (now_us() < end && n < LAT_MAX) {
		t = now_us();
		ask(fd, n == 0);
		if (recv(fd, chunk, REQUEST, MSG_WAITALL) != REQUEST)
			die("answer");
		us[n++] = (uint32_t)(now_us() - t);
	}
	if (n == 0)
		return 1;
	qsort(us, n, sizeof(*us), by_size);
	printf("%u %u\n", us[n / 2], us[n * 99 / 100]);
	free(us);
	return 0;
}

static int
udp_socket(int port)
{
	struct sockaddr_in a = loopback(port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), big = 4 << 20;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	if (fd == -1 || connect(fd, (struct sockaddr *)&a, sizeof(a)) == -1)
		die("udp");
	return fd;
}

/* As many echoes as go, eight under way on each socket. */
static int
udp_echoes(int port, int sockets, int seconds)
{
	struct epoll_event ev[EVENTS];
	uint64_t start, end, done = 0, lull = 0;
	struct conn **all = calloc((size_t)sockets, sizeof(struct conn *));
	int i, j, n;

	if (all == NULL)
		die("udp");
	for (i = 0; i < sockets; i++) {
		all[i] = conn_new(udp_socket(port), 0);
		watch(all[i], EPOLLIN, EPOLL_CTL_ADD);
		for (j = 0; j < 8; j++)
			send(all[i]->fd, chunk, REQUEST, 0);
	}
	start = now_us();
	end = start + (uint64_t)seconds * 1000000;
	while (now_us() < end) {
		if ((n = epoll_wait(ep, ev, EVENTS, 20)) == 0) {
			/* some were lost: the window would run dry */
			lull++;
			for (i = 0; i < sockets; i++)
				send(all[i]->fd, chunk, REQUEST, 0);
		}
		for (i = 0; i < n; i++) {
			int fd = ((struct conn *)ev[i].data.ptr)->fd;

			while (recv(fd, chunk, CHUNK, MSG_DONTWAIT) > 0) {
				done++;
				send(fd, chunk, REQUEST, MSG_DONTWAIT);
			}
		}
	}
	printf("%.0f %ju %ju\n",
	    (double)done * 1e6 / (double)(now_us() - start), (uintmax_t)done,
	    (uintmax_t)lull);
	return 0;
}

/* A steady rate; what does not come back within half a second is lost. */
static int
udp_rate(int port, int per_s, int seconds)
{
	uint64_t start = now_us(), end, sent = 0, got = 0, due;
	int fd = udp_socket(port);

	end = start + (uint64_t)seconds * 1000000;
	while (now_us() < end) {
		due = (now_us() - start) * (uint64_t)per_s / 1000000;
		for (; sent < due; sent++)
			send(fd, chunk, REQUEST, MSG_DONTWAIT);
		while (recv(fd, chunk, CHUNK, MSG_DONTWAIT) > 0)
			got++;
		usleep(200);
	}
	for (end = now_us() + 500000; now_us() < end && got < sent;)
		if (recv(fd, chunk, CHUNK, MSG_DONTWAIT) > 0)
			got++;
	printf("%.4f %ju %ju\n", (double)(sent - got) / (double)sent,
	    (uintmax_t)sent, (uintmax_t)got);
	return 0;
}

static int
idle(int port, int count)
{
	int i, fd;

	for (i = 0; i < count; i++) {
		fd = dial(port, true);
		ask(fd, true);
		if (recv(fd, chunk, REQUEST, MSG_WAITALL) != REQUEST)
			die("answer");
	}
	puts("ready");
	fflush(stdout);
	while (fgets(chunk, sizeof(chunk), stdin) != NULL)
		;
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	int a[4] = { 0 }, i;
	struct rlimit files;

	for (i = 2; i < argc && i < 6; i++)
		a[i - 2] = atoi(argv[i]);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if ((ep = epoll_create1(0)) == -1)
		die("epoll");
	if (strcmp(what, "serve") == 0 && argc == 3)
		serve(a[0]);
	if (strcmp(what, "bulk") == 0 && argc == 6)
		return bulk(a[0], a[1], a[2], argv[5][0] == 'd');
	if (strcmp(what, "conns") == 0 && argc == 5)
		return requests(a[0], a[1], a[2], true);
	if (strcmp(what, "reqs") == 0 && argc == 5)
		return requests(a[0], a[1], a[2], false);
	if (strcmp(what, "lat") == 0 && argc == 4)
		return latency(a[0], a[1]);
	if (strcmp(what, "udp") == 0 && argc == 5)
		return udp_echoes(a[0], a[1], a[2]);
	if (strcmp(what, "rate") == 0 && argc == 5)
		return udp_rate(a[0], a[1], a[2]);
	if (strcmp(what, "idle") == 0 && argc == 4)
		return idle(a[0], a[1]);
	fputs("usage: see the head of bench/load.c\n", stderr);
	return 2;
}
