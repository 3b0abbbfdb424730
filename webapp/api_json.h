/*
 * api_json: what a program sends, read strictly: one JSON object, no key twice,
 * no key that nobody knows, at most 16 levels deep, each value of its type and
 * within its range.  Knows nothing of requests.
 */
#ifndef WEBAPP_API_JSON_H
#define WEBAPP_API_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum {
	API_DEPTH_MAX = 16,
	API_LIST_MAX = 1000, /* members of a list */
};

enum api_type {
	API_TEXT,
	API_NUMBER, /* from min to max */
	API_BOOL,
	API_TIME,  /* RFC 3339, or null */
	API_WORDS, /* an array of texts */
	API_IDS,   /* an array of numbers from 1 */
};

struct api_field {
	const char *name;
	enum api_type type;
	bool must; /* it may not be missing */
	int64_t min, max;
};

/* What is wrong with it: 400 is about its writing, 422 about a value. */
struct api_wrong {
	unsigned status;
	char field[64]; /* "" when it is about the whole */
	char says[200];
};

/*
 * The object in the n bytes at p, checked against the table; the caller's to
 * json_decref().  NULL with *w.
 */
json_t *api_json_read(const char *p, size_t n, const struct api_field *table,
    size_t table_n, struct api_wrong *w);

/* Of an object that has been checked; "" and 0 for what is missing. */
bool api_json_has(const json_t *o, const char *name);
const char *api_json_text(const json_t *o, const char *name);
int64_t api_json_number(const json_t *o, const char *name);
bool api_json_bool(const json_t *o, const char *name);

/* In ms; 0 for null. */
int64_t api_json_time(const json_t *o, const char *name);

#endif
