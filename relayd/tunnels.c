#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "proto/code.h"
#include "proto/frame.h"
#include "store/store_verify.h"

#include "move.h"
#include "registry_int.h"

/* --- entries --------------------------------------------------------------- */

struct reg_tunnel *
tunnel_find(const struct registry *g, int64_t id)
{
	return MAP_OF(map_get(&g->tunnels, &id), struct reg_tunnel, node);
}

struct reg_user *
reg_user_get(struct registry *g, int64_t id)
{
	struct reg_user *u =
	    MAP_OF(map_get(&g->users, &id), struct reg_user, node);

	if (u != NULL || (u = calloc(1, sizeof(*u))) == NULL)
		return u;
	u->id = id;
	if (map_add(&g->users, &u->node, &u->id, NULL) == -1) {
		free(u);
		return NULL;
	}
	return u;
}

struct reg_tunnel *
tunnel_get(struct registry *g, const struct snap_tunnel *row)
{
	struct reg_tunnel *t = tunnel_find(g, row->id);
	struct reg_user *u = reg_user_get(g, row->user);

	if (u == NULL || (t == NULL && (t = calloc(1, sizeof(*t))) == NULL))
		return NULL;
	if (t->id == 0) {
		t->id = row->id;
		list_init(&t->offers);
		if (map_add(&g->tunnels, &t->node, &t->id, NULL) == -1) {
			free(t);
			return NULL;
		}
	}
	t->row = row;
	t->user = u;
	return t;
}

static void
clear_lamp(struct reg_lamp *l)
{
	free(l->sentence);
	*l = (struct reg_lamp){ .light = PROTO_GREY };
}

void
tunnel_free(struct registry *g, struct reg_tunnel **tp)
{
	struct reg_tunnel *t = *tp;
	struct reg_offer *o;

	while (!list_empty(&t->offers)) {
		o = LIST_OF(t->offers.next, struct reg_offer, of_tunnel);
		offer_free(&o);
	}
	map_remove(&g->tunnels, &t->node);
	listen_close(&t->tcp);
	listen_close(&t->udp);
	free(t->fault);
	free(t);
	*tp = NULL;
}

/* --- what the row asks for ------------------------------------------------- */

enum proto_state
tunnel_state(const struct registry *g, const struct reg_tunnel *t)
{
	const struct snap_tunnel *row = t->row;
	const struct snap_user *u = snapshot_user(g->snap, row->user);

	if (row->frozen_at != 0 || u == NULL || u->frozen)
		return PROTO_FROZEN;
	if (row->expires_at != 0 && row->expires_at <= clock_wall_ms())
		return PROTO_EXPIRED;
	if (row->paused_at != 0)
		return PROTO_PAUSED;
	if (row->verified_at == 0)
		return PROTO_PENDING;
	return t->fault != NULL ? PROTO_FAULT : PROTO_ACTIVE;
}

/* Its port is ours, whether somebody serves it or not. */
static bool
wants_ports(const struct reg_tunnel *t)
{
	const struct snap_tunnel *row = t->row;

	return row != NULL && row->verified_at != 0 && row->public_port != 0 &&
	    row->kind != KIND_HTTP;
}

/* Newcomers are welcome, if there is a machine. */
static bool
wants_visitors(const struct registry *g, const struct reg_tunnel *t)
{
	enum proto_state state;

	if (!wants_ports(t) || g->is_closing)
		return false;
	state = tunnel_state(g, t);
	return state == PROTO_ACTIVE || state == PROTO_FAULT;
}

/*
 * Who is to serve it: of those with a link the one linked longest; else the one
 * that does, which may return.
 */
static struct reg_session *
choose(const struct reg_tunnel *t)
{
	struct reg_session *s, *best = NULL;
	struct reg_offer *o;
	struct list *n;

	for (n = t->offers.next; n != &t->offers; n = n->next) {
		o = LIST_OF(n, struct reg_offer, of_tunnel);
		s = o->session;
		if (o->is_gone || s->is_ending)
			continue;
		if (s->is_dark && s != t->server)
			continue;
		if (best == NULL || best->is_dark ||
		    (!s->is_dark && s->live_since < best->live_since))
			best = s;
	}
	return best;
}

/* --- ports ----------------------------------------------------------------- */

static bool
has_ports(const struct reg_tunnel *t)
{
	return t->tcp != NULL || t->udp != NULL;
}

static bool
ports_differ(const struct reg_tunnel *t)
{
	return has_ports(t) &&
	    (t->row == NULL || t->port != t->row->public_port ||
		t->kind != (uint8_t)t->row->kind);
}

