/*
 * stop: the wish from outside that this program may end: Ctrl-C, TERM and HUP;
 * on Windows also a console that is closed.
 */
#ifndef PLAT_STOP_H
#define PLAT_STOP_H

#include <stdbool.h>

struct err;

/*
 * From now on fn(arg, nth) is called each time, nth being 1 for the first, by
 * a thread of its own: pass it on with loop_post().  Once in a process, before
 * other threads are made.  Writing to a pipe that nobody reads is an error like
 * any other from now on, not a signal.
 */
int stop_watch(void (*fn)(void *arg, unsigned nth), void *arg, struct err *e);

/* The wish of this program itself, from any thread; false: nobody watches. */
bool stop_ask(void);

/* Nothing is called any more when this returns; not from within fn. */
void stop_unwatch(void);

#endif
