/* What a program sends, read strictly (webapp/api_json.c). */
#include "../../webapp/api_json.c"

#include "tap.h"

static const struct api_field fields[] = {
	{ "text", API_TEXT, true, 0, 0 },
	{ "number", API_NUMBER, false, -5, 5 },
	{ "bool", API_BOOL, false, 0, 0 },
	{ "time", API_TIME, false, 0, 0 },
	{ "words", API_WORDS, false, 0, 0 },
	{ "ids", API_IDS, false, 0, 0 },
};

/* "200", or the status and the field that is wrong. */
static const char *
read_it(const char *text)
{
	static char said[300];
	struct api_wrong w;
	json_t *o = api_json_read(text, strlen(text), fields, 6, &w);

	if (o != NULL)
		snprintf(said, sizeof(said), "200");
	else
		snprintf(said, sizeof(said), "%u %s", w.status, w.field);
	if (o == NULL &&
	    (w.says[0] == '\0' || w.says[strlen(w.says) - 1] != '.'))
		snprintf(said, sizeof(said), "no sentence: %s", w.says);
	json_decref(o);
	return said;
}

static void
test_all(void)
{
	static const struct {
		const char *text, *want;
	} all[] = {
		{ "{\"text\":\"a\"}", "200" },
		{ " {\"text\":\"\"} \n", "200" },
		{ "{\"text\":\"[[[[[[[[[[[[[[[[[[[[[\"}", "200" },
		{ "{\"text\":\"\\\"[[[[[[[[[[[[[[[[[[[[[\"}", "200" },
		{ "", "400 " },
		{ "x", "400 " },
		{ "[]", "400 " },
		{ "{\"text\":\"a\"}x", "400 " },
		{ "{\"text\":\"a\",\"text\":\"b\"}", "400 text" },
		{ "{\"text\":\"a\",\"t\\u0065xt\":\"b\"}",
		    "400 t\\x5cu0065xt" },
		{ "{\"text\":\"a\",\"what\":1}", "400 what" },
		{ "{\"text\":\"a\",\"Text\":1}", "400 Text" },
		{ "{\"text\":\"a\",\"\\u001b[31m\":1}", "400 \\x1b[31m" },
		{ "{}", "422 text" },
		{ "{\"text\":null}", "422 text" },
		{ "{\"text\":1}", "422 text" },
		{ "{\"text\":\"a\\u0000b\"}", "422 text" },
		{ "{\"text\":\"\xff\"}", "400 " },
		{ "{\"text\":\"a\",\"number\":5}", "200" },
		{ "{\"text\":\"a\",\"number\":-5}", "200" },
		{ "{\"text\":\"a\",\"number\":6}", "422 number" },
		{ "{\"text\":\"a\",\"number\":-6}", "422 number" },
		{ "{\"text\":\"a\",\"number\":1.0}", "422 number" },
		{ "{\"text\":\"a\",\"number\":\"1\"}", "422 number" },
		{ "{\"text\":\"a\",\"number\":true}", "422 number" },
		{ "{\"text\":\"a\",\"number\":9223372036854775808}", "400 " },
		{ "{\"text\":\"a\",\"bool\":false}", "200" },
		{ "{\"text\":\"a\",\"bool\":0}", "422 bool" },
		{ "{\"text\":\"a\",\"time\":null}", "200" },
		{ "{\"text\":\"a\",\"time\":\"2026-11-20T14:02:05Z\"}", "200" },
		{ "{\"text\":\"a\",\"time\":\"2026-11-20\"}", "422 time" },
		{ "{\"text\":\"a\",\"time\":0}", "422 time" },
		{ "{\"text\":\"a\",\"words\":[]}", "200" },
		{ "{\"text\":\"a\",\"words\":[\"b\",\"c\"]}", "200" },
		{ "{\"text\":\"a\",\"words\":\"b\"}", "422 words" },
		{ "{\"text\":\"a\",\"words\":[1]}", "422 words" },
		{ "{\"text\":\"a\",\"words\":[\"\\u0000\"]}", "422 words" },
		{ "{\"text\":\"a\",\"ids\":[1,9223372036854775807]}", "200" },
		{ "{\"text\":\"a\",\"ids\":[0]}", "422 ids" },
		{ "{\"text\":\"a\",\"ids\":[-1]}", "422 ids" },
		{ "{\"text\":\"a\",\"ids\":[\"1\"]}", "422 ids" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		is_str(read_it(all[i].text), all[i].want, all[i].text);
}

static void
test_depth(void)
{
	char text[200];
	struct api_wrong w;
	int depth;

	for (depth = 1; depth < 20; depth++) {
		memset(text, '[', (size_t)depth);
		memset(text + depth, ']', (size_t)depth);
		text[2 * depth] = '\0';
		ok(api_json_read(text, strlen(text), fields, 6, &w) == NULL,
		    "an array is refused");
		ok((strstr(w.says, "levels") != NULL) == (depth > 16),
		    depth > 16 ? "as too deep" : "and not for its depth");
	}
}

static void
test_values(void)
{
	static const char text[] = "{\"text\":\"a\",\"number\":-3,"
				   "\"bool\":true,\"time\":"
				   "\"1970-01-01T00:00:01Z\"}";
	struct api_wrong w;
	json_t *o = api_json_read(text, strlen(text), fields, 6, &w);

	is_str(api_json_text(o, "text"), "a", "a text");
	is_int(api_json_number(o, "number"), -3, "a number");
	ok(api_json_bool(o, "bool"), "a truth");
	is_int(api_json_time(o, "time"), 1000, "a time");
	ok(!api_json_has(o, "ids"), "and what was not sent");
	is_str(api_json_text(o, "none"), "", "is empty");
	is_int(api_json_number(o, "none"), 0, "or 0");
	is_int(api_json_time(o, "none"), 0, "or never");
	json_decref(o);
}

int
main(void)
{
	test_all();
	test_depth();
	test_values();
	return tap_done();
}
