/*
 * cutter: a bad network between a client and its relay.
 *
 *	cutter LISTEN TARGET	(each ADDRESS:PORT)
 *
 * Carries connections from LISTEN to TARGET.  Each line of standard input is a
 * command and gets one line, JSON, back:
 *
 *	stat		nothing but the answer
 *	cut fin|rst	end every connection now
 *	at fin|rst N	end each connection after N bytes of it, both ways
 *	random fin|rst|mix MIN MAX COUNT
 *			end each after a random number of bytes, COUNT times
 *	never		no more of these
 *	slice N		write at most N bytes at a time; 0: as they come
 *	dark		carry nothing more, close nothing, answer nothing
 *	light		go on
 *	deaf up|down	carry nothing more in that direction
 *	target ADDRESS:PORT	new connections go there
 *	seed N
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

enum { BUFFER = 65536, LINKS = 512, SLICES = 256 };

enum end { FIN, RST, MIX };

/* Bytes from one socket to the other. */
struct way {
	size_t at, n;
	bool ended, shut; /* the end was read; was passed on */
	char data[BUFFER];
};

struct link {
	int fd[2]; /* client, relay */
	uint64_t carried;
	uint64_t cut_at; /* 0: never */
	struct way *way[2];
};

static struct link *links[LINKS];
static unsigned link_n;
static struct where target;

static struct {
	enum end end;
	uint64_t min, max;
	uint64_t count; /* cuts still to make */
	size_t slice;
	bool is_dark, is_deaf[2];
} how;

static struct {
	unsigned long accepted, cuts, failed;
	uint64_t bytes;
} stat;

static uint64_t
between(uint64_t min, uint64_t max)
{
	uint64_t r = (uint64_t)random() << 31 | (uint64_t)random();

	return min + r % (max - min + 1);
}

static void
choose_cut(struct link *l)
{
	l->cut_at = how.count == 0 ? 0 : l->carried + between(how.min, how.max);
}

static void
link_end(unsigned i, enum end end)
{
	struct link *l = links[i];
	char scrap[4096];

	if (end == MIX)
		end = random() % 2 ? FIN : RST;
	for (int s = 0; s < 2; s++) {
		if (end == RST)
			reset_on_close(l->fd[s]);
		else /* unread bytes would make it a reset */
			while (recv(l->fd[s], scrap, sizeof(scrap), 0) > 0)
				continue;
		close(l->fd[s]);
		free(l->way[s]);
	}
	free(l);
	links[i] = links[--link_n];
}

static void
cut(unsigned i, enum end end)
{
	stat.cuts++;
	link_end(i, end);
}

static void
link_new(int client)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL || link_n == LINKS)
		die("too many links");
	l->fd[0] = client;
	l->fd[1] = socket(target.sa.ss_family, SOCK_STREAM, 0);
	stat.accepted++;
	if (connect(l->fd[1], (struct sockaddr *)&target.sa, target.len) != 0) {
		stat.failed++;
		reset_on_close(client);
		close(client);
		close(l->fd[1]);
		free(l);
		return;
	}
	for (int s = 0; s < 2; s++) {
		nonblock(l->fd[s]);
		nodelay(l->fd[s]);
		if ((l->way[s] = calloc(1, sizeof(struct way))) == NULL)
			die("no memory");
	}
	choose_cut(l);
	links[link_n++] = l;
}

/* How many bytes of these n may go before the cut. */
static size_t
before_cut(const struct link *l, size_t n)
{
	if (l->cut_at == 0 || l->cut_at - l->carried >= n)
		return n;
	return (size_t)(l->cut_at - l->carried);
}

/* Writes what is held, in slices; false: that side is broken. */
static bool
way_write(struct link *l, struct way *w, int to)
{
	size_t n;
	ssize_t sent;

	for (int i = 0; i < SLICES && w->n > 0; i++) {
		n = before_cut(l, w->n);
		if (how.slice != 0 && n > how.slice)
			n = how.slice;
		if (n == 0)
			return true;
		sent = send(to, w->data + w->at, n, MSG_NOSIGNAL);
		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		w->at += (size_t)sent;
		w->n -= (size_t)sent;
		l->carried += (uint64_t)sent;
		stat.bytes += (uint64_t)sent;
	}
	return true;
}

static bool
way_run(struct link *l, int s)
{
	struct way *w = l->way[s];
	ssize_t n;

	if (w->n == 0 && !w->ended) {
		n = recv(l->fd[s], w->data, sizeof(w->data), 0);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		w->at = 0;
		w->n = (size_t)n;
		w->ended = n == 0;
	}
	if (!way_write(l, w, l->fd[!s]))
		return false;
	if (w->n == 0 && w->ended && !w->shut) {
		w->shut = true;
		(void)shutdown(l->fd[!s], SHUT_WR);
	}
	return true;
}

