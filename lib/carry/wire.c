#include "carry/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "carry/carry.h"
#include "carry/carry_int.h"
#include "net/addr.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "tls/tls_stream.h"

enum {
	QUANTUM_MIN = 16 << 10,
	QUANTUM_MAX = 512 << 10,
	QUANTUM_FIRST = 64 << 10,
	CONTROL_EXTRA = 64 << 10, /* for frames that may not wait for data */
	LOWAT_SLOW = 16 << 10,	  /* unsent bytes that the kernel may keep */
	LOWAT_FAST = 1 << 20,
	FAST_BYTES_S = 125000000, /* from here on a link counts as fast */
	SLICE_MS = 20,		  /* of the link's rate, between us and it */
	DGRAM_MS = 50,
	RATE_MS = 20, /* how often the rate is asked, while it is blocked */
	USER_TIMEOUT_MS = 20000,
};

struct wire {
	struct list all;   /* carry.wires or carry.dead */
	struct list again; /* carry.again */
	struct list flush; /* carry.flush */
	struct carry *c;
	struct tls_stream *tls;
	struct watch *watch;
	struct timer *finish;
	const struct wire_ops *ops; /* NULL: nobody is told any more */
	void *arg;
	int fd;
	bool up;
	bool hup;
	bool ended;	/* down() was told, or nobody is left to tell */
	bool paused;
	bool blocked;	/* the socket takes nothing now */
	bool finishing; /* what waits is sent, what comes is thrown away */
	bool gone;	/* wire_free() was called */
	size_t quantum;
	uint64_t rate; /* bytes a second, 0: unknown */
	uint64_t rate_at;
	int lowat;
	struct wire_counts counts;
};

struct wire *
wire_of_all(struct list *n)
{
	return LIST_OF(n, struct wire, all);
}

struct wire *
wire_of_again(struct list *n)
{
	return LIST_OF(n, struct wire, again);
}

struct wire *
wire_of_flush(struct list *n)
{
	return LIST_OF(n, struct wire, flush);
}

/* --- birth and end --------------------------------------------------------- */

static void on_ready(void *arg, unsigned what);
static void handshake(struct wire *w);

static void
set_option(int fd, int level, int name, int value)
{
	/* a wish: without it the link is slower, not wrong */
	setsockopt(fd, level, name, &value, sizeof(value));
}

static void
set_lowat(struct wire *w, int lowat)
{
	if (w->lowat == lowat)
		return;
	w->lowat = lowat;
#ifdef TCP_NOTSENT_LOWAT
	set_option(w->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, lowat);
#endif
}

static void
set_options(struct wire *w)
{
	set_option(w->fd, IPPROTO_TCP, TCP_NODELAY, 1);
#ifdef TCP_USER_TIMEOUT
	set_option(w->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
#endif
	set_lowat(w, LOWAT_SLOW);
}

static int
watch(struct wire *w, struct err *e)
{
	w->watch = loop_watch(w->c->loop, w->fd, LOOP_READ | LOOP_WRITE,
	    on_ready, w, e);
	return w->watch == NULL ? -1 : 0;
}

static void
wants_flush(struct wire *w)
{
	if (list_empty(&w->flush) && !w->blocked && w->fd != -1)
		list_append(&w->c->flush, &w->flush);
}

static void
wants_reading(struct wire *w)
{
	if (list_empty(&w->again))
		list_append(&w->c->again, &w->again);
}

struct wire *
wire_new(struct carry *c, int fd, struct tls_stream *t,
    const struct wire_ops *ops, void *arg, struct err *e)
{
	struct wire *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_sys(e, "link");
		plat_close(&fd);
		tls_stream_free(&t);
		return NULL;
	}
	w->c = c;
	w->fd = fd;
	w->tls = t;
	w->ops = ops;
	w->arg = arg;
	w->quantum = QUANTUM_FIRST;
	list_init(&w->again);
	list_init(&w->flush);
	list_init(&w->all);
	list_append(&c->wires, &w->all);
	set_options(w);
	if (watch(w, e) == -1) {
		wire_delete(w);
		return NULL;
	}
	wants_reading(w); /* the client's first bytes are made there */
	return w;
}

