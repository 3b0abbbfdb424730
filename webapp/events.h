/*
 * events: the streams of updates that relayd sends to browsers.
 */
#ifndef WEBAPP_EVENTS_H
#define WEBAPP_EVENTS_H

#include <stdint.h>

struct req;

/*
 * Ends the streams of a user now; browsers that are still signed in come again
 * by themselves.  To be said once nobody is let in any more who should not be.
 * A relay that does not answer has no streams.
 */
void events_hush(struct req *r, int64_t user);

#endif
