/* web_words: what the pages say of times, sizes and browsers. */
#include <stdlib.h>
#include <time.h>

#include "../../webapp/browser.h"
#include "../../webapp/chart.h"
#include "../../webapp/next.h"
#include "../../webapp/words.h"
#include "tap.h"

/* Requests play no part here. */
char *
req_text(struct req *r, const char *fmt, ...)
{
	(void)r;
	(void)fmt;
	return NULL;
}

char *
req_copy(struct req *r, const char *p, size_t n)
{
	(void)r;
	(void)p;
	(void)n;
	return NULL;
}

void *
req_alloc(struct req *r, size_t n)
{
	(void)r;
	return calloc(1, n);
}

#define MIN  INT64_C(60000)
#define HOUR (60 * MIN)
#define DAY  (24 * HOUR)

static void
moments(void)
{
	/* Friday, 20 November 2026, 14:00:00 UTC */
	const int64_t now = INT64_C(1795183200000);
	char text[48];

	is_str(words_moment(text, now - 5000, now), "just now", "seconds");
	is_str(words_moment(text, now - HOUR, now), "today 13:00", "an hour");
	is_str(words_moment(text, now - DAY, now), "yesterday 14:00", "a day");
	is_str(words_moment(text, now + DAY, now), "tomorrow 14:00", "ahead");
	is_str(words_moment(text, now - 9 * DAY, now), "11 November 14:00",
	    "days");
	is_str(words_moment(text, now - 400 * DAY, now), "16 October 2025",
	    "a year");
}

static void
spans(void)
{
	char text[32];

	is_str(words_span(text, 12000), "12 s", "seconds");
	is_str(words_span(text, 28 * MIN), "28 min", "minutes");
	is_str(words_span(text, 80 * MIN), "1 h 20 min", "hours");
	is_str(words_span(text, DAY), "1 day", "a day");
	is_str(words_span(text, 3 * DAY), "3 days", "days");
	is_str(words_span(text, -5), "0 s", "a clock that went back");
}

static void
charts(void)
{
	struct chart_bar bars[CHART_SLOTS] = { { 0 } };
	const char *path;

	is_int(chart_top(bars, CHART_SLOTS), 1, "nothing has a scale");
	bars[3].to = 1700;
	is_int(chart_top(bars, CHART_SLOTS), 2000, "a round one");
	bars[3].from = 1700;
	is_int(chart_top(bars, CHART_SLOTS), 5000,
	    "on which what came in fits, too");
	bars[3].from = INT64_MAX;
	ok(chart_top(bars, CHART_SLOTS) > 0, "and nothing overflows");
	is_int(chart_height(0, 100, 60), 0, "nothing has no height");
	is_int(chart_height(1, 1000000, 60), 1, "a little has some");
	is_int(chart_height(100, 100, 60), 60, "all has all");
	is_int(chart_height(200, 100, 60), 60, "and more has no more");
	bars[3].from = 0;
	path = chart_spark(NULL, bars);
	is_str(path, "M12 24v-22h3v22z", "one hour is one bar");
	free((void *)(uintptr_t)path);
}

int
main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	moments();
	spans();
	charts();
	is_str(next_path("/machines"), "/machines", "a page of ours");
	is_str(next_path("//evil.example"), "/", "another's host");
	is_str(next_path("https://evil.example"), "/", "another's address");
	is_str(next_path("/a?b=c"), "/", "a question");
	is_str(next_path("/a\r\nb"), "/", "a broken line");
	is_str(next_path(""), "/", "nothing");
	is_str(browser_name("Mozilla/5.0 (Windows NT 10.0) Gecko Firefox/130"),
	    "Firefox on Windows", "Firefox");
	is_str(browser_name("Mozilla/5.0 (X11; Linux) Chrome/130 Safari/5"),
	    "Chrome on Linux", "Chrome");
	is_str(browser_name("Mozilla/5.0 (Windows NT) Chrome/1 Safari/5 Edg/1"),
	    "Edge on Windows", "Edge");
	is_str(browser_name("curl/7.88"), "a program", "no browser");
	return tap_done();
}