static void
set_fault(struct registry *g, struct reg_tunnel *t, const char *why)
{
	t->retry_at = loop_now(g->relay->loop) + REG_RETRY_MS;
	if (t->fault != NULL && strcmp(t->fault, why) == 0)
		return;
	log_error(
	    "tunnel %lld: %s; tried again every 5 s", (long long)t->id, why);
	free(t->fault);
	t->fault = strdup(why);
	t->move_at = 0;
}

static void
no_port(struct registry *g, struct reg_tunnel *t, bool taken, const char *why)
{
	set_fault(g, t, why);
	if (taken && t->move_at == 0)
		t->move_at = loop_now(g->relay->loop) + REG_MOVE_MS;
}

void
tunnel_move(struct registry *g, struct reg_tunnel *t)
{
	uint64_t now = loop_now(g->relay->loop);
	struct move *m;

	if (t->move_at == 0 || now < t->move_at || t->was_open ||
	    t->row->was_online || g->relay->keeper == NULL)
		return;
	t->move_at = now + REG_MOVE_MS;
	m = mail_new(sizeof(*m));
	move_init(m, &g->relay->conf, t->id, t->row->public_port);
	keeper_move(g->relay->keeper, m);
}

static void
clear_fault(struct reg_tunnel *t)
{
	if (t->fault == NULL)
		return;
	log_info("tunnel %lld: its port is there now", (long long)t->id);
	free(t->fault);
	t->fault = NULL;
}

/* The relay's own ports and those outside of the range are nobody's. */
static int
check_port(const struct registry *g, uint16_t port, struct err *e)
{
	const struct adit_conf *c = &g->relay->conf;

	if (port < c->ports.from || port > c->ports.to)
		return err_set(e,
		    "port %u is outside of ports.from %u to "
		    "ports.to %u",
		    port, c->ports.from, c->ports.to);
	return 0;
}

/* The descriptors of its ports. */
static unsigned
port_files(const struct reg_tunnel *t)
{
	return (t->tcp != NULL ? listen_count(t->tcp) : 0) +
	    (t->udp != NULL ? listen_count(t->udp) : 0);
}

/* Takes the port, held: both kinds or neither. */
static void
open_ports(struct registry *g, struct reg_tunnel *t)
{
	struct listen_want want = { .port = t->row->public_port,
		.bind = g->binds,
		.bind_count = g->bind_n };
	enum kind kind = t->row->kind;
	bool taken = false;
	struct err e;

	if (t->fault != NULL && t->port == want.port &&
	    loop_now(g->relay->loop) < t->retry_at)
		return;
	t->port = want.port;
	t->kind = (uint8_t)kind;
	if (check_port(g, want.port, &e) == -1) {
		set_fault(g, t, e.text);
		return;
	}
	want.kind = LISTEN_TCP;
	if (kind != KIND_UDP &&
	    (t->tcp = listen_open(&want, &taken, &e)) == NULL) {
		no_port(g, t, taken, e.text);
		return;
	}
	want.kind = LISTEN_UDP;
	if (kind != KIND_TCP &&
	    (t->udp = listen_open(&want, &taken, &e)) == NULL) {
		listen_close(&t->tcp);
		no_port(g, t, taken, e.text);
		return;
	}
	clear_fault(t);
	count_add(&g->relay->counts.files_now, port_files(t));
}

static void
close_ports(struct registry *g, struct reg_tunnel *t)
{
	count_sub(&g->relay->counts.files_now, port_files(t));
	listen_close(&t->tcp);
	listen_close(&t->udp);
	free(t->fault);
	t->fault = NULL;
}

/* --- offers ---------------------------------------------------------------- */

struct reg_offer *
offer_find(const struct reg_tunnel *t, const struct reg_session *s)
{
	struct reg_offer *o;
	struct list *n;

	for (n = t->offers.next; n != &t->offers; n = n->next) {
		o = LIST_OF(n, struct reg_offer, of_tunnel);
		if (o->session == s)
			return o;
	}
	return NULL;
}

struct reg_offer *
offer_get(struct reg_tunnel *t, struct reg_session *s)
{
	struct reg_offer *o = offer_find(t, s);

	if (o != NULL)
		return o;
	if ((o = calloc(1, sizeof(*o))) == NULL)
		return NULL;
	o->session = s;
	o->tunnel = t;
	list_init(&o->of_session);
	list_init(&o->of_tunnel);
	list_append(&s->offers, &o->of_session);
	list_append(&t->offers, &o->of_tunnel);
	return o;
}

