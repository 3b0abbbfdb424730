#include "service.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/list.h"
#include "carry/pipe.h"
#include "lamp.h"
#include "mux/mux.h"
#include "net/addr.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proxy_head.h"
#include "tunnel.h"

struct service {
	struct pipe pipe; /* first: the mux knows it as a carry_end */
	struct list on;   /* of its tunnel; alone when that has ended */
	struct tunnel *tunnel;
	struct dial *dial; /* not NULL while it is not connected */
};

uint16_t
service_code(enum dial_result r)
{
	switch (r) {
	case DIAL_REFUSED:
		return CODE_REFUSED;
	case DIAL_TIMEOUT:
		return CODE_TIMEOUT;
	case DIAL_NAME:
		return CODE_NAME;
	case DIAL_FAILED:
		return CODE_LIMIT;
	case DIAL_RESET:
		return CODE_RESET;
	default:
		return CODE_UNREACHABLE;
	}
}

static void
service_free(struct service **vp, enum mux_gone how)
{
	struct service *v = *vp;
	struct tunnel *t = v->tunnel;

	*vp = NULL;
	dial_cancel(&v->dial);
	pipe_close(&v->pipe, how);
	list_remove(&v->on);
	if (t != NULL) {
		t->visitors--;
		t->in += v->pipe.out;
		t->out += v->pipe.in;
	}
	free(v);
}

static void
on_gone(struct carry_end *end, enum mux_gone how, uint16_t code,
    const char *sentence)
{
	struct service *v = (struct service *)(void *)end;

	(void)code;
	(void)sentence;
	service_free(&v, how);
}

static const struct carry_end_ops end_ops = { .gone = on_gone };

/* The service is connected: bytes begin to flow. */
static int
connected(struct service *v, int fd, struct err *e)
{
	if (pipe_open(&v->pipe, v->pipe.carry, fd, e) != 0)
		return -1;
	mux_accept(v->pipe.stream);
	pipe_attach(&v->pipe, v->pipe.stream);
	return 0;
}

/* The PROXY header goes before all else, if the tunnel wants one. */
static int
introduce(struct service *v, const struct proto_open *o)
{
	uint8_t head[PROXY_HEAD_MAX];
	struct addr visitor, own;
	size_t n;

	if (v->tunnel->c.proxy == PROTO_PROXY_OFF)
		return 0;
	addr_get(&visitor, o->visitor);
	addr_get(&own, o->local);
	n = proxy_head(head, v->tunnel->c.proxy, false, &visitor, &own);
	return pipe_say_first(&v->pipe, head, n, NULL);
}

/* Ends it before it began; the relay is told why. */
static void
refuse(struct service *v, uint16_t code)
{
	mux_reset(v->pipe.stream, code, NULL);
	service_free(&v, MUX_GONE_RESET);
}

static void
on_dialled(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct service *v = arg;
	struct err e;

	(void)peer;
	(void)why;
	v->dial = NULL;
	if (v->tunnel != NULL)
		lamp_service_is(v->tunnel, r);
	if (r != DIAL_OK)
		refuse(v, service_code(r));
	else if (connected(v, fd, &e) != 0)
		refuse(v, CODE_LIMIT);
}

/*
 * The quick way to a number, then the long one.  0: connected or under way,
 * else the code of the refusal.
 */
static uint16_t
dial(struct service *v, struct tunnel *t)
{
	struct loop *l = t->all->carry->loop;
	enum dial_result r = DIAL_PENDING;
	struct err e;
	int fd = -1;

	if (t->here_count > 0)
		r = dial_now(&t->here[0], &fd, &e);
	if (r == DIAL_OK) {
		lamp_service_is(t, r);
		return connected(v, fd, &e) == 0 ? 0 : CODE_LIMIT;
	}
	if (r == DIAL_PENDING && fd >= 0)
		v->dial = dial_wait(
		    l, fd, &t->here[0], DIAL_SERVICE_MS, on_dialled, v, &e);
	else if (r == DIAL_PENDING)
		v->dial = dial_start(l, t->c.target_host, t->c.target_port,
		    DIAL_SERVICE_MS, on_dialled, v, &e);
	else if (t->here_count > 1)
		v->dial = dial_any(l, &t->here[1], t->here_count - 1,
		    DIAL_SERVICE_MS, on_dialled, v, &e);
	else {
		lamp_service_is(t, r);
		return service_code(r);
	}
	return v->dial == NULL ? CODE_LIMIT : 0;
}

uint16_t
service_open(struct tunnel *t, struct mux_stream *s, const struct proto_open *o)
{
	struct service *v;
	uint16_t code = CODE_MEMORY;

	if ((v = calloc(1, sizeof(*v))) == NULL)
		return CODE_MEMORY;
	v->pipe.end.ops = &end_ops;
	v->pipe.carry = t->all->carry;
	v->pipe.fd = -1;
	v->tunnel = t;
	v->pipe.stream = s;
	list_init(&v->on);
	list_append(&t->services, &v->on);
	t->visitors++;
	t->visitors_ever++;
	mux_own(s, &v->pipe.end);
	if (introduce(v, o) == 0)
		code = dial(v, t);
	if (code != 0) {
		mux_own(s, NULL);
		service_free(&v, MUX_GONE_RESET);
	}
	return code;
}

void
service_traffic(const struct tunnel *t, uint64_t *in_out, uint64_t *out_out)
{
	const struct list *n;
	const struct service *v;

	for (n = t->services.next; n != &t->services; n = n->next) {
		v = LIST_OF(n, const struct service, on);
		*in_out += v->pipe.out;
		*out_out += v->pipe.in;
	}
}

void
service_orphan(struct tunnel *t)
{
	struct service *v;

	while (!list_empty(&t->services)) {
		v = LIST_OF(t->services.next, struct service, on);
		list_remove(&v->on);
		v->tunnel = NULL;
	}
}
