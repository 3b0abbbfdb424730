/*
 * portprobe: a neighbour on the same machine who wants a public port.
 *
 *	portprobe PORT [udp]
 *
 * Tries every millisecond to bind it, on all addresses and on one, with and
 * without SO_REUSEADDR, and to listen there, until standard input ends; then
 * says {"tries":N,"won":N}.  Whoever wins lets go at once.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

static bool
try_bind(const char *address, unsigned port, int type, int reuse)
{
	char text[64];
	struct where w;
	bool won;
	int fd;

	snprintf(text, sizeof(text), "%s:%u", address, port);
	w = where(text);
	if ((fd = socket(w.sa.ss_family, type, 0)) < 0)
		return false;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	won = bind(fd, (struct sockaddr *)&w.sa, w.len) == 0;
	if (won && type == SOCK_STREAM)
		won = listen(fd, 1) == 0;
	close(fd);
	return won;
}

int
main(int argc, char **argv)
{
	static const char *const address[] = { "0.0.0.0", "127.0.0.1", "[::]" };
	struct timespec ms = { 0, 1000000 };
	unsigned long tries = 0, won = 0;
	char line[64], how[64] = "";
	int type = argc > 2 ? SOCK_DGRAM : SOCK_STREAM;
	unsigned port;

	if (argc < 2)
		die("portprobe PORT [udp]");
	port = (unsigned)number(argv[1]);
	say("ready");
	while (stdin_line(line, sizeof(line)) >= 0) {
		const char *a = address[tries / 2 % 3];

		if (try_bind(a, port, type, tries % 2)) {
			won++;
			snprintf(how, sizeof(how), "%s%s, try %lu", a,
			    tries % 2 ? " with SO_REUSEADDR" : "", tries);
		}
		tries++;
		nanosleep(&ms, NULL);
	}
	say("{\"tries\":%lu,\"won\":%lu,\"how\":\"%s\"}", tries, won, how);
	return 0;
}
