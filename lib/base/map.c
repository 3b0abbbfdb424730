#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"

enum {
	FIRST = 16, /* rows of the first table */
};

static inline uint64_t
rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3; words are taken in the machine's own order. */
static uint64_t
sip(const uint64_t seed[2], const void *p, size_t n)
{
	uint64_t v[4] = {
		seed[0] ^ UINT64_C(0x736f6d6570736575),
		seed[1] ^ UINT64_C(0x646f72616e646f6d),
		seed[0] ^ UINT64_C(0x6c7967656e657261),
		seed[1] ^ UINT64_C(0x7465646279746573),
	};
	const uint8_t *s = p;
	uint64_t last = (uint64_t)n << 56, word;

	for (; n >= 8; s += 8, n -= 8) {
		memcpy(&word, s, 8);
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	while (n-- > 0)
		last |= (uint64_t)s[n] << (8 * n);
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint32_t
hash(const struct map *m, const void *key)
{
	return (uint32_t)sip(m->seed, key, m->key_len);
}

static struct map_node **
row(const struct map *m, uint32_t h)
{
	return &m->rows[h & (m->size - 1)];
}

int
map_init(struct map *m, size_t key_len, struct err *e)
{
	memset(m, 0, sizeof(*m));
	m->key_len = key_len;
	return random_bytes(m->seed, sizeof(m->seed), e);
}

void
map_free(struct map *m)
{
	free(m->rows);
	m->rows = NULL;
	m->size = m->count = 0;
}

/* Moves all nodes to a table of size rows. */
static int
resize(struct map *m, uint32_t size)
{
	struct map_node **old = m->rows, *n;
	uint32_t old_size = m->size;
	struct map_node **rows;

	if ((rows = calloc(size, sizeof(struct map_node *))) == NULL)
		return -1;
	m->rows = rows;
	m->size = size;
	for (uint32_t i = 0; i < old_size; i++)
		while ((n = old[i]) != NULL) {
			old[i] = n->next;
			n->next = *row(m, n->hash);
			*row(m, n->hash) = n;
		}
	free(old);
	return 0;
}

int
map_add(struct map *m, struct map_node *n, const void *key, struct err *e)
{
	assert(map_get(m, key) == NULL);
	if (m->size == 0 && resize(m, FIRST) != 0)
		return err_sys(e, "no memory for a table");
	/* Without memory for a longer table the rows grow longer instead. */
	if (m->count >= m->size && m->size < UINT32_C(1) << 31)
		(void)resize(m, m->size * 2);
	n->key = key;
	n->hash = hash(m, key);
	n->next = *row(m, n->hash);
	*row(m, n->hash) = n;
	m->count++;
	return 0;
}

struct map_node *
map_get(const struct map *m, const void *key)
{
	struct map_node *n;
	uint32_t h;

	if (m->count == 0)
		return NULL;
	h = hash(m, key);
	for (n = *row(m, h); n != NULL; n = n->next)
		if (n->hash == h && memcmp(n->key, key, m->key_len) == 0)
			return n;
	return NULL;
}

void
map_remove(struct map *m, struct map_node *n)
{
	struct map_node **at;

	assert(m->count > 0);
	for (at = row(m, n->hash); *at != n; at = &(*at)->next)
		assert(*at != NULL);
	*at = n->next;
	n->next = NULL;
	m->count--;
	if (m->size > FIRST && m->count < m->size / 8)
		(void)resize(m, m->size / 2);
}

struct map_node *
map_next(const struct map *m, const struct map_node *n)
{
	uint32_t i = 0;

	if (n != NULL) {
		if (n->next != NULL)
			return n->next;
		i = (n->hash & (m->size - 1)) + 1;
	}
	for (; i < m->size; i++)
		if (m->rows[i] != NULL)
			return m->rows[i];
	return NULL;
}
