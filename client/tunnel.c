#include "tunnel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "carry/carry.h"
#include "flow.h"
#include "lamp.h"
#include "net/allow.h"
#include "net/lookup.h"
#include "net/loop.h"
#include "proto/code.h"
#include "proto/frame.h"
#include "say.h"
#include "service.h"

int
tunnels_init(struct tunnels *t, struct carry *c, const struct allow *a,
    int (*send)(void *arg, const void *frame, size_t n),
    bool (*is_relay)(void *arg, const struct addr *at),
    bool (*is_proxied)(void *arg), void *arg, struct err *e)
{
	*t = (struct tunnels){ .carry = c,
		.allow = a,
		.send = send,
		.is_relay = is_relay,
		.is_proxied = is_proxied,
		.arg = arg,
		.due = LOOP_NEVER,
		.sweep_at = LOOP_NEVER };
	list_init(&t->list);
	return map_init(&t->map, sizeof(uint32_t), e);
}

static struct tunnel *
tunnel_of(struct list *n)
{
	return LIST_OF(n, struct tunnel, on);
}

struct tunnel *
tunnels_find(const struct tunnels *t, uint32_t id)
{
	return MAP_OF(map_get_u32(&t->map, id), struct tunnel, by_id);
}

bool
tunnel_has_tcp(const struct tunnel *t)
{
	return t->c.kind != PROTO_UDP;
}

bool
tunnel_has_udp(const struct tunnel *t)
{
	return t->c.kind == PROTO_UDP || t->c.kind == PROTO_BOTH;
}

void
tunnel_traffic(const struct tunnel *t, uint64_t *in_out, uint64_t *out_out)
{
	*in_out = t->in;
	*out_out = t->out;
	service_traffic(t, in_out, out_out);
	flow_traffic(t, in_out, out_out);
}

static void
tunnel_free(struct tunnel **tp)
{
	struct tunnel *t = *tp;

	*tp = NULL;
	lamp_forget(t);
	service_orphan(t);
	flow_orphan(t);
	list_remove(&t->on);
	map_remove(&t->all->map, &t->by_id);
	t->all->count--;
	free(t);
}

void
tunnels_close(struct tunnels *t)
{
	struct list *n, *next;
	struct tunnel *one;

	for (n = t->list.next; n != &t->list; n = next) {
		next = n->next;
		one = tunnel_of(n);
		tunnel_free(&one);
	}
	map_free(&t->map);
	free(t->batch);
	t->batch = NULL;
}

/* tunnels_turn() is wanted at that time at the latest. */
static void
wake(struct tunnels *t, uint64_t at)
{
	if (at < t->due)
		t->due = at;
}

/* --- lamps and reports ----------------------------------------------------- */

static struct lamp *
lamp_of(struct tunnel *t, enum proto_lamp which)
{
	return which == PROTO_LAMP_SERVICE ? &t->service : &t->reach;
}

/* Is there a fault that the console has not heard of? */
static bool
is_news(const struct lamp *l)
{
	return l->light == PROTO_RED &&
	    (l->told != PROTO_RED || l->told_code != l->code);
}

/* When it may hear of it: what comes and goes gives a line once in a while. */
static uint64_t
tell_at(const struct lamp *l)
{
	if (!is_news(l))
		return LOOP_NEVER;
	return l->told_at == 0 || l->told == PROTO_RED
	    ? 0
	    : l->told_at + TUNNEL_TELL_MS;
}

/* A change for the worse, or back, is worth a line. */
static void
tell_lamp(struct tunnel *t, enum proto_lamp which)
{
	uint64_t now = loop_now(t->all->carry->loop);
	struct lamp *l = lamp_of(t, which);

	if (tell_at(l) <= now) {
		say_warn("tunnel \"%s\": %s", t->c.name, l->sentence);
		l->told = PROTO_RED;
		l->told_code = l->code;
		l->told_at = now;
	} else if (l->told == PROTO_RED && l->light == PROTO_GREEN) {
		say_info("tunnel \"%s\": %s works again", t->c.name,
		    which == PROTO_LAMP_SERVICE ? t->target : t->c.public_addr);
		l->told = PROTO_GREEN;
	}
}

/* What had to wait; when to come back. */
static uint64_t
tell_late(struct tunnel *t)
{
	uint64_t service, reach;

	tell_lamp(t, PROTO_LAMP_SERVICE);
	tell_lamp(t, PROTO_LAMP_REACH);
	service = tell_at(&t->service);
	reach = tell_at(&t->reach);
	return service < reach ? service : reach;
}

