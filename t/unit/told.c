/*
 * told: who was replaced is known for an hour, of each machine the last eight.
 */
#include "../../relayd/told.h"

#include <string.h>

#include "tap.h"

static struct told t;

/* An instance is 16 bytes; here they are all alike. */
static const uint8_t *
instance(unsigned n)
{
	static uint8_t p[TOLD_INSTANCE];

	memset(p, (int)n, sizeof(p));
	return p;
}

static bool
has(unsigned n, uint64_t now)
{
	return told_has(&t, instance(n), now);
}

static void
test_hour(void)
{
	memset(&t, 0, sizeof(t));
	ok(!has(0, 1), "nobody was told yet, not even one of zeros");
	told_add(&t, instance(1), 1000);
	ok(has(1, 1000), "who was told is known at once");
	ok(!has(2, 1000), "another is not");
	ok(has(1, 1000 + TOLD_MS - 1), "it is for an hour");
	ok(!has(1, 1000 + TOLD_MS), "and then no more");
	told_add(&t, instance(0), 5000);
	ok(has(0, 5000), "one of zeros may be told, too");
	memset(&t, 0, sizeof(t));
	told_add(&t, instance(3), 0);
	ok(has(3, 1), "also when the clock begins");
}

static void
test_many(void)
{
	unsigned n;

	memset(&t, 0, sizeof(t));
	for (n = 1; n <= TOLD_MAX; n++)
		told_add(&t, instance(n), n * 10);
	for (n = 1; n <= TOLD_MAX && has(n, 1000); n++)
		continue;
	is_int(n, TOLD_MAX + 1, "eight are remembered");
	told_add(&t, instance(100), 200);
	ok(has(100, 1000), "so is one more");
	ok(!has(1, 1000), "for the oldest of them");
	ok(has(2, 1000), "and for no other");
}

/* Told again and again, it takes nobody's place but its own. */
static void
test_again(void)
{
	unsigned n;

	memset(&t, 0, sizeof(t));
	for (n = 1; n <= TOLD_MAX; n++)
		told_add(&t, instance(n), n * 10);
	for (n = 0; n < 100; n++)
		told_add(&t, instance(1), 200 + n);
	for (n = 1; n <= TOLD_MAX && has(n, 1000); n++)
		continue;
	is_int(n, TOLD_MAX + 1, "who is told twice has one place");
	ok(has(1, 299 + TOLD_MS - 1), "its hour begins with the last time");
	told_add(&t, instance(100), 400);
	ok(has(1, 1000) && !has(2, 1000), "it is not the oldest any more");
}

int
main(void)
{
	test_hour();
	test_many();
	test_again();
	return tap_done();
}
