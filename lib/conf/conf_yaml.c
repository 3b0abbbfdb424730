#include "conf/conf_yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/conf.h"

enum {
	DEPTH = 4,     /* levels of a key */
	NAME_CAP = 96, /* bytes of a key's whole name */
};

struct reader {
	yaml_parser_t parser;
	const struct conf_table *table;
	void *conf;
	const char *name;
	const char *folder; /* of the file, or NULL */
	struct err *e;
	bool seen[CONF_KEYS_MAX]; /* the key has had its value */
	/* The level whose first key this is has been opened. */
	bool opened[DEPTH][CONF_KEYS_MAX];
};

/* Refuses: FILE:LINE: key "x": reason.  The reason stands in r->e already. */
static int
refuse(struct reader *r, const char *key, size_t line)
{
	char shown[NAME_CAP * 2];

	if (key != NULL && *key != '\0') {
		str_escape(shown, sizeof(shown), key, strlen(key));
		err_prefix(r->e, "key \"%s\"", shown);
	}
	return err_prefix(r->e, "%s:%zu", r->name, line + 1);
}

/* What libyaml has to say about the text. */
static int
refuse_syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR)
		err_set(r->e, "no memory");
	else
		err_set(r->e, "%s",
		    p->problem != NULL ? p->problem : "this is not YAML");
	return refuse(r, NULL, p->problem_mark.line);
}

/* What a node must not have; NULL when it has none of it. */
static const char *
forbidden(const yaml_event_t *v)
{
	const void *anchor = NULL, *tag = NULL;

	switch (v->type) {
	case YAML_ALIAS_EVENT:
		return "an alias (*name) is not understood here";
	case YAML_SCALAR_EVENT:
		anchor = v->data.scalar.anchor;
		tag = v->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = v->data.sequence_start.anchor;
		tag = v->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = v->data.mapping_start.anchor;
		tag = v->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		return "an anchor (&name) is not understood here";
	if (tag != NULL)
		return "a tag (!name) is not understood here";
	return NULL;
}

/* The next event; the caller deletes it. */
static int
next(struct reader *r, yaml_event_t *v_out)
{
	const char *why;

	if (!yaml_parser_parse(&r->parser, v_out))
		return refuse_syntax(r);
	if ((why = forbidden(v_out)) == NULL)
		return 0;
	err_set(r->e, "%s", why);
	(void)refuse(r, NULL, v_out->start_mark.line);
	yaml_event_delete(v_out);
	return -1;
}

/* The text of a scalar; NULL for all else, and when a NUL hides in it. */
static const char *
scalar(const yaml_event_t *v)
{
	const char *s;

	if (v->type != YAML_SCALAR_EVENT)
		return NULL;
	s = (const char *)v->data.scalar.value;
	return strlen(s) == v->data.scalar.length ? s : NULL;
}

/* Nothing, ~ and null without quotes: no value at all. */
static bool
is_null(const yaml_event_t *v)
{
	const char *s = scalar(v);

	return s != NULL && v->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    (*s == '\0' || strcmp(s, "~") == 0 || strcmp(s, "null") == 0);
}

/* The first key below a level ("relay"), or -1. */
static ptrdiff_t
find_level(const struct conf_table *t, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < t->n; i++)
		if (strncmp(t->keys[i].name, name, len) == 0 &&
		    t->keys[i].name[len] == '.')
			return (ptrdiff_t)i;
	return -1;
}

/* One item of a list. */
static int
read_item(struct reader *r, const struct conf_key *k, struct conf_list *l,
    const yaml_event_t *v)
{
	struct conf_list one = { NULL, 0 };
	struct conf_key as = *k;
	int rc;

	as.offset = 0;
	if (is_null(v) || scalar(v) == NULL)
		rc = err_set(r->e, "an item of the list is not a plain value");
	else if ((rc = conf_set(&as, &one, scalar(v), r->folder, r->e)) == 0)
		rc = conf_list_add(l, scalar(v), r->e);
	conf_list_clear(&one);
	return rc == 0 ? 0 : refuse(r, k->name, v->start_mark.line);
}

