#include "json.h"

#include <string.h>

#include "base/str.h"

enum { DEPTH_MAX = 16 };

/* What is left to read; at NULL it has gone wrong. */
struct reader {
	const char *at, *end;
};

static void
skip_space(struct reader *r)
{
	while (r->at != NULL && r->at < r->end && *r->at != '\0' &&
	    strchr(" \t\r\n", *r->at) != NULL)
		r->at++;
}

/* Is c next?  Takes it then. */
static bool
take(struct reader *r, char c)
{
	skip_space(r);
	if (r->at == NULL || r->at == r->end || *r->at != c)
		return false;
	r->at++;
	return true;
}

static void
skip_string(struct reader *r)
{
	for (; r->at < r->end && (unsigned char)*r->at >= ' '; r->at++) {
		if (*r->at == '"') {
			r->at++;
			return;
		}
		if (*r->at == '\\' && ++r->at == r->end)
			break;
	}
	r->at = NULL;
}

/* A number, true, false, null. */
static void
skip_word(struct reader *r)
{
	static const char set[] = "+-.0123456789Eaeflnrstu";
	const char *from = r->at;

	while (r->at < r->end && *r->at != '\0' && strchr(set, *r->at) != NULL)
		r->at++;
	if (r->at == from)
		r->at = NULL;
}

/*
 * Goes over one value.  `open` has the brackets that it stands in; a loop, so
 * that no text makes the stack grow.
 */
static void
skip_value(struct reader *r)
{
	char open[DEPTH_MAX];
	int depth = 0;

	do {
		if (depth > 0 && open[depth - 1] == '}') {
			if (!take(r, '"') || (skip_string(r), !take(r, ':')))
				break;
		}
		skip_space(r);
		if (r->at == NULL || r->at == r->end)
			break;
		if (*r->at == '{' || *r->at == '[') {
			if (depth == DEPTH_MAX)
				break;
			open[depth++] = *r->at++ == '{' ? '}' : ']';
			if (!take(r, open[depth - 1]))
				continue;
			depth--;
		} else if (*r->at == '"') {
			r->at++;
			skip_string(r);
		} else {
			skip_word(r);
		}
		while (depth > 0 && !take(r, ',')) {
			if (!take(r, open[depth - 1])) {
				r->at = NULL;
				return;
			}
			depth--;
		}
		if (r->at == NULL || depth == 0)
			return;
	} while (true);
	r->at = NULL;
}

/* The value that stands next. */
static struct json
next_value(struct reader *r)
{
	const char *from;

	skip_space(r);
	from = r->at;
	if (from != NULL)
		skip_value(r);
	if (r->at == NULL)
		return (struct json){ NULL, 0 };
	return (struct json){ from, (size_t)(r->at - from) };
}

struct json
json_whole(const void *p, size_t n)
{
	struct json v = { NULL, 0 };
	struct reader r;

	if (p == NULL || !str_is_utf8(p, n))
		return v;
	r = (struct reader){ p, (const char *)p + n };
	v = next_value(&r);
	skip_space(&r);
	if (r.at != r.end)
		v.p = NULL;
	return v;
}

struct json
json_member(struct json v, const char *name)
{
	struct json key, value = { NULL, 0 };
	struct reader r;
	char text[64];

	if (v.p == NULL)
		return value;
	r = (struct reader){ v.p, v.p + v.n };
	if (!take(&r, '{'))
		return value;
	do {
		key = next_value(&r);
		if (key.p == NULL || !take(&r, ':'))
			break;
		value = next_value(&r);
		if (json_text(key, text, sizeof(text)) &&
		    strcmp(text, name) == 0)
			return value;
	} while (take(&r, ','));
	return (struct json){ NULL, 0 };
}

struct json
json_element(struct json v, size_t i)
{
	struct json value = { NULL, 0 };
	struct reader r;

	if (v.p == NULL)
		return value;
	r = (struct reader){ v.p, v.p + v.n };
	if (!take(&r, '[') || take(&r, ']'))
		return value;
	do {
		value = next_value(&r);
		if (i-- == 0)
			return value;
	} while (take(&r, ','));
	return (struct json){ NULL, 0 };
}

/* --- texts ------------------------------------------------------------------- */

/* Four hex digits, or -1. */
static int32_t
hex4(const char *p, const char *end)
{
	char digits[5] = "";
	uint8_t two[2];

	if (end - p < 4)
		return -1;
	memcpy(digits, p, 4);
	return str_unhex(two, 2, digits) ? two[0] << 8 | two[1] : -1;
}

/* A character as UTF-8; how many bytes. */
static size_t
put_utf8(char to[4], uint32_t c)
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Behind "\u": the character, whose second half follows if need be; or 0. */
static uint32_t
read_unicode(const char **p, const char *end)
{
	int32_t c = hex4(*p, end), low;

	if (c <= 0 || (c >= 0xdc00 && c < 0xe000))
		return 0;
	*p += 4;
	if (c < 0xd800 || c >= 0xe000)
		return (uint32_t)c;
	if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u')
		return 0;
	low = hex4(*p + 2, end);
	if (low < 0xdc00 || low >= 0xe000)
		return 0;
	*p += 6;
	return 0x10000 + (((uint32_t)c - 0xd800) << 10) +
	    ((uint32_t)low - 0xdc00);
}

/* The character at *p, behind which *p stands then; how many bytes, or 0. */
static size_t
read_character(const char **p, const char *end, char to[4])
{
	static const char from[] = "\"\\/bfnrt", is[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint32_t c;

	if (**p != '\\') {
		to[0] = *(*p)++;
		return 1;
	}
	if (++*p == end)
		return 0;
	if (**p == 'u') {
		++*p;
		return (c = read_unicode(p, end)) == 0 ? 0 : put_utf8(to, c);
	}
	if (**p == '\0' || (at = strchr(from, **p)) == NULL)
		return 0;
	++*p;
	to[0] = is[at - from];
	return 1;
}

bool
json_text(struct json v, char *to, size_t cap)
{
	const char *p = v.p, *end;
	size_t len = 0, n;
	char one[4];

	to[0] = '\0';
	if (p == NULL || v.n < 2 || *p != '"')
		return false;
	end = p + v.n - 1;
	for (p++; p < end; len += n) {
		n = read_character(&p, end, one);
		if (n == 0 || len + n >= cap) {
			to[0] = '\0';
			return false;
		}
		memcpy(to + len, one, n);
	}
	to[len] = '\0';
	return true;
}

bool
json_number(struct json v, int64_t lo, int64_t hi, int64_t *out)
{
	char digits[24];
	uint64_t n;
	bool minus;

	*out = 0;
	if (v.p == NULL || v.n >= sizeof(digits) || v.n == 0)
		return false;
	memcpy(digits, v.p, v.n);
	digits[v.n] = '\0';
	minus = digits[0] == '-';
	if (!str_number(digits + minus, 0, INT64_MAX, &n))
		return false;
	*out = minus ? -(int64_t)n : (int64_t)n;
	if (*out >= lo && *out <= hi)
		return true;
	*out = 0;
	return false;
}

bool
json_true(struct json v)
{
	return v.p != NULL && v.n == 4 && memcmp(v.p, "true", 4) == 0;
}
