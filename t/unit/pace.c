/*
 * pace: what may be under way where the socket cannot tell: thin links, fast
 * ones, long ones, those that become longer, and ends that send nothing back.
 * The link is a queue without an end before a pipe of so many bytes a ms.
 */
#include "carry/pace.h"

#include "tap.h"

enum { MS_MAX = 60000, MARKS = 64 };

struct path {
	struct pace pace;
	uint64_t now;
	uint64_t speed;            /* bytes a ms */
	uint64_t trip;             /* ms, there and back */
	uint64_t sent;             /* into the queue */
	uint64_t gone[MS_MAX + 1]; /* out of it, by each ms */
	uint64_t mark[MARKS];
	unsigned first, marks;
	bool is_deaf; /* sends no mark back */
	uint64_t queue_max;
};

static void
path_init(struct path *x, uint64_t speed, uint64_t trip)
{
	memset(x, 0, sizeof(*x));
	x->speed = speed;
	x->trip = trip;
	pace_init(&x->pace, 0);
}

static void
say(struct path *x, size_t n)
{
	uint64_t mark;

	pace_sent(&x->pace, n);
	x->sent += n;
	if (!pace_mark(&x->pace, x->now, &mark) || x->is_deaf)
		return;
	x->mark[(x->first + x->marks) % MARKS] = mark;
	x->marks++;
}

/* Marks that have gone the whole way come back. */
static void
hear(struct path *x)
{
	uint64_t there = x->now < x->trip ? 0 : x->gone[x->now - x->trip];

	while (x->marks > 0 && x->mark[x->first] <= there) {
		pace_heard(&x->pace, x->mark[x->first], x->now);
		x->first = (x->first + 1) % MARKS;
		x->marks--;
	}
	if (pace_wants_mark(&x->pace))
		say(x, 0);
}

/* One ms of a sender that has always more. */
static void
tick(struct path *x, bool sends)
{
	uint64_t gone = x->gone[x->now], queue;
	int i;

	hear(x);
	for (i = 0; sends && i < 1000 && pace_room(&x->pace, false, x->now) > 0;
	     i++)
		say(x, 4096);
	queue = (x->sent - gone) / x->speed;
	if (queue > x->queue_max)
		x->queue_max = queue;
	gone += x->sent - gone < x->speed ? x->sent - gone : x->speed;
	x->gone[++x->now] = gone;
}

/* Sends for ms; returns how much of the path was used, in percent. */
static unsigned
run(struct path *x, unsigned ms)
{
	uint64_t before = x->gone[x->now], from = x->now;

	x->queue_max = 0;
	while (x->now < from + ms && x->now < MS_MAX)
		tick(x, true);
	return (unsigned)((x->gone[x->now] - before) * 100 / (x->speed * ms));
}

static void
rest(struct path *x, unsigned ms)
{
	uint64_t from = x->now;

	while (x->now < from + ms && x->now < MS_MAX)
		tick(x, false);
}

static struct path x;

/* The first mark goes out alone: a WELCOME, long before any bulk. */
static void
begin(uint64_t speed, uint64_t trip)
{
	path_init(&x, speed, trip);
	ok(pace_room(&x.pace, false, 0) >= PACE_MAX,
	    "nothing is limited before anything is known");
	say(&x, 500);
	rest(&x, (unsigned)trip + 10);
	is_int(x.pace.base, trip + 1, "the bare path is known");
}

/* 5 Mbit/s, 40 ms: half a second's bytes would fit into nginx. */
static void
test_thin(void)
{
	unsigned used;

	begin(625, 40);
	run(&x, 2000);
	used = run(&x, 30000);
	ok(used >= 95, "a thin link is kept busy");
	if (!ok(x.queue_max <= 3 * PACE_SLICE_MS, "with little in its queue"))
		printf("# %u %%, %u ms\n", used, (unsigned)x.queue_max);
}

static void
test_fast(void)
{
	begin(125000, 40); /* 1 Gbit/s */
	run(&x, 3000);
	ok(run(&x, 5000) >= 90, "a fast one is filled");
	begin(1000000, 0);
	run(&x, 1000);
	ok(run(&x, 3000) >= 90, "and so is a wire between two rooms");
	begin(2500, 300); /* 20 Mbit/s, far away */
	run(&x, 10000);
	ok(run(&x, 20000) >= 90, "and one to the other end of the world");
}

static void
test_changes(void)
{
	begin(625, 40);
	run(&x, 5000);
	x.speed = 125;
	run(&x, 3000);
	ok(run(&x, 5000) >= 90, "a link that becomes thin is kept busy");
	ok(x.queue_max <= 150, "its queue is short again"); /* PACE_MIN */
	x.speed = 2500;
	run(&x, 5000);
	ok(run(&x, 2000) >= 90, "one that becomes fast is used");
	x.trip = 150;
	run(&x, 25000);
	ok(run(&x, 5000) >= 80, "so is one that becomes long");
}

/* A talk, then a rest, then bulk: an old round says nothing of the new. */
static void
test_rest(void)
{
	uint64_t window;

	begin(2500, 40);
	run(&x, 5000);
	window = x.pace.window;
	rest(&x, 8000);
	run(&x, 100);
	ok(x.pace.window >= window / 2, "a rest takes nothing away");
	ok(run(&x, 1000) >= 90, "the link is full again at once");
}

static void
test_deaf(void)
{
	uint64_t mark;
	int i;

	path_init(&x, 625, 40);
	x.is_deaf = true;
	for (i = 0; i < 1000; i++)
		say(&x, 4096);
	ok(pace_room(&x.pace, false, x.now) > 0,
	    "who has never sent a mark back is not limited");

	begin(625, 40);
	x.is_deaf = true;
	run(&x, PACE_PATIENCE_MS - 100);
	ok(pace_room(&x.pace, false, x.now) <= 0,
	    "who sends none back is waited for");
	rest(&x, 200);
	ok(pace_room(&x.pace, false, x.now) > 0, "for a while");
	ok(!pace_heard(&x.pace, x.sent + 1, x.now),
	    "a mark that was never sent says nothing");
	mark = x.pace.marked;
	ok(pace_heard(&x.pace, mark, x.now), "a late one does");
	ok(!pace_heard(&x.pace, mark, x.now), "but once");
	ok(pace_room(&x.pace, false, x.now) <= PACE_MAX / 2,
	    "and there are limits again");
}

static void
test_datagrams(void)
{
	begin(625, 40);
	run(&x, 5000);
	ok(pace_room(&x.pace, true, x.now) > pace_room(&x.pace, false, x.now),
	    "datagrams go a little further: they are dropped instead");
	ok(pace_room(&x.pace, true, x.now) - pace_room(&x.pace, false, x.now) <=
		(PACE_DGRAM_MS - PACE_SLICE_MS) * 700,
	    "but no more than 50 ms");
}

int
main(void)
{
	test_thin();
	test_fast();
	test_changes();
	test_rest();
	test_deaf();
	test_datagrams();
	return tap_done();
}
