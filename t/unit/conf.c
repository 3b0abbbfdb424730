#include "conf/conf.h"

#include <stdlib.h>

#include "base/err.h"
#include "tap.h"

struct sample {
	char *text, *path;
	uint32_t n;
	bool yes;
	struct conf_list list;
	int word;
};

static const char *const words[] = { "red", "green", NULL };
static const struct conf_key keys[] = {
	{ "text", CONF_TEXT, offsetof(struct sample, text), NULL, 0, 0, NULL,
	    NULL, "the computer's name", "A text." },
	{ "path", CONF_PATH, offsetof(struct sample, path), "x/y", 0, 0, NULL,
	    NULL, NULL, "A path." },
	{ "n_ms", CONF_NUMBER, offsetof(struct sample, n), "50", 10, 100, "ms",
	    NULL, NULL, "A time." },
	{ "yes", CONF_BOOL, offsetof(struct sample, yes), "true", 0, 0, NULL,
	    NULL, NULL, "A question." },
	{ "list", CONF_LIST, offsetof(struct sample, list), "one", 0, 0, NULL,
	    NULL, NULL, "A list." },
	{ "word", CONF_WORD, offsetof(struct sample, word), "green", 0, 0, NULL,
	    words, NULL, "A word." },
};
static const struct conf_table table = { keys, 6 };
static struct sample s;
static struct err e;

static int
set(const char *name, const char *value)
{
	return conf_set(conf_find(&table, name), &s, value, "/f", &e);
}

static void
wrong(const char *name, const char *value, const char *want)
{
	is_int(set(name, value), -1, want);
	is_str(e.text, want, "is the reason");
}

static void
test_print(void)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	conf_print(f, &table, NULL);
	fclose(f);
	is_str(text,
	    "text: the computer's name\n\tA text.\npath: x/y\n\tA path.\n"
	    "n_ms: 50 (10 to 100 ms)\n\tA time.\nyes: true\n\tA question.\n"
	    "list: one\n\tA list.\nword: green (red, green)\n\tA word.\n",
	    "the listing of defaults");
	free(text);
	f = open_memstream(&text, &n);
	conf_print(f, &table, &s);
	fclose(f);
	is_str(text,
	    "text: a \\x22b\\x22\n\tA text.\npath: /f/p\n\tA path.\n"
	    "n_ms: 100 (10 to 100 ms)\n\tA time.\nyes: false\n"
	    "\tA question.\nlist: [\"p\", \"q\"]\n\tA list.\n"
	    "word: red (red, green)\n\tA word.\n",
	    "and of values");
	free(text);
}

int
main(void)
{
	char big[CONF_VALUE_MAX + 2];

	is_int(conf_init(&table, &s, &e), 0, "the defaults");
	ok(s.text == NULL, "no text");
	is_str(s.path, "x/y", "a path");
	is_int(s.n, 50, "a number");
	ok(s.yes, "yes");
	is_str(s.list.at[0], "one", "a list");
	is_int(s.word, 1, "a word");
	ok(conf_find(&table, "tex") == NULL, "an unknown key");

	is_int(set("text", "a \"b\""), 0, "a text");
	is_int(set("path", "p"), 0, "a relative path");
	is_str(s.path, "/f/p", "starts at the folder");
	is_int(set("path", "/p"), 0, "an absolute one");
	is_str(s.path, "/p", "does not");
	is_int(set("path", "p"), 0, "a value may be replaced");
	is_int(set("n_ms", "100"), 0, "the top of the range");
	is_int(set("n_ms", "10"), 0, "its bottom");
	is_int(set("n_ms", "100"), 0, "a number");
	is_int(set("yes", "false"), 0, "no");
	is_int(set("list", "p"), 0, "a list of one");
	is_int(conf_list_add(&s.list, "q", &e), 0, "of two");
	is_int(set("word", "red"), 0, "a word");

	wrong("n_ms", "101", "\"101\" is not a number from 10 to 100 ms");
	wrong("n_ms", "9", "\"9\" is not a number from 10 to 100 ms");
	wrong("n_ms", "1e1", "\"1e1\" is not a number from 10 to 100 ms");
	wrong("n_ms", "-1", "\"-1\" is not a number from 10 to 100 ms");
	wrong("yes", "no", "\"no\" is neither true nor false");
	wrong("word", "blue", "\"blue\" is none of: red, green");
	wrong("text", "", "the value is empty");
	wrong("text", "a\nb", "the value holds a control character");
	wrong("text", "\xff", "the value holds a control character");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	wrong("text", big, "the value is too long");
	big[CONF_VALUE_MAX - 1] = '\0';
	wrong("path", big, "the path is too long");
	is_str(s.text, "a \"b\"", "a refused value changes nothing");
	test_print();
	conf_free(&table, &s);
	ok(s.text == NULL && s.path == NULL && s.list.n == 0, "all is freed");
	conf_free(&table, &s);
	return tap_done();
}
