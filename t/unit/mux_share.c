/*
 * mux_share: how much memory sessions take that read all they can and are
 * acknowledged nothing: one alone, many of one owner, many of two.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/pool.h"
#include "mux/mux.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "tap.h"

enum { MANY = 30, ROUNDS = 60, MEMORY = 32 << 20 };

struct greedy {
	struct mux *m;
	struct mux_link *l;
	struct mux_stream *s[4];
};

static struct budget budget;
static struct pool *pool;
static _Atomic uint64_t group[2];
static struct greedy all[MANY];
static bool is_full;   /* the links */
static bool is_silent; /* what would be read */

static ssize_t
on_pull(void *sarg, const struct span *v, int n, unsigned *flags_out)
{
	ssize_t got = 0;
	int i;

	(void)sarg;
	for (i = 0; i < n && !is_silent; i++)
		got += (ssize_t)v[i].n;
	*flags_out = is_silent ? 0 : MUX_MORE;
	return got;
}

static void
on_gone(void *sarg, enum mux_gone how, uint16_t code, const char *sentence)
{
	(void)how;
	(void)code;
	(void)sentence;
	*(struct mux_stream **)sarg = NULL;
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
	return is_full ? 0 : 512 << 10;
}

static void
on_link_end(void *larg, uint16_t code, const char *why)
{
	(void)code;
	(void)why;
	((struct greedy *)larg)->l = NULL;
}

static void
on_broken(void *arg, const char *why)
{
	(void)arg;
	printf("Bail out! %s\n", why);
	exit(1);
}

/* The peer allows the stream everything. */
static void
allow_all(struct greedy *g, struct mux_stream *s)
{
	struct frame f = {
		.type = FRAME_ACK, .len = 8, .stream = mux_stream_number(s)
	};
	struct slab *b = pool_get(pool, POOL_LARGE);

	frame_head(b->data, &f);
	memset(b->data + FRAME_HEAD, 0x7f, 8);
	mux_input(g->l, b, 0, FRAME_HEAD + 8, 1);
	slab_unref(&b);
}

static void
begin(struct greedy *g, _Atomic uint64_t *of)
{
	struct mux_ops ops = {
		.pull = on_pull,
		.gone = on_gone,
		.seal = on_seal,
		.room = on_room,
		.link_end = on_link_end,
		.broken = on_broken,
	};
	struct proto_open o = { .kind = PROTO_TCP, .tunnel = 1 };
	struct mux_conf c;
	struct err e = { "" };
	size_t i;

	mux_conf_default(&c, MUX_RELAY);
	c.pool = pool;
	c.held_max = MEMORY / 4;
	c.group_held = of;
	c.group_max = MEMORY / 2;
	if ((g->m = mux_new(&c, &ops, g, 1, &e)) == NULL ||
	    (g->l = mux_join(g->m, g, 0, 0, 1, &e)) == NULL)
		on_broken(NULL, e.text);
	for (i = 0; i < sizeof(g->s) / sizeof(g->s[0]); i++) {
		g->s[i] = mux_open(g->m, &o, &g->s[i], &e);
		if (g->s[i] == NULL)
			on_broken(NULL, e.text);
		mux_readable(g->s[i]);
	}
	mux_run(g->m, 1);
	for (i = 0; i < sizeof(g->s) / sizeof(g->s[0]); i++)
		allow_all(g, g->s[i]);
}

/* So many sessions take what they get; in percent of the memory. */
static unsigned
take(unsigned n, unsigned groups)
{
	unsigned i, k;

	for (i = 0; i < n; i++)
		begin(&all[i], groups == 0 ? NULL : &group[i % groups]);
	for (k = 0; k < ROUNDS; k++)
		for (i = 0; i < n; i++)
			mux_run(all[i].m, 1);
	return pool_pressure(pool);
}

static void
leave(unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		mux_free(&all[i].m, 0, "the end");
}

static void
within(unsigned got, unsigned low, unsigned high, const char *claim)
{
	if (!ok(got >= low && got <= high, claim))
		printf("# %u percent\n", got);
}

/* CONFIGs for a peer that does not read count as well. */
static void
test_unsaid(void)
{
	uint8_t frame[FRAME_HEAD + 400] = { 0 };
	struct frame f = { .type = FRAME_CONFIG, .len = 400, .stream = 1 };
	struct mux_stats s;
	uint64_t before;
	int i;

	is_silent = true;
	begin(&all[0], &group[0]);
	before = budget.held;
	frame_head(frame, &f);
	is_full = true;
	for (i = 0; i < 100; i++)
		mux_link_say(all[0].l, frame, sizeof(frame), NULL);
	mux_run(all[0].m, 1);
	mux_stats(all[0].m, &s);
	is_int(budget.held - before, 100 * sizeof(frame),
	    "what is not said yet counts");
	ok(s.held >= 100 * sizeof(frame), "as its session's");
	is_full = false;
	mux_run(all[0].m, 1);
	mux_stats(all[0].m, &s);
	is_int(budget.held - before, 0, "until it is said");
	leave(1);
	begin(&all[0], &group[0]);
	is_full = true;
	mux_link_say(all[0].l, frame, sizeof(frame), NULL);
	mux_free(&all[0].m, 0, "the end");
	is_full = false;
	is_int(budget.held, 0, "a link that ends takes it along");
}

int
main(void)
{
	struct mux_stats s;
	struct err e = { "" };

	budget.max = MEMORY;
	if ((pool = pool_new(&budget, &e)) == NULL)
		on_broken(NULL, e.text);
	within(take(1, 1), 20, 27, "one session comes to a quarter");
	mux_stats(all[0].m, &s);
	is_int(group[0], s.held, "which its owner holds");
	leave(1);
	is_int(group[0], 0, "and no more when it has gone");
	is_int(budget.held, 0, "nor does anybody");

	within(take(MANY, 0), 88, 100, "many that nobody owns take nearly all");
	leave(MANY);
	within(take(MANY, 1), 40, 52, "many of one owner come to a half");
	leave(MANY);
	within(take(MANY, 2), 60, 70, "many of two to two thirds");
	mux_stats(all[0].m, &s);
	ok(s.held > 0 && group[0] > group[1] / 2 && group[1] > group[0] / 2,
	    "both alike");
	leave(MANY);
	is_int(group[0] + group[1], 0, "all is given back");
	test_unsaid();
	pool_free(&pool);
	return tap_done();
}
