#include "conf/conf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void *
field(const struct conf_key *k, void *conf)
{
	return (char *)conf + k->offset;
}

static const void *
field_of(const struct conf_key *k, const void *conf)
{
	return (const char *)conf + k->offset;
}

void
conf_list_clear(struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->at[i]);
	free(l->at);
	l->at = NULL;
	l->n = 0;
}

int
conf_list_add(struct conf_list *l, const char *item, struct err *e)
{
	char **at;

	if (l->n >= CONF_ITEMS_MAX)
		return err_set(e, "more than %d items", CONF_ITEMS_MAX);
	if ((at = realloc(l->at, (l->n + 1) * sizeof(char *))) == NULL)
		return err_sys(e, "list");
	l->at = at;
	if ((at[l->n] = strdup(item)) == NULL)
		return err_sys(e, "list");
	l->n++;
	return 0;
}

int
conf_text(char **to, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (copy == NULL)
		return err_sys(e, "text");
	free(*to);
	*to = copy;
	return 0;
}

static int
set_path(char **to, const char *value, const char *folder, struct err *e)
{
	char whole[CONF_VALUE_MAX];

	if (folder == NULL || value[0] == '/')
		return conf_text(to, value, e);
	if (snprintf(whole, sizeof(whole), "%s/%s", folder, value) >=
	    (int)sizeof(whole))
		return err_set(e, "the path is too long");
	return conf_text(to, whole, e);
}

static int
set_number(
    const struct conf_key *k, uint32_t *to, const char *value, struct err *e)
{
	uint64_t n;

	if (!str_number(value, k->lo, k->hi, &n))
		return err_set(e, "\"%s\" is not a number from %u to %u%s%s",
		    value, k->lo, k->hi, k->unit == NULL ? "" : " ",
		    k->unit == NULL ? "" : k->unit);
	*to = (uint32_t)n;
	return 0;
}

static int
set_word(const struct conf_key *k, int *to, const char *value, struct err *e)
{
	char all[128] = "";

	for (int i = 0; k->words[i] != NULL; i++)
		if (strcmp(k->words[i], value) == 0) {
			*to = i;
			return 0;
		}
	for (int i = 0; k->words[i] != NULL; i++) {
		size_t len = strlen(all);

		snprintf(all + len, sizeof(all) - len, "%s%s",
		    i == 0 ? "" : ", ", k->words[i]);
	}
	return err_set(e, "\"%s\" is none of: %s", value, all);
}

static int
set_bool(bool *to, const char *value, struct err *e)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return err_set(e, "\"%s\" is neither true nor false", value);
	*to = value[0] == 't';
	return 0;
}

int
conf_set(const struct conf_key *k, void *conf, const char *value,
    const char *folder, struct err *e)
{
	void *to = field(k, conf);

	if (strlen(value) >= CONF_VALUE_MAX)
		return err_set(e, "the value is too long");
	if (!str_is_text(value, strlen(value)))
		return err_set(e, "the value holds a control character");
	if (value[0] == '\0')
		return err_set(e, "the value is empty");
	switch (k->type) {
	case CONF_TEXT:
		return conf_text(to, value, e);
	case CONF_PATH:
		return set_path(to, value, folder, e);
	case CONF_NUMBER:
		return set_number(k, to, value, e);
	case CONF_BOOL:
		return set_bool(to, value, e);
	case CONF_LIST:
		conf_list_clear(to);
		return conf_list_add(to, value, e);
	case CONF_WORD:
		return set_word(k, to, value, e);
	}
	return err_set(e, "a key of unknown type");
}

int
conf_init(const struct conf_table *t, void *conf, struct err *e)
{
	assert(t->n <= CONF_KEYS_MAX);
	for (size_t i = 0; i < t->n; i++) {
		const struct conf_key *k = &t->keys[i];

		if (k->init != NULL && conf_set(k, conf, k->init, NULL, e) != 0)
			return err_prefix(e, "default of %s", k->name);
	}
	return 0;
}

void
conf_free(const struct conf_table *t, void *conf)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct conf_key *k = &t->keys[i];
		char **text = field(k, conf);

		if (k->type == CONF_LIST)
			conf_list_clear(field(k, conf));
		if (k->type != CONF_TEXT && k->type != CONF_PATH)
			continue;
		free(*text);
		*text = NULL;
	}
}

const struct conf_key *
conf_find(const struct conf_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->keys[i].name, name) == 0)
			return &t->keys[i];
	return NULL;
}

/* --- the listing --------------------------------------------------------- */

static void
print_list(FILE *to, const struct conf_list *l)
{
	char item[CONF_VALUE_MAX];

	fputc('[', to);
	for (size_t i = 0; i < l->n; i++)
		fprintf(to, "%s\"%s\"", i == 0 ? "" : ", ",
		    str_escape(item, sizeof(item), l->at[i], strlen(l->at[i])));
	fputc(']', to);
}

static void
print_value(FILE *to, const struct conf_key *k, const void *conf)
{
	const void *at = field_of(k, conf);
	const char *text;
	char shown[CONF_VALUE_MAX];

	switch (k->type) {
	case CONF_TEXT:
	case CONF_PATH:
		text = *(char *const *)at;
		if (text != NULL)
			fputs(str_escape(
				  shown, sizeof(shown), text, strlen(text)),
			    to);
		break;
	case CONF_NUMBER:
		fprintf(to, "%u", *(const uint32_t *)at);
		break;
	case CONF_BOOL:
		fputs(*(const bool *)at ? "true" : "false", to);
		break;
	case CONF_LIST:
		print_list(to, at);
		break;
	case CONF_WORD:
		fputs(k->words[*(const int *)at], to);
		break;
	}
}

static void
print_range(FILE *to, const struct conf_key *k)
{
	if (k->type == CONF_NUMBER)
		fprintf(to, " (%u to %u%s%s)", k->lo, k->hi,
		    k->unit == NULL ? "" : " ", k->unit == NULL ? "" : k->unit);
	if (k->type == CONF_WORD) {
		fputs(" (", to);
		for (size_t i = 0; k->words[i] != NULL; i++)
			fprintf(to, "%s%s", i == 0 ? "" : ", ", k->words[i]);
		fputc(')', to);
	}
}

void
conf_print(FILE *to, const struct conf_table *t, const void *conf)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct conf_key *k = &t->keys[i];

		fprintf(to, "%s: ", k->name);
		if (conf != NULL)
			print_value(to, k, conf);
		else if (k->init != NULL)
			fputs(k->init, to);
		else
			fputs(k->derived != NULL ? k->derived : "none", to);
		print_range(to, k);
		fprintf(to, "\n\t%s\n", k->says);
	}
}
