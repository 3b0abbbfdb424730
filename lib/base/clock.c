#include "base/clock.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

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

/* n decimal digits. */
static void
put_digits(char *to, int n, int value)
{
	while (n-- > 0) {
		to[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

char *
clock_rfc3339(char *to, size_t cap, int64_t wall_ms)
{
	/* RFC 3339 knows the years 0000 to 9999 only. */
	const int64_t first = INT64_C(-62167219200000);
	const int64_t last = INT64_C(253402300799999);
	const int64_t day_ms = 86400000;
	char text[] = "0000-00-00T00:00:00.000Z";
	int64_t day, rest;
	int year, month, mday;

	if (wall_ms < first)
		wall_ms = first;
	if (wall_ms > last)
		wall_ms = last;
	day = wall_ms / day_ms - (wall_ms % day_ms < 0);
	rest = wall_ms - day * day_ms;
	civil(day, &year, &month, &mday);
	put_digits(text, 4, year);
	put_digits(text + 5, 2, month);
	put_digits(text + 8, 2, mday);
	put_digits(text + 11, 2, (int)(rest / 3600000));
	put_digits(text + 14, 2, (int)(rest / 60000 % 60));
	put_digits(text + 17, 2, (int)(rest / 1000 % 60));
	put_digits(text + 20, 3, (int)(rest % 1000));
	str_copy(to, cap, text);
	return to;
}

/* Days since 1970-01-01; the reverse of civil(). */
static int64_t
day_of(int year, int month, int mday)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy =
	    (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + mday - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* Reads n digits and moves on; -1 when there are not so many. */
static int
digits(const char **p, int n)
{
	int value = 0;

	for (; n > 0; n--, ++*p) {
		if (!isdigit((unsigned char)**p))
			return -1;
		value = value * 10 + **p - '0';
	}
	return value;
}

/* Reads n digits that stand before `end` and moves behind that. */
static int
digits_to(const char **p, int n, const char *end)
{
	int value = digits(p, n);

	if (value == -1 || **p == '\0' || strchr(end, **p) == NULL)
		return -1;
	++*p;
	return value;
}

/* ".123", or nothing. */
static bool
read_fraction(const char **p, int *ms_out)
{
	int scale = 100;

	*ms_out = 0;
	if (**p != '.')
		return true;
	if (!isdigit((unsigned char)*++*p))
		return false;
	for (; isdigit((unsigned char)**p); ++*p, scale /= 10)
		*ms_out += (**p - '0') * scale;
	return true;
}

/* "Z" or "+01:00" at the end, in minutes. */
static bool
read_offset(const char *p, int *minutes_out)
{
	int sign = *p == '-' ? -1 : 1, hour, minute;

	*minutes_out = 0;
	if (strcmp(p, "Z") == 0 || strcmp(p, "z") == 0)
		return true;
	if (*p != '+' && *p != '-')
		return false;
	p++;
	hour = digits_to(&p, 2, ":");
	minute = hour == -1 ? -1 : digits(&p, 2);
	if (minute == -1 || *p != '\0' || hour > 23 || minute > 59)
		return false;
	*minutes_out = sign * (hour * 60 + minute);
	return true;
}

bool
clock_read_rfc3339(const char *text, int64_t *wall_ms_out)
{
	const char *p = text;
	int year, month, mday, hour, minute, second, ms, offset, y, m, d;
	int64_t day;

	if ((year = digits_to(&p, 4, "-")) == -1 ||
	    (month = digits_to(&p, 2, "-")) == -1 ||
	    (mday = digits_to(&p, 2, "Tt ")) == -1 ||
	    (hour = digits_to(&p, 2, ":")) == -1 ||
	    (minute = digits_to(&p, 2, ":")) == -1 ||
	    (second = digits(&p, 2)) == -1 || !read_fraction(&p, &ms) ||
	    !read_offset(p, &offset))
		return false;
	if (month < 1 || month > 12 || mday < 1 || hour > 23 || minute > 59 ||
	    second > 60)
		return false;
	day = day_of(year, month, mday);
	/* the 31st of a month that has none is another day */
	civil(day, &y, &m, &d);
	if (y != year || m != month || d != mday)
		return false;
	*wall_ms_out = ((day * 24 + hour) * 60 + minute - offset) * 60000 +
	    (int64_t)second * 1000 + ms;
	return true;
}
