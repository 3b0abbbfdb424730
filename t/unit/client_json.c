/* What the client reads of the dashboard's answers. */
#include "../../client/json.h"

#include <string.h>

#include "tap.h"

static struct json
whole(const char *text)
{
	return json_whole(text, strlen(text));
}

static void
test_shape(void)
{
	static const char *const good[] = { "1", "\"a\"", "true", " null ",
		"[]", "{}", "[1,2]", "[[],{}]", "{\"a\":1}",
		"{\"a\":[1,{\"b\":\"]}\\\"\"}],\"c\":{}}", "-1.5e+3",
		"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]" };
	static const char *const bad[] = { "", " ", "[", "]", "{", "[1", "[1,]",
		"[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{1:1}",
		"\"a", "\"a\\", "[1 2]", "1 2", "[1]]", "{]", "[}", "\"a\nb\"",
		"\xff", "x", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(whole(good[i]).p != NULL, good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(whole(bad[i]).p == NULL,
		    strchr(bad[i], '\n') == NULL ? bad[i]
						 : "a line's end in a text");
}

/* A text that is cut anywhere is no JSON, and nothing behind it is read. */
static void
test_cut(void)
{
	static const char text[] =
	    "{\"a\":[1,\"\\u00e9\",{\"b\":null}],\"c\":-5}";
	char copy[sizeof(text)];
	size_t n;
	bool none = true;

	for (n = 0; n < sizeof(text) - 1; n++) {
		memset(copy, 'x', sizeof(copy));
		memcpy(copy, text, n);
		none = none && json_whole(copy, n).p == NULL;
	}
	ok(none, "no part of it is one");
}

static void
test_find(void)
{
	struct json v = whole("{ \"a\" : [ 10 , {\"b\":\"x\"} ] ,"
			      "\"c\":{\"d\":true},\"\\u0065\":7}");
	char text[8];
	int64_t n;

	ok(json_number(json_element(json_member(v, "a"), 0), 0, 99, &n) &&
		n == 10,
	    "an element");
	ok(json_text(json_member(json_element(json_member(v, "a"), 1), "b"),
	       text, sizeof(text)),
	    "a member of another");
	is_str(text, "x", "is a text");
	ok(json_element(json_member(v, "a"), 2).p == NULL, "none behind it");
	ok(json_true(json_member(json_member(v, "c"), "d")), "a truth");
	ok(!json_true(json_member(v, "c")), "an object is none");
	ok(json_number(json_member(v, "e"), 0, 99, &n) && n == 7,
	    "an escape in a name");
	ok(json_member(v, "d").p == NULL, "not one from deeper inside");
	ok(json_member(json_member(v, "x"), "y").p == NULL, "none of none");
	ok(json_element(v, 0).p == NULL, "an object has no elements");
	ok(json_member(json_member(v, "a"), "b").p == NULL,
	    "an array has no members");
}

static void
test_text(void)
{
	static const struct {
		const char *json, *want; /* NULL: refused */
	} all[] = {
		{ "\"\"", "" },
		{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t" },
		{ "\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac" },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
		{ "\"\\u0000\"", NULL },
		{ "\"\\ud83d\"", NULL },
		{ "\"\\ude00\"", NULL },
		{ "\"\\ud83d\\u0041\"", NULL },
		{ "\"\\u12\"", NULL },
		{ "\"\\x\"", NULL },
		{ "1", NULL },
		{ "\"12345678901234567890\"", NULL },
	};
	char text[20];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ok(json_text(whole(all[i].json), text, sizeof(text)) ==
			(all[i].want != NULL),
		    all[i].json);
		is_str(
		    text, all[i].want != NULL ? all[i].want : "", "its text");
	}
}

static void
test_number(void)
{
	int64_t n;

	ok(json_number(whole("-5"), -5, 5, &n) && n == -5, "-5");
	ok(!json_number(whole("6"), -5, 5, &n) && n == 0, "beyond its range");
	ok(json_number(whole("9223372036854775807"), 0, INT64_MAX, &n),
	    "the greatest");
	ok(!json_number(whole("9223372036854775808"), 0, INT64_MAX, &n),
	    "not one more");
	ok(!json_number(whole("1.0"), 0, 9, &n), "no fraction");
	ok(!json_number(whole("\"1\""), 0, 9, &n), "no text");
	ok(!json_number((struct json){ NULL, 0 }, 0, 9, &n), "none of none");
}

int
main(void)
{
	test_shape();
	test_cut();
	test_find();
	test_text();
	test_number();
	return tap_done();
}