void
offer_free(struct reg_offer **o)
{
	list_remove(&(*o)->of_session);
	list_remove(&(*o)->of_tunnel);
	clear_lamp(&(*o)->service);
	clear_lamp(&(*o)->reach);
	free(*o);
	*o = NULL;
}

/* --- the word about a tunnel ----------------------------------------------- */

static void
verify_url(
    const struct registry *g, const struct reg_tunnel *t, char *to, size_t cap)
{
	char code[VERIFY_CODE_LEN + 1];

	if (!g->has_verify_key)
		return;
	store_verify_code(code, g->verify_key, t->id, t->row->verify_serial);
	snprintf(to, cap, "%s/verify/%s", g->relay->conf.dashboard_url, code);
	str_wipe(code, sizeof(code));
}

/* One sentence for the console. */
static void
say_state(const struct reg_offer *o, struct proto_config *c)
{
	const struct reg_tunnel *t = o->tunnel;

	switch ((enum proto_state)c->state) {
	case PROTO_ACTIVE:
		return;
	case PROTO_PENDING:
		str_copy(c->sentence, sizeof(c->sentence),
		    "It waits to be verified: open the link and confirm.");
		return;
	case PROTO_PAUSED:
		str_copy(c->sentence, sizeof(c->sentence),
		    "It is paused; resume it on its page.");
		return;
	case PROTO_FROZEN:
		str_copy(c->sentence, sizeof(c->sentence),
		    "An administrator has stopped it.");
		return;
	case PROTO_EXPIRED:
		str_copy(c->sentence, sizeof(c->sentence),
		    "Its time is over; give it a new one on its page.");
		return;
	case PROTO_STANDBY:
		snprintf(c->sentence, sizeof(c->sentence), "%.100s serves it.",
		    t->server->name);
		return;
	case PROTO_FAULT:
		str_copy(c->sentence, sizeof(c->sentence), t->fault);
		return;
	}
}

static void
fill_config(struct registry *g, struct reg_offer *o, struct proto_config *c)
{
	struct reg_tunnel *t = o->tunnel;
	const struct snap_tunnel *row = t->row;

	*c = (struct proto_config){
		.tunnel = (uint32_t)t->id,
		.revision = (uint64_t)row->revision,
		.kind = (uint8_t)row->kind,
		.state = (uint8_t)tunnel_state(g, t),
		.proxy = (uint8_t)row->proxy,
		.target_port = row->local_port,
	};
	if (c->state == PROTO_ACTIVE && t->server != NULL && !t->is_leaving &&
	    t->server != o->session)
		c->state = PROTO_STANDBY;
	str_copy(c->name, sizeof(c->name), row->name);
	str_copy(c->target_host, sizeof(c->target_host), row->local_host);
	if (row->public_port != 0)
		addr_join(c->public_addr, sizeof(c->public_addr),
		    g->relay->conf.public_host, row->public_port);
	if (c->state == PROTO_PENDING)
		verify_url(g, t, c->verify_url, sizeof(c->verify_url));
	say_state(o, c);
}

/* Visitors who are there must go when the tunnel is in this state. */
static uint16_t
end_code(enum proto_state state)
{
	switch (state) {
	case PROTO_PENDING:
	case PROTO_PAUSED:
	case PROTO_FROZEN:
	case PROTO_EXPIRED:
		return CODE_PAUSED;
	case PROTO_ACTIVE:
	case PROTO_STANDBY:
	case PROTO_FAULT:
		break;
	}
	return CODE_NONE;
}

/* Everything that a worker acts on, but for the nonce, as one hash. */
static void
hash_word(uint8_t out[32], const struct tunnel_spec *spec,
    const struct snap_tunnel *row)
{
	uint8_t all[32 * 4];
	struct {
		const void *tcp, *udp;
		uint32_t rate, visitors_max;
		uint64_t serve;
	} rest;

	memset(&rest, 0, sizeof(rest));
	rest.tcp = spec->tcp;
	rest.udp = spec->udp;
	rest.rate = spec->rate;
	rest.visitors_max = spec->visitors_max;
	rest.serve = spec->serve;
	random_sha256(all, spec->config, spec->config_len);
	random_sha256(all + 32, &rest, sizeof(rest));
	random_sha256(all + 64, row->allow, strlen(row->allow));
	random_sha256(all + 96, row->deny, strlen(row->deny));
	random_sha256(out, all, sizeof(all));
}

