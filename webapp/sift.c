#include "sift.h"

#include <string.h>

bool
sift_fits(struct req *r, const struct sift_line *l, const char *q)
{
	return *q == '\0' || strcasestr(l->t->name, q) != NULL ||
	    strcasestr(status_address(r, l->t), q) != NULL ||
	    strcasestr(status_target(r, l->t), q) != NULL ||
	    strcasestr(status_name(l->is), q) != NULL ||
	    strcasestr(l->machine, q) != NULL;
}

static int
newer(const struct sift_line *a, const struct sift_line *b)
{
	return a->t->id < b->t->id ? 1 : a->t->id > b->t->id ? -1 : 0;
}

static int
by_new(const void *a, const void *b)
{
	return newer(a, b);
}

static int
by_name(const void *a, const void *b)
{
	const struct sift_line *x = a, *y = b;
	int d = strcasecmp(x->t->name, y->t->name);

	return d != 0 ? d : newer(x, y);
}

static int
by_traffic(const void *a, const void *b)
{
	const struct sift_line *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : newer(x, y);
}

/* What waits for a person comes first. */
static int
need(const struct sift_line *l)
{
	static const int order[] = {
		[STATUS_ERROR] = 0,
		[STATUS_PENDING] = 1,
		[STATUS_OFFLINE] = 2,
		[STATUS_EXPIRED] = 3,
		[STATUS_FROZEN] = 4,
		[STATUS_ONLINE] = 5,
		[STATUS_PAUSED] = 6,
	};

	return order[l->is];
}

static int
by_need(const void *a, const void *b)
{
	int d = need(a) - need(b);

	return d != 0 ? d : newer(a, b);
}

sift_order *
sift_by(const char *word)
{
	static const struct {
		const char *word;
		sift_order *order;
	} table[] = {
		{ "new", by_new },
		{ "need", by_need },
		{ "name", by_name },
		{ "traffic", by_traffic },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(word, table[i].word) == 0)
			return table[i].order;
	return NULL;
}
