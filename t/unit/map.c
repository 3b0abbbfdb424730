#include "base/map.h"

#include <stdlib.h>

#include "base/err.h"
#include "tap.h"

enum { MANY = 20000 };

struct thing {
	uint32_t id;
	bool in;
	struct map_node node;
};

static struct thing things[MANY];

static struct thing *
find(const struct map *m, uint32_t id)
{
	return MAP_OF(map_get_u32(m, id), struct thing, node);
}

static void
test_small(void)
{
	struct map m;
	struct err e;

	is_int(map_init(&m, 4, &e), 0, "a map");
	ok(find(&m, 7) == NULL, "has nothing at first");
	ok(map_next(&m, NULL) == NULL, "nothing to walk through");
	things[0].id = 7;
	things[1].id = 8;
	is_int(map_add(&m, &things[0].node, &things[0].id, &e), 0, "one");
	is_int(map_add(&m, &things[1].node, &things[1].id, &e), 0, "two");
	ok(find(&m, 7) == &things[0], "the one is found");
	ok(find(&m, 8) == &things[1], "the other too");
	ok(find(&m, 9) == NULL, "a third is not");
	is_int(map_count(&m), 2, "two in all");
	map_remove(&m, &things[0].node);
	ok(find(&m, 7) == NULL && find(&m, 8) != NULL, "one is gone");
	map_remove(&m, &things[1].node);
	is_int(map_count(&m), 0, "none");
	map_free(&m);
	is_int(map_add(&m, &things[0].node, &things[0].id, &e), 0,
	    "a freed one may be used again");
	map_free(&m);
}

/* Grows and shrinks at random; every answer against the things' own marks. */
static void
test_many(void)
{
	struct map m;
	uint32_t r = 1, count = 0, walked = 0, largest = 0;
	bool good = map_init(&m, 4, NULL) == 0;

	for (uint32_t i = 0; i < MANY; i++) {
		things[i].id = i * 4096; /* equal low bits */
		things[i].in = false;
	}
	for (uint32_t i = 0; good && i < 400000; i++) {
		uint32_t k = ((r = r * 1664525 + 1013904223) >> 8) % MANY;
		bool filling = i % 200000 < 100000;

		if (!things[k].in && filling) {
			good = map_add(&m, &things[k].node, &things[k].id,
				   NULL) == 0;
			count++;
		} else if (things[k].in && !filling) {
			map_remove(&m, &things[k].node);
			count--;
		} else
			continue;
		things[k].in = !things[k].in;
		if (count > largest)
			largest = count;
		good = good && map_count(&m) == count &&
		    (find(&m, things[k].id) != NULL) == things[k].in;
	}
	ok(good, "400,000 steps, each answer right");
	ok(largest > MANY * 9 / 10, "nearly all were in at once");
	for (uint32_t i = 0; i < MANY; i++)
		good = good &&
		    find(&m, things[i].id) ==
			(things[i].in ? &things[i] : NULL);
	ok(good, "each thing is found or not, as it should");
	for (struct map_node *n = map_next(&m, NULL); n != NULL;
	     n = map_next(&m, n)) {
		struct thing *t = MAP_OF(n, struct thing, node);

		good = good && t->in;
		t->in = false;
		if (++walked > MANY)
			break;
	}
	ok(good && walked == count, "a walk meets each once");
	ok(m.size <= 16 || m.size <= 16 * (count + 1), "the table shrinks");
	map_free(&m);
}

/* Rows are no longer than chance makes them, whatever the keys look like. */
static void
test_spread(void)
{
	struct map m;
	size_t longest = 0;

	map_init(&m, 4, NULL);
	for (uint32_t i = 0; i < 16384; i++) {
		things[i].id = i << 17;
		map_add(&m, &things[i].node, &things[i].id, NULL);
	}
	for (uint32_t i = 0; i < m.size; i++) {
		size_t len = 0;

		for (struct map_node *n = m.rows[i]; n != NULL; n = n->next)
			len++;
		longest = len > longest ? len : longest;
	}
	/* With one key to a row on average, 20 in one is 1 in 10^14. */
	ok(longest < 20, "no row is long");
	map_free(&m);
}

/* Keys of other lengths, and each seed its own order. */
static void
test_keys(void)
{
	struct {
		char key[19];
		struct map_node node;
	} a = { "eighteen bytes  A", { 0 } },
	  b = { "eighteen bytes  B", { 0 } };
	struct map m, other;

	map_init(&m, 18, NULL);
	map_add(&m, &a.node, a.key, NULL);
	map_add(&m, &b.node, b.key, NULL);
	ok(map_get(&m, "eighteen bytes  A") == &a.node, "18 bytes");
	ok(map_get(&m, "eighteen bytes  B") == &b.node, "18 others");
	ok(map_get(&m, "eighteen bytes  C") == NULL, "18 unknown ones");
	map_init(&other, 18, NULL);
	ok(memcmp(m.seed, other.seed, sizeof(m.seed)) != 0,
	    "each map has a seed of its own");
	map_free(&m);
	map_free(&other);
}

int
main(void)
{
	test_small();
	test_many();
	test_spread();
	test_keys();
	return tap_done();
}
