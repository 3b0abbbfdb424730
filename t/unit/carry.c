/*
 * The whole way of bytes in one process: visitor - pipe - mux - wire - TLS over
 * a loopback socket - wire - mux - pipe - service, with links that are cut.
 */
#include "carry/carry.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/random.h"
#include "base/str.h"
#include "carry/pipe.h"
#include "carry/wire.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "tap.h"
#include "tcp_pair.h"
#include "tls/tls_cert.h"
#include "tls/tls_ctx.h"
#include "tls/tls_stream.h"

enum { TURNS_MAX = 2000000 };

/* One side of the session. */
struct side {
	struct mux *m;
	struct wire *wire;
	struct mux_link *link;
	struct carry *c;
	unsigned gone_clean, gone_reset, connected;
	bool down;
};

/* A local end: what the test holds is the other end of the socket pair. */
struct end {
	struct pipe pipe;
	struct side *side;
};

static struct loop *loop;
static struct carry carry;
static struct side relay, client;
static struct tls_ctx *server_ctx, *client_ctx;
static struct tls_pin pin;
static int service_fd = -1; /* the service's own end of its last connection */
static unsigned services;
static uint16_t refuse_with;

static void
die(const char *what, const struct err *e)
{
	printf("Bail out! %s: %s\n", what, e->text);
	exit(1);
}

/* --- ends ------------------------------------------------------------------ */

static void
end_gone(
    struct carry_end *ce, enum mux_gone how, uint16_t code, const char *why)
{
	struct end *x = (struct end *)(void *)ce;

	(void)code;
	(void)why;
	if (how == MUX_GONE_CLEAN)
		x->side->gone_clean++;
	else
		x->side->gone_reset++;
	pipe_close(&x->pipe, how);
	free(x);
}

static void
end_connected(struct carry_end *ce)
{
	((struct end *)(void *)ce)->side->connected++;
}

static const struct carry_end_ops end_ops = {
	.connected = end_connected,
	.gone = end_gone,
};

/* A local end on side s; *mine is what the outside world holds. */
static struct end *
end_new(struct side *s, int *mine)
{
	struct end *x = calloc(1, sizeof(*x));
	struct err e;
	int fd[2];

	tcp_pair(fd);
	*mine = fd[0];
	if (x == NULL || pipe_open(&x->pipe, s->c, fd[1], &e) == -1)
		die("pipe", &e);
	x->side = s;
	x->pipe.end.ops = &end_ops;
	return x;
}

/* --- the session's owner --------------------------------------------------- */

static uint16_t
on_open(void *arg, struct mux_stream *s, const struct proto_open *o)
{
	struct end *x;

	(void)o;
	if (refuse_with != 0)
		return refuse_with;
	x = end_new(arg, &service_fd);
	services++;
	mux_own(s, x);
	mux_accept(s);
	pipe_attach(&x->pipe, s);
	return CODE_NONE;
}

static void
on_link_end(void *larg, uint16_t code, const char *why)
{
	struct wire *w = larg;
	struct side *s = w == relay.wire ? &relay : &client;

	(void)code;
	(void)why;
	s->link = NULL;
	wire_free(&s->wire);
}

static void
on_control(void *arg, struct mux_link *l, const struct frame *f)
{
	(void)arg;
	(void)l;
	(void)f;
}

static void
on_goaway(void *arg, const struct proto_goaway *g)
{
	(void)arg;
	(void)g;
}

static void
on_broken(void *arg, const char *why)
{
	(void)arg;
	printf("# broken: %s\n", why);
	tap_line(false, __FILE__, __LINE__, "the session broke");
}

static void
on_up(void *arg)
{
	struct side *s = arg;
	struct err e;

	s->link = mux_join(s->m, s->wire, s == &relay ? 0 : 1, mux_round(s->m),
	    loop_now(loop), &e);
	if (s->link == NULL)
		die("join", &e);
}

static void
on_input(void *arg, struct slab *b, size_t n)
{
	struct side *s = arg;

	if (s->link != NULL)
		mux_input(s->link, b, 0, n, loop_now(loop));
}

static void
on_down(void *arg, enum wire_end how, const char *why)
{
	struct side *s = arg;

	(void)how;
	(void)why;
	s->down = true;
	mux_leave(&s->link, loop_now(loop));
	wire_free(&s->wire);
}

static void
on_wire_ready(void *arg)
{
	(void)arg;
}

static const struct wire_ops wire_ops = { on_up, on_input, on_down,
	on_wire_ready };

