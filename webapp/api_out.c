#include "api_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

static void
put(struct out *o, const void *p, size_t n)
{
	if (!o->failed && buf_add(o->to, p, n, NULL) == -1)
		o->failed = true;
}

/* A string with its quotes; n bytes of UTF-8. */
static void
put_string(struct out *o, const char *p, size_t n)
{
	char escape[8];
	size_t i, from = 0;
	unsigned char c;

	put(o, "\"", 1);
	for (i = 0; i < n; i++) {
		c = (unsigned char)p[i];
		if (c >= ' ' && c != '"' && c != '\\')
			continue;
		put(o, p + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\')
			snprintf(escape, sizeof(escape), "\\%c", c);
		else
			snprintf(escape, sizeof(escape), "\\u%04x", c);
		put(o, escape, strlen(escape));
	}
	put(o, p + from, n - from);
	put(o, "\"", 1);
}

/* What stands before a value: a comma behind another one, and its key. */
static void
put_key(struct out *o, const char *key)
{
	size_t n = buf_len(o->to);

	if (n > 0 && strchr("{[", buf_data(o->to)[n - 1]) == NULL)
		put(o, ",", 1);
	if (key == NULL)
		return;
	put_string(o, key, strlen(key));
	put(o, ":", 1);
}

void
out_object(struct out *o, const char *key)
{
	put_key(o, key);
	put(o, "{", 1);
}

void
out_object_end(struct out *o)
{
	put(o, "}", 1);
}

void
out_array(struct out *o, const char *key)
{
	put_key(o, key);
	put(o, "[", 1);
}

void
out_array_end(struct out *o)
{
	put(o, "]", 1);
}

void
out_text(struct out *o, const char *key, const char *text)
{
	char clean[2048];
	size_t n = strlen(text);

	put_key(o, key);
	if (!str_is_utf8(text, n)) {
		text = str_escape(clean, sizeof(clean), text, n);
		n = strlen(text);
	}
	put_string(o, text, n);
}

void
out_text_or_null(struct out *o, const char *key, const char *text)
{
	if (*text == '\0')
		out_null(o, key);
	else
		out_text(o, key, text);
}

void
out_number(struct out *o, const char *key, int64_t n)
{
	char digits[24];

	put_key(o, key);
	snprintf(digits, sizeof(digits), "%" PRId64, n);
	put(o, digits, strlen(digits));
}

void
out_bool(struct out *o, const char *key, bool is)
{
	put_key(o, key);
	put(o, is ? "true" : "false", is ? 4 : 5);
}

void
out_null(struct out *o, const char *key)
{
	put_key(o, key);
	put(o, "null", 4);
}

void
out_time(struct out *o, const char *key, int64_t wall_ms)
{
	char text[32];

	if (wall_ms == 0)
		out_null(o, key);
	else
		out_text(o, key, clock_rfc3339(text, sizeof(text), wall_ms));
}

void
out_words(struct out *o, const char *key, const char *list)
{
	size_t n;

	out_array(o, key);
	for (; *list != '\0'; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		put_key(o, NULL);
		put_string(o, list, n);
	}
	out_array_end(o);
}
