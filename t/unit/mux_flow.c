/*
 * mux_flow: datagrams that come in pieces of whatever sizes are whole again,
 * or are not told at all.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/pool.h"
#include "mux/mux.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "tap.h"

enum { BIG = 65507, FLOW = 1 };

static struct pool *pool;
static struct mux *m;
static struct mux_link *l;
static uint8_t sent[BIG], got[BIG];
static size_t got_len;
static unsigned got_times;
static uint64_t state = 1;

static uint64_t
draw(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint16_t
on_open(void *arg, struct mux_stream *s, const struct proto_open *o)
{
	(void)arg;
	(void)o;
	mux_own(s, &got_times);
	return 0;
}

static void
on_datagram(void *sarg, const struct span *v, int n)
{
	int i;

	(void)sarg;
	got_times++;
	for (got_len = 0, i = 0; i < n; i++) {
		memcpy(got + got_len, v[i].p, v[i].n);
		got_len += v[i].n;
	}
}

static void
on_gone(void *sarg, enum mux_gone how, uint16_t code, const char *sentence)
{
	(void)sarg;
	(void)how;
	(void)code;
	(void)sentence;
}

static int
on_seal(void *larg, const void *p, size_t n)
{
	(void)larg;
	(void)p;
	(void)n;
	return 0;
}

static ssize_t
on_room(void *larg, enum mux_room what)
{
	(void)larg;
	(void)what;
	return 1 << 20;
}

static void
on_link_end(void *larg, uint16_t code, const char *why)
{
	(void)larg;
	(void)code;
	(void)why;
	l = NULL;
}

static void
on_broken(void *arg, const char *why)
{
	(void)arg;
	printf("Bail out! %s\n", why);
	exit(1);
}

static void
hear(const void *frame, size_t n)
{
	struct slab *b = pool_get(pool, POOL_LARGE);

	memcpy(b->data, frame, n);
	mux_input(l, b, 0, n, 1);
	slab_unref(&b);
}

/* A piece of the datagram from `at` on. */
static void
say_piece(size_t at, size_t n, bool more)
{
	uint8_t frame[FRAME_HEAD + FRAME_BODY_MAX];
	struct frame f = { .type = FRAME_DGRAM,
		.flags = more ? FRAME_MORE : 0,
		.len = (uint16_t)n,
		.stream = FLOW,
		.offset = at };

	frame_head(frame, &f);
	memcpy(frame + FRAME_HEAD, sent + at, n);
	hear(frame, FRAME_HEAD + n);
}

/* A datagram of len bytes in pieces that next() draws; true: it came whole. */
static bool
arrives(size_t len, size_t (*next)(size_t at))
{
	size_t at = 0, n;

	for (n = 0; n < len; n++)
		sent[n] = (uint8_t)draw();
	got_times = 0;
	memset(got, 0, sizeof(got));
	while (at < len) {
		n = next(at);
		n = n < len - at ? n : len - at;
		say_piece(at, n, at + n < len);
		at += n;
	}
	return got_times == 1 && got_len == len && memcmp(got, sent, len) == 0;
}

static size_t
ones(size_t at)
{
	(void)at;
	return 1;
}

static size_t
whole_frames(size_t at)
{
	(void)at;
	return FRAME_BODY_MAX;
}

/* Around the sizes of slabs. */
static size_t
edges(size_t at)
{
	static const size_t sizes[] = { 1, POOL_SMALL - 1, POOL_SMALL,
		POOL_SMALL + 1, 2, FRAME_BODY_MAX, FRAME_BODY_MAX - 1 };

	return at == 0 ? 1 : sizes[draw() % (sizeof(sizes) / sizeof(sizes[0]))];
}

static size_t
tiny(size_t at)
{
	(void)at;
	return 1 + draw() % 40;
}

static size_t
anything(size_t at)
{
	(void)at;
	return 1 + draw() % FRAME_BODY_MAX;
}

static void
test_pieces(void)
{
	int n, good = 0;

	ok(arrives(BIG, whole_frames), "the longest datagram arrives");
	ok(arrives(BIG, ones), "also byte by byte");
	ok(arrives(BIG, tiny), "also in tiny pieces");
	for (n = 0; n < 300; n++)
		good += arrives(1 + draw() % BIG, edges);
	for (n = 0; n < 300; n++)
		good += arrives(1 + draw() % BIG, anything);
	is_int(good, 600, "any in any pieces");
}

static void
test_broken(void)
{
	struct mux_stats s;
	uint64_t before;

	mux_stats(m, &s);
	before = s.dgrams_dropped;
	got_times = 0;
	say_piece(0, 10, true);
	say_piece(20, 10, false);
	say_piece(30, 10, false);
	is_int(got_times, 0, "one with a gap is dropped");
	mux_stats(m, &s);
	ok(s.dgrams_dropped > before, "and counted");
	ok(arrives(100, ones), "the next is whole");
	mux_stats(m, &s);
	is_int(s.held, 0, "nothing stays behind");
}

int
main(void)
{
	struct mux_ops ops = {
		.open = on_open,
		.datagram = on_datagram,
		.gone = on_gone,
		.seal = on_seal,
		.room = on_room,
		.link_end = on_link_end,
		.broken = on_broken,
	};
	struct proto_open o = {
		.stream = FLOW, .kind = PROTO_UDP, .tunnel = 1
	};
	uint8_t frame[512];
	struct mux_conf c;
	struct err e = { "" };
	int n;

	mux_conf_default(&c, MUX_CLIENT);
	c.pool = pool = pool_new(NULL, &e);
	if (pool == NULL || (m = mux_new(&c, &ops, NULL, 1, &e)) == NULL ||
	    (l = mux_join(m, &l, 1, 0, 1, &e)) == NULL ||
	    (n = open_encode(frame, sizeof(frame), &o, &e)) == -1) {
		printf("Bail out! %s\n", e.text);
		return 1;
	}
	mux_run(m, 1);
	hear(frame, (size_t)n);
	test_pieces();
	test_broken();
	mux_free(&m, 0, "the end");
	pool_free(&pool);
	return tap_done();
}
