/*
 * The direct way: a record is what the mux seals, TLS does the rest.
 */
#include "carry/codec.h"

#include <stdio.h>

#include "tls/tls_stream.h"

static int
on_handshake(void *self, struct err *e)
{
	return tls_stream_handshake(self, e);
}

static void
on_feed(void *self, const void *p, size_t n)
{
	tls_stream_feed(self, p, n);
}

static ssize_t
on_open(void *self, void *p, size_t n, struct err *e)
{
	return tls_stream_open(self, p, n, e);
}

static bool
is_closed(const void *self)
{
	return tls_stream_is_closed(self);
}

static enum wire_end
fault(const void *self)
{
	return tls_stream_fault(self) == TLS_FAULT_TRUST ? WIRE_TRUST
							 : WIRE_TLS;
}

static int
on_seal(void *self, const void *p, size_t n)
{
	return tls_stream_seal(self, p, n, NULL);
}

static size_t
waiting(const void *self)
{
	return tls_stream_waiting(self);
}

static const uint8_t *
on_out(void *self, size_t *n_out)
{
	return tls_stream_out(self, n_out);
}

static void
on_sent(void *self, size_t n)
{
	tls_stream_sent(self, n);
}

static void
on_close(void *self)
{
	tls_stream_close(self);
}

static void
on_idle(void *self)
{
	tls_stream_idle(self);
}

/* The socket knows. */
static bool
peer(const void *self, struct addr *a_out)
{
	(void)self;
	(void)a_out;
	return false;
}

static void
describe(const void *self, char *to, size_t cap)
{
	snprintf(to, cap, "%s %s", tls_stream_version(self),
	    tls_stream_cipher(self));
}

static void
on_free(void *self)
{
	struct tls_stream *t = self;

	tls_stream_free(&t);
}

static const struct codec_ops ops = {
	.handshake = on_handshake,
	.feed = on_feed,
	.open = on_open,
	.is_closed = is_closed,
	.fault = fault,
	.seal = on_seal,
	.waiting = waiting,
	.out = on_out,
	.sent = on_sent,
	.close = on_close,
	.idle = on_idle,
	.peer = peer,
	.describe = describe,
	.free = on_free,
};

struct codec
codec_tls(struct tls_stream *t)
{
	return (struct codec){ .ops = &ops, .self = t };
}