static uint64_t
on_turn(void *arg)
{
	uint64_t due;
	bool more;

	(void)arg;
	more = relay.m != NULL && mux_run(relay.m, loop_now(loop));
	more = (client.m != NULL && mux_run(client.m, loop_now(loop))) || more;
	due = carry_turn(&carry);
	return more ? 0 : due;
}

static void
session_new(struct side *s, enum mux_side which)
{
	struct mux_conf c;
	struct mux_ops ops = { .open = on_open,
		.link_end = on_link_end,
		.control = on_control,
		.goaway = on_goaway,
		.broken = on_broken };
	struct err e;

	*s = (struct side){ .c = &carry };
	mux_conf_default(&c, which);
	c.pool = carry.pool;
	carry_ops(&ops);
	if ((s->m = mux_new(&c, &ops, s, clock_ms(), &e)) == NULL)
		die("mux", &e);
}

/* A link between the two, over a real socket; -1 for the wrong pin. */
static void
connect_sides(void)
{
	struct err e;
	int fd[2];

	tcp_pair(fd);
	relay.wire = wire_new(&carry, fd[0], tls_stream_server(server_ctx, &e),
	    &wire_ops, &relay, &e);
	client.wire = wire_new(&carry, fd[1],
	    tls_stream_client(client_ctx, "127.0.0.1", &e), &wire_ops, &client,
	    &e);
	if (relay.wire == NULL || client.wire == NULL)
		die("wire", &e);
}

static bool
turn(void)
{
	struct err e;

	if (loop_turn(loop, 50, &e) == -1)
		die("loop", &e);
	return true;
}

static bool
until(bool (*done)(void))
{
	int i;

	for (i = 0; i < TURNS_MAX && !done(); i++)
		turn();
	return done();
}

static bool
is_linked(void)
{
	return relay.link != NULL && client.link != NULL;
}

static bool
has_service(void)
{
	return service_fd != -1;
}

/* --- a transfer ------------------------------------------------------------ */

/* The bytes of a transfer are a function of their place. */
static void
pattern(uint8_t *p, size_t n, uint64_t at)
{
	size_t i;

	for (i = 0; i < n; i++, at++)
		p[i] = (uint8_t)(at * 2654435761U >> 13 ^ at >> 8);
}

static struct transfer {
	int from, to;
	uint64_t size, sent, got;
	bool same, ended, shut;
} xfer;

static uint8_t chunk[256 << 10], want[256 << 10];

