#include "api_out.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

enum { NUMBER_MAX = 20, TIME_MAX = 25 };

static void
put(struct out *o, const void *p, size_t n)
{
	if (!o->failed && buf_add(o->to, p, n, NULL) == -1)
		o->failed = true;
}

/*
 * What stands before a value: a comma behind another one, and its key.  Room
 * for n more bytes follows it, from the pointer on; NULL when there is none.
 * Lists are made of thousands of these: one look at the buf for each.
 */
static char *
begin(struct out *o, const char *key, size_t n)
{
	size_t key_n = key != NULL ? strlen(key) : 0;
	char *p, *from;

	if (o->failed)
		return NULL;
	from = (char *)buf_room(o->to, key_n + 4 + n, NULL);
	if ((p = from) == NULL) {
		o->failed = true;
		return NULL;
	}
	if (buf_len(o->to) > 0 && p[-1] != '{' && p[-1] != '[')
		*p++ = ',';
	if (key != NULL) {
		*p++ = '"';
		memcpy(p, key, key_n);
		p += key_n;
		*p++ = '"';
		*p++ = ':';
	}
	buf_added(o->to, (size_t)(p - from));
	return p;
}

/* A value that needs no quotes and no escapes. */
static void
put_plain(struct out *o, const char *key, const char *text, size_t n)
{
	char *p = begin(o, key, n);

	if (p == NULL)
		return;
	memcpy(p, text, n);
	buf_added(o->to, n);
}

static bool
is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
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

void
out_object(struct out *o, const char *key)
{
	put_plain(o, key, "{", 1);
}

void
out_object_end(struct out *o)
{
	put(o, "}", 1);
}

void
out_array(struct out *o, const char *key)
{
	put_plain(o, key, "[", 1);
}

void
out_array_end(struct out *o)
{
	put(o, "]", 1);
}

/* Text of plain characters alone, n of them. */
static void
put_plain_text(struct out *o, const char *key, const char *text, size_t n)
{
	char *p = begin(o, key, n + 2);

	if (p == NULL)
		return;
	*p++ = '"';
	memcpy(p, text, n);
	p[n] = '"';
	buf_added(o->to, n + 2);
}

void
out_text(struct out *o, const char *key, const char *text)
{
	char clean[2048];
	size_t n = 0;

	while (is_plain((unsigned char)text[n]))
		n++;
	if (text[n] == '\0') {
		put_plain_text(o, key, text, n);
		return;
	}
	(void)begin(o, key, 0);
	n = strlen(text);
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
	char digits[NUMBER_MAX], *end = digits + NUMBER_MAX, *p = end;
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	do
		*--p = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--p = '-';
	put_plain(o, key, p, (size_t)(end - p));
}

void
out_bool(struct out *o, const char *key, bool is)
{
	put_plain(o, key, is ? "true" : "false", is ? 4 : 5);
}

void
out_null(struct out *o, const char *key)
{
	put_plain(o, key, "null", 4);
}

void
out_time(struct out *o, const char *key, int64_t wall_ms)
{
	char text[TIME_MAX];

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
		(void)begin(o, NULL, 0);
		put_string(o, list, n);
	}
	out_array_end(o);
}
