/* code: every number has a name and a sentence, and the right exit status. */
#include "proto/code.h"
#include "tap.h"

static void
test_known(void)
{
	unsigned a, b, same = 0;
	const char *s;

	for (a = CODE_BROKEN; a <= CODE_KNOWN; a++) {
		ok(strcmp(code_name((uint16_t)a), "unknown") != 0,
		    code_name((uint16_t)a));
		s = code_sentence((uint16_t)a);
		ok(strlen(s) < 256 && s[strlen(s) - 1] == '.', s);
		for (b = CODE_BROKEN; b < a; b++)
			same += strcmp(code_name((uint16_t)a),
				    code_name((uint16_t)b)) == 0;
	}
	is_int(same, 0, "no two have one name");
}

static void
test_unknown(void)
{
	static const uint16_t numbers[] = { 0, CODE_KNOWN + 1, 255, 65535 };
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		is_str(code_name(numbers[i]), "unknown", "has no name");
		ok(code_sentence(numbers[i])[0] != '\0', "but a sentence");
		is_int(code_exit(numbers[i]), 1, "and ends with 1");
	}
}

static void
test_exits(void)
{
	unsigned a, others = 0;

	is_int(code_exit(CODE_REVOKED), 21, "revoked");
	is_int(code_exit(CODE_TOKEN), 22, "token");
	is_int(code_exit(CODE_REPLACED), 24, "replaced");
	is_int(code_exit(CODE_VERSION), 25, "version");
	for (a = CODE_BROKEN; a <= CODE_KNOWN; a++)
		others += code_exit((uint16_t)a) != 1;
	is_int(others, 4, "all others are worth another start");
}

int
main(void)
{
	test_known();
	test_unknown();
	test_exits();
	return tap_done();
}