static void
transfer_step(struct transfer *t)
{
	ssize_t k;
	size_t n;

	n = t->size - t->sent < sizeof(chunk) ? (size_t)(t->size - t->sent)
					      : sizeof(chunk);
	if (n > 0) {
		pattern(chunk, n, t->sent);
		k = send(t->from, chunk, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		t->sent += k > 0 ? (uint64_t)k : 0;
	}
	if (t->sent == t->size && !t->shut) {
		shutdown(t->from, SHUT_WR);
		t->shut = true;
	}
	k = recv(t->to, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (k == 0)
		t->ended = true;
	if (k <= 0)
		return;
	pattern(want, (size_t)k, t->got);
	t->same = t->same && memcmp(chunk, want, (size_t)k) == 0;
	t->got += (uint64_t)k;
}

static bool
transfer(int from, int to, uint64_t size)
{
	int i;

	xfer = (struct transfer){
		.from = from, .to = to, .size = size, .same = true
	};
	for (i = 0; i < TURNS_MAX && !xfer.ended; i++) {
		transfer_step(&xfer);
		turn();
	}
	return xfer.ended && xfer.same && xfer.got == size;
}

static struct end *
visit(int *mine)
{
	struct proto_open o = { .kind = PROTO_TCP, .tunnel = 1 };
	struct end *x = end_new(&relay, mine);
	struct mux_stream *s;
	struct err e;

	service_fd = -1;
	if ((s = mux_open(relay.m, &o, x, &e)) == NULL)
		die("open", &e);
	pipe_attach(&x->pipe, s);
	return x;
}

static bool
all_gone(void)
{
	struct mux_stats a, b;

	mux_stats(relay.m, &a);
	mux_stats(client.m, &b);
	return a.streams == 0 && b.streams == 0 && a.held == 0 && b.held == 0 &&
	    a.resets == 0 && b.resets == 0;
}

static void
test_transfers(void)
{
	static const uint64_t sizes[] = { 0, 1, 1024, 1025, 16368, 16369,
		20000000 };
	char claim[80];
	unsigned i;
	int v;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		visit(&v);
		until(has_service);
		snprintf(claim, sizeof(claim),
		    "%ju bytes up, and the end behind them", sizes[i]);
		ok(transfer(v, service_fd, sizes[i]), claim);
		snprintf(claim, sizeof(claim),
		    "%ju bytes down through the half that is still open",
		    sizes[i]);
		ok(transfer(service_fd, v, sizes[i]), claim);
		close(v);
		close(service_fd);
		ok(until(all_gone), "nothing is left of it");
	}
	is_int(relay.gone_reset + client.gone_reset, 0, "none was reset");
	is_int(relay.connected, services, "each was told as connected");
}

static bool
reset_seen(void)
{
	return client.gone_reset == 1 && all_gone();
}

static void
test_reset(void)
{
	struct linger hard = { 1, 0 };
	char c;
	int v;

	visit(&v);
	until(has_service);
	setsockopt(v, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(v);
	ok(until(reset_seen), "a visitor's reset is passed on");
	ok(recv(service_fd, &c, 1, 0) == -1 && errno == ECONNRESET,
	    "the service sees it as a reset");
	close(service_fd);
}

static bool
refusal_seen(void)
{
	return relay.gone_reset == 2 && all_gone();
}

static void
test_refusal(void)
{
	int v;

	refuse_with = CODE_REFUSED;
	visit(&v);
	ok(until(refusal_seen), "a refused service resets the visitor");
	close(v);
	refuse_with = 0;
}

/* A bulk transfer fills the pools; what is idle holds nothing. */
static void
test_memory(void)
{
	is_int(pool_held(carry.pool), 0, "no slab is out");
}

static void
side_end(struct side *s)
{
	mux_free(&s->m, CODE_CLOSING, "the test is over");
	wire_free(&s->wire);
}

/* A wrong pin: the client says so, and that it is not the network's fault. */
static enum wire_end trust_end;
static bool trust_told;

static void
trust_down(void *arg, enum wire_end how, const char *why)
{
	(void)arg;
	(void)why;
	trust_end = how;
	trust_told = true;
}

static bool
trust_is_told(void)
{
	return trust_told;
}

static void
test_trust(void)
{
	static const struct wire_ops ops = { on_up, on_input, trust_down,
		on_wire_ready };
	struct tls_pin other = pin;
	struct tls_trust t = { .pins = &other, .pin_count = 1 };
	struct tls_ctx *ctx;
	struct wire *w;
	struct err e;
	int fd[2];

	other.sha256[0] ^= 1;
	ctx = tls_ctx_client(&t, &e);
	session_new(&relay, MUX_RELAY);
	tcp_pair(fd);
	relay.wire = wire_new(&carry, fd[0], tls_stream_server(server_ctx, &e),
	    &wire_ops, &relay, &e);
	w = wire_new(&carry, fd[1], tls_stream_client(ctx, "127.0.0.1", &e),
	    &ops, NULL, &e);
	ok(until(trust_is_told), "a wrong pin ends the wire");
	is_int(trust_end, WIRE_TRUST, "as a matter of trust");
	wire_free(&w);
	wire_free(&relay.wire);
	tls_ctx_unref(&ctx);
	side_end(&relay);
}

int
main(void)
{
	char dir[] = "/tmp/adit-carry-XXXXXX", cert[64], key[64];
	struct tls_trust trust = { .pins = &pin, .pin_count = 1 };
	struct hook *hook;
	struct err e = { "" };

	if (mkdtemp(dir) == NULL)
		die("mkdtemp", &e);
	snprintf(cert, sizeof(cert), "%s/c", dir);
	snprintf(key, sizeof(key), "%s/k", dir);
	if (tls_cert_make_missing(cert, key, "localhost", &e) == -1 ||
	    tls_pin_of_cert_file(&pin, cert, &e) == -1 ||
	    (server_ctx = tls_ctx_server(cert, key, false, &e)) == NULL ||
	    (client_ctx = tls_ctx_client(&trust, &e)) == NULL ||
	    (loop = loop_new(&e)) == NULL ||
	    carry_init(&carry, loop, NULL, &e) == -1 ||
	    (hook = loop_on_turn(loop, on_turn, NULL, &e)) == NULL)
		die("set-up", &e);

	session_new(&relay, MUX_RELAY);
	session_new(&client, MUX_CLIENT);
	connect_sides();
	ok(until(is_linked), "both sides are linked");
	test_transfers();
	test_reset();
	test_refusal();
	side_end(&relay);
	side_end(&client);
	turn();
	test_memory();
	test_trust();

	turn();
	loop_off_turn(&hook);
	carry_close(&carry);
	loop_free(&loop);
	tls_ctx_unref(&server_ctx);
	tls_ctx_unref(&client_ctx);
	unlink(cert);
	unlink(key);
	rmdir(dir);
	return tap_done();
}
