#include "../../client/retry.h"
#include "tap.h"

#define MOST UINT32_MAX /* the greatest chance */

static struct retry r;

static void
test_growth(void)
{
	static const uint64_t most[] = { 200, 1000, 2000, 4000, 8000, 16000,
		30000, 30000, 30000 };
	uint64_t now = 5000;
	size_t i;

	retry_init(&r, now);
	is_int(retry_at(&r), now, "the first dial is now");
	for (i = 0; i < sizeof(most) / sizeof(most[0]); i++) {
		retry_failed(&r, now, MOST);
		is_int(retry_at(&r), now + most[i] - 1, "doubles, to 30 s");
		now = retry_at(&r);
	}
	retry_failed(&r, now, 0);
	is_int(retry_at(&r), now, "full jitter may mean at once");
	for (i = 0; i < 200; i++)
		retry_failed(&r, now, MOST);
	is_int(retry_at(&r), now + 29999, "for ever");
}

static void
test_return(void)
{
	uint64_t now = 1000;
	int i;

	retry_init(&r, now);
	for (i = 0; i < 5; i++)
		retry_failed(&r, now, MOST);
	retry_welcome(&r, now);
	retry_lost(&r, now, MOST);
	is_int(retry_at(&r), now + 199, "a lost link: within 200 ms");
	retry_failed(&r, now, MOST);
	is_int(retry_at(&r), now + 999, "then below a second");
}

/* A relay that welcomes and breaks off, over and over. */
static void
test_circle(void)
{
	uint64_t now = 1, waited = 0;
	int i;

	retry_init(&r, now);
	for (i = 0; i < 200; i++) {
		retry_welcome(&r, now);
		retry_lost(&r, now, MOST / 2);
		waited += retry_at(&r) - now;
		now = retry_at(&r);
	}
	ok(waited > 30000, "is not hammered");
	ok(waited < 100000, "and never waited for long");
	now += 60000;
	retry_welcome(&r, now);
	retry_lost(&r, now, MOST);
	ok(retry_at(&r) < now + 200, "after a minute in peace: quick again");
}

/* A relay whose sessions break at once. */
static void
test_broken(void)
{
	uint64_t now = 1, waited = 0;
	int i;

	retry_init(&r, now);
	for (i = 0; i < 10; i++) {
		retry_welcome(&r, now);
		retry_failed(&r, now, MOST);
		waited = retry_at(&r) - now;
		now = retry_at(&r);
	}
	ok(waited > 20000, "is left alone for longer and longer");
	retry_welcome(&r, now);
	retry_failed(&r, now + 10000, MOST);
	ok(retry_at(&r) <= now + 10200, "until a welcome has lasted");
}

static void
test_asked(void)
{
	uint64_t now = 1000;

	retry_init(&r, now);
	retry_asked(&r, now, 5000, 0);
	ok(retry_at(&r) >= now + 5000, "the relay's wish is kept");
	retry_now(&r, now + 100);
	is_int(retry_at(&r), now + 5000, "also when the network changes");
	retry_lost(&r, now + 200, 0);
	is_int(retry_at(&r), now + 5000, "also when a link is lost");
	retry_now(&r, now + 6000);
	is_int(retry_at(&r), now + 6000, "and no longer than it asked");
}

static void
test_now(void)
{
	retry_init(&r, 0);
	retry_failed(&r, 0, MOST);
	retry_failed(&r, 0, MOST);
	retry_failed(&r, 0, MOST);
	retry_now(&r, 10);
	is_int(retry_at(&r), 10, "a change of the network cancels the wait");
	retry_failed(&r, 10, MOST);
	is_int(retry_at(&r), 209, "and begins it anew");
}

int
main(void)
{
	test_growth();
	test_return();
	test_circle();
	test_broken();
	test_asked();
	test_now();
	return tap_done();
}
