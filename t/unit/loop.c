#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "tap.h"

enum { SENDERS = 4, POSTS = 5000, TURNS_MAX = 100000 };

struct end {
	int fd;
	struct watch *w;
	unsigned what; /* told since it was looked at */
	int told;
	struct end *kill; /* whom to unwatch when told */
};

static struct loop *l;
static struct err e;

static void
on_end(void *arg, unsigned what)
{
	struct end *d = arg;

	d->what |= what;
	d->told++;
	if (d->kill != NULL)
		loop_unwatch(&d->kill->w);
}

/* One turn that does not wait; what was told to d in it. */
static unsigned
turn(struct end *d)
{
	d->what = 0;
	d->told = 0;
	loop_turn(l, 0, NULL);
	return d->what;
}

/* Turns until d has been told all of want. */
static bool
wait_told(struct end *d, unsigned want)
{
	int i;

	d->what = 0;
	for (i = 0; i < 200 && (d->what & want) != want; i++)
		loop_turn(l, 50, NULL);
	return (d->what & want) == want;
}

/* Reads until the system has no more. */
static size_t
drain(struct end *d)
{
	char buf[65536];
	size_t sum = 0;
	ssize_t n;

	while ((n = read(d->fd, buf, sizeof(buf))) > 0)
		sum += (size_t)n;
	loop_again(d->w, LOOP_READ);
	return sum;
}

/* A watched end of a pair; the other end's descriptor is returned. */
static int
open_pair(struct end *d)
{
	int pair[2];

	*d = (struct end){ .fd = -1 };
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	d->fd = pair[0];
	d->w = loop_watch(l, d->fd, LOOP_READ | LOOP_WRITE, on_end, d, &e);
	return pair[1];
}

static void
close_pair(struct end *d, int other)
{
	loop_unwatch(&d->w);
	close(d->fd);
	if (other >= 0)
		close(other);
}

static void
test_edges(void)
{
	static char full[1 << 20];
	struct end d;
	int other = open_pair(&d);

	is_int(turn(&d), LOOP_WRITE, "a new socket is writable");
	is_int(turn(&d), 0, "which is told once");
	ok(write(other, "x", 1) == 1, "something comes");
	is_int(turn(&d) & LOOP_READ, LOOP_READ, "it is told");
	is_int(turn(&d) & LOOP_READ, 0, "once, though nobody read it");
	is_int(drain(&d), 1, "it is read");
	ok(write(other, "y", 1) == 1, "more comes");
	is_int(turn(&d) & LOOP_READ, LOOP_READ, "it is told again");
	drain(&d);
	while (write(d.fd, full, sizeof(full)) > 0)
		continue;
	loop_again(d.w, LOOP_WRITE);
	is_int(turn(&d) & LOOP_WRITE, 0, "a full socket is not writable");
	while (read(other, full, sizeof(full)) > 0)
		continue;
	ok(wait_told(&d, LOOP_WRITE), "it is when the peer has read");
	shutdown(other, SHUT_WR);
	ok(wait_told(&d, LOOP_READ | LOOP_HUP), "the peer's end is told");
	is_int(drain(&d), 0, "with nothing to read");
	turn(&d);
	is_int(turn(&d) & LOOP_HUP, 0, "and once");
	close_pair(&d, other);
}

/* HUP comes also to one who does not read: DESIGN's dark time. */
static void
test_hang_up(void)
{
	struct end d;
	int i, other = open_pair(&d), told = 0;

	ok(write(other, "x", 1) == 1, "something comes");
	turn(&d);
	close(other);
#ifndef _WIN32 /* which tells it once the data has been read */
	ok(wait_told(&d, LOOP_HUP), "HUP is told to one who left data unread");
#endif
	for (i = 0; i < 20; i++) {
		turn(&d);
		told += d.told;
	}
	ok(told <= 1, "and does not spin");
	is_int(drain(&d), 1, "the data is still there");
	close_pair(&d, -1);
}

