/*
 * map: finds a thing by its key.  All keys of a map are equally many bytes.
 * Each thing has a struct map_node in it, and its key; nothing is allocated
 * for an entry.  The hash is keyed with a random seed (SipHash-1-3), so that
 * nobody can choose keys that all meet in one place.
 *
 *	map_add(&m, &stream->node, &stream->id, e);
 *	MAP_OF(map_get(&m, &id), struct stream, node)
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct map_node {
	struct map_node *next;
	const void *key; /* in the thing, as long as it is in the map */
	uint32_t hash;
};

struct map {
	struct map_node **rows;
	uint32_t size; /* rows: 0 or a power of 2 */
	uint32_t count;
	size_t key_len;
	uint64_t seed[2];
};

/* The thing of type T whose member M is the node n; NULL for NULL. */
#define MAP_OF(n, T, M) ((T *)map_thing((n), offsetof(T, M)))

static inline void *
map_thing(struct map_node *n, size_t offset)
{
	return n == NULL ? NULL : (void *)((char *)n - offset);
}

/* An empty map of keys of key_len bytes.  -1 when there is no random seed. */
int map_init(struct map *m, size_t key_len, struct err *e);

/* Forgets all entries (they are the caller's) and gives the memory back. */
void map_free(struct map *m);

/*
 * Adds n under key, which is not in the map yet and stays unchanged at its
 * place until n is removed.  -1 without memory.
 */
int map_add(struct map *m, struct map_node *n, const void *key, struct err *e);

/* The node with this key, or NULL. */
struct map_node *map_get(const struct map *m, const void *key);

/* The same for keys that are a uint32_t. */
static inline struct map_node *
map_get_u32(const struct map *m, uint32_t key)
{
	return map_get(m, &key);
}

/* Takes n out, which must be in the map. */
void map_remove(struct map *m, struct map_node *n);

static inline uint32_t
map_count(const struct map *m)
{
	return m->count;
}

/*
 * Walks through all: the first for NULL, then the one behind n, at last NULL.
 * While walking, only map_free() may change the map.
 */
struct map_node *map_next(const struct map *m, const struct map_node *n);

#endif
