/*
 * What a dashboard, or somebody who says to be one, answers to the client:
 * nothing is read outside of it, and every value lies in it.
 */
#include "../../client/json.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
walk(struct json v, struct json within, int depth)
{
	struct json one;
	char text[40];
	int64_t number;

	if (v.p == NULL)
		return;
	if (v.p < within.p || v.p + v.n > within.p + within.n || v.n == 0 ||
	    depth > DEPTH_MAX + 1)
		abort();
	if (json_text(v, text, sizeof(text)) &&
	    !str_is_utf8(text, strlen(text)))
		abort();
	json_number(v, -5, 5, &number);
	for (size_t i = 0; i < 20; i++) {
		if ((one = json_element(v, i)).p == NULL)
			break;
		walk(one, v, depth + 1);
	}
	walk(json_member(v, "a"), v, depth + 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct json whole;
	char *copy;

	/* exactly as long, so that a byte more is noticed */
	if (n > 4000 || (copy = malloc(n > 0 ? n : 1)) == NULL)
		return 0;
	memcpy(copy, p, n);
	whole = json_whole(copy, n);
	walk(whole, (struct json){ copy, n }, 0);
	free(copy);
	return 0;
}
