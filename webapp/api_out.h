/*
 * api_out: JSON that is written as it comes, without a tree in between.  A key
 * is a plain word, or NULL inside of an array.  Text that is not UTF-8 is shown escaped.
 */
#ifndef WEBAPP_API_OUT_H
#define WEBAPP_API_OUT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

struct out {
	struct buf *to;
	bool failed; /* memory or the buf's limit is out; nothing more comes */
};

void out_object(struct out *o, const char *key);
void out_object_end(struct out *o);
void out_array(struct out *o, const char *key);
void out_array_end(struct out *o);

void out_text(struct out *o, const char *key, const char *text);
void out_number(struct out *o, const char *key, int64_t n);
void out_bool(struct out *o, const char *key, bool is);
void out_null(struct out *o, const char *key);

/* null for "". */
void out_text_or_null(struct out *o, const char *key, const char *text);

/* RFC 3339 in UTC; null for 0, which is "not happened". */
void out_time(struct out *o, const char *key, int64_t wall_ms);

/* "a,b" as ["a","b"]. */
void out_words(struct out *o, const char *key, const char *list);

#endif
