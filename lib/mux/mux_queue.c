#include "mux/mux_int.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_SEGS = 256 };

/* A seg from the spare ones, so that frames cost no allocation. */
static struct seg *
seg_get(struct mux *m)
{
	struct seg *g;

	if ((g = m->free_segs) == NULL)
		return malloc(sizeof(*g));
	m->free_segs = g->next;
	m->free_count--;
	return g;
}

static void
seg_put(struct mux *m, struct seg *g)
{
	slab_unref(&g->slab);
	if (m->free_count >= SPARE_SEGS) {
		free(g);
		return;
	}
	g->next = m->free_segs;
	m->free_segs = g;
	m->free_count++;
}

void
mux_queue_forget_spare(struct mux *m)
{
	struct seg *g;

	while ((g = m->free_segs) != NULL) {
		m->free_segs = g->next;
		free(g);
	}
	m->free_count = 0;
}

/* Appends a piece of b; takes a reference of its own. */
int
mux_queue_add(
    struct mux *m, struct queue *q, struct slab *b, uint32_t off, uint32_t len)
{
	struct seg *g;

	if ((g = seg_get(m)) == NULL)
		return -1;
	g->next = NULL;
	g->slab = slab_ref(b);
	g->off = off;
	g->len = len;
	if (q->tail != NULL)
		q->tail->next = g;
	else
		q->head = g;
	q->tail = g;
	q->bytes += len;
	m->stats.held += len;
	return 0;
}

/* Room behind the last seg, when nobody else can be looking at it. */
static size_t
tail_room(const struct queue *q)
{
	const struct seg *g = q->tail;

	if (g == NULL || g->slab->refs != 1)
		return 0;
	return g->slab->cap - g->off - g->len;
}

/* Appends a copy, into the last slab while it has room. */
int
mux_queue_copy(struct mux *m, struct queue *q, const void *p, size_t n)
{
	const uint8_t *from = p;
	struct slab *b;
	size_t k, cap;
	int rc;

	while (n > 0) {
		if ((k = tail_room(q)) > 0) {
			k = k < n ? k : n;
			memcpy(
			    q->tail->slab->data + q->tail->off + q->tail->len,
			    from, k);
			q->tail->len += (uint32_t)k;
			q->bytes += k;
			m->stats.held += k;
			from += k;
			n -= k;
			continue;
		}
		cap = n <= POOL_SMALL ? POOL_SMALL : POOL_LARGE;
		if ((b = pool_get(m->conf.pool, (uint32_t)cap)) == NULL)
			return -1;
		rc = mux_queue_add(m, q, b, 0, 0);
		slab_unref(&b);
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* Forgets n bytes at the front. */
void
mux_queue_drop(struct mux *m, struct queue *q, uint64_t n)
{
	struct seg *g;

	q->bytes -= n;
	m->stats.held -= n;
	while ((g = q->head) != NULL && n >= g->len) {
		n -= g->len;
		if ((q->head = g->next) == NULL)
			q->tail = NULL;
		seg_put(m, g);
		if (n == 0)
			return;
	}
	if (g != NULL) {
		g->off += (uint32_t)n;
		g->len -= (uint32_t)n;
	}
}

void
mux_queue_clear(struct mux *m, struct queue *q)
{
	mux_queue_drop(m, q, q->bytes);
	while (q->head != NULL) /* empty segs */
		mux_queue_drop(m, q, 0);
}

/* The queue as at most max spans; *n_out tells how many bytes they cover. */
int
mux_queue_spans(const struct queue *q, struct span *v, int max, size_t *n_out)
{
	const struct seg *g;
	int n = 0;

	*n_out = 0;
	for (g = q->head; g != NULL && n < max; g = g->next) {
		if (g->len == 0)
			continue;
		v[n].p = g->slab->data + g->off;
		v[n++].n = g->len;
		*n_out += g->len;
	}
	return n;
}

/*
 * Bytes that will lie here for a while: pieces that keep a much larger slab
 * busy are copied together, so that what is counted is what is held.
 */
int
mux_queue_pack(struct mux *m, struct queue *q)
{
	struct queue old = *q;
	struct seg *g;
	int rc = 0;

	for (g = q->head; g != NULL; g = g->next)
		if (g->len * 2 < g->slab->cap &&
		    (g->next != NULL || g->slab->cap > POOL_SMALL))
			break;
	if (g == NULL)
		return 0;
	m->stats.held -= old.bytes;
	*q = (struct queue){ 0 };
	for (g = old.head; g != NULL; g = g->next) {
		if (g->len * 2 < g->slab->cap)
			rc = mux_queue_copy(
			    m, q, g->slab->data + g->off, g->len);
		else
			rc = mux_queue_add(m, q, g->slab, g->off, g->len);
		if (rc == -1)
			break;
	}
	if (rc == -1) { /* no memory: keep it as it was */
		mux_queue_clear(m, q);
		*q = old;
		m->stats.held += old.bytes;
		return -1;
	}
	while ((g = old.head) != NULL) {
		old.head = g->next;
		seg_put(m, g);
	}
	return 0;
}
