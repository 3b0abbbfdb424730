#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t
monotonic_us(void)
{
	struct timespec t;

	/* Cannot fail: the clock is there and t is ours. */
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
clock_ms(void)
{
	return monotonic_us() / 1000;
}

uint64_t
clock_us(void)
{
	return monotonic_us();
}

int64_t
clock_wall_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * The date of a day since 1970-01-01, by counting in years that begin in
 * March, so that the leap day is the last one, and in eras of 400 years.
 */
static void
civil(int64_t day, int *year, int *month, int *mday)
{
	int64_t since = day + 719468; /* days since 0000-03-01 */
	int64_t era = (since >= 0 ? since : since - 146096) / 146097;
	int64_t doe = since - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153; /* 0 is March */

	*mday = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = (int)(mp < 10 ? mp + 3 : mp - 9);
	*year = (int)(yoe + era * 400 + (*month <= 2));
}

char *
clock_rfc3339(char *to, size_t cap, int64_t wall_ms)
{
	/* RFC 3339 knows the years 0000 to 9999 only. */
	const int64_t first = INT64_C(-62167219200000);
	const int64_t last = INT64_C(253402300799999);
	const int64_t day_ms = 86400000;
	int64_t day, rest;
	int year, month, mday;

	if (wall_ms < first)
		wall_ms = first;
	if (wall_ms > last)
		wall_ms = last;
	day = wall_ms / day_ms - (wall_ms % day_ms < 0);
	rest = wall_ms - day * day_ms;
	civil(day, &year, &month, &mday);
	snprintf(to, cap, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
	    (unsigned)year % 10000, (unsigned)month % 100, (unsigned)mday % 100,
	    (unsigned)(rest / 3600000) % 100, (unsigned)(rest / 60000 % 60),
	    (unsigned)(rest / 1000 % 60), (unsigned)(rest % 1000));
	return to;
}
