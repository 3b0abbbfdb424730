/* How often a program may ask (webapp/api_rate.c). */
#include "../../webapp/api_rate.c"

#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

#define S UINT64_C(1000000)

static char path[] = "/tmp/adit-rate-XXXXXX";

static struct api_rate
ask(enum api_rate_kind kind, const char *by, uint32_t limit, uint64_t now)
{
	struct api_rate r;

	api_rate_count(path, kind, by, limit, now, &r);
	return r;
}

static void
test_minute(void)
{
	uint64_t now = 1000 * S;
	struct api_rate r = ask(RATE_READS, "a", 6, now);

	ok(r.granted, "the first");
	is_int(r.limit, 6, "of six");
	is_int(r.remaining, 5, "five are left");
	is_int(r.reset_s, 10, "in ten seconds all are back");
	for (int i = 0; i < 5; i++)
		r = ask(RATE_READS, "a", 6, now);
	ok(r.granted && r.remaining == 0, "the sixth, and none is left");
	r = ask(RATE_READS, "a", 6, now);
	ok(!r.granted, "the seventh is refused");
	ok(r.wait_s >= 10 && r.wait_s <= 11, "for ten seconds");
	is_int(r.reset_s, 60, "in a minute all are back");
	ok(!ask(RATE_READS, "a", 6, now + 9 * S).granted, "not after nine");
	ok(ask(RATE_READS, "a", 6, now + 10 * S).granted, "after ten");
	ok(!ask(RATE_READS, "a", 6, now + 10 * S).granted, "one only");
	r = ask(RATE_READS, "a", 6, now + 200 * S);
	is_int(r.remaining, 5, "later all are back, and no more");
}

static void
test_apart(void)
{
	uint64_t now = 5000 * S;

	ok(ask(RATE_READS, "b", 1, now).granted, "one of b");
	ok(!ask(RATE_READS, "b", 1, now).granted, "no second");
	ok(ask(RATE_WRITES, "b", 1, now).granted, "writes count apart");
	ok(ask(RATE_READS, "c", 1, now).granted, "and so does c");
	ok(ask(RATE_READS, "b", 1, 10 * S).granted,
	    "a clock that began anew forgets");
	ok(ask(RATE_READS, "b", 1000000, 20 * S).granted, "a great limit");
}

/* Another process, or this one without its memory, counts on. */
static void
test_shared(void)
{
	uint64_t now = 9000 * S;

	ok(ask(RATE_READS, "d", 1, now).granted, "one of d");
	munmap(table, sizeof(*table));
	table = NULL;
	ok(!ask(RATE_READS, "d", 1, now).granted, "the file remembers");
	munmap(table, sizeof(*table));
	table = NULL;
	unlink(path);
	snprintf(path, sizeof(path), "/nowhere/rate");
	ok(ask(RATE_READS, "d", 1, now).granted, "without a file");
	ok(!ask(RATE_READS, "d", 1, now).granted, "this process counts alone");
}

int
main(void)
{
	int fd = mkstemp(path);

	ok(fd != -1, "a file");
	close(fd);
	test_minute();
	test_apart();
	test_shared();
	return tap_done();
}
