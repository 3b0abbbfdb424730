#include "../../relayd/http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "http/http.h"
#include "net/loop.h"
#include "tap.h"

enum { TURNS_MAX = 2000, LONG_BODY = 3000000, GOT_MAX = 4000000 };

static struct loop *l;
static struct http_server *s;
static struct err e;
static char folder[] = "/tmp/http_server.XXXXXX";
static char path[64];
static char *got; /* what the last connection has heard */
static size_t got_n;

static void
on_hello(void *arg, const struct http *req, struct http_answer *a)
{
	(void)req;
	++*(int *)arg;
	http_answer_text(a, 200, "hello");
}

static void
on_long(void *arg, const struct http *req, struct http_answer *a)
{
	uint8_t *p = buf_room(&a->body, LONG_BODY, NULL);

	(void)arg;
	(void)req;
	memset(p, 'x', LONG_BODY);
	buf_added(&a->body, LONG_BODY);
}

static const struct http_route routes[] = {
	{ "GET", "/hello", on_hello },
	{ "GET", "/long", on_long },
	{ "POST", "/do", on_hello },
};

static int served;

static struct http_server *
open_server(const struct http_server_limits *limits)
{
	struct http_server_options o = { .path = path,
		.mode = 0600,
		.limits = *limits,
		.routes = routes,
		.route_n = 3,
		.arg = &served };

	return http_server_open(l, &o, &e);
}

static int
dial(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		printf("# connect: %s\n", strerror(errno));
	return fd;
}

static void
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		printf("# send: %s\n", strerror(errno));
}

static bool
is_whole(const char *until)
{
	got[got_n] = '\0';
	return until != NULL && strstr(got, until) != NULL;
}

/*
 * Hears until the text has come, or (NULL) until the other side has closed:
 * true; false when it never does.
 */
static bool
hear(int fd, const char *until)
{
	int i;
	ssize_t n = 1;

	got_n = 0;
	for (i = 0; i < TURNS_MAX && n != 0 && !is_whole(until); i++) {
		loop_turn(l, n == -1 ? 10 : 0, NULL);
		n = recv(fd, got + got_n, GOT_MAX - got_n, 0);
		if (n > 0)
			got_n += (size_t)n;
		else if (n == -1 && errno != EAGAIN)
			break;
	}
	return is_whole(until) || (until == NULL && n == 0);
}

/* One question, one answer, until the end. */
static bool
ask(const char *text)
{
	int fd = dial();
	bool whole;

	say(fd, text);
	whole = hear(fd, NULL);
	close(fd);
	return whole;
}

static bool
begins(const char *with)
{
	bool good = strncmp(got, with, strlen(with)) == 0;

	if (!good)
		printf("# got %.200s\n", got);
	return good;
}

/* Turns until the server has so many connections. */
static bool
wait_connections(uint64_t n)
{
	int i;

	for (i = 0;
	     i < TURNS_MAX && http_server_counts(s)->connections_now != n; i++)
		loop_turn(l, 10, NULL);
	return http_server_counts(s)->connections_now == n;
}

