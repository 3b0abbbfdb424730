/*
 * api_rate: how often a program may ask.  One number for each asker says when
 * what was granted will have been used up at the allowed pace (the "generic
 * cell rate algorithm"): a whole minute's requests may come at once, then one
 * after another.  The numbers stand in a small file beside the database, so
 * that all threads and processes count together, CGI too.
 */
#ifndef WEBAPP_API_RATE_H
#define WEBAPP_API_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Strangers choose their address, and so whom they would share a number with. */
enum api_rate_kind { RATE_READS, RATE_WRITES, RATE_STRANGERS, RATE_KINDS };

struct api_rate {
	bool granted;
	uint32_t limit;     /* a minute */
	uint32_t remaining; /* at once, now */
	uint32_t reset_s;   /* until all of it may come again */
	uint32_t wait_s;    /* until the next is granted, if this was not */
};

/*
 * Counts a request of who, whose limit is per_minute (not 0), at now_us of a
 * clock that never goes back.
 */
void api_rate_count(const char *path, enum api_rate_kind kind, const char *who,
    uint32_t per_minute, uint64_t now_us, struct api_rate *out);

#endif
