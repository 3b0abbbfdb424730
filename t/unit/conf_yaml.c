#include "conf/conf_yaml.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/conf.h"
#include "tap.h"

struct sample {
	char *name;
	char *path;
	uint32_t n, deep;
	bool yes;
	struct conf_list list;
};

static const struct conf_key keys[] = {
	{ "name", CONF_TEXT, offsetof(struct sample, name), NULL, 0, 0, NULL,
	    NULL, NULL, "a text" },
	{ "path", CONF_PATH, offsetof(struct sample, path), NULL, 0, 0, NULL,
	    NULL, NULL, "a path" },
	{ "yes", CONF_BOOL, offsetof(struct sample, yes), "false", 0, 0, NULL,
	    NULL, NULL, "yes or no" },
	{ "list", CONF_LIST, offsetof(struct sample, list), "one", 0, 0, NULL,
	    NULL, NULL, "a list" },
	{ "a.n", CONF_NUMBER, offsetof(struct sample, n), "5", 1, 9, NULL, NULL,
	    NULL, "a number" },
	{ "a.b.deep", CONF_NUMBER, offsetof(struct sample, deep), "0", 0, 9,
	    "s", NULL, NULL, "a deep number" },
};
static const struct conf_table table = { keys, 6 };
static struct sample s;
static struct err e;

static int
parse_n(const char *text, size_t n)
{
	conf_free(&table, &s);
	memset(&s, 0, sizeof(s));
	e.text[0] = '\0';
	if (conf_init(&table, &s, &e) != 0)
		return -1;
	return conf_yaml_parse(&table, &s, text, n, "d/f", &e);
}

static int
parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static void
wrong(const char *text, const char *want)
{
	is_int(parse(text), -1, want);
	is_str(e.text, want, "is the reason");
}

static void
test_good(void)
{
	is_int(parse("name: x\npath: p\nyes: true\nlist: [p, 'q r']\n"
		     "a:\n  n: 7\n  b: {deep: 3}\n"),
	    1, "a file of everything");
	is_str(s.name, "x", "text");
	is_str(s.path, "d/p", "a path from the file's folder");
	ok(s.yes, "true");
	is_int(s.list.n, 2, "the list replaces its default");
	is_str(s.list.at[1], "q r", "an item");
	is_int(s.n, 7, "a number");
	is_int(s.deep, 3, "a deeper number");
	is_int(parse("list: p"), 1, "a list of one");
	is_str(s.list.at[0], "p", "is its item");
	is_int(parse("list: []"), 1, "an empty list");
	is_int(s.list.n, 0, "is empty");
	is_int(parse(""), 1, "nothing at all");
	is_int(s.n, 5, "leaves the defaults");
	is_int(parse("# only words\n---\n"), 1, "an empty document");
	is_int(parse("a:\n#  n: 3\nyes: true"), 1, "a level without keys");
	is_int(parse("\xef\xbb\xbfname: x"), 1, "a byte order mark");
	is_int(parse("name: \"\xc3\xa4\""), 1, "UTF-8");
	is_str(s.name, "\xc3\xa4", "is kept");
}