static void
answers(void)
{
	ok(ask("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	    "an answer, then the end");
	ok(begins("HTTP/1.1 200 OK\r\n"), "it is 200");
	ok(strstr(got, "\r\n\r\nhello\n") != NULL, "with its body");
	ok(strstr(got, "Cache-Control: no-store\r\n") != NULL,
	    "nobody may keep it");
	ask("HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ok(begins("HTTP/1.1 200 OK\r\n"), "HEAD is answered");
	ok(strstr(got, "Content-Length: 6\r\n") != NULL, "with the length");
	ok(strstr(got, "hello") == NULL, "and without the body");
	ask("GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ok(begins("HTTP/1.1 404 "), "no such path");
	ask("POST /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ok(begins("HTTP/1.1 405 "), "another method");
	ok(strstr(got, "Allow: GET, HEAD\r\n") != NULL, "the right ones told");
	ask("GET /do HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ok(strstr(got, "Allow: POST\r\n") != NULL, "POST, where it is POST");
	ask("POST /do HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ok(begins("HTTP/1.1 200 OK\r\n"), "POST without a body");
	ask("GET /hello HTTP/1.0\r\n\r\n");
	ok(begins("HTTP/1.1 200 OK\r\n"), "HTTP/1.0 is answered and closed");
	ok(wait_connections(0), "all connections are gone");
}

static void
refusals(void)
{
	uint64_t bad = http_server_counts(s)->bad;
	char *head = malloc((size_t)HTTP_SERVER_HEAD_MAX * 2);

	ok(ask("HELO there\r\n\r\n"), "no HTTP: an answer, then the end");
	ok(begins("HTTP/1.1 400 "), "it is 400");
	ask("GET /hello HTTP/1.1\r\n\r\n");
	ok(begins("HTTP/1.1 400 "), "no Host");
	ask("POST /do HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
	ok(begins("HTTP/1.1 413 "), "a body where none is taken");
	snprintf(head, (size_t)HTTP_SERVER_HEAD_MAX * 2,
	    "GET /hello HTTP/1.1\r\nHost: x\r\nA: %0*d", HTTP_SERVER_HEAD_MAX,
	    1);
	ask(head);
	ok(begins("HTTP/1.1 431 "), "a head that is too long");
	free(head);
	is_int(http_server_counts(s)->bad - bad, 4, "they are counted");
	ok(wait_connections(0), "and gone");
}

static void
one_after_another(void)
{
	const char *two = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
			  "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
	const char *one = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = dial();
	size_t i;

	served = 0;
	say(fd, one);
	ok(hear(fd, "hello\n"), "a connection stays");
	ok(strstr(got, "Connection: close") == NULL, "it does not say close");
	for (i = 0; i < strlen(one); i++) {
		send(fd, one + i, 1, MSG_NOSIGNAL);
		loop_turn(l, 0, NULL);
	}
	ok(hear(fd, "hello\n"), "the next request, byte by byte");
	is_int(served, 2, "two were served");
	say(fd, two);
	ok(hear(fd, NULL), "who does not wait for the answer is ended");
	ok(strstr(got, "Connection: close\r\n") != NULL, "and told so");
	is_int(served, 3, "after the first");
	close(fd);
	ok(wait_connections(0), "gone");
}

static void
half_closed(void)
{
	int fd = dial();

	say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	shutdown(fd, SHUT_WR);
	ok(hear(fd, NULL), "who has shut its side is answered, then ended");
	ok(strstr(got, "hello\n") != NULL, "with all of it");
	close(fd);
	fd = dial();
	say(fd, "GET /hello HT");
	ok(wait_connections(1), "half a request");
	close(fd);
	ok(wait_connections(0), "who leaves in the middle is forgotten");
}

static void
long_answers(void)
{
	int fd;

	ok(ask("GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
	    "three million bytes, then the end");
	ok(got_n > LONG_BODY, "all of them");
	ok(got[got_n - 1] == 'x', "to the last");
	fd = dial();
	say(fd, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(wait_connections(1), "one that asks and does not read");
	loop_turn(l, 10, NULL);
	close(fd);
	ok(wait_connections(0), "is forgotten when it goes");
}

/* Without a reader, answers must not pile up. */
static void
memory(void)
{
	uint64_t refused = http_server_counts(s)->refused;
	int fd[8], i;

	for (i = 0; i < 7; i++) {
		fd[i] = dial();
		say(fd[i], "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
		loop_turn(l, 10, NULL);
		loop_turn(l, 10, NULL);
	}
	is_int(http_server_counts(s)->refused - refused, 2,
	    "what would pass the server's memory is refused");
	ok(hear(fd[6], NULL), "the refused is ended");
	ok(begins("HTTP/1.1 503 "), "with 503");
	for (i = 0; i < 7; i++)
		close(fd[i]);
	ok(wait_connections(0), "all are gone");
	ok(ask("GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") &&
		begins("HTTP/1.1 200 "),
	    "and there is room again");
}

static void
too_many(void)
{
	struct http_server_limits few = { 2, 60000, 60000 };
	struct http_server_limits many = { 64, 60000, 60000 };
	uint64_t refused = http_server_counts(s)->refused;
	int a, b;

	http_server_retune(s, &few);
	a = dial();
	b = dial();
	ok(wait_connections(2), "two are there");
	ok(ask(""), "the third is ended");
	ok(begins("HTTP/1.1 503 "), "with 503");
	is_int(http_server_counts(s)->refused - refused, 1, "and counted");
	say(a, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(hear(a, "hello\n"), "those who are there are served");
	close(a);
	ok(wait_connections(1), "one goes");
	ask("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	ok(begins("HTTP/1.1 200 "), "another finds room");
	close(b);
	wait_connections(0);
	http_server_retune(s, &many);
}

static void
deadlines(void)
{
	struct http_server_limits quick = { 8, 30, 30 };
	struct http_server_limits calm = { 64, 60000, 60000 };
	uint64_t late = http_server_counts(s)->late;
	int fd;

	http_server_retune(s, &quick);
	ok(ask(""), "who says nothing is ended");
	ok(ask("GET /hello HTTP/1.1\r\nHost:"), "who does not finish is ended");
	is_int(
	    http_server_counts(s)->late - late, 1, "only the second was late");
	fd = dial();
	say(fd, "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(hear(fd, NULL), "who asks no more is ended");
	ok(begins("HTTP/1.1 200 "), "behind its answer");
	close(fd);
	fd = dial();
	say(fd, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
	ok(wait_connections(1) && wait_connections(0),
	    "who does not take its answer is ended");
	is_int(http_server_counts(s)->late - late, 2, "and counted");
	close(fd);
	http_server_retune(s, &calm);
}

static void
the_socket(void)
{
	struct http_server_limits calm = { 64, 60000, 60000 };
	struct http_server_options o = { .path = path,
		.group = "no such group" };
	struct http_server *second;
	struct stat st;

	is_int(stat(path, &st), 0, "the socket is there");
	is_int(st.st_mode & 0777, 0600, "for its owner alone");
	second = open_server(&calm);
	ok(second == NULL, "a second server does not take it");
	ok(strstr(e.text, "another program") != NULL, "and says why");
	http_server_close(&second);
	ok(http_server_open(l, &o, &e) == NULL &&
		strstr(e.text, "no such group") != NULL,
	    "a group that is not there is named");
	dial();
	ok(wait_connections(1), "one is connected");
	http_server_close(&s);
	ok(s == NULL, "closing leaves NULL");
	is_int(stat(path, &st), -1, "and takes the socket away");
}

int
main(void)
{
	struct http_server_limits calm = { 64, 60000, 60000 };

	if (mkdtemp(folder) == NULL || (got = malloc(GOT_MAX + 1)) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/s", folder);
	l = loop_new(&e);
	s = open_server(&calm);
	ok(s != NULL, "it listens");
	answers();
	refusals();
	one_after_another();
	half_closed();
	long_answers();
	memory();
	too_many();
	deadlines();
	the_socket();
	loop_free(&l);
	rmdir(folder);
	free(got);
	return tap_done();
}
