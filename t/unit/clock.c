#include "base/clock.h"

#include <time.h>

#include "tap.h"

static void
test_known(void)
{
	static const struct {
		int64_t ms;
		const char *want;
	} all[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ -1000, "1969-12-31T23:59:59.000Z" },
		{ -86400000, "1969-12-31T00:00:00.000Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 951868800000, "2000-03-01T00:00:00.000Z" },
		{ INT64_C(-2203891200000), "1900-03-01T00:00:00.000Z" },
		{ 1795183325123, "2026-11-20T14:02:05.123Z" },
		{ INT64_C(4107542399999), "2100-02-28T23:59:59.999Z" },
		{ INT64_C(4107542400000), "2100-03-01T00:00:00.000Z" },
		{ INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
		{ INT64_C(253402300800000), "9999-12-31T23:59:59.999Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
		{ INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z" },
		{ INT64_MIN, "0000-01-01T00:00:00.000Z" },
	};
	char to[25];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		is_str(clock_rfc3339(to, sizeof(to), all[i].ms), all[i].want,
		    all[i].want);
	is_str(clock_rfc3339(to, 11, 0), "1970-01-01", "cut to fit");
}

/*
 * A date in every week of 4,000 years against the system's own arithmetic, as
 * far as that goes.
 */
static void
test_against_libc(void)
{
	bool same = true;
	unsigned weeks = 0;

	for (int64_t day = -700000; same && day < 760000; day += 7) {
		int64_t ms = day * 86400000 + day % 86400 * 1000 + 7;
		time_t t = (time_t)((ms - 7) / 1000);
		char mine[25], theirs[96];
		struct tm tm;

		if (gmtime_r(&t, &tm) == NULL)
			continue;
		weeks++;
		snprintf(theirs, sizeof(theirs),
		    "%04d-%02d-%02dT%02d:%02d:%02d.007Z", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		    tm.tm_sec);
		clock_rfc3339(mine, sizeof(mine), ms);
		same = strcmp(mine, theirs) == 0;
		if (!same)
			printf("# %s, %s\n", mine, theirs);
	}
	ok(same, "the dates are those of gmtime");
	ok(weeks > 50000, "of a thousand years at least");
}

static void
test_read(void)
{
	static const struct {
		const char *text;
		int64_t want;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-20T14:02:05.123Z", 1795183325123 },
		{ "2026-11-20T14:02:05.1239Z", 1795183325123 },
		{ "2026-11-20t15:32:05.123+01:30", 1795183325123 },
		{ "2026-11-20 04:02:05.1-10:00", 1795183325100 },
		{ "2000-02-29T00:00:00z", 951782400000 },
		{ "2016-12-31T23:59:60Z", 1483228800000 },
	};
	static const char *const bad[] = { "", "2026", "2026-11-20",
		"2026-11-20T14:02:05", "2026-11-20T14:02:05.Z",
		"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
		"2026-01-01T00:00:61Z", "2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+01:00x",
		"2026-01-01T00:00:00ZZ", "+026-01-01T00:00:00Z",
		"2026-01-01x00:00:00Z", " 2026-01-01T00:00:00Z" };
	bool same = true;
	char text[25];
	int64_t ms;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(clock_read_rfc3339(good[i].text, &ms) && ms == good[i].want,
		    good[i].text);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!clock_read_rfc3339(bad[i], &ms), bad[i]);
	for (int64_t at = INT64_C(-62167219200000);
	     same && at < INT64_C(253402300799999);
	     at += INT64_C(86399999) * 29)
		same = clock_read_rfc3339(
			   clock_rfc3339(text, sizeof(text), at), &ms) &&
		    ms == at;
	ok(same, "what is written is read again");
}

int
main(void)
{
	uint64_t a = clock_us(), b = clock_us(), ms = clock_ms();

	ok(a <= b, "time does not go back");
	ok(ms >= a / 1000, "both clocks are one");
	ok(clock_wall_ms() > 1700000000000, "the date is after 2023");
	test_known();
	test_against_libc();
	test_read();
	return tap_done();
}
