/*
 * A program that has given up dialling cannot take it back, and loses nothing
 * else by it.
 */
#include "plat/confine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "tap.h"

static struct sockaddr_in at;

/* A connection to our own listener, or -1 with errno. */
static int
dial(int type)
{
	int fd = socket(AF_INET, type, 0), why;

	if (connect(fd, (const struct sockaddr *)(const void *)&at,
		sizeof(at)) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

static int
make_listener(void)
{
	socklen_t n = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (bind(fd, (const struct sockaddr *)(const void *)&at, sizeof(at)) ==
		-1 ||
	    listen(fd, 8) == -1 ||
	    getsockname(fd, (struct sockaddr *)(void *)&at, &n) == -1)
		return -1;
	return fd;
}

static void *
dial_elsewhere(void *arg)
{
	int *why = arg;

	*why = dial(SOCK_STREAM) == -1 ? errno : 0;
	return NULL;
}

int
main(void)
{
	struct err e = { "" };
	int listener = make_listener(), before, in, after, rc, why = 0;
	pthread_t thread;
	char byte = 'a';

	if (listener == -1)
		tap_skip_all("no listener");
	before = dial(SOCK_STREAM);
	ok(before != -1, "at first it dials");
	in = accept(listener, NULL, NULL);
	rc = confine_dialling(&e);
	ok(rc != -1, "it gives that up");
	if (rc != 1) /* not with this kernel */
		return tap_done();
	is_int(dial(SOCK_STREAM), -1, "then it does not");
	is_int(errno, EACCES, "for lack of permission");
	is_int(
	    pthread_create(&thread, NULL, dial_elsewhere, &why), 0, "a thread");
	pthread_join(thread, NULL);
	is_int(why, EACCES, "does not either");
	is_int(write(before, &byte, 1), 1, "what is connected stays");
	is_int(read(in, &byte, 1), 1, "both ways");
	after = dial(SOCK_DGRAM);
	ok(after != -1, "UDP is not concerned");
	after = make_listener();
	ok(after != -1, "nor is listening");
	return tap_done();
}
