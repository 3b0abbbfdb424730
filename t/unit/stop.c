#include "plat/stop.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/err.h"
#include "tap.h"

static int told[2]; /* a byte for each call */

static void
on_stop(void *arg, unsigned nth)
{
	char byte = (char)nth;

	(void)arg;
	if (write(told[1], &byte, 1) != 1)
		_exit(9);
}

/* The number that fn was called with; -1 when it was not. */
static int
next(int wait_ms)
{
	struct pollfd p = { .fd = told[0], .events = POLLIN };
	char byte;

	if (poll(&p, 1, wait_ms) != 1 || read(told[0], &byte, 1) != 1)
		return -1;
	return byte;
}

int
main(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct err e;
	int i, closed[2];

	ok(pipe(told) == 0 && pipe(closed) == 0, "pipes");
	is_int(stop_watch(on_stop, NULL, &e), 0, "it is watched");
	for (i = 0; i < 3; i++) {
		kill(getpid(), signals[i]);
		is_int(next(5000), i + 1, "each wish is told, and counted");
	}
	close(closed[0]);
	is_int(write(closed[1], "x", 1), -1, "a broken pipe kills nobody");
	ok(stop_ask(), "the program's own wish");
	is_int(next(5000), 4, "counts as any other");
	stop_unwatch();
	ok(!stop_ask(), "nobody is asked any more");
	is_int(next(0), -1, "the end is not told as a wish");
	stop_unwatch();
	is_int(stop_watch(on_stop, NULL, &e), 0, "and again");
	kill(getpid(), SIGTERM);
	is_int(next(5000), 1, "counted from one");
	stop_unwatch();
	return tap_done();
}
