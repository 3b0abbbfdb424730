/*
 * pipe: a socket under a stream.  The stream here is real, of a mux without a
 * link; what the mux would do is done by hand.
 */
#include "carry/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "tap.h"
#include "tcp_pair.h"

static struct loop *loop;
static struct carry carry;
static struct mux *mux;
static int gone_times;
static enum mux_gone gone_how;
static uint16_t gone_code;

static void
die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

static void
on_gone(
    struct carry_end *end, enum mux_gone how, uint16_t code, const char *why)
{
	(void)why;
	gone_times++;
	gone_how = how;
	gone_code = code;
	pipe_close((struct pipe *)(void *)end, how);
}

static const struct carry_end_ops end_ops = { .gone = on_gone };

/* A pipe with a stream; returns the other end of its socket. */
static int
set_up(struct pipe *p, const char *first)
{
	struct proto_open o = { .kind = PROTO_TCP, .tunnel = 1 };
	struct mux_stream *s = NULL;
	struct err e;
	int fd[2];

	tcp_pair(fd);
	memset(p, 0, sizeof(*p));
	p->end.ops = &end_ops;
	if (pipe_open(p, &carry, fd[1], &e) == -1 ||
	    (s = mux_open(mux, &o, p, &e)) == NULL ||
	    (first != NULL &&
		pipe_say_first(p, first, strlen(first), &e) == -1))
		die(e.text);
	pipe_attach(p, s);
	return fd[0];
}

static void
tear_down(struct pipe *p, enum mux_gone how)
{
	mux_reset(p->stream, CODE_RESET, NULL);
	pipe_close(p, how);
}

/* Reads until something comes, or gives up. */
static ssize_t
read_some(int fd, char *to, size_t n)
{
	ssize_t k = -1;
	int i;

	for (i = 0; i < 200 && k < 0; i++) {
		loop_turn(loop, 10, NULL);
		k = recv(fd, to, n, MSG_DONTWAIT);
	}
	return k;
}

static void
test_pull(void)
{
	char buf[64];
	struct span v[2] = { { buf, 3 }, { buf + 3, 61 } };
	struct pipe p;
	unsigned flags = 0;
	int fd = set_up(&p, NULL);

	is_int(pipe_pull(&p, v, 2, &flags), 0, "nothing to read yet");
	is_int(flags, 0, "and nothing known of more");
	send(fd, "hello", 5, 0);
	is_int(pipe_pull(&p, v, 2, &flags), 5, "what came is read");
	is_mem(buf, "hello", 5, "into the spans in their order");
	is_int(flags, 0, "a short read means drained");
	send(fd, "abcdef", 6, 0);
	is_int(pipe_pull(&p, v, 1, &flags), 3, "no more than asked for");
	is_int(flags, MUX_MORE, "a full read means there may be more");
	flags = 0;
	pipe_pull(&p, v, 2, &flags);
	shutdown(fd, SHUT_WR);
	loop_turn(loop, 100, NULL);
	ok(p.hup, "the hang-up is remembered");
	flags = 0;
	is_int(pipe_pull(&p, v, 2, &flags), 0, "the end brings no bytes");
	is_int(flags, MUX_EOF, "and is told");
	is_int(p.in, 11, "bytes are counted");
	tear_down(&p, MUX_GONE_CLEAN);
	close(fd);
}

static void
test_push(void)
{
	static char big[1 << 20];
	char buf[64];
	struct span v[2] = { { "GET ", 4 }, { "/\n", 2 } };
	struct span w = { big, sizeof(big) };
	struct pipe p;
	ssize_t k, sum = 0;
	int fd = set_up(&p, "PROXY first\n"), i;

	is_int(read_some(fd, buf, sizeof(buf)), 12,
	    "the first bytes go out without waiting for others");
	is_mem(buf, "PROXY first\n", 12, "as they were given");
	is_int(pipe_push(&p, v, 2), 6, "then what the stream brings");
	is_int(read_some(fd, buf, sizeof(buf)), 6, "arrives");
	is_mem(buf, "GET /\n", 6, "in order");
	for (i = 0; i < 64 && (k = pipe_push(&p, &w, 1)) > 0; i++)
		sum += k;
	ok(i < 64, "a socket that is not read takes no more after a while");
	is_int(p.out, 6 + sum, "bytes are counted");
	pipe_end(&p);
	tear_down(&p, MUX_GONE_CLEAN);
	close(fd);
}

static void
test_reset(void)
{
	struct linger hard = { 1, 0 };
	struct pipe p;
	char c;
	int fd = set_up(&p, NULL), i;

	loop_turn(loop, 10, NULL);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	for (i = 0; i < 100 && gone_times == 0; i++)
		loop_turn(loop, 10, NULL);
	is_int(gone_times, 1, "a reset is seen though nobody reads");
	is_int(gone_how, MUX_GONE_RESET, "as a reset");
	is_int(gone_code, CODE_RESET, "with its code");

	fd = set_up(&p, NULL);
	tear_down(&p, MUX_GONE_RESET);
	for (i = 0;
	     i < 100 && recv(fd, &c, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN;
	     i++)
		loop_turn(loop, 10, NULL);
	ok(recv(fd, &c, 1, 0) <= 0, "a hard close is felt on the other side");
	close(fd);
}

static uint16_t
refuse(void *arg, struct mux_stream *s, const struct proto_open *o)
{
	(void)arg;
	(void)s;
	(void)o;
	return CODE_REFUSED;
}

int
main(void)
{
	struct mux_ops ops = { .open = refuse };
	struct mux_conf c;
	struct err e;

	mux_conf_default(&c, MUX_RELAY);
	if ((loop = loop_new(&e)) == NULL ||
	    carry_init(&carry, loop, NULL, &e) == -1)
		die(e.text);
	carry_ops(&ops);
	c.pool = carry.pool;
	if ((mux = mux_new(&c, &ops, NULL, clock_ms(), &e)) == NULL)
		die(e.text);
	test_pull();
	test_push();
	test_reset();
	mux_free(&mux, CODE_NONE, "");
	carry_close(&carry);
	loop_free(&loop);
	return tap_done();
}