/* Frees what has nobody left to speak for it. */
void
wire_delete(struct wire *w)
{
	list_remove(&w->all);
	list_remove(&w->again);
	list_remove(&w->flush);
	loop_unwatch(&w->watch);
	timer_cancel(&w->finish);
	plat_close(&w->fd);
	tls_stream_free(&w->tls);
	free(w);
}

/* Off all lists but that of the dead: freed at the end of the turn. */
static void
bury(struct wire *w)
{
	w->gone = true;
	w->ended = true;
	w->ops = NULL;
	list_remove(&w->all);
	list_remove(&w->again);
	list_remove(&w->flush);
	loop_unwatch(&w->watch);
	timer_cancel(&w->finish);
	plat_close(&w->fd);
	list_append(&w->c->dead, &w->all);
}

static void
send_waiting(struct wire *w)
{
	const uint8_t *p;
	size_t n;
	ssize_t k;

	if (w->fd == -1 || (p = tls_stream_out(w->tls, &n), n) == 0)
		return;
	if ((k = send(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0)
		tls_stream_sent(w->tls, (size_t)k);
}

void
wire_free(struct wire **wp)
{
	struct wire *w = *wp;

	if (w == NULL)
		return;
	*wp = NULL;
	if (w->gone)
		return;
	if (!w->ended)
		send_waiting(w);
	bury(w);
}

/* It has ended by itself: the owner is told once. */
static void
end(struct wire *w, enum wire_end how, const char *why)
{
	if (w->ended)
		return;
	w->ended = true;
	w->c->told = true;
	send_waiting(w); /* the alert that tells the peer why */
	list_remove(&w->again);
	list_remove(&w->flush);
	loop_unwatch(&w->watch);
	if (w->ops != NULL)
		w->ops->down(w->arg, how, why);
	else
		bury(w);
}

static void
end_errno(struct wire *w)
{
	end(w, WIRE_LOST, strerror(errno));
}

static void
on_finished(void *arg)
{
	struct wire *w = arg;

	w->finish = NULL;
	bury(w);
}

void
wire_finish(struct wire **wp, uint64_t ms)
{
	struct wire *w = *wp;

	if (w == NULL)
		return;
	if (w->ended || w->gone || !w->up ||
	    (w->finish = loop_after(w->c->loop, ms, on_finished, w, NULL)) ==
		NULL) {
		wire_free(wp);
		return;
	}
	*wp = NULL;
	w->ops = NULL;
	w->finishing = true;
	w->paused = false;
	tls_stream_close(w->tls);
	wants_flush(w);
	wants_reading(w);
}

/* --- reading --------------------------------------------------------------- */

static enum wire_end
end_of_fault(const struct wire *w)
{
	return tls_stream_fault(w->tls) == TLS_FAULT_TRUST ? WIRE_TRUST
							   : WIRE_TLS;
}

/* Opens what was fed, record by record. */
static void
open_records(struct wire *w)
{
	struct slab *b = NULL;
	struct err e;
	ssize_t n;

	while (!w->ended) {
		if (b == NULL &&
		    (b = pool_get(w->c->pool, POOL_LARGE)) == NULL) {
			end(w, WIRE_LOST, "out of memory");
			break;
		}
		n = tls_stream_open(w->tls, b->data, POOL_LARGE, &e);
		if (n < 0) {
			end(w, end_of_fault(w), e.text);
			break;
		}
		if (n == 0)
			break;
		if (w->paused) {
			end(w, WIRE_TLS, "it spoke before it was welcomed");
			break;
		}
		w->c->told = true;
		if (w->ops != NULL)
			w->ops->input(w->arg, b, (size_t)n);
		if (b->refs > 1) /* somebody keeps it */
			slab_unref(&b);
	}
	slab_unref(&b);
	if (w->ended)
		return;
	if (tls_stream_is_closed(w->tls))
		end(w, WIRE_CLOSED, "closed by the other side");
	else if (tls_stream_waiting(w->tls) > 0)
		wants_flush(w);
}

static void
handshake(struct wire *w)
{
	struct err e;
	int rc = tls_stream_handshake(w->tls, &e);

	if (rc == -1) {
		end(w, end_of_fault(w), e.text);
		return;
	}
	wants_flush(w);
	if (rc == 0)
		return;
	w->up = true;
	w->c->told = true;
	w->ops->up(w->arg);
	if (!w->ended)
		open_records(w);
}

/* One read, as large as the buffer. */
static void
read_once(struct wire *w)
{
	ssize_t n;

	do
		n = recv(w->fd, w->c->rx, CARRY_RX, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	w->c->recvs++;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		loop_again(w->watch, LOOP_READ);
		return;
	}
	if (n < 0) {
		end_errno(w);
		return;
	}
	if (n == 0) {
		end(w, WIRE_CLOSED, "closed by the other side");
		return;
	}
	w->counts.bytes_in += (uint64_t)n;
	w->c->recv_bytes += (uint64_t)n;
	if (n == CARRY_RX || w->hup)
		wants_reading(w);
	else
		loop_again(w->watch, LOOP_READ);
	if (w->finishing)
		return; /* too late */
	tls_stream_feed(w->tls, w->c->rx, (size_t)n);
	if (w->up)
		open_records(w);
	else
		handshake(w);
}

/*
 * Reads on.  A wire that is not up yet may cost a handshake: only so many are
 * read in one turn, so that those who talk already do not wait for a crowd
 * at the door.
 */
void
wire_read_on(struct wire *w)
{
	if (w->ended || w->paused)
		return;
	if (!w->up && w->c->handshakes >= CARRY_HANDSHAKES) {
		wants_reading(w);
		return;
	}
	if (!w->up) {
		w->c->handshakes++;
		handshake(w); /* a client speaks first */
	}
	if (!w->ended && !w->paused)
		read_once(w);
}

static void
on_ready(void *arg, unsigned what)
{
	struct wire *w = arg;

	if (what & LOOP_HUP)
		w->hup = true;
	if (what & LOOP_WRITE) {
		w->blocked = false;
		if (tls_stream_waiting(w->tls) > 0)
			wants_flush(w);
		if (w->up && w->ops != NULL)
			w->ops->ready(w->arg);
	}
	if ((what & (LOOP_READ | LOOP_HUP)) == 0 || w->ended)
		return;
	if (!w->up || w->paused)
		wants_reading(w);
	else
		read_once(w);
}

void
wire_pause(struct wire *w)
{
	w->paused = true;
}

void
wire_resume(struct wire *w)
{
	w->paused = false;
	if (!w->ended)
		wants_reading(w);
}

/* --- sending --------------------------------------------------------------- */

/* What the kernel knows of the link's speed; asked now and then. */
static void
ask_rate(struct wire *w)
{
#if defined(__linux__)
	uint64_t now = loop_now(w->c->loop);
	struct tcp_info t;
	socklen_t n = sizeof(t);

	if (now < w->rate_at + RATE_MS)
		return;
	w->rate_at = now;
	memset(&t, 0, sizeof(t));
	if (getsockopt(w->fd, IPPROTO_TCP, TCP_INFO, &t, &n) == -1)
		return;
	w->rate = (uint64_t)t.tcpi_snd_mss * t.tcpi_snd_cwnd * 1000000 /
	    (t.tcpi_rtt > 0 ? t.tcpi_rtt : 1);
	set_lowat(w, w->rate >= FAST_BYTES_S ? LOWAT_FAST : LOWAT_SLOW);
#else
	(void)w;
#endif
}

static size_t
quantum_limit(const struct wire *w)
{
	uint64_t slice = w->rate * SLICE_MS / 1000;

	if (w->rate == 0 || slice > QUANTUM_MAX)
		return QUANTUM_MAX;
	return slice > QUANTUM_MIN ? (size_t)slice : QUANTUM_MIN;
}

/* The quantum halves when the link is full, and grows while it is not. */
static void
learn_quantum(struct wire *w, bool full)
{
	size_t limit = quantum_limit(w);

	w->quantum = full ? w->quantum / 2 : w->quantum + w->quantum / 4;
	w->quantum = w->quantum < limit ? w->quantum : limit;
	w->quantum = w->quantum > QUANTUM_MIN ? w->quantum : QUANTUM_MIN;
}

/* All that waits, in one call: called once a turn. */
void
wire_flush(struct wire *w)
{
	const uint8_t *p;
	size_t n;
	ssize_t k;

	if (w->ended || w->blocked || w->fd == -1)
		return;
	if ((p = tls_stream_out(w->tls, &n), n) == 0)
		return;
	do
		k = send(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (k < 0 && errno == EINTR);
	w->c->sends++;
	if (k < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
		end_errno(w);
		return;
	}
	if (k > 0) {
		tls_stream_sent(w->tls, (size_t)k);
		w->counts.bytes_out += (uint64_t)k;
		w->c->sent_bytes += (uint64_t)k;
	}
	w->blocked = k < (ssize_t)n;
	if (w->blocked) {
		ask_rate(w);
		loop_again(w->watch, LOOP_WRITE);
	}
	learn_quantum(w, w->blocked);
	if (!w->blocked && w->finishing)
		shutdown(w->fd, SHUT_WR);
}

int
wire_seal(struct wire *w, const void *p, size_t n)
{
	if (w->ended || !w->up)
		return -1;
	if (tls_stream_seal(w->tls, p, n, NULL) == -1)
		return -1;
	wants_flush(w);
	return 0;
}

ssize_t
wire_room(const struct wire *w, enum mux_room what)
{
	size_t waiting = tls_stream_waiting(w->tls), limit = w->quantum, slice;

	if (w->ended)
		return 0;
	if (what == MUX_ROOM_DATA && w->blocked)
		return 0;
	if (what == MUX_ROOM_CONTROL)
		limit += CONTROL_EXTRA;
	if (what == MUX_ROOM_DGRAM) {
		slice = w->rate == 0 ? CONTROL_EXTRA
				     : (size_t)(w->rate * DGRAM_MS / 1000);
		slice = slice < QUANTUM_MAX ? slice : QUANTUM_MAX;
		limit = limit > slice ? limit : slice;
	}
	return (ssize_t)limit - (ssize_t)waiting;
}

size_t
wire_waiting(const struct wire *w)
{
	return tls_stream_waiting(w->tls);
}

void
wire_rest(struct wire *w)
{
	if (!w->ended && w->up && tls_stream_waiting(w->tls) == 0)
		tls_stream_idle(w->tls);
}

/* --- moving, and what one may ask ------------------------------------------ */

void
wire_release(struct wire *w)
{
	list_remove(&w->all);
	list_remove(&w->again);
	list_remove(&w->flush);
	loop_unwatch(&w->watch);
	w->ops = NULL;
	w->c = NULL;
}

int
wire_adopt(struct wire *w, struct carry *c, const struct wire_ops *ops,
    void *arg, struct err *e)
{
	w->c = c;
	w->ops = ops;
	w->arg = arg;
	w->blocked = false;
	list_append(&c->wires, &w->all);
	if (watch(w, e) == -1)
		return -1;
	wants_flush(w);
	wire_resume(w);
	return 0;
}

void
wire_set_owner(struct wire *w, const struct wire_ops *ops, void *arg)
{
	w->ops = ops;
	w->arg = arg;
}

static void
name_of(const struct wire *w, struct addr *a_out,
    int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);

	memset(a_out, 0, sizeof(*a_out));
	if (w->fd != -1 && ask(w->fd, (struct sockaddr *)&ss, &n) == 0)
		addr_from_sockaddr(a_out, (struct sockaddr *)&ss, NULL);
}

void
wire_peer(const struct wire *w, struct addr *a_out)
{
	name_of(w, a_out, getpeername);
}

void
wire_local(const struct wire *w, struct addr *a_out)
{
	name_of(w, a_out, getsockname);
}

void
wire_describe(const struct wire *w, char *to, size_t cap)
{
	snprintf(to, cap, "%s %s", tls_stream_version(w->tls),
	    tls_stream_cipher(w->tls));
}

void
wire_counts(const struct wire *w, struct wire_counts *c_out)
{
	*c_out = w->counts;
}
