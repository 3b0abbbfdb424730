/*
 * The tests of loop.c, for the loop that is built on poll(): both are
 * compiled into this program, so that the library's own stay out of it.
 */
#ifndef LOOP_POLL
#define LOOP_POLL
#endif

#include "net/loop.c"
#include "net/loop_poll.c"

#include "loop.c"