static int
read_list(struct reader *r, const struct conf_key *k)
{
	struct conf_list *l = (void *)((char *)r->conf + k->offset);
	yaml_event_t v;
	int rc;

	conf_list_clear(l);
	for (;;) {
		bool end;

		if (next(r, &v) != 0)
			return -1;
		end = v.type == YAML_SEQUENCE_END_EVENT;
		rc = end ? 0 : read_item(r, k, l, &v);
		yaml_event_delete(&v);
		if (end || rc != 0)
			return rc;
	}
}

/* The value v of the key k. */
static int
read_value(struct reader *r, const struct conf_key *k, const yaml_event_t *v)
{
	size_t line = v->start_mark.line;

	if (r->seen[k - r->table->keys]) {
		err_set(r->e, "is given twice");
		return refuse(r, k->name, line);
	}
	r->seen[k - r->table->keys] = true;
	if (v->type == YAML_SEQUENCE_START_EVENT && k->type == CONF_LIST)
		return read_list(r, k);
	if (v->type != YAML_SCALAR_EVENT)
		err_set(r->e, "wants a %s, not a %s",
		    k->type == CONF_LIST ? "list" : "plain value",
		    v->type == YAML_MAPPING_START_EVENT ? "mapping" : "list");
	else if (is_null(v))
		err_set(r->e, "has no value");
	else if (scalar(v) == NULL)
		err_set(r->e, "the value holds a NUL");
	else if (conf_set(k, r->conf, scalar(v), r->folder, r->e) == 0)
		return 0;
	return refuse(r, k->name, line);
}

static int read_mapping(struct reader *r, const char *prefix, unsigned depth);

/* The value v of a level; name is the level's whole name. */
static int
read_level(struct reader *r, const char *name, ptrdiff_t first,
    const yaml_event_t *v, unsigned depth)
{
	if (depth >= DEPTH || r->opened[depth][first]) {
		err_set(r->e, "is given twice");
		return refuse(r, name, v->start_mark.line);
	}
	r->opened[depth][first] = true;
	if (is_null(v))
		return 0;
	if (v->type == YAML_MAPPING_START_EVENT)
		return read_mapping(r, name, depth + 1);
	err_set(r->e, "has keys below it, and no value of its own");
	return refuse(r, name, v->start_mark.line);
}

/* A key in v (at line) and the value that follows. */
static int
read_pair(
    struct reader *r, const char *prefix, const yaml_event_t *v, unsigned depth)
{
	char name[NAME_CAP];
	const char *own = scalar(v);
	const struct conf_key *k = NULL;
	ptrdiff_t level = -1;
	yaml_event_t value;
	int rc;

	if (own == NULL || *own == '\0' || strchr(own, '.') != NULL) {
		err_set(r->e, "this is no key");
		return refuse(r, NULL, v->start_mark.line);
	}
	if (snprintf(name, sizeof(name), "%s%s%s", prefix,
		*prefix == '\0' ? "" : ".", own) < (int)sizeof(name)) {
		k = conf_find(r->table, name);
		level = find_level(r->table, name);
	}
	if (k == NULL && level < 0) {
		err_set(r->e, "is unknown");
		return refuse(r, name, v->start_mark.line);
	}
	if (next(r, &value) != 0)
		return -1;
	rc = k != NULL ? read_value(r, k, &value)
		       : read_level(r, name, level, &value, depth);
	yaml_event_delete(&value);
	return rc;
}

/* What stands between the start of a mapping and its end. */
static int
read_mapping(struct reader *r, const char *prefix, unsigned depth)
{
	yaml_event_t v;
	int rc;

	for (;;) {
		bool end;

		if (next(r, &v) != 0)
			return -1;
		end = v.type == YAML_MAPPING_END_EVENT;
		rc = end ? 0 : read_pair(r, prefix, &v, depth);
		yaml_event_delete(&v);
		if (end || rc != 0)
			return rc;
	}
}