/* The frame that the client will get. */
static int
put_config(struct tunnel_spec *spec, const struct proto_config *c)
{
	uint8_t frame[FRAME_HEAD + 2048];
	int n = config_encode(frame, sizeof(frame), c, NULL);

	if (n == -1)
		return -1;
	free(spec->config);
	if ((spec->config = malloc((size_t)n)) == NULL)
		return -1;
	memcpy(spec->config, frame, (size_t)n);
	spec->config_len = (uint32_t)n;
	return 0;
}

static int
fill_spec(struct registry *g, struct reg_offer *o, struct tunnel_spec *spec,
    struct proto_config *c)
{
	struct reg_tunnel *t = o->tunnel;
	const struct snap_tunnel *row = t->row;

	fill_config(g, o, c);
	spec->id = t->id;
	spec->rate = row->address_rate != 0
	    ? row->address_rate
	    : g->relay->conf.limits.visitors_per_minute;
	spec->visitors_max = row->visitors_max;
	spec->counts = &t->counts;
	spec->user = &t->user->counts;
	spec->end_code = end_code((enum proto_state)c->state);
	spec->serve = t->server == o->session && !t->is_leaving;
	spec->tcp = spec->serve ? t->tcp : NULL;
	spec->udp = spec->serve ? t->udp : NULL;
	if ((spec->name = strdup(row->name)) == NULL ||
	    addr_nets_parse(&spec->allow, row->allow, NULL) == -1 ||
	    addr_nets_parse(&spec->deny, row->deny, NULL) == -1)
		return -1;
	return put_config(spec, c);
}

/* Asks the client for both probes. */
static int
add_nonce(struct tunnel_spec *spec, struct proto_config *c)
{
	if (random_bytes(spec->nonce, sizeof(spec->nonce), NULL) == -1)
		return -1;
	spec->has_nonce = c->has_nonce = true;
	memcpy(c->nonce, spec->nonce, sizeof(c->nonce));
	return put_config(spec, c);
}

struct tunnel_spec *
offer_spec(struct registry *g, struct reg_offer *o)
{
	struct tunnel_spec *spec = mail_new(sizeof(*spec));
	struct reg_tunnel *t = o->tunnel;
	bool asks, failed;
	struct proto_config c;
	uint8_t hash[32];

	failed = fill_spec(g, o, spec, &c) == -1;
	asks = !failed && spec->serve && t->asks_probe;
	if (!failed)
		hash_word(hash, spec, t->row);
	if (asks)
		failed = add_nonce(spec, &c) == -1;
	if (failed) {
		log_error("tunnel %lld: its machine cannot be told about it",
		    (long long)t->id);
		tunnel_spec_free(&spec);
		return NULL;
	}
	if (asks)
		t->asks_probe = false;
	else if (memcmp(hash, o->told, sizeof(hash)) == 0)
		tunnel_spec_free(&spec);
	memcpy(o->told, hash, sizeof(hash));
	return spec;
}

static void
tell_all(struct registry *g, struct reg_tunnel *t)
{
	struct tunnel_spec *spec;
	struct reg_offer *o;
	struct list *n;

	for (n = t->offers.next; n != &t->offers; n = n->next) {
		o = LIST_OF(n, struct reg_offer, of_tunnel);
		if (o->is_gone || o->session->is_new || o->session->is_ending)
			continue;
		if ((spec = offer_spec(g, o)) != NULL)
			worker_tell(o->session->worker, o->session->id, spec);
	}
}

/* --- settling -------------------------------------------------------------- */

/* It is to serve; that it does so its worker says: registry_opened(). */
static void
give(struct reg_tunnel *t, struct reg_session *to)
{
	t->server = to;
	t->is_open = t->is_leaving = false;
	t->asks_probe = true;
	t->seen_saved = 0;
	clear_fault(t);
}

static bool
may_retry(const struct registry *g, const struct reg_tunnel *t)
{
	return t->fault == NULL || loop_now(g->relay->loop) >= t->retry_at;
}

void
tunnel_settle(struct registry *g, struct reg_tunnel *t)
{
	struct reg_session *next =
	    t->row != NULL && wants_visitors(g, t) ? choose(t) : NULL;

	if (t->server != NULL && (t->server != next || ports_differ(t)))
		t->is_leaving = true; /* its worker hears it below */
	if (t->server == NULL && has_ports(t) &&
	    (!wants_ports(t) || ports_differ(t)))
		close_ports(g, t);
	if (t->server == NULL && wants_ports(t) && !has_ports(t))
		open_ports(g, t);
	if (t->server == NULL && next != NULL && has_ports(t) &&
	    may_retry(g, t))
		give(t, next);
	if (t->row == NULL)
		return;
	t->state = (uint8_t)tunnel_state(g, t);
	tell_all(g, t);
}