void
tunnel_lamp(struct tunnel *t, enum proto_lamp which, uint8_t light,
    uint16_t code, const char *sentence)
{
	struct lamp *l = lamp_of(t, which);
	uint64_t now = loop_now(t->all->carry->loop);

	if (which == PROTO_LAMP_SERVICE)
		t->retry_at = light == PROTO_RED && code != CODE_NOT_ALLOWED
		    ? now + TUNNEL_RETRY_MS
		    : LOOP_NEVER;
	wake(t->all, t->retry_at);
	if (l->light == light && l->code == code &&
	    strcmp(l->sentence, sentence) == 0)
		return;
	l->light = light;
	l->code = code;
	(void)str_copy(l->sentence, sizeof(l->sentence), sentence);
	l->dirty = true;
	tell_lamp(t, which);
	wake(t->all, now);
}

static int
report(struct tunnel *t, enum proto_lamp which)
{
	struct lamp *l = lamp_of(t, which);
	struct proto_report r = { .tunnel = t->c.tunnel,
		.revision = t->c.revision,
		.lamp = (uint8_t)which,
		.light = l->light,
		.code = l->code };
	uint8_t frame[FRAME_HEAD + 512];
	struct err e;
	int n;

	(void)str_copy(r.sentence, sizeof(r.sentence), l->sentence);
	if ((n = report_encode(frame, sizeof(frame), &r, &e)) < 0) {
		say_warn("tunnel \"%s\": %s", t->c.name, e.text);
		l->dirty = false;
		return 0;
	}
	if (t->all->send(t->all->arg, frame, (size_t)n) != 0)
		return -1; /* tunnels_welcome() wakes us */
	l->dirty = false;
	t->reported_at = loop_now(t->all->carry->loop);
	return 0;
}

/* What one tunnel has to do now; returns when to come back. */
static uint64_t
turn_one(struct tunnel *t, uint64_t now)
{
	uint64_t may;

	if (now >= t->retry_at) {
		t->retry_at = LOOP_NEVER;
		lamp_try_service(t);
	}
	if (!t->service.dirty && !t->reach.dirty)
		return t->retry_at;
	may = t->reported_at == 0 ? now : t->reported_at + TUNNEL_REPORT_MS;
	if (now >= may) {
		if (report(t,
			t->service.dirty ? PROTO_LAMP_SERVICE
					 : PROTO_LAMP_REACH) != 0)
			return t->retry_at;
		may = now + TUNNEL_REPORT_MS;
	}
	if (!t->service.dirty && !t->reach.dirty)
		return t->retry_at;
	return may < t->retry_at ? may : t->retry_at;
}

uint64_t
tunnels_turn(struct tunnels *t, uint64_t now)
{
	struct list *n;
	uint64_t at;

	if (now >= t->due) {
		t->due = LOOP_NEVER;
		for (n = t->list.next; n != &t->list; n = n->next) {
			at = turn_one(tunnel_of(n), now);
			wake(t, at);
			wake(t, tell_late(tunnel_of(n)));
		}
	}
	if (now >= t->sweep_at)
		flow_sweep(t, now);
	return t->due < t->sweep_at ? t->due : t->sweep_at;
}

/* --- CONFIG ---------------------------------------------------------------- */

uint64_t
tunnels_welcome(struct tunnels *t, bool fresh)
{
	struct list *n;
	struct tunnel *one;

	t->mark++;
	for (n = t->list.next; n != &t->list; n = n->next) {
		one = tunnel_of(n);
		if (fresh) {
			one->c.revision = 0;
			one->service.dirty = one->service.light != PROTO_GREY;
			one->reach.dirty = one->reach.light != PROTO_GREY;
		}
	}
	wake(t, 0);
	return t->mark;
}

/* The list has ended: what it did not name is gone. */
static void
sweep(struct tunnels *t, uint64_t mark)
{
	struct list *n, *next;
	struct tunnel *one;

	for (n = t->list.next; n != &t->list; n = next) {
		next = n->next;
		one = tunnel_of(n);
		if (one->mark >= mark)
			continue;
		say_info(
		    "tunnel \"%s\": no longer this computer's", one->c.name);
		tunnel_free(&one);
	}
}

static struct tunnel *
add(struct tunnels *t, uint32_t id)
{
	struct tunnel *one = NULL;
	struct list *n;

	if (t->count < TUNNELS_MAX)
		one = calloc(1, sizeof(*one));
	if (one != NULL)
		one->c.tunnel = id;
	if (one == NULL ||
	    map_add(&t->map, &one->by_id, &one->c.tunnel, NULL) != 0) {
		say_warn("tunnel %u: too many tunnels to keep it", id);
		free(one);
		return NULL;
	}
	one->all = t;
	one->retry_at = LOOP_NEVER;
	list_init(&one->services);
	list_init(&one->flows);
	list_init(&one->on);
	/* In the order of their numbers; they come nearly so. */
	for (n = t->list.prev; n != &t->list; n = n->prev)
		if (tunnel_of(n)->c.tunnel < id)
			break;
	list_prepend(n, &one->on);
	t->count++;
	return one;
}