static void
test_reset(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	socklen_t n = sizeof(a);
	struct end d = { 0 };
	int server, peer;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server = socket(AF_INET, SOCK_STREAM, 0);
	bind(server, (struct sockaddr *)&a, sizeof(a));
	listen(server, 5);
	getsockname(server, (struct sockaddr *)&a, &n);
	d.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(d.fd, (struct sockaddr *)&a, n);
	peer = accept(server, NULL, NULL);
	d.w = loop_watch(l, d.fd, LOOP_READ | LOOP_WRITE, on_end, &d, &e);
	ok(wait_told(&d, LOOP_WRITE), "a connection is made");
	setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(peer);
	ok(wait_told(&d, LOOP_READ | LOOP_WRITE | LOOP_HUP),
	    "a reset is told as everything at once");
	close_pair(&d, server);
}

static void
test_mid_batch(void)
{
	struct end a, b;
	int oa = open_pair(&a), ob = open_pair(&b);

	turn(&a);
	a.kill = &b;
	b.kill = &a;
	a.told = b.told = 0;
	ok(write(oa, "x", 1) == 1 && write(ob, "x", 1) == 1, "both are ready");
	loop_turn(l, 0, NULL);
	is_int(a.told + b.told, 1, "who is unwatched in mid-batch is not told");
	close_pair(&a, oa);
	close_pair(&b, ob);
	open_pair(&a);
	ok(a.w != NULL && turn(&a) == LOOP_WRITE,
	    "the descriptor's next watch is told its own");
	a.kill = &a;
	loop_again(a.w, LOOP_READ | LOOP_WRITE);
	shutdown(a.fd, SHUT_RDWR);
	turn(&a);
	ok(a.w == NULL && a.told == 1, "one may unwatch itself");
	close(a.fd);
}

static void
test_errors(void)
{
	struct end d;
	int other = open_pair(&d);

	e.text[0] = '\0';
	ok(loop_watch(l, d.fd, LOOP_READ, on_end, &d, &e) == NULL,
	    "a descriptor is watched once");
	ok(e.text[0] != '\0', "the reason is told");
	ok(loop_watch(l, -1, LOOP_READ, on_end, &d, &e) == NULL,
	    "no descriptor, no watch");
	close_pair(&d, other);
}

static void
test_listen(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct end d = { 0 }, d2 = { 0 };
	struct loop *l2 = loop_new(&e);
	socklen_t n = sizeof(a);
	int visitor;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	d.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	bind(d.fd, (struct sockaddr *)&a, sizeof(a));
	listen(d.fd, 5);
	getsockname(d.fd, (struct sockaddr *)&a, &n);
	d.w = loop_watch(l, d.fd, LOOP_LISTEN, on_end, &d, &e);
	d2.w = loop_watch(l2, d.fd, LOOP_LISTEN, on_end, &d2, &e);
	ok(d.w != NULL && d2.w != NULL, "two loops watch one listener");
	is_int(turn(&d), 0, "nobody is there");
	visitor = socket(AF_INET, SOCK_STREAM, 0);
	connect(visitor, (struct sockaddr *)&a, n);
	ok(wait_told(&d, LOOP_READ), "a visitor is told");
	is_int(turn(&d), LOOP_READ, "and told again until accepted");
	loop_turn(l2, 0, NULL);
	ok(d2.told > 0, "the other loop sees it too");
	loop_pause(d.w);
	loop_pause(d.w);
	is_int(turn(&d), 0, "a paused listener is silent");
	is_int(loop_resume(d.w, &e), 0, "it is resumed");
	is_int(loop_resume(d.w, &e), 0, "twice is harmless");
	ok(wait_told(&d, LOOP_READ), "the visitor still waits");
	loop_pause(d.w);
	loop_unwatch(&d.w);
	loop_unwatch(&d2.w);
	loop_free(&l2);
	close(d.fd);
	close(visitor);
}

static int steps[8];
static int step_count;
static struct hook *hook;

static void
on_timer(void *arg)
{
	steps[step_count++ & 7] = *(int *)arg;
}

static uint64_t
on_hook(void *arg)
{
	int *left = arg;

	steps[step_count++ & 7] = 9;
	if (--*left > 0)
		return 0;
	loop_off_turn(&hook);
	return LOOP_NEVER;
}

