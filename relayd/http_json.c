#include "http_json.h"

#include <string.h>

#include "base/str.h"
#include "http_server.h"

enum { TEXT_MAX = 2048 };

static int
add(const char *p, size_t n, void *arg)
{
	struct http_answer *a = arg;

	return buf_add(&a->body, p, n, NULL);
}

void
http_json_answer(struct http_answer *a, json_t *v)
{
	a->type = "application/json";
	if (v == NULL || json_dump_callback(v, add, a, JSON_COMPACT) == -1 ||
	    buf_add(&a->body, "\n", 1, NULL) == -1)
		http_answer_text(a, 500, "The answer finds no room.");
	json_decref(v);
}

json_t *
http_json_text(const char *text)
{
	char clean[TEXT_MAX];
	size_t n = strlen(text);

	if (str_is_utf8(text, n))
		return json_stringn(text, n);
	return json_string(str_escape(clean, sizeof(clean), text, n));
}

json_t *
http_json_or_null(int64_t n)
{
	return n == 0 ? json_null() : json_integer(n);
}
