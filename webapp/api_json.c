#include "api_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

static int wrong(struct api_wrong *w, unsigned status, const char *field,
    const char *fmt, ...) PRINTF_LIKE(4, 5);

static int
wrong(struct api_wrong *w, unsigned status, const char *field, const char *fmt,
    ...)
{
	va_list ap;

	w->status = status;
	/* a field's name may be anything that a stranger sends */
	str_escape(w->field, sizeof(w->field), field, strlen(field));
	va_start(ap, fmt);
	vsnprintf(w->says, sizeof(w->says), fmt, ap);
	va_end(ap);
	return -1;
}

/* How deep brackets stand in each other, wherever the text is JSON. */
static unsigned
depth_of(const char *p, size_t n)
{
	unsigned depth = 0, deepest = 0;
	bool in_string = false;

	for (size_t i = 0; i < n; i++) {
		if (in_string && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			in_string = !in_string;
		else if (in_string)
			continue;
		else if (p[i] == '{' || p[i] == '[')
			depth++;
		else if ((p[i] == '}' || p[i] == ']') && depth > 0)
			depth--;
		if (depth > deepest)
			deepest = depth;
	}
	return deepest;
}

/* The name that stands twice, out of what jansson says: near '"name"'. */
static int
wrong_twice(struct api_wrong *w, const char *text)
{
	const char *from = strstr(text, "'\""), *to;
	char name[sizeof(w->field)] = "";
	size_t n = 0;

	if (from != NULL && (to = strstr(from + 2, "\"'")) != NULL)
		n = (size_t)(to - from) - 2;
	if (n > 0 && n < sizeof(name)) {
		memcpy(name, from + 2, n);
		name[n] = '\0';
	}
	return wrong(w, 400, name, "A field stands twice; write it once.");
}

static json_t *
parse(const char *p, size_t n, struct api_wrong *w)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	json_error_t fault;
	json_t *v;

	if (depth_of(p, n) > API_DEPTH_MAX) {
		wrong(w, 400, "", "The body is more than %d levels deep.",
		    (int)API_DEPTH_MAX);
		return NULL;
	}
	if ((v = json_loadb(p, n, flags, &fault)) == NULL) {
		if (json_error_code(&fault) == json_error_duplicate_key)
			wrong_twice(w, fault.text);
		else
			wrong(w, 400, "",
			    "The body is not JSON: line %d, "
			    "column %d.",
			    fault.line, fault.column);
		return NULL;
	}
	if (json_is_object(v))
		return v;
	wrong(w, 400, "", "The body is not a JSON object.");
	json_decref(v);
	return NULL;
}

/* A string, and without a NUL, behind which nobody would look. */
static bool
is_text(const json_t *v)
{
	return json_is_string(v) &&
	    strlen(json_string_value(v)) == json_string_length(v);
}

static int
check_number(const struct api_field *f, const json_t *v, struct api_wrong *w)
{
	if (json_is_integer(v) && json_integer_value(v) >= f->min &&
	    json_integer_value(v) <= f->max)
		return 0;
	return wrong(w, 422, f->name,
	    "%s is not a whole number from %" PRId64 " to %" PRId64 ".",
	    f->name, f->min, f->max);
}

static int
check_time(const struct api_field *f, const json_t *v, struct api_wrong *w)
{
	int64_t ignored;

	if (json_is_null(v) ||
	    (is_text(v) && clock_read_rfc3339(json_string_value(v), &ignored)))
		return 0;
	return wrong(w, 422, f->name,
	    "%s is not a time like 2026-11-20T14:02:05Z, nor null.", f->name);
}

/* A list whose members are all texts, or all numbers from 1. */
static int
check_list(const struct api_field *f, const json_t *v, struct api_wrong *w)
{
	const json_t *member;
	size_t i;

	if (!json_is_array(v) || json_array_size(v) > API_LIST_MAX)
		return wrong(w, 422, f->name,
		    "%s is not a list of at most %d %s.", f->name,
		    (int)API_LIST_MAX,
		    f->type == API_IDS ? "numbers" : "texts");
	json_array_foreach(v, i, member)
	{
		if (f->type == API_WORDS ? is_text(member)
					 : json_integer_value(member) > 0)
			continue;
		return wrong(w, 422, f->name, "%s has a member that is no %s.",
		    f->name, f->type == API_IDS ? "number from 1" : "text");
	}
	return 0;
}

static int
check_value(const struct api_field *f, const json_t *v, struct api_wrong *w)
{
	switch (f->type) {
	case API_TEXT:
		return is_text(v)
		    ? 0
		    : wrong(w, 422, f->name, "%s is not a text.", f->name);
	case API_BOOL:
		return json_is_boolean(v)
		    ? 0
		    : wrong(w, 422, f->name, "%s is neither true nor false.",
			  f->name);
	case API_NUMBER:
		return check_number(f, v, w);
	case API_TIME:
		return check_time(f, v, w);
	case API_WORDS:
	case API_IDS:
		break;
	}
	return check_list(f, v, w);
}

static const struct api_field *
find(const struct api_field *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

static int
check(json_t *o, const struct api_field *table, size_t n, struct api_wrong *w)
{
	const struct api_field *f;
	const char *name;
	json_t *v;

	json_object_foreach(o, name, v)
	{
		if (find(table, n, name) == NULL)
			return wrong(w, 400, name,
			    "There is no field of this name here.");
	}
	for (f = table; f < table + n; f++) {
		if ((v = json_object_get(o, f->name)) == NULL && f->must)
			return wrong(
			    w, 422, f->name, "%s is missing.", f->name);
		if (v != NULL && check_value(f, v, w) == -1)
			return -1;
	}
	return 0;
}

json_t *
api_json_read(const char *p, size_t n, const struct api_field *table,
    size_t table_n, struct api_wrong *w)
{
	json_t *o = parse(p, n, w);

	if (o != NULL && check(o, table, table_n, w) == -1) {
		json_decref(o);
		return NULL;
	}
	return o;
}

bool
api_json_has(const json_t *o, const char *name)
{
	return json_object_get(o, name) != NULL;
}

const char *
api_json_text(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text != NULL ? text : "";
}

int64_t
api_json_number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

bool
api_json_bool(const json_t *o, const char *name)
{
	return json_is_true(json_object_get(o, name));
}

int64_t
api_json_time(const json_t *o, const char *name)
{
	int64_t at;

	return clock_read_rfc3339(api_json_text(o, name), &at) ? at : 0;
}