/* The one node of the document. */
static int
read_root(struct reader *r, const yaml_event_t *v)
{
	if (v->type == YAML_MAPPING_START_EVENT)
		return read_mapping(r, "", 0);
	if (is_null(v))
		return 0;
	err_set(r->e, "the file wants lines of KEY: VALUE");
	return refuse(r, NULL, v->start_mark.line);
}

/* Everything, event by event: at most one document. */
static int
read_stream(struct reader *r)
{
	bool have = false;
	yaml_event_t v;

	for (;;) {
		bool end;
		int rc = 0;

		if (next(r, &v) != 0)
			return -1;
		end = v.type == YAML_STREAM_END_EVENT;
		switch (v.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_STREAM_END_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			if (have) {
				err_set(r->e, "a second document begins here");
				rc = refuse(r, NULL, v.start_mark.line);
			}
			have = true;
			break;
		default:
			rc = read_root(r, &v);
		}
		yaml_event_delete(&v);
		if (end || rc != 0)
			return rc;
	}
}

/* Which line of the text is the first that is no UTF-8 or holds a NUL. */
static size_t
bad_line(const char *text, size_t n)
{
	size_t line = 0;

	while (n > 0) {
		const char *end = memchr(text, '\n', n);
		size_t len = end == NULL ? n : (size_t)(end - text) + 1;

		if (!str_is_utf8(text, len) || memchr(text, '\0', len) != NULL)
			break;
		text += len;
		n -= len;
		line++;
	}
	return line;
}

/* The folder of the file that is called name, in to; NULL for none. */
static const char *
folder_of(const char *name, char *to, size_t cap)
{
	const char *slash = strrchr(name, '/');

	if (slash == NULL || (size_t)(slash - name) >= cap)
		return NULL;
	memcpy(to, name, (size_t)(slash - name));
	to[slash - name] = '\0';
	return to;
}

int
conf_yaml_parse(const struct conf_table *t, void *conf, const void *text,
    size_t n, const char *name, struct err *e)
{
	struct reader r = { .table = t, .conf = conf, .name = name };
	char folder[CONF_VALUE_MAX];
	struct err own = { "" };
	int rc;

	r.e = e != NULL ? e : &own;
	r.folder = folder_of(name, folder, sizeof(folder));
	if (n > CONF_FILE_MAX)
		return err_set(
		    r.e, "%s: larger than %d kB", name, CONF_FILE_MAX / 1024);
	if (n > 0 && (!str_is_utf8(text, n) || memchr(text, '\0', n) != NULL)) {
		err_set(r.e, "this is not UTF-8 text");
		return refuse(&r, NULL, bad_line(text, n));
	}
	if (!yaml_parser_initialize(&r.parser))
		return err_set(r.e, "%s: no memory", name);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &r.parser, n == 0 ? (const void *)"" : text, n);
	rc = read_stream(&r);
	yaml_parser_delete(&r.parser);
	return rc == 0 ? 1 : -1;
}

int
conf_yaml_load(
    const struct conf_table *t, void *conf, const char *path, struct err *e)
{
	char *text;
	size_t n;
	FILE *f;
	int rc;

	if ((f = fopen(path, "re")) == NULL) {
		if (errno == ENOENT)
			return 0;
		return err_sys(e, "%s", path);
	}
	if ((text = malloc(CONF_FILE_MAX + 1)) == NULL) {
		(void)fclose(f);
		return err_sys(e, "%s", path);
	}
	n = fread(text, 1, CONF_FILE_MAX + 1, f);
	if (ferror(f))
		rc = err_sys(e, "%s", path);
	else
		rc = conf_yaml_parse(t, conf, text, n, path, e);
	free(text);
	(void)fclose(f);
	return rc;
}
