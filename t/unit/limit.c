/*
 * How much, how often, from where.  Times are arguments here: nothing waits.
 */
#include "../../relayd/limit.h"

#include <string.h>

#include "base/err.h"
#include "net/addr.h"
#include "tap.h"

static struct addr
at(const char *text)
{
	struct addr a;

	if (addr_parse_ip(&a, text, NULL) == -1)
		memset(&a, 0, sizeof(a));
	return a;
}

static void
test_bucket(void)
{
	struct limit_bucket b = { 0 };
	uint32_t wait;
	int n, got = 0;

	for (n = 0; n < 60; n++)
		got += limit_take(&b, 5, 50, 1000, &wait);
	is_int(got, 50, "a full bucket gives its burst");
	is_int(limit_take(&b, 5, 50, 1000, &wait), 0, "then nothing");
	ok(wait > 0 && wait <= 201, "and says how long to wait");
	is_int(limit_take(&b, 5, 50, 1000 + wait, &wait), 1,
	    "which is long enough");
	got = 0;
	for (n = 0; n < 20; n++)
		got += limit_take(&b, 5, 50, 2250, &wait);
	is_int(got, 5, "it refills at its rate");
	got = 0;
	for (n = 0; n < 100; n++)
		got += limit_take(&b, 5, 50, UINT64_C(1) << 62, &wait);
	is_int(got, 50, "after an age it is full and not more");
}

static void
test_doors(void)
{
	struct limit_doors *d = limit_doors_new(NULL);
	struct addr a = at("192.0.2.7"), six = at("2001:db8:1:2::3");
	struct addr near = at("2001:db8:1:2:ffff::4");

	ok(d != NULL, "a table is made");
	ok(limit_doors_enter(d, &a, 2) && limit_doors_enter(d, &a, 2),
	    "two links may come");
	ok(!limit_doors_enter(d, &a, 2), "the third may not");
	limit_doors_leave(d, &a);
	ok(limit_doors_enter(d, &a, 2), "when one has left it may");
	ok(limit_doors_enter(d, &six, 1) && !limit_doors_enter(d, &near, 1),
	    "an IPv6 address is its /64");
	is_int(limit_doors_wait_ms(d, &a, 500), 0, "nobody is fined at first");
	limit_doors_fine(d, &a, 2000);
	is_int(limit_doors_wait_ms(d, &a, 1999), 1, "a fine holds");
	is_int(limit_doors_wait_ms(d, &a, 2000), 0, "until its time");
	limit_doors_free(&d);
	ok(d == NULL, "it is gone");
}

static void
test_rates(void)
{
	struct limit_rates *r = limit_rates_new(NULL);
	struct addr a = at("192.0.2.7"), b = at("192.0.2.8");
	uint64_t now = 100000;
	int n, got = 0;

	for (n = 0; n < 10; n++)
		got += limit_rates_take(r, &a, 6, 60000, now);
	is_int(got, 6, "so many of an address at once");
	ok(limit_rates_take(r, &b, 6, 60000, now), "others are not concerned");
	ok(!limit_rates_take(r, &a, 6, 60000, now + 9000),
	    "not before there is one again");
	ok(limit_rates_take(r, &a, 6, 60000, now + 20000), "then one");
	is_int((long)limit_rates_count(r), 2, "two addresses are known");
	ok(limit_rates_take(r, &b, 6, 60000, now + 200000), "much later");
	is_int((long)limit_rates_count(r), 1, "the old ones are forgotten");
	limit_rates_free(&r);
}

static void
test_rates_flood(void)
{
	struct limit_rates *r = limit_rates_new(NULL);
	struct addr a = at("198.51.100.1");
	uint32_t n;

	for (n = 0; n < LIMIT_RATES_MAX + 1000; n++) {
		a.ip[13] = (uint8_t)(n >> 16);
		a.ip[14] = (uint8_t)(n >> 8);
		a.ip[15] = (uint8_t)n;
		limit_rates_take(r, &a, 6, 60000, 1000);
	}
	ok(limit_rates_count(r) <= LIMIT_RATES_MAX,
	    "no more addresses than it may know");
	limit_rates_free(&r);
}

int
main(void)
{
	test_bucket();
	test_doors();
	test_rates();
	test_rates_flood();
	return tap_done();
}
