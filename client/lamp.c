#include "lamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "carry/carry.h"
#include "flow.h"
#include "net/addr.h"
#include "net/allow.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "plat/dgram.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "service.h"
#include "tunnel.h"

/* One question that is under way. */
struct probe {
	struct tunnel *t;
	struct probe **owner; /* the tunnel's pointer to it */
	struct dial *dial;
	struct lookup *lookup;
	struct timer *timer;
	struct watch *watch;
	int fd;
	bool udp; /* TCP is good, or the tunnel has none */
	unsigned tries;
	uint8_t nonce[16]; /* a later CONFIG may bring none, or another */
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;
};

static struct loop *
loop_of(const struct tunnel *t)
{
	return t->all->carry->loop;
}

static struct probe *
probe_new(struct tunnel *t, struct probe **owner)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->t = t;
	p->owner = owner;
	memcpy(p->nonce, t->c.nonce, sizeof(p->nonce));
	p->fd = -1;
	*owner = p;
	return p;
}

static void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	*p->owner = NULL;
	dial_cancel(&p->dial);
	lookup_cancel(&p->lookup);
	timer_cancel(&p->timer);
	loop_unwatch(&p->watch);
	plat_close(&p->fd);
	free(p);
}

static void
darken(struct tunnel *t, enum proto_lamp which)
{
	tunnel_lamp(t, which, PROTO_GREY, CODE_NONE, "");
}

void
lamp_forget(struct tunnel *t)
{
	probe_free(t->probing_service);
	probe_free(t->probing_reach);
	darken(t, PROTO_LAMP_SERVICE);
	darken(t, PROTO_LAMP_REACH);
}

/* --- service --------------------------------------------------------------- */

static void
service_sentence(
    char *to, size_t cap, const struct tunnel *t, enum dial_result r)
{
	switch (r) {
	case DIAL_REFUSED:
		snprintf(to, cap,
		    "%.120s refuses connections: nothing listens there. Start"
		    " the service.",
		    t->target);
		break;
	case DIAL_TIMEOUT:
		snprintf(to, cap, "%.120s does not answer.", t->target);
		break;
	case DIAL_NAME:
		snprintf(to, cap,
		    "The name of %.120s does not resolve on this computer.",
		    t->target);
		break;
	case DIAL_FAILED:
		snprintf(to, cap,
		    "This computer has no room for a connection to %.120s.",
		    t->target);
		break;
	default:
		snprintf(to, cap,
		    "%.120s cannot be reached from this computer.", t->target);
	}
}

void
lamp_service_is(struct tunnel *t, enum dial_result r)
{
	char sentence[PROTO_TEXT_MAX + 1];
	/* who resets what it has taken is there, too */
	bool is_there = r == DIAL_OK || r == DIAL_RESET;

	if (is_there && t->service.light == PROTO_GREEN)
		return; /* as it is for nearly every visitor */
	if (is_there) {
		snprintf(
		    sentence, sizeof(sentence), "%.120s answers.", t->target);
		tunnel_lamp(
		    t, PROTO_LAMP_SERVICE, PROTO_GREEN, CODE_NONE, sentence);
		return;
	}
	service_sentence(sentence, sizeof(sentence), t, r);
	tunnel_lamp(
	    t, PROTO_LAMP_SERVICE, PROTO_RED, service_code(r), sentence);
}

static void
on_service(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct probe *p = arg;
	struct tunnel *t = p->t;

	(void)peer;
	(void)why;
	p->dial = NULL;
	plat_close(&fd);
	probe_free(p);
	lamp_service_is(t, r);
}

static void
not_allowed(struct tunnel *t)
{
	char sentence[PROTO_TEXT_MAX + 1], list[120];

	snprintf(sentence, sizeof(sentence),
	    "The client on this computer allows only %s; to serve %.80s start"
	    " it with that in --allow.",
	    allow_text(t->all->allow, list, sizeof(list)), t->target);
	tunnel_lamp(
	    t, PROTO_LAMP_SERVICE, PROTO_RED, CODE_NOT_ALLOWED, sentence);
}

void
lamp_try_service(struct tunnel *t)
{
	struct probe *p;
	struct err e;

	if (!t->allowed) {
		not_allowed(t);
		return;
	}
	/* Of UDP only visitors can tell. */
	if (!tunnel_has_tcp(t) || t->probing_service != NULL ||
	    (p = probe_new(t, &t->probing_service)) == NULL)
		return;
	p->dial = dial_start(loop_of(t), t->c.target_host, t->c.target_port,
	    DIAL_SERVICE_MS, on_service, p, &e);
	if (p->dial == NULL) {
		probe_free(p);
		lamp_service_is(t, DIAL_FAILED);
	}
}