static void
new_target(struct tunnel *t)
{
	size_t i;

	(void)addr_join(
	    t->target, sizeof(t->target), t->c.target_host, t->c.target_port);
	t->here_count = lookup_here(t->c.target_host, t->here);
	for (i = 0; i < t->here_count; i++)
		t->here[i].port = t->c.target_port;
	t->allowed =
	    allow_has(t->all->allow, t->c.target_host, t->c.target_port);
	lamp_forget(t);
}

/* Worth saying: a tunnel is there, or stands otherwise than before. */
static void
tell_state(const struct tunnel *t)
{
	static const char *const words[] = { [PROTO_PAUSED] = "Paused.",
		[PROTO_FROZEN] = "Stopped by an administrator.",
		[PROTO_EXPIRED] = "Expired.",
		[PROTO_STANDBY] = "Another computer serves it.",
		[PROTO_FAULT] = "The relay cannot serve it." };
	const struct proto_config *c = &t->c;

	if (c->state == PROTO_ACTIVE)
		say_info("tunnel \"%s\": %s leads to %s", c->name,
		    c->public_addr, t->target);
	else if (c->state == PROTO_PENDING)
		say_info("tunnel \"%s\": waits for its verification; open %s",
		    c->name, c->verify_url);
	else if (c->sentence[0] != '\0')
		say_warn("tunnel \"%s\": %s", c->name, c->sentence);
	else
		say_warn("tunnel \"%s\": %s", c->name, words[c->state]);
}

static bool
is_served(const struct proto_config *c)
{
	return c->state != PROTO_PAUSED && c->state != PROTO_FROZEN &&
	    c->state != PROTO_EXPIRED;
}

static void
apply(struct tunnel *t, const struct proto_config *c, bool is_new)
{
	struct proto_config old = t->c;
	bool target = is_new || c->target_port != old.target_port ||
	    strcmp(c->target_host, old.target_host) != 0 || c->kind != old.kind;
	bool state = is_new || c->state != old.state ||
	    strcmp(c->public_addr, old.public_addr) != 0 ||
	    strcmp(c->verify_url, old.verify_url) != 0;
	bool nonce = c->has_nonce &&
	    (!old.has_nonce || memcmp(c->nonce, old.nonce, 16) != 0);

	t->c = *c;
	if (target)
		new_target(t);
	if (state || target)
		tell_state(t);
	if (!is_served(c)) {
		lamp_forget(t);
		return;
	}
	if (target || nonce || is_served(&old) != is_served(c))
		lamp_try_service(t);
	if (nonce)
		lamp_try_reach(t);
}

void
tunnels_moved(struct tunnels *t)
{
	struct list *n;

	for (n = t->list.next; n != &t->list; n = n->next)
		if (is_served(&tunnel_of(n)->c))
			lamp_try_reach(tunnel_of(n));
}

bool
tunnels_config(struct tunnels *t, const struct proto_config *c, uint64_t mark)
{
	struct tunnel *one = tunnels_find(t, c->tunnel);
	bool is_new = one == NULL;

	if (c->tunnel != 0 && !c->gone && one == NULL)
		one = add(t, c->tunnel);
	if (one != NULL && c->gone) {
		say_info(
		    "tunnel \"%s\": no longer this computer's", one->c.name);
		tunnel_free(&one);
	}
	if (one != NULL) {
		if (mark == 0 || mark > one->mark)
			one->mark = mark == 0 ? t->mark : mark;
		if (is_new || c->revision >= one->c.revision)
			apply(one, c, is_new);
	}
	if (!c->last || mark == 0)
		return false;
	sweep(t, mark);
	return true;
}

/* --- visitors -------------------------------------------------------------- */

uint16_t
tunnels_open(
    struct tunnels *t, struct mux_stream *s, const struct proto_open *o)
{
	struct tunnel *one = tunnels_find(t, o->tunnel);

	if (one == NULL)
		return CODE_GONE;
	if (!one->allowed) {
		lamp_try_service(one); /* says so */
		return CODE_NOT_ALLOWED;
	}
	return o->kind == PROTO_UDP ? flow_open(one, s, o)
				    : service_open(one, s, o);
}
