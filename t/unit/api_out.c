/* JSON that is written as it comes (webapp/api_out.c). */
#include "../../webapp/api_out.c"

#include <jansson.h>
#include <stdlib.h>

#include "tap.h"

static void
test_shape(void)
{
	static const char want[] =
	    "{\"a\":1,\"b\":\"x\",\"c\":[],\"d\":{},\"e\":[{\"f\":true},"
	    "{\"g\":false},-9223372036854775808,null],\"h\":null,"
	    "\"i\":\"1970-01-01T00:00:00.001Z\",\"j\":null,"
	    "\"k\":[\"x\",\"y\"],\"l\":[],\"m\":\"{\",\"n\":1}";
	struct buf b;
	struct out o = { .to = &b };

	buf_init(&b, 10000);
	out_object(&o, NULL);
	out_number(&o, "a", 1);
	out_text(&o, "b", "x");
	out_array(&o, "c");
	out_array_end(&o);
	out_object(&o, "d");
	out_object_end(&o);
	out_array(&o, "e");
	out_object(&o, NULL);
	out_bool(&o, "f", true);
	out_object_end(&o);
	out_object(&o, NULL);
	out_bool(&o, "g", false);
	out_object_end(&o);
	out_number(&o, NULL, INT64_MIN);
	out_null(&o, NULL);
	out_array_end(&o);
	out_time(&o, "h", 0);
	out_time(&o, "i", 1);
	out_text_or_null(&o, "j", "");
	out_words(&o, "k", "x,y");
	out_words(&o, "l", "");
	out_text_or_null(&o, "m", "{");
	out_number(&o, "n", 1);
	out_object_end(&o);
	ok(!o.failed, "it has room");
	buf_add(&b, "", 1, NULL);
	is_str((const char *)buf_data(&b), want, "commas where they belong");
	buf_free(&b);
}

/* Every byte, and texts of strangers: a reader reads what was written. */
static void
test_text(void)
{
	static const char *const texts[] = { "", "\"", "\\", "\\\"", "\n\r\t",
		"\x01\x1f\x7f", "</script>", "\xe2\x80\xa8", "\xf0\x9f\x98\x80",
		"a\"b\\c" };
	struct buf b;
	struct out o = { .to = &b };
	json_t *v;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_init(&b, 10000);
		out_array(&o, NULL);
		out_text(&o, NULL, texts[i]);
		out_array_end(&o);
		v = json_loadb(
		    (const char *)buf_data(&b), buf_len(&b), 0, NULL);
		is_str(json_string_value(json_array_get(v, 0)), texts[i],
		    "a text");
		json_decref(v);
		buf_free(&b);
	}
	buf_init(&b, 10000);
	out_text(&o, NULL, "a\xff");
	buf_add(&b, "", 1, NULL);
	is_str((const char *)buf_data(&b), "\"a\\\\xff\"",
	    "what is no UTF-8 is shown escaped");
	buf_free(&b);
}

static void
test_full(void)
{
	struct buf b;
	struct out o = { .to = &b };

	buf_init(&b, 10);
	out_array(&o, NULL);
	out_text(&o, NULL, "longer than this");
	ok(o.failed, "a buf that is full is noticed");
	out_array_end(&o);
	ok(o.failed, "and stays so");
	buf_free(&b);
}

int
main(void)
{
	test_shape();
	test_text();
	test_full();
	return tap_done();
}
