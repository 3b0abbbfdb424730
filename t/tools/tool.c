#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (fflush(stdout) != 0)
		exit(1);
}

uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
number(const char *text)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		die("\"%s\" is not a number", text);
	return n;
}

struct where
where(const char *text)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	struct where w = { .len = 0 };
	char host[64];
	const char *colon = strrchr(text, ':');
	size_t n;

	if (colon == NULL)
		die("\"%s\" is not ADDRESS:PORT", text);
	if (*text == '[' && colon[-1] == ']')
		n = (size_t)(colon - ++text) - 1;
	else
		n = (size_t)(colon - text);
	if (n >= sizeof(host))
		die("\"%s\" is too long", text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		die("\"%s\" is not ADDRESS:PORT", text);
	memcpy(&w.sa, found->ai_addr, found->ai_addrlen);
	w.len = found->ai_addrlen;
	freeaddrinfo(found);
	return w;
}

unsigned
where_port(int fd)
{
	struct sockaddr_storage sa;
	socklen_t n = sizeof(sa);
	char port[8];

	if (getsockname(fd, (struct sockaddr *)&sa, &n) != 0 ||
	    getnameinfo((struct sockaddr *)&sa, n, NULL, 0, port, sizeof(port),
		NI_NUMERICSERV) != 0)
		die("getsockname: %s", strerror(errno));
	return (unsigned)number(port);
}

void
nonblock(int fd)
{
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0)
		die("O_NONBLOCK: %s", strerror(errno));
}

void
nodelay(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void
many_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

void
reset_on_close(int fd)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

/* --- the pattern ---------------------------------------------------------- */

static const uint8_t *
pattern_text(void)
{
	static uint8_t text[PATTERN_LEN];
	static bool is_made;
	uint64_t x = 88172645463325252u;

	for (size_t i = 0; !is_made && i < PATTERN_LEN; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		text[i] = (uint8_t)(x >> 24);
	}
	is_made = true;
	return text;
}

const void *
pattern(uint64_t at, size_t n, size_t *n_out)
{
	size_t i = (size_t)(at % PATTERN_LEN);

	*n_out = n < PATTERN_LEN - i ? n : PATTERN_LEN - i;
	return pattern_text() + i;
}

size_t
pattern_match(uint64_t at, const void *p, size_t n)
{
	const uint8_t *b = p, *want;
	size_t done = 0, part, i;

	while (done < n) {
		want = pattern(at + done, n - done, &part);
		if (memcmp(b + done, want, part) != 0) {
			for (i = 0; b[done + i] == want[i]; i++)
				continue;
			return done + i;
		}
		done += part;
	}
	return n;
}

/* --- commands ------------------------------------------------------------- */

int
stdin_line(char *line, size_t size)
{
	static char held[4096];
	static size_t held_n;
	static bool is_ended;
	struct pollfd p = { .fd = 0, .events = POLLIN };
	char *end;
	ssize_t n;
	size_t len;

	end = memchr(held, '\n', held_n);
	if (end == NULL && !is_ended && poll(&p, 1, 0) == 1) {
		n = read(0, held + held_n, sizeof(held) - held_n);
		is_ended = n <= 0;
		if (n > 0)
			held_n += (size_t)n;
		end = memchr(held, '\n', held_n);
	}
	if (end == NULL)
		return is_ended ? -1 : 0;
	len = (size_t)(end - held);
	if (len >= size)
		die("a command is too long");
	memcpy(line, held, len);
	line[len] = '\0';
	held_n -= len + 1;
	memmove(held, end + 1, held_n);
	return 1;
}
