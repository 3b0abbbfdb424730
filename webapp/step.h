/*
 * step: a lasting change and its line in the audit trail (page_note()), made
 * whole or not at all.  Others wait meanwhile, so nothing between the two waits
 * for anybody: passwords are hashed before, the relay is asked before or after.
 */
#ifndef WEBAPP_STEP_H
#define WEBAPP_STEP_H

#include <stdbool.h>
#include <stdint.h>

struct req;

/* False when the store does not let us: 503 was answered. */
bool step_begin(struct req *r);

/*
 * Keeps it or undoes it.  False when it was to be kept and could not be, the
 * line in the audit trail included: then nothing of it is so, what was said of
 * it is taken back, and 503 was answered.
 */
bool step_end(struct req *r, bool keep);

/* The user's streams of events end once the step is kept. */
void step_hush(struct req *r, int64_t user);

#endif