static void
on_slow(void *arg)
{
	uint64_t until = clock_ms() + 30;

	(void)arg;
	while (clock_ms() < until)
		continue;
}

static void
on_nothing(void *arg)
{
	(void)arg;
}

static void
test_time(void)
{
	static int one = 1, two = 2;
	struct timer *t;
	int i, left = 3;

	loop_after(l, 5, on_timer, &two, &e);
	loop_after(l, 1, on_timer, &one, &e);
	t = loop_after(l, 2, on_timer, &one, &e);
	timer_cancel(&t);
	for (i = 0; i < TURNS_MAX && step_count < 2; i++)
		loop_turn(l, LOOP_NEVER, &e);
	ok(step_count == 2 && steps[0] == 1 && steps[1] == 2,
	    "timers fire in their order, a cancelled one does not");
	step_count = 0;
	hook = loop_on_turn(l, on_hook, &left, &e);
	for (i = 0; i < 3; i++)
		loop_turn(l, LOOP_NEVER, &e);
	ok(step_count == 3 && left == 0, "a hook may ask for turns at once");
	ok(hook == NULL, "and take itself off");
	loop_turn(l, 0, &e);
	is_int(step_count, 3, "after which it is not called");
	loop_after(l, 0, on_slow, NULL, &e);
	loop_after(l, 5, on_nothing, NULL, &e);
	loop_turn(l, 0, &e);
	loop_turn(l, LOOP_NEVER, &e);
	if (loop_paused_ms(l) == 0) /* the slow one came a turn later */
		loop_turn(l, LOOP_NEVER, &e);
	ok(loop_paused_ms(l) >= 20, "a loop that was held up notices");
	loop_turn(l, 0, &e);
	ok(loop_now(l) <= clock_ms(), "a turn knows its time");
}

struct sender {
	pthread_t thread;
	int next; /* what the loop expects of it */
	int sent;
	bool disorder;
};

struct letter {
	struct sender *from;
	int number;
};

static struct letter letters[SENDERS][POSTS];
static struct sender senders[SENDERS];
static int arrived;

static void
on_letter(void *arg)
{
	struct letter *m = arg;

	if (m->number != m->from->next++)
		m->from->disorder = true;
	if (++arrived == SENDERS * POSTS)
		loop_stop(l);
}

static void *
send_letters(void *arg)
{
	struct sender *s = arg;
	int i;

	for (i = 0; i < POSTS; i++) {
		letters[s - senders][i] = (struct letter){ s, i };
		if (loop_post(l, on_letter, &letters[s - senders][i], NULL) ==
		    0)
			s->sent++;
	}
	return NULL;
}

static void
test_posts(void)
{
	bool order = true;
	int i;

	for (i = 0; i < SENDERS; i++)
		pthread_create(
		    &senders[i].thread, NULL, send_letters, &senders[i]);
	is_int(loop_run(l, &e), 0, "the loop runs until it is stopped");
	for (i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, NULL);
		order = order && !senders[i].disorder;
	}
	is_int(arrived, SENDERS * POSTS, "all that was posted arrived");
	ok(order, "each sender's in its order");
	loop_stop(l);
	is_int(loop_run(l, &e), 0, "a stop before the start counts");
}

static void
test_left_overs(void)
{
	struct loop *other = loop_new(&e);
	struct end d = { 0 };
	int left = 5, pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return;
	loop_watch(other, pair[0], LOOP_READ, on_end, &d, &e);
	loop_after(other, 1000, on_nothing, NULL, &e);
	loop_on_turn(other, on_hook, &left, &e);
	loop_post(other, on_nothing, NULL, &e);
	loop_free(&other);
	ok(other == NULL, "a loop is freed with all that is left in it");
	loop_free(&other);
	close(pair[0]);
	close(pair[1]);
}

int
main(void)
{
	if ((l = loop_new(&e)) == NULL) {
		printf("Bail out! %s\n", e.text);
		return 1;
	}
	test_edges();
	test_hang_up();
	test_reset();
	test_mid_batch();
	test_errors();
	test_listen();
	test_time();
	test_posts();
	test_left_overs();
	loop_free(&l);
	return tap_done();
}
