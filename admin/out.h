/*
 * out: what a command found, said once as JSON and shown in one of two ways:
 * as that JSON, or as a table or a list of lines for people.  The functions
 * take over the value (NULL: out of memory) and return the exit code.
 */
#ifndef ADMIN_OUT_H
#define ADMIN_OUT_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct cmd;

struct out_column {
	const char *key;   /* of the JSON object */
	const char *title; /* of the column or line; NULL ends the columns */
};

/* Objects in an array: a row each; none when it is empty: the sentence. */
int out_table(const struct cmd *c, json_t *rows,
    const struct out_column *columns, const char *none);

/* One object, a line for each column. */
int out_lines(
    const struct cmd *c, json_t *object, const struct out_column *columns);

/* One object; people read the sentence instead. */
int out_done(const struct cmd *c, json_t *object, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Text from the database, also when it is not clean. */
json_t *out_text(const char *text);

/* Numbers of rows, as an array. */
json_t *out_ids(const int64_t *ids, size_t n);

/* A time as RFC 3339, or null. */
json_t *out_time(int64_t ms);

#endif