/* True: it still stands. */
static bool
link_run(unsigned i)
{
	struct link *l = links[i];
	enum end end = how.end;

	for (int s = 0; s < 2; s++) {
		if (!how.is_deaf[s] && !way_run(l, s)) {
			link_end(i, RST);
			return false;
		}
	}
	if (l->cut_at != 0 && l->carried >= l->cut_at) {
		if (how.count > 0) {
			how.count--;
			cut(i, end);
			return false;
		}
		l->cut_at = 0;
	}
	if (l->way[0]->shut && l->way[1]->shut) {
		link_end(i, FIN);
		return false;
	}
	return true;
}

/* --- commands ------------------------------------------------------------- */

static enum end
end_named(const char *word)
{
	return strcmp(word, "fin") == 0 ? FIN
	    : strcmp(word, "rst") == 0  ? RST
					: MIX;
}

static void
cut_plan(enum end end, uint64_t min, uint64_t max, uint64_t count)
{
	how.end = end;
	how.min = min;
	how.max = max;
	how.count = count;
	for (unsigned i = 0; i < link_n; i++)
		choose_cut(links[i]);
}

static void
command(const char *line)
{
	unsigned long long a = 0, b = 0, c = 0;
	char word[16] = "", which[64] = "";

	if (sscanf(line, "%15s %63s %llu %llu %llu", word, which, &a, &b, &c) <
	    1)
		return;
	if (strcmp(word, "cut") == 0)
		while (link_n > 0)
			cut(link_n - 1, end_named(which));
	else if (strcmp(word, "at") == 0)
		cut_plan(end_named(which), a, a, UINT64_MAX);
	else if (strcmp(word, "random") == 0)
		cut_plan(end_named(which), a, b, c);
	else if (strcmp(word, "never") == 0)
		cut_plan(MIX, 0, 0, 0);
	else if (strcmp(word, "slice") == 0)
		how.slice = (size_t)number(which);
	else if (strcmp(word, "seed") == 0)
		srandom((unsigned)number(which));
	else if (strcmp(word, "target") == 0)
		target = where(which);
	else if (strcmp(word, "deaf") == 0)
		how.is_deaf[strcmp(which, "down") == 0] = true;
	else if (strcmp(word, "dark") == 0)
		how.is_dark = true;
	else if (strcmp(word, "light") == 0)
		how.is_dark = how.is_deaf[0] = how.is_deaf[1] = false;
	else if (strcmp(word, "stat") != 0)
		die("\"%s\" is no command", line);
	say("{\"links\":%u,\"accepted\":%lu,\"cuts\":%lu,\"failed\":%lu,"
	    "\"left\":%llu,\"bytes\":%llu}",
	    link_n, stat.accepted, stat.cuts, stat.failed,
	    (unsigned long long)how.count, (unsigned long long)stat.bytes);
}

/* --- the loop ------------------------------------------------------------- */

static short
interest(const struct link *l, int s)
{
	const struct way *out = l->way[!s], *in = l->way[s];
	bool reads = in->n == 0 && !in->ended && !how.is_deaf[s];

	return (short)((reads ? POLLIN : 0) |
	    (out->n > 0 && !how.is_deaf[!s] ? POLLOUT : 0));
}

static nfds_t
fill(struct pollfd *p, int listener)
{
	nfds_t n = 2;

	p[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = how.is_dark ? -1 : listener,
		.events = POLLIN };
	for (unsigned i = 0; i < link_n && !how.is_dark; i++)
		for (int s = 0; s < 2; s++) {
			short in = interest(links[i], s);

			p[n++] =
			    (struct pollfd){ .fd =
						 in != 0 ? links[i]->fd[s] : -1,
				    .events = in };
		}
	return n;
}

static int
listener_new(const struct where *w)
{
	int fd = socket(w->sa.ss_family, SOCK_STREAM, 0), on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&w->sa, w->len) != 0 ||
	    listen(fd, 1024) != 0)
		die("listen: %s", strerror(errno));
	nonblock(fd);
	return fd;
}

int
main(int argc, char **argv)
{
	static struct pollfd p[2 + 2 * LINKS];
	struct where w;
	char line[128];
	int listener, fd, rc;

	if (argc != 3)
		die("cutter LISTEN TARGET");
	w = where(argv[1]);
	target = where(argv[2]);
	listener = listener_new(&w);
	say("port %u", where_port(listener));
	say("ready");
	for (;;) {
		nfds_t n = fill(p, listener);

		if (poll(p, n, -1) < 0)
			continue;
		while ((rc = stdin_line(line, sizeof(line))) == 1)
			command(line);
		if (rc == -1)
			return 0;
		if (how.is_dark)
			continue;
		for (unsigned i = link_n; i-- > 0;)
			(void)link_run(i);
		if ((fd = accept(listener, NULL, NULL)) >= 0)
			link_new(fd);
	}
}
