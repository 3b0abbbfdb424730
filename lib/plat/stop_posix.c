#include "plat/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

static struct {
	bool on;
	pthread_t thread;
	sigset_t set;
	void (*fn)(void *arg, unsigned nth);
	void *arg;
} the;

/*
 * Waits for the signals, which are blocked everywhere, so that what follows
 * runs in a thread and may do what a signal's handler may not.
 */
static void *
wait_for_signals(void *arg)
{
	unsigned nth = 0;
	int number;

	(void)arg;
	for (;;) {
		if (sigwait(&the.set, &number) != 0)
			continue;
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		the.fn(the.arg, ++nth);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	}
	return NULL;
}

int
stop_watch(void (*fn)(void *arg, unsigned nth), void *arg, struct err *e)
{
	the.fn = fn;
	the.arg = arg;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&the.set);
	sigaddset(&the.set, SIGINT);
	sigaddset(&the.set, SIGTERM);
	sigaddset(&the.set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &the.set, NULL);
	if ((errno = pthread_create(
		 &the.thread, NULL, wait_for_signals, NULL)) != 0)
		return err_sys(e, "a thread for signals");
	the.on = true;
	return 0;
}

void
stop_unwatch(void)
{
	if (!the.on)
		return;
	the.on = false;
	pthread_cancel(the.thread);
	pthread_join(the.thread, NULL);
}
