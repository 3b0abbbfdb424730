#include "words.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "req.h"

enum { MOMENT_MAX = 48, SPAN_MAX = 32 };

static const char *const months[] = { "January", "February", "March", "April",
	"May", "June", "July", "August", "September", "October", "November",
	"December" };

static void
local(struct tm *out, int64_t ms)
{
	time_t t = (time_t)(ms / 1000);

	if (localtime_r(&t, out) == NULL)
		memset(out, 0, sizeof(*out));
}

static bool
is_day(const struct tm *a, int64_t ms)
{
	struct tm b;

	local(&b, ms);
	return a->tm_year == b.tm_year && a->tm_yday == b.tm_yday;
}

char *
words_moment(char *to, int64_t at, int64_t now)
{
	const int64_t day = 86400000;
	const char *word = NULL;
	struct tm t, n;

	local(&t, at);
	local(&n, now);
	if (now >= at && now - at < 10000)
		word = "just now";
	else if (is_day(&t, now))
		word = "today";
	else if (is_day(&t, now - day))
		word = "yesterday";
	else if (is_day(&t, now + day))
		word = "tomorrow";
	if (word != NULL && *word == 'j')
		str_copy(to, MOMENT_MAX, word);
	else if (word != NULL)
		snprintf(
		    to, MOMENT_MAX, "%s %02d:%02d", word, t.tm_hour, t.tm_min);
	else if (t.tm_year == n.tm_year)
		snprintf(to, MOMENT_MAX, "%d %s %02d:%02d", t.tm_mday,
		    months[t.tm_mon], t.tm_hour, t.tm_min);
	else
		snprintf(to, MOMENT_MAX, "%d %s %d", t.tm_mday,
		    months[t.tm_mon], t.tm_year + 1900);
	return to;
}

const char *
words_when(struct req *r, int64_t at)
{
	char text[MOMENT_MAX];

	if (at == 0)
		return "never";
	words_moment(text, at, clock_wall_ms());
	return req_copy(r, text, strlen(text));
}

char *
words_span(char *to, int64_t ms)
{
	long long s = ms / 1000;

	if (s < 0)
		s = 0;
	if (s < 60)
		snprintf(to, SPAN_MAX, "%lld s", s);
	else if (s < 3600)
		snprintf(to, SPAN_MAX, "%lld min", s / 60);
	else if (s < 86400)
		snprintf(
		    to, SPAN_MAX, "%lld h %02lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(to, SPAN_MAX, "%lld day%s", s / 86400,
		    s / 86400 == 1 ? "" : "s");
	return to;
}

const char *
words_datetime(struct req *r, int64_t at)
{
	struct tm t;

	local(&t, at);
	return req_text(r, "%04d-%02d-%02dT%02d:%02d", t.tm_year + 1900,
	    t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min);
}

const char *
words_count(struct req *r, int64_t n, const char *one, const char *many)
{
	return req_text(r, "%lld %s", (long long)n, n == 1 ? one : many);
}

const char *
words_bytes(struct req *r, uint64_t n)
{
	char text[32];

	str_bytes(text, sizeof(text), n);
	return req_copy(r, text, strlen(text));
}
