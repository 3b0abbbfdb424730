#include "chart.h"

#include <stdio.h>

enum { SPARK_HIGH = 22, SPARK_MAX = CHART_SLOTS * 32 };

int64_t
chart_top(const struct chart_bar *bars, size_t n)
{
	static const int steps[] = { 1, 2, 5 };
	int64_t most = 1, unit = 1;
	size_t i;

	/* what comes in is drawn half as high, on the same scale */
	for (i = 0; i < n; i++) {
		if (bars[i].to > most)
			most = bars[i].to;
		if (bars[i].from > most / 2 && bars[i].from > INT64_MAX / 4)
			most = INT64_MAX / 2;
		else if (bars[i].from * CHART_UP / CHART_DOWN > most)
			most = bars[i].from * CHART_UP / CHART_DOWN;
	}
	for (; unit < INT64_MAX / 100; unit *= 10)
		for (i = 0; i < 3; i++)
			if (unit * steps[i] >= most)
				return unit * steps[i];
	return most;
}

int
chart_height(int64_t v, int64_t top, int max)
{
	int h;

	if (v <= 0)
		return 0;
	h = (int)((double)v / (double)top * max + .5);
	return h < 1 ? 1 : h > max ? max : h;
}

const char *
chart_spark(struct req *r, const struct chart_bar *bars)
{
	char *to = req_alloc(r, SPARK_MAX);
	int64_t sum, top = 1;
	size_t len = 0;
	int i, h;

	if (to == NULL)
		return "";
	for (i = 0; i < CHART_SLOTS; i++)
		if (bars[i].to + bars[i].from > top)
			top = bars[i].to + bars[i].from;
	for (i = 0; i < CHART_SLOTS; i++) {
		sum = bars[i].to + bars[i].from;
		if ((h = chart_height(sum, top, SPARK_HIGH)) > 0)
			len += (size_t)snprintf(to + len, SPARK_MAX - len,
			    "M%d 24v-%dh3v%dz", i * 4, h, h);
	}
	return to;
}
