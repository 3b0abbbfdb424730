#include "carry/pipe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "proto/code.h"

static bool
not_now(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK;
}

/* The PROXY header and the like: 1 all of it is out, 0 some is left, -1. */
static int
write_first(struct pipe *p)
{
	struct span v = { p->first, p->first_len };
	ssize_t done;

	if (p->first == NULL)
		return 1;
	if ((done = plat_writev(p->fd, &v, 1)) < 0) {
		loop_again(p->watch, LOOP_WRITE);
		return not_now() ? 0 : -1;
	}
	p->first_len -= (uint32_t)done;
	memmove(p->first, p->first + done, p->first_len);
	if (p->first_len > 0)
		return 0;
	free(p->first);
	p->first = NULL;
	return 1;
}

/*
 * A connection that was reset may stand still for want of credit, or of a
 * link: nobody would read it and learn.
 */
static bool
is_broken(const struct pipe *p)
{
	int error = 0;
	socklen_t n = sizeof(error);

	return getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 &&
	    error != 0;
}

static void
on_ready(void *arg, unsigned what)
{
	struct pipe *p = arg;

	if (what & LOOP_HUP)
		p->hup = true;
	if (p->stream == NULL)
		return; /* pipe_attach() looks for itself */
	if ((what & LOOP_HUP) && (what & LOOP_WRITE) && is_broken(p)) {
		mux_reset(p->stream, CODE_RESET, NULL);
		p->end.ops->gone(&p->end, MUX_GONE_RESET, CODE_RESET,
		    code_sentence(CODE_RESET));
		return;
	}
	if (what & LOOP_WRITE)
		write_first(p);
	if (what & (LOOP_READ | LOOP_HUP))
		mux_readable(p->stream);
	if (what & LOOP_WRITE)
		mux_writable(p->stream);
}

int
pipe_open(struct pipe *p, struct carry *c, int fd, struct err *e)
{
	p->carry = c;
	p->fd = fd;
	p->watch =
	    loop_watch(c->loop, fd, LOOP_READ | LOOP_WRITE, on_ready, p, e);
	if (p->watch == NULL) {
		plat_close(&p->fd);
		return -1;
	}
	return 0;
}

void
pipe_attach(struct pipe *p, struct mux_stream *s)
{
	p->stream = s;
	write_first(p);
	mux_readable(s);
}

int
pipe_say_first(struct pipe *p, const void *b, size_t n, struct err *e)
{
	if ((p->first = malloc(n)) == NULL)
		return err_sys(e, "first bytes");
	memcpy(p->first, b, n);
	p->first_len = (uint32_t)n;
	return 0;
}

void
pipe_close(struct pipe *p, enum mux_gone how)
{
	p->carry->closed++;
	loop_unwatch(&p->watch);
	free(p->first);
	p->first = NULL;
	p->stream = NULL;
	if (how == MUX_GONE_CLEAN)
		plat_close(&p->fd);
	else
		plat_close_reset(&p->fd);
}

static size_t
span_bytes(const struct span *v, int n)
{
	size_t sum = 0;

	while (n-- > 0)
		sum += v[n].n;
	return sum;
}

ssize_t
pipe_pull(struct pipe *p, const struct span *v, int n, unsigned *flags_out)
{
	ssize_t got = plat_readv(p->fd, v, (size_t)n);

	if (got < 0 && !not_now())
		return MUX_BROKEN;
	if (got < 0) {
		loop_again(p->watch, LOOP_READ);
		return 0;
	}
	if (got == 0) {
		*flags_out = MUX_EOF;
		return 0;
	}
	p->in += (uint64_t)got;
	if (p->hup || (size_t)got == span_bytes(v, n))
		*flags_out = MUX_MORE; /* a short read means drained, but for
					  a hang-up that is told only once */
	else
		loop_again(p->watch, LOOP_READ);
	return got;
}

ssize_t
pipe_push(struct pipe *p, const struct span *v, int n)
{
	ssize_t done = 0;
	int rc = write_first(p);

	if (rc == 1)
		done = plat_writev(p->fd, v, (size_t)n);
	if (rc == -1 || (done < 0 && !not_now()))
		return MUX_BROKEN;
	done = done < 0 ? 0 : done;
	p->out += (uint64_t)done;
	if ((size_t)done < span_bytes(v, n))
		loop_again(p->watch, LOOP_WRITE);
	return done;
}

void
pipe_end(struct pipe *p)
{
	write_first(p);
	plat_shut_write(p->fd);
	p->shut = true;
}