/* --- reach ----------------------------------------------------------------- */

/*
 * The relay says what its public address is, and could name any machine that
 * this computer sees and the world does not.  So a probe goes where the relay
 * itself was reached, or where everybody could go.
 */
static bool
may_try(const struct tunnel *t, const struct addr *a)
{
	if (t->all->is_relay(t->all->arg, a))
		return true;
	return !addr_is_any(a) && !addr_is_loopback(a) &&
	    !addr_is_link_local(a) && !addr_is_private(a) &&
	    !addr_is_multicast(a);
}

/* Nothing is known: grey, with the reason. */
static void
not_tried(struct probe *p)
{
	char sentence[PROTO_TEXT_MAX + 1];
	struct tunnel *t = p->t;

	probe_free(p);
	snprintf(sentence, sizeof(sentence),
	    "Not tried: %.120s is neither where the relay was reached nor a"
	    " public address.",
	    t->c.public_addr);
	tunnel_lamp(t, PROTO_LAMP_REACH, PROTO_GREY, CODE_NONE, sentence);
}

static void
reach_is_good(struct probe *p)
{
	char sentence[PROTO_TEXT_MAX + 1];
	struct tunnel *t = p->t;

	probe_free(p);
	snprintf(sentence, sizeof(sentence), "%.160s can be reached.",
	    t->c.public_addr);
	tunnel_lamp(t, PROTO_LAMP_REACH, PROTO_GREEN, CODE_NONE, sentence);
}

/* Visitors may well get through, only this network does not. */
static void
behind_proxy(struct probe *p)
{
	char sentence[PROTO_TEXT_MAX + 1];
	struct tunnel *t = p->t;

	probe_free(p);
	snprintf(sentence, sizeof(sentence),
	    "Not known: from this network %.120s cannot be tried, the relay is"
	    " reached through a proxy.",
	    t->c.public_addr);
	tunnel_lamp(t, PROTO_LAMP_REACH, PROTO_GREY, CODE_NONE, sentence);
}

static void
reach_failed(struct probe *p, uint16_t code, const char *what, const char *kind)
{
	char sentence[PROTO_TEXT_MAX + 1];
	struct tunnel *t = p->t;

	if (t->all->is_proxied(t->all->arg)) {
		behind_proxy(p);
		return;
	}
	if (code == CODE_TIMEOUT || code == CODE_UNREACHABLE)
		snprintf(sentence, sizeof(sentence),
		    "%s %.120s: open %s port %u in the server's firewall.",
		    what, t->c.public_addr, kind, p->port);
	else
		snprintf(sentence, sizeof(sentence), "%s %.160s.", what,
		    t->c.public_addr);
	probe_free(p);
	tunnel_lamp(t, PROTO_LAMP_REACH, PROTO_RED, code, sentence);
}

static void
udp_ask(struct probe *p)
{
	struct span v = { p->nonce, sizeof(p->nonce) };

	p->tries++;
	/* One that is lost or refused is asked again. */
	(void)dgram_send(p->fd, &v, 1);
}

static void
on_udp_wait(void *arg)
{
	struct probe *p = arg;

	p->timer = NULL;
	if (p->tries >= LAMP_UDP_TRIES) {
		reach_failed(p, CODE_TIMEOUT, "No UDP comes back from", "UDP");
		return;
	}
	udp_ask(p);
	p->timer = loop_after(loop_of(p->t), LAMP_UDP_MS, on_udp_wait, p, NULL);
	if (p->timer == NULL)
		probe_free(p);
}

static void
on_udp(void *arg, unsigned what)
{
	struct probe *p = arg;
	uint8_t got[64];
	struct span v = { got, sizeof(got) };

	(void)what;
	while (dgram_recv(p->fd, &v, 1) > 0) {
		if (v.n == sizeof(p->nonce) &&
		    memcmp(got, p->nonce, v.n) == 0) {
			reach_is_good(p);
			return;
		}
		v.n = sizeof(got);
	}
	loop_again(p->watch, LOOP_READ);
}

static void
udp_begin(struct probe *p, const struct addr *to, size_t count)
{
	size_t i;

	for (i = 0; i < count && p->fd < 0; i++)
		p->fd = flow_socket(&to[i]);
	if (p->fd < 0) {
		reach_failed(p, CODE_UNREACHABLE,
		    "From this computer there is no way to", "UDP");
		return;
	}
	p->watch = loop_watch(loop_of(p->t), p->fd, LOOP_READ, on_udp, p, NULL);
	if (p->watch == NULL) {
		probe_free(p);
		return;
	}
	on_udp_wait(p);
}

