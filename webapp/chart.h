/*
 * chart: traffic as plain SVG.  One scale for both directions.
 */
#ifndef WEBAPP_CHART_H
#define WEBAPP_CHART_H

#include <stddef.h>
#include <stdint.h>

#include "req.h"

enum { CHART_SLOTS = 24, CHART_UP = 62, CHART_DOWN = 30 };

struct chart_bar {
	int64_t to, from; /* bytes to visitors, bytes from them */
};

/* The path of a small chart of 24 hours: 96 x 24. */
const char *chart_spark(struct req *r, const struct chart_bar *bars);

/* A round number of bytes that is at least the largest bar; at least 1. */
int64_t chart_top(const struct chart_bar *bars, size_t n);

/* How high a bar of v is where top is as high as max; 0 for nothing. */
int chart_height(int64_t v, int64_t top, int max);

#endif