/* --- from the workers ------------------------------------------------------ */

struct note {
	struct mail mail;
	int64_t session;
	int64_t tunnel;
	bool ends;
	uint16_t code;
	uint8_t lamp;
	uint8_t light;
	char text[256];
};

/* The tunnel, if that session has it. */
static struct reg_tunnel *
tunnel_of(const struct registry *g, const struct note *n)
{
	struct reg_tunnel *t = tunnel_find(g, n->tunnel);

	return t != NULL && t->server != NULL && t->server->id == n->session
	    ? t
	    : NULL;
}

static void
on_opened(void *to, struct mail *m)
{
	struct note *n = (struct note *)m;
	struct reg_tunnel *t = tunnel_of(to, n);
	char name[256];

	if (t != NULL) {
		t->is_open = t->was_open = true;
		t->since = clock_wall_ms();
		log_info("tunnel %lld %s: served by session %lld (%s)",
		    (long long)t->id,
		    str_quote(
			name, sizeof(name), t->row != NULL ? t->row->name : ""),
		    (long long)t->server->id, t->server->who);
	}
	free(n);
}

void
registry_opened(struct relay *r, int64_t session, int64_t tunnel)
{
	struct note *n = mail_new(sizeof(*n));

	n->session = session;
	n->tunnel = tunnel;
	mail_send(r->loop, r->registry, on_opened, &n->mail);
}

static void
on_let_go(void *to, struct mail *m)
{
	struct registry *g = to;
	struct note *n = (struct note *)m;
	struct reg_tunnel *t = tunnel_of(g, n);

	if (t != NULL) {
		/* its last word follows; nothing is given to it till then */
		t->server->is_ending = t->server->is_ending || n->ends;
		t->server = NULL;
		t->is_open = t->is_leaving = false;
		t->since = 0;
		if (n->text[0] != '\0')
			set_fault(g, t, n->text);
		tunnel_settle(g, t);
	}
	free(n);
}

void
registry_let_go(struct relay *r, int64_t session, bool ends, int64_t tunnel,
    const char *fault)
{
	struct note *n = mail_new(sizeof(*n));

	n->session = session;
	n->tunnel = tunnel;
	n->ends = ends;
	str_copy(n->text, sizeof(n->text), fault != NULL ? fault : "");
	mail_send(r->loop, r->registry, on_let_go, &n->mail);
}

static void
on_forgot(void *to, struct mail *m)
{
	struct registry *g = to;
	struct note *n = (struct note *)m;
	struct reg_tunnel *t = tunnel_find(g, n->tunnel);
	struct reg_session *s = reg_session_find(g, n->session);
	struct reg_offer *o = NULL;

	if (t != NULL && s != NULL)
		o = offer_find(t, s);
	if (o != NULL && o->forgets > 0)
		o->forgets--;
	if (o != NULL && o->is_gone && o->forgets == 0)
		offer_free(&o);
	free(n);
}

void
registry_forgot(struct relay *r, int64_t session, int64_t tunnel)
{
	struct note *n = mail_new(sizeof(*n));

	n->session = session;
	n->tunnel = tunnel;
	mail_send(r->loop, r->registry, on_forgot, &n->mail);
}

static void
on_report(void *to, struct mail *m)
{
	struct registry *g = to;
	struct note *n = (struct note *)m;
	struct reg_tunnel *t = tunnel_find(g, n->tunnel);
	struct reg_session *s = reg_session_find(g, n->session);
	struct reg_offer *o = NULL;
	struct reg_lamp *l;

	if (t != NULL && s != NULL)
		o = offer_find(t, s);
	if (o != NULL) {
		l = n->lamp == PROTO_LAMP_REACH ? &o->reach : &o->service;
		clear_lamp(l);
		l->light = n->light;
		l->code = n->code;
		l->sentence = n->text[0] != '\0' ? strdup(n->text) : NULL;
	}
	free(n);
}

void
registry_report(struct relay *r, int64_t session, int64_t tunnel, uint8_t lamp,
    uint8_t light, uint16_t code, const char *sentence)
{
	struct note *n = mail_new(sizeof(*n));

	n->session = session;
	n->tunnel = tunnel;
	n->lamp = lamp;
	n->light = light;
	n->code = code;
	str_copy(n->text, sizeof(n->text), sentence);
	mail_send(r->loop, r->registry, on_report, &n->mail);
}
