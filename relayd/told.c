#include "told.h"

#include <stddef.h>
#include <string.h>

static bool
is_at(const struct told *t, size_t i, const uint8_t instance[TOLD_INSTANCE],
    uint64_t now)
{
	return t->row[i].at != 0 && now - t->row[i].at < TOLD_MS &&
	    memcmp(t->row[i].instance, instance, TOLD_INSTANCE) == 0;
}

/* Its own row if it has one, else the oldest. */
void
told_add(struct told *t, const uint8_t instance[TOLD_INSTANCE], uint64_t now)
{
	size_t i, to = 0;

	for (i = 0; i < TOLD_MAX; i++) {
		if (is_at(t, i, instance, now)) {
			to = i;
			break;
		}
		if (t->row[i].at < t->row[to].at)
			to = i;
	}
	memcpy(t->row[to].instance, instance, TOLD_INSTANCE);
	t->row[to].at = now != 0 ? now : 1;
}

bool
told_has(
    const struct told *t, const uint8_t instance[TOLD_INSTANCE], uint64_t now)
{
	size_t i;

	for (i = 0; i < TOLD_MAX; i++)
		if (is_at(t, i, instance, now))
			return true;
	return false;
}
