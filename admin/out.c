#include "out.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd.h"

enum {
	CELL_MAX = 2600,
	COLUMNS_MAX = 16,
	GAP = 2,
};

json_t *
out_text(const char *text)
{
	char clean[CELL_MAX];
	size_t n = strlen(text);

	if (str_is_utf8(text, n))
		return json_string(text);
	return json_string(str_escape(clean, sizeof(clean), text, n));
}

json_t *
out_ids(const int64_t *ids, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(a, json_integer(ids[i]));
	return a;
}

json_t *
out_time(int64_t ms)
{
	char text[32];

	if (ms == 0)
		return json_null();
	return json_string(clock_rfc3339(text, sizeof(text), ms));
}

static size_t cell(char *to, size_t cap, const json_t *v);

static size_t
cell_list(char *to, size_t cap, const json_t *list)
{
	size_t i, n = 0;

	for (i = 0; i < json_array_size(list) && n + 2 < cap; i++) {
		if (i > 0) {
			to[n++] = ',';
			to[n] = '\0';
		}
		n += cell(to + n, cap - n, json_array_get(list, i));
	}
	return n;
}

/* A value for people; what a terminal would obey is escaped. */
static size_t
cell(char *to, size_t cap, const json_t *v)
{
	const char *text = "-";

	if (json_is_array(v) && json_array_size(v) > 0)
		return cell_list(to, cap, v);
	if (json_is_integer(v)) {
		snprintf(
		    to, cap, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return strlen(to);
	}
	if (json_is_real(v)) {
		snprintf(to, cap, "%.2f", json_real_value(v));
		return strlen(to);
	}
	if (json_is_boolean(v))
		text = json_is_true(v) ? "yes" : "no";
	if (json_is_string(v) && json_string_length(v) > 0)
		text = json_string_value(v);
	if (str_is_text(text, strlen(text)))
		str_copy(to, cap, text);
	else
		str_escape(to, cap, text, strlen(text));
	return strlen(to);
}

/* Characters, as a terminal shows most of them: one column each. */
static size_t
width(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
put_padded(const char *text, size_t to, bool last)
{
	size_t n = width(text);

	fputs(text, stdout);
	for (; !last && n < to + GAP; n++)
		putchar(' ');
}

/* The end of every command that prints: was it all written? */
static int
finish(json_t *v)
{
	struct err e;

	json_decref(v);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CMD_DONE;
	err_sys(&e, "standard output");
	return cmd_fail(&e);
}

static int
no_memory(void)
{
	cmd_say("out of memory");
	return CMD_FAILED;
}

static int
dump(json_t *v)
{
	json_dumpf(v, stdout, JSON_ENCODE_ANY);
	putchar('\n');
	return finish(v);
}

static void
measure(size_t *widths, const json_t *row, const struct out_column *columns)
{
	char text[CELL_MAX];
	size_t i, n;

	for (i = 0; i < COLUMNS_MAX && columns[i].title != NULL; i++) {
		cell(text, sizeof(text), json_object_get(row, columns[i].key));
		if ((n = width(text)) > widths[i])
			widths[i] = n;
	}
}

static void
put_row(
    const size_t *widths, const json_t *row, const struct out_column *columns)
{
	char text[CELL_MAX];
	size_t i;
	bool last;

	for (i = 0; i < COLUMNS_MAX && columns[i].title != NULL; i++) {
		last = columns[i + 1].title == NULL;
		if (row == NULL)
			str_copy(text, sizeof(text), columns[i].title);
		else
			cell(text, sizeof(text),
			    json_object_get(row, columns[i].key));
		put_padded(text, widths[i], last);
	}
	putchar('\n');
}

int
out_table(const struct cmd *c, json_t *rows, const struct out_column *columns,
    const char *none)
{
	size_t widths[COLUMNS_MAX] = { 0 }, i;

	if (rows == NULL)
		return no_memory();
	if (c->json)
		return dump(rows);
	if (json_array_size(rows) == 0) {
		puts(none);
		return finish(rows);
	}
	for (i = 0; i < COLUMNS_MAX && columns[i].title != NULL; i++)
		widths[i] = width(columns[i].title);
	for (i = 0; i < json_array_size(rows); i++)
		measure(widths, json_array_get(rows, i), columns);
	put_row(widths, NULL, columns);
	for (i = 0; i < json_array_size(rows); i++)
		put_row(widths, json_array_get(rows, i), columns);
	return finish(rows);
}

int
out_lines(const struct cmd *c, json_t *object, const struct out_column *columns)
{
	char text[CELL_MAX];
	size_t widest = 0, i;

	if (object == NULL)
		return no_memory();
	if (c->json)
		return dump(object);
	for (i = 0; columns[i].title != NULL; i++) {
		if (width(columns[i].title) > widest)
			widest = width(columns[i].title);
	}
	for (i = 0; columns[i].title != NULL; i++) {
		cell(text, sizeof(text),
		    json_object_get(object, columns[i].key));
		put_padded(columns[i].title, widest, false);
		puts(text);
	}
	return finish(object);
}

int
out_done(const struct cmd *c, json_t *object, const char *fmt, ...)
{
	va_list ap;

	if (object == NULL)
		return no_memory();
	if (c->json)
		return dump(object);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return finish(object);
}