static void
test_bad(void)
{
	wrong("nam: x", "d/f:1: key \"nam\": is unknown");
	wrong("a: {m: 1}", "d/f:1: key \"a.m\": is unknown");
	wrong("a.n: 3", "d/f:1: this is no key");
	wrong("\na:\n  n: 10",
	    "d/f:3: key \"a.n\": \"10\" is not a number "
	    "from 1 to 9");
	wrong("a: {b: {deep: x}}",
	    "d/f:1: key \"a.b.deep\": \"x\" is not a "
	    "number from 0 to 9 s");
	wrong("yes: yes",
	    "d/f:1: key \"yes\": \"yes\" is neither true nor "
	    "false");
	wrong("name:", "d/f:1: key \"name\": has no value");
	wrong("name: ~", "d/f:1: key \"name\": has no value");
	wrong("name: ''", "d/f:1: key \"name\": the value is empty");
	wrong("name: x\nyes: true\nname: y",
	    "d/f:3: key \"name\": is given twice");
	wrong("a: {n: 1}\na: {n: 1}", "d/f:2: key \"a\": is given twice");
	wrong("a: {b: {}, b: {}}", "d/f:1: key \"a.b\": is given twice");
	wrong("a: 3",
	    "d/f:1: key \"a\": has keys below it, and no value of "
	    "its own");
	wrong("name: [x]",
	    "d/f:1: key \"name\": wants a plain value, not a "
	    "list");
	wrong("list: {x: y}",
	    "d/f:1: key \"list\": wants a list, not a "
	    "mapping");
	wrong("list: [[x]]",
	    "d/f:1: key \"list\": an item of the list is not "
	    "a plain value");
	wrong("list:\n- x\n-\n",
	    "d/f:3: key \"list\": an item of the list is "
	    "not a plain value");
	wrong("name: &x y", "d/f:1: an anchor (&name) is not understood here");
	wrong("name: *x", "d/f:1: an alias (*name) is not understood here");
	wrong("name: !!str y", "d/f:1: a tag (!name) is not understood here");
	wrong("a: &x {n: 1}",
	    "d/f:1: an anchor (&name) is not understood "
	    "here");
	wrong("list: !x [y]", "d/f:1: a tag (!name) is not understood here");
	wrong("name: x\n---\nname: y", "d/f:2: a second document begins here");
	wrong("- x", "d/f:1: the file wants lines of KEY: VALUE");
	wrong("x", "d/f:1: the file wants lines of KEY: VALUE");
	wrong("? [x]\n: y", "d/f:1: this is no key");
	wrong("name: x\nn\xff: 1", "d/f:2: this is not UTF-8 text");
	wrong("name: \"a\\0b\"", "d/f:1: key \"name\": the value holds a NUL");
	wrong("name: \"a\\nb\"",
	    "d/f:1: key \"name\": the value holds a "
	    "control character");
	wrong("\"x\\e[0m\": 1", "d/f:1: key \"x\\x1b[0m\": is unknown");
	is_int(parse("name: [x"), -1, "broken YAML");
	ok(strncmp(e.text, "d/f:1: ", 7) == 0, "has its line");
	is_int(parse("a: {\tn: 1\n  : }"), -1, "more of it");
	is_int(parse_n("name: x\0y", 9), -1, "a NUL in the file");
}

static void
test_limits(void)
{
	char *big = malloc(CONF_FILE_MAX + 1);
	size_t at = 6;

	if (big == NULL)
		return;
	memset(big, '#', CONF_FILE_MAX + 1);
	is_int(parse_n(big, CONF_FILE_MAX), 1, "a large file");
	is_int(parse_n(big, CONF_FILE_MAX + 1), -1, "one too large");
	is_str(e.text, "d/f: larger than 256 kB", "is told so");
	memset(big, '[', CONF_FILE_MAX);
	is_int(parse_n(big, CONF_FILE_MAX), -1, "a deep one");
	memcpy(big, "list: ", 6);
	while (at < 600) {
		memcpy(big + at, at == 6 ? "[x" : ",x", 2);
		at += 2;
	}
	big[at++] = ']';
	is_int(parse_n(big, at), -1, "a long list");
	is_str(e.text, "d/f:1: key \"list\": more than 64 items", "is refused");
	memset(big, 'x', 5000);
	memcpy(big, "name: ", 6);
	is_int(parse_n(big, 5000), -1, "a long value");
	is_str(
	    e.text, "d/f:1: key \"name\": the value is too long", "is refused");
	memset(big, 'x', 5000);
	memcpy(big + 900, ": 1", 3);
	is_int(parse_n(big, 903), -1, "a long key");
	free(big);
}

static void
test_load(void)
{
	char path[] = "/tmp/conf-yaml-XXXXXX";
	int fd = mkstemp(path);

	ok(fd >= 0 && write(fd, "name: z\n", 8) == 8, "a file");
	close(fd);
	parse("");
	is_int(conf_yaml_load(&table, &s, path, &e), 1, "is read");
	is_str(s.name, "z", "with its value");
	unlink(path);
	is_int(conf_yaml_load(&table, &s, path, &e), 0, "none is no error");
	is_int(conf_yaml_load(&table, &s, "/tmp", &e), -1, "a folder is");
	is_str(e.text, "/tmp: Is a directory", "with its reason");
	is_int(conf_yaml_load(&table, &s, "/etc/hostname/x", NULL), -1,
	    "nobody need listen");
}

int
main(void)
{
	test_good();
	test_bad();
	test_limits();
	test_load();
	conf_free(&table, &s);
	return tap_done();
}
