/*
 * http_json: answers that are JSON.
 */
#ifndef RELAYD_HTTP_JSON_H
#define RELAYD_HTTP_JSON_H

#include <stdint.h>

#include <jansson.h>

struct http_answer;

/* Makes v the answer and takes it over; NULL is answered with 500. */
void http_json_answer(struct http_answer *a, json_t *v);

/* Text as a string; bytes that are not UTF-8 are escaped. */
json_t *http_json_text(const char *text);

/* null for 0. */
json_t *http_json_or_null(int64_t n);

#endif
