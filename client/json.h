/*
 * json: looks into JSON that the dashboard has answered, without copying it.  A
 * struct json is one value inside of the text, which is the caller's.
 */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	const char *p; /* NULL: there is no such value */
	size_t n;
};

/* The whole text as one value; none when it is not JSON, 16 levels deep. */
struct json json_whole(const void *p, size_t n);

/* The member of an object; none when there is none, or it is no object. */
struct json json_member(struct json v, const char *name);

/* The i-th element of an array; none behind the last. */
struct json json_element(struct json v, size_t i);

/* A string as text, "" and false when it is none, has a NUL or does not fit. */
bool json_text(struct json v, char *to, size_t cap);

/* A whole number from lo to hi, else 0 and false. */
bool json_number(struct json v, int64_t lo, int64_t hi, int64_t *out);

/* Is it true? */
bool json_true(struct json v);

#endif
