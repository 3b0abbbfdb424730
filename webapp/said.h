/*
 * said: what a form has done, told by the page that comes after it: the
 * address says which sentence (?said=paused), never the sentence itself.
 */
#ifndef WEBAPP_SAID_H
#define WEBAPP_SAID_H

struct req;

/* Shows the sentence in the page that has begun, if one is asked for. */
void said_show(struct req *r);

#endif
