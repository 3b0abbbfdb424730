/*
 * live_share: what the relay has just said, for all threads: whoever asks the
 * same within 250 ms gets the same answer, and one thread at a time asks.
 */
#ifndef WEBAPP_LIVE_SHARE_H
#define WEBAPP_LIVE_SHARE_H

#include <stddef.h>

#include <jansson.h>

struct live_tunnel;

/* An answer.  Nobody changes it once it is made. */
struct live_said {
	json_t *list; /* holds the texts of the rows; NULL: no answer came */
	struct live_tunnel *at;
	size_t n;
};

/*
 * The answer to a question; fill() is called when it has to be asked, with all
 * zero, and takes a bounded time.  NULL without memory.
 */
const struct live_said *live_share_take(const char *question,
    void (*fill)(struct live_said *said, const char *question, void *arg),
    void *arg);

/* Gives it back; it is gone when nobody else has it and it is old. */
void live_share_done(void *said);

/* The next to ask gets no answer from before. */
void live_share_forget(void);

#endif
