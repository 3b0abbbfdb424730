#include "plat/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "base/err.h"

static struct {
	atomic_bool on;
	atomic_bool done; /* the signal was stop_unwatch()'s */
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
	while (sigwait(&the.set, &number) == 0 && !atomic_load(&the.done))
		the.fn(the.arg, ++nth);
	return NULL;
}

int
stop_watch(void (*fn)(void *arg, unsigned nth), void *arg, struct err *e)
{
	the.fn = fn;
	the.arg = arg;
	atomic_store(&the.done, false);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&the.set);
	sigaddset(&the.set, SIGINT);
	sigaddset(&the.set, SIGTERM);
	sigaddset(&the.set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &the.set, NULL);
	if ((errno = pthread_create(
		 &the.thread, NULL, wait_for_signals, NULL)) != 0)
		return err_sys(e, "a thread for signals");
	atomic_store(&the.on, true);
	return 0;
}

bool
stop_ask(void)
{
	return atomic_load(&the.on) && kill(getpid(), SIGTERM) == 0;
}

void
stop_unwatch(void)
{
	if (!atomic_exchange(&the.on, false))
		return;
	atomic_store(&the.done, true);
	pthread_kill(the.thread, SIGHUP);
	pthread_join(the.thread, NULL);
}