static void tcp_begin(struct probe *p, const struct addr *to, size_t count);

static void
on_found(
    void *arg, const struct addr *found, size_t count, const struct err *why)
{
	struct addr to[LOOKUP_ADDRS_MAX];
	struct probe *p = arg;
	size_t i, n = 0;

	(void)why;
	p->lookup = NULL;
	for (i = 0; i < count; i++) {
		if (!may_try(p->t, &found[i]))
			continue;
		to[n] = found[i];
		to[n++].port = p->port;
	}
	if (count == 0)
		reach_failed(p, CODE_NAME, "This computer finds no address for",
		    p->udp ? "UDP" : "TCP");
	else if (n == 0)
		not_tried(p);
	else if (p->udp)
		udp_begin(p, to, n);
	else
		tcp_begin(p, to, n);
}

/* Looks the address up, for each kind anew. */
static void
find(struct probe *p)
{
	struct addr here[2];
	struct err none = { "" };
	size_t n = lookup_here(p->host, here);

	if (n > 0) {
		on_found(p, here, n, &none);
		return;
	}
	p->lookup = lookup_start(loop_of(p->t), p->host, on_found, p, NULL);
	if (p->lookup == NULL)
		probe_free(p);
}

/* TCP is good; what else the tunnel has is asked next. */
static void
tcp_is_good(struct probe *p)
{
	timer_cancel(&p->timer);
	loop_unwatch(&p->watch);
	plat_close(&p->fd);
	p->udp = true;
	if (tunnel_has_udp(p->t))
		find(p);
	else
		reach_is_good(p);
}

static void
on_not_closed(void *arg)
{
	struct probe *p = arg;

	p->timer = NULL;
	reach_failed(
	    p, CODE_BROKEN, "Something else than this relay answers at", "TCP");
}

/* The relay knows its nonce and closes; others answer, or wait. */
static void
on_tcp(void *arg, unsigned what)
{
	struct probe *p = arg;
	uint8_t got[64];
	struct span v = { got, sizeof(got) };
	ptrdiff_t n = plat_readv(p->fd, &v, 1);

	(void)what;
	if (n > 0)
		reach_failed(p, CODE_BROKEN,
		    "Something else than this relay answers at", "TCP");
	else if (n == 0 || (what & LOOP_HUP))
		tcp_is_good(p);
	else
		loop_again(p->watch, LOOP_READ);
}

static void
tcp_connected(struct probe *p, int fd)
{
	struct span v = { p->nonce, sizeof(p->nonce) };

	p->fd = fd;
	(void)plat_writev(fd, &v, 1);
	p->watch = loop_watch(loop_of(p->t), fd, LOOP_READ, on_tcp, p, NULL);
	p->timer =
	    loop_after(loop_of(p->t), LAMP_CLOSED_MS, on_not_closed, p, NULL);
	if (p->watch == NULL || p->timer == NULL)
		probe_free(p);
}

static void
on_reach(void *arg, enum dial_result r, int fd, const struct addr *peer,
    const struct err *why)
{
	struct probe *p = arg;

	(void)peer;
	(void)why;
	p->dial = NULL;
	switch (r) {
	case DIAL_OK:
		tcp_connected(p, fd);
		break;
	case DIAL_REFUSED:
	case DIAL_RESET:
		reach_failed(
		    p, CODE_REFUSED, "Connections are refused at", "TCP");
		break;
	case DIAL_TIMEOUT:
		reach_failed(p, CODE_TIMEOUT, "Nothing arrives at", "TCP");
		break;
	case DIAL_FAILED:
		probe_free(p); /* says nothing about the relay */
		break;
	default:
		reach_failed(p, CODE_UNREACHABLE,
		    "From this computer there is no way to", "TCP");
	}
}

static void
tcp_begin(struct probe *p, const struct addr *to, size_t count)
{
	p->dial = dial_any(
	    loop_of(p->t), to, count, LAMP_REACH_MS, on_reach, p, NULL);
	if (p->dial == NULL)
		probe_free(p);
}

void
lamp_try_reach(struct tunnel *t)
{
	struct probe *p;
	struct err e;

	probe_free(t->probing_reach);
	if ((p = probe_new(t, &t->probing_reach)) == NULL)
		return;
	if (addr_split(t->c.public_addr, p->host, &p->port, &e) != 0) {
		probe_free(p);
		return;
	}
	p->udp = !tunnel_has_tcp(t);
	find(p);
}
