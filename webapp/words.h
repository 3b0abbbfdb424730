/*
 * words: moments and spans as people say them, in the server's time zone.
 */
#ifndef WEBAPP_WORDS_H
#define WEBAPP_WORDS_H

#include <stdint.h>

struct req;

/* "just now", "today 14:02", "yesterday 09:15", "3 May 14:02", "3 May 2025" */
const char *words_when(struct req *r, int64_t at);

/* The same against another "now", for tests; to has room for 48 bytes. */
char *words_moment(char *to, int64_t at, int64_t now);

/* "12 s", "28 min", "1 h 20 min", "3 days"; to has room for 32 bytes. */
char *words_span(char *to, int64_t ms);

/* "2026-11-20T14:02" for an element's datetime. */
const char *words_datetime(struct req *r, int64_t at);

/* "1 visitor", "3 visitors" */
const char *words_count(
    struct req *r, int64_t n, const char *one, const char *many);

/* "1.4 kB" */
const char *words_bytes(struct req *r, uint64_t n);

#endif
