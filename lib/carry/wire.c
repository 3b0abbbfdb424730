#include "carry/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/pool.h"
#include "carry/carry.h"
#include "carry/wire_int.h"
#include "net/addr.h"
#include "net/loop.h"
#include "plat/plat.h"

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

static int
watch(struct wire *w, struct err *e)
{
	w->watch = loop_watch(
	    w->c->loop, w->fd, LOOP_READ | LOOP_WRITE, on_ready, w, e);
	return w->watch == NULL ? -1 : 0;
}

static void
wants_reading(struct wire *w)
{
	if (list_empty(&w->again))
		list_append(&w->c->again, &w->again);
}

/* Takes over fd and what k holds, also when it fails. */
static struct wire *
start(struct carry *c, int fd, struct codec k, const struct wire_ops *ops,
    void *arg, struct err *e)
{
	struct wire *w;

	if (k.self == NULL || (w = calloc(1, sizeof(*w))) == NULL) {
		if (k.self != NULL) {
			err_sys(e, "link");
			k.ops->free(k.self);
		}
		plat_close(&fd);
		return NULL;
	}
	w->c = c;
	w->fd = fd;
	w->codec = k;
	w->ops = ops;
	w->arg = arg;
	list_init(&w->again);
	list_init(&w->flush);
	list_init(&w->all);
	list_append(&c->wires, &w->all);
	if (wire_send_init(w, e) == -1 || watch(w, e) == -1) {
		wire_delete(w);
		return NULL;
	}
	wants_reading(w); /* the client's first bytes are made there */
	return w;
}

struct wire *
wire_new(struct carry *c, int fd, struct tls_stream *t,
    const struct wire_ops *ops, void *arg, struct err *e)
{
	return start(c, fd, codec_tls(t), ops, arg, e);
}

struct wire *
wire_new_ws(struct carry *c, int fd, struct tls_stream *t, const char *host,
    const char *path, const struct wire_ops *ops, void *arg, struct err *e)
{
	return start(c, fd, codec_ws_client(t, host, path, e), ops, arg, e);
}

struct wire *
wire_new_ws_server(struct carry *c, int fd, const struct wire_ops *ops,
    void *arg, struct err *e)
{
	return start(c, fd, codec_ws_server(e), ops, arg, e);
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
	w->codec.ops->free(w->codec.self);
	free(w->pace);
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
	if (w->closed != NULL)
		w->closed(w->closed_arg);
	w->closed = NULL;
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
		wire_send_waiting(w);
	bury(w);
}

void
wire_end(struct wire *w, enum wire_end how, const char *why)
{
	if (w->ended)
		return;
	w->ended = true;
	w->c->told = true;
	wire_send_waiting(w); /* the alert that tells the peer why */
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
	wire_end(w, WIRE_LOST, strerror(errno));
}

static void
on_finished(void *arg)
{
	struct wire *w = arg;

	w->finish = NULL;
	bury(w);
}

void
wire_finish(struct wire **wp, uint64_t ms, void (*closed)(void *arg), void *arg)
{
	struct wire *w = *wp;

	if (w == NULL || w->gone) {
		*wp = NULL;
		if (closed != NULL)
			closed(arg);
		return;
	}
	w->closed = closed;
	w->closed_arg = arg;
	if (w->ended || !w->up ||
	    (w->finish = loop_after(w->c->loop, ms, on_finished, w, NULL)) ==
		NULL) {
		wire_free(wp);
		return;
	}
	*wp = NULL;
	w->ops = NULL;
	w->finishing = true;
	w->paused = false;
	w->codec.ops->close(w->codec.self);
	wire_wants_flush(w);
	wants_reading(w);
}

/* --- reading --------------------------------------------------------------- */

/* The codec has failed. */
static void
end_fault(struct wire *w, const struct err *why)
{
	wire_end(w, w->codec.ops->fault(w->codec.self), why->text);
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
			wire_end(w, WIRE_LOST, "out of memory");
			break;
		}
		n = w->codec.ops->open(w->codec.self, b->data, POOL_LARGE, &e);
		if (n < 0) {
			end_fault(w, &e);
			break;
		}
		if (n == 0)
			break;
		if (w->paused) {
			wire_end(
			    w, WIRE_TLS, "it spoke before it was welcomed");
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
	wire_hear_marks(w);
	if (w->codec.ops->is_closed(w->codec.self))
		wire_end(w, WIRE_CLOSED, "closed by the other side");
	else if (codec_waiting(w) > 0)
		wire_wants_flush(w);
}

static void
handshake(struct wire *w)
{
	struct err e;
	int rc = w->codec.ops->handshake(w->codec.self, &e);

	if (rc == -1) {
		end_fault(w, &e);
		return;
	}
	wire_wants_flush(w);
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
		wire_end(w, WIRE_CLOSED, "closed by the other side");
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
	w->codec.ops->feed(w->codec.self, w->c->rx, (size_t)n);
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
		if (codec_waiting(w) > 0)
			wire_wants_flush(w);
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
	wire_wants_flush(w);
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
	if (!w->codec.ops->peer(w->codec.self, a_out))
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
	w->codec.ops->describe(w->codec.self, to, cap);
}

void
wire_counts(const struct wire *w, struct wire_counts *c_out)
{
	*c_out = w->counts;
}
