#include "store/password.h"

#include "base/err.h"
#include "tap.h"

int
main(void)
{
	char one[PASSWORD_HASH_MAX + 1], two[PASSWORD_HASH_MAX + 1];
	struct err e;

	is_int(password_hash(one, "correct horse", &e), 0, "a hash");
	is_int(password_hash(two, "correct horse", &e), 0, "another");
	ok(strncmp(one, "$y$", 3) == 0, "by yescrypt");
	ok(strcmp(one, two) != 0, "each with a salt of its own");
	ok(password_matches(one, "correct horse"), "the password");
	ok(password_matches(two, "correct horse"), "and for the other");
	ok(!password_matches(one, "correct horsf"), "a wrong one");
	ok(!password_matches(one, ""), "an empty one");
	ok(!password_matches(NULL, "correct horse"), "nobody's");
	ok(!password_matches("*", "x"), "a hash that is none");
	ok(!password_matches("", "x"), "an empty hash");
	return tap_done();
}
