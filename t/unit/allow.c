#include "net/allow.h"

#include "base/err.h"
#include "tap.h"

static struct allow a;
static struct err e;

static bool
add(const char *text)
{
	a.count = 0;
	e.text[0] = '\0';
	return allow_add(&a, text, &e) == 0;
}

static void
test_matches(void)
{
	ok(add("127.0.0.1:22, game.lan:25565-25567,[::1]:*"), "three entries");
	is_int(a.count, 3, "are three");
	ok(allow_has(&a, "127.0.0.1", 22), "the very address");
	ok(!allow_has(&a, "127.0.0.1", 23), "not another port");
	ok(!allow_has(&a, "127.0.0.2", 22), "not another address");
	ok(!allow_has(&a, "169.254.169.254", 22), "not a stranger's");
	ok(allow_has(&a, "game.lan", 25565), "a range has its first");
	ok(allow_has(&a, "GAME.lan", 25567), "and its last, in any case");
	ok(!allow_has(&a, "game.lan", 25568), "and none behind it");
	ok(!allow_has(&a, "game.lan.evil.example", 25565), "not a longer name");
	ok(allow_has(&a, "::1", 1) && allow_has(&a, "::1", 65535),
	    "* is every port");
	ok(allow_has(&a, "0:0:0:0:0:0:0:1", 80), "addresses are numbers");
	ok(!allow_has(&a, "localhost", 22), "localhost is more than 127.0.0.1");
	ok(add("localhost:80"), "localhost");
	ok(allow_has(&a, "localhost", 80) && allow_has(&a, "127.0.0.1", 80) &&
		allow_has(&a, "::1", 80),
	    "stands for both of its addresses");
	ok(!allow_has(&a, "127.0.0.2", 80), "and no other");
	ok(add("[::ffff:192.0.2.1]:5"), "a mapped address");
	ok(allow_has(&a, "192.0.2.1", 5), "is the IPv4 one");
}

static void
test_refused(void)
{
	static const char *const bad[] = { "", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:80-",
		"127.0.0.1:90-80", "127.0.0.1:-", "127.0.0.1:8x", ":80",
		"a b:80", "::1:80", "[::1]", "h:1,", "h:1,,h:2", "h:*-5",
		"h:1-2-3", "http://h:80" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!add(bad[i]) && e.text[0] != '\0', bad[i]);
}

static void
test_many(void)
{
	char text[64];
	int i;

	a.count = 0;
	for (i = 1; i <= ALLOW_MAX; i++) {
		snprintf(text, sizeof(text), "h:%d", i);
		if (allow_add(&a, text, &e) != 0)
			break;
	}
	is_int(a.count, ALLOW_MAX, "as many as HELLO carries");
	is_int(allow_add(&a, "h:99", &e), -1, "and not one more");
	is_int(strlen(allow_text(&a, text, sizeof(text))) < sizeof(text), 1,
	    "a list that does not fit");
	ok(strstr(text, "...") != NULL, "is cut, and says so");
	add("x:1,y:2");
	is_str(allow_text(&a, text, sizeof(text)), "x:1, y:2", "a list");
}

int
main(void)
{
	test_matches();
	test_refused();
	test_many();
	return tap_done();
}
