#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "log/log.h"
#include "net/loop.h"
#include "proto/code.h"

#include "registry_int.h"

enum {
	BUSY_MS = 5000,
	LOOK_MS = 1000,    /* a HELLO waits so long for the keeper's look */
	WAITING_MAX = 256, /* HELLOs that do */
};

/* --- entries --------------------------------------------------------------- */

struct reg_session *
reg_session_find(const struct registry *g, int64_t id)
{
	return MAP_OF(map_get(&g->by_id, &id), struct reg_session, node);
}

/* The session that this key opens, if it is one. */
static struct reg_session *
find_by_key(const struct registry *g, const uint8_t key[32])
{
	struct reg_session *s =
	    MAP_OF(map_get(&g->by_key, key), struct reg_session, by_key);

	if (s == NULL || !str_equal_secret(s->key, key, sizeof(s->key)))
		return NULL;
	return s;
}

static struct reg_machine *
machine_get(struct registry *g, int64_t id)
{
	struct reg_machine *m =
	    MAP_OF(map_get(&g->machines, &id), struct reg_machine, node);

	if (m != NULL || (m = calloc(1, sizeof(*m))) == NULL)
		return m;
	m->id = id;
	if (map_add(&g->machines, &m->node, &m->id, NULL) == -1) {
		free(m);
		return NULL;
	}
	return m;
}

/* Its machine has room for another one. */
static void
leave_machine(struct reg_session *s)
{
	if (s->machine->session == s)
		s->machine->session = NULL;
}

void
reg_session_end(
    struct registry *g, struct reg_session *s, uint16_t code, const char *why)
{
	struct reg_offer *o;
	struct list *n;

	if (s->is_ending)
		return;
	s->is_ending = true;
	leave_machine(s);
	worker_end(s->worker, s->id, code, why);
	for (n = s->offers.next; n != &s->offers; n = n->next) {
		o = LIST_OF(n, struct reg_offer, of_session);
		tunnel_settle(g, o->tunnel);
	}
}

void
reg_session_free(struct registry *g, struct reg_session **sp)
{
	struct reg_session *s = *sp;
	struct reg_tunnel *t;
	struct reg_offer *o;

	leave_machine(s);
	map_remove(&g->by_id, &s->node);
	map_remove(&g->by_key, &s->by_key);
	list_remove(&s->all);
	g->load[s->worker->index]--;
	while (!list_empty(&s->offers)) {
		o = LIST_OF(s->offers.next, struct reg_offer, of_session);
		t = o->tunnel;
		offer_free(&o);
		if (t->server == s) {
			t->server = NULL; /* its ports came back before */
			t->is_open = t->is_leaving = false;
		}
		if (!g->is_closing)
			tunnel_settle(g, t);
	}
	str_wipe(s->key, sizeof(s->key));
	free(s->allow);
	free(s);
	*sp = NULL;
}

/* --- a new snapshot -------------------------------------------------------- */

/* The key by which it came: NULL when all is well, else why not. */
static const char *
why_void(const struct registry *g, const struct reg_session *s)
{
	const struct snap_key *k = snapshot_key_of_hash(g->snap, s->key_hash);

	if (snapshot_machine(g->snap, s->machine->id) == NULL)
		return "its machine was deleted";
	if (k == NULL || k->id != s->key_id)
		return "its key was deleted";
	return k->revoked ? "its key was revoked" : NULL;
}

static void
withdraw(struct reg_offer *o)
{
	struct reg_session *s = o->session;
	struct reg_tunnel *t = o->tunnel;

	o->is_gone = true;
	o->forgets++;
	memset(o->told, 0, sizeof(o->told));
	if (t->server == s)
		t->is_leaving = true;
	worker_gone(s->worker, s->id, t->id, CODE_DELETED);
}

/* The tunnels of its machine, as the snapshot has them. */
static void
want_offers(struct registry *g, struct reg_session *s)
{
	const struct snap_pair *p;
	struct reg_tunnel *t;
	struct reg_offer *o;
	size_t n, i;

	p = snapshot_pairs(g->snap, s->machine->id, &n);
	for (i = 0; i < n; i++) {
		t = tunnel_find(g, p[i].tunnel);
		if (t == NULL || t->row == NULL || t->id > UINT32_MAX ||
		    (o = offer_get(t, s)) == NULL)
			continue;
		o->is_wanted = true;
		o->is_gone = false;
	}
}

void
reg_session_check(struct registry *g, struct reg_session *s)
{
	struct list *n, *next;
	struct reg_offer *o;
	const char *why;

	if (s->is_ending)
		return;
	if ((why = why_void(g, s)) != NULL) {
		reg_session_end(g, s, CODE_REVOKED, why);
		return;
	}
	for (n = s->offers.next; n != &s->offers; n = n->next)
		LIST_OF(n, struct reg_offer, of_session)->is_wanted = false;
	want_offers(g, s);
	for (n = s->offers.next; n != &s->offers; n = next) {
		next = n->next;
		o = LIST_OF(n, struct reg_offer, of_session);
		if (!o->is_wanted && !o->is_gone)
			withdraw(o);
	}
}

/* --- HELLO: PROTOCOL.md, "HELLO: what the relay answers" ------------------- */

static void
reject(struct registry *g, struct newcomer *n, uint16_t code, uint32_t retry_ms,
    const char *sentence)
{
	struct proto_reject *j = &n->reject;
	char text[ADDR_TEXT];

	j->code = code;
	j->retry = retry_ms > 0;
	j->retry_ms = retry_ms;
	str_copy(j->sentence, sizeof(j->sentence), sentence);
	log_info("dial %s: rejected, %s", addr_text(text, &n->peer), sentence);
	worker_reject(g->relay->workers[n->from], n);
}

/* Who has the machine's session, if anybody. */
static void
name_other(struct newcomer *n, const struct reg_session *by)
{
	if (by == NULL)
		return;
	str_copy(n->reject.other_name, sizeof(n->reject.other_name),
	    by->computer[0] != '\0' ? by->computer : by->name);
	str_copy(
	    n->reject.other_addr, sizeof(n->reject.other_addr), by->address);
}

/* It only wanted to know. */
static void
answer(struct registry *g, struct newcomer *n, struct reg_machine *m,
    const struct snap_machine *row)
{
	char text[ADDR_TEXT], name[256];

	name_other(n, m->session);
	n->reject.code = CODE_KNOWN;
	log_info("dial %s: asked whether its token is good, of machine %s",
	    addr_text(text, &n->peer),
	    str_quote(name, sizeof(name), row->name));
	worker_reject(g->relay->workers[n->from], n);
}

/* It was told, or hears it now; by whom, if that one is still there. */
static void
reject_replaced(struct registry *g, struct newcomer *n, struct reg_machine *m)
{
	name_other(n, m->session);
	told_add(&m->told, n->hello.instance, loop_now(g->relay->loop));
	reject(g, n, CODE_REPLACED, 0,
	    "another computer was started with the same file or key");
}

/* The worker with the fewest sessions; the one that has the link already. */
static struct worker *
choose_worker(const struct registry *g, unsigned from)
{
	unsigned i, best = from;

	for (i = 0; i < g->relay->worker_n; i++)
		if (g->load[i] < g->load[best])
			best = i;
	return g->relay->workers[best];
}

/* "127.0.0.1:22,nas:*"; NULL without memory, which is as if it had not said. */
static char *
join_allow(const struct proto_hello *h)
{
	size_t n = 1, i;
	char *all, *p;

	for (i = 0; i < h->allow_count; i++)
		n += strlen(h->allow[i]) + 1;
	if ((all = p = calloc(1, n)) == NULL)
		return NULL;
	for (i = 0; i < h->allow_count; i++) {
		n = strlen(h->allow[i]);
		if (i > 0)
			*p++ = ',';
		memcpy(p, h->allow[i], n);
		p += n;
	}
	return all;
}

static struct reg_session *
session_make(struct registry *g, struct newcomer *n, struct reg_machine *m,
    const struct snap_machine *row, struct err *e)
{
	struct reg_session *s;

	if ((s = calloc(1, sizeof(*s))) == NULL) {
		err_sys(e, "session");
		return NULL;
	}
	if (random_bytes(s->key, sizeof(s->key), e) == -1) {
		free(s);
		return NULL;
	}
	list_init(&s->offers);
	list_init(&s->all);
	s->id = g->next_session++;
	s->machine = m;
	s->key_id = n->key_id;
	memcpy(s->key_hash, n->key_hash, sizeof(s->key_hash));
	memcpy(s->instance, n->hello.instance, sizeof(s->instance));
	s->worker = choose_worker(g, n->from);
	s->is_new = true;
	s->live_since = loop_now(g->relay->loop);
	s->connected_at = clock_wall_ms();
	count_set(&s->counts.heard, (uint64_t)s->connected_at);
	s->peer = n->peer;
	addr_ip_text(s->address, &n->peer);
	str_copy(s->name, sizeof(s->name), row->name);
	str_escape(s->who, sizeof(s->who), row->name, strlen(row->name));
	str_copy(s->version, sizeof(s->version), n->hello.program);
	str_copy(s->system, sizeof(s->system), n->hello.system);
	str_copy(s->computer, sizeof(s->computer), n->hello.computer);
	s->allow = join_allow(&n->hello);
	if (map_add(&g->by_id, &s->node, &s->id, e) == -1) {
		free(s->allow);
		free(s);
		return NULL;
	}
	if (map_add(&g->by_key, &s->by_key, s->key, e) == -1) {
		map_remove(&g->by_id, &s->node);
		free(s->allow);
		free(s);
		return NULL;
	}
	list_prepend(&g->sessions, &s->all);
	g->load[s->worker->index]++;
	return s;
}

/* What the session begins with goes with the link that begins it. */
static void
pack_tunnels(struct registry *g, struct reg_session *s, struct newcomer *n)
{
	struct tunnel_spec *spec;
	struct list *k;
	unsigned count = 0;

	for (k = s->offers.next; k != &s->offers; k = k->next) {
		tunnel_settle(
		    g, LIST_OF(k, struct reg_offer, of_session)->tunnel);
		count++;
	}
	n->specs = mail_new((count + 1) * sizeof(*n->specs));
	for (k = s->offers.next; k != &s->offers; k = k->next) {
		spec = offer_spec(g, LIST_OF(k, struct reg_offer, of_session));
		if (spec != NULL)
			n->specs[n->spec_n++] = spec;
	}
}

static void
send_home(struct reg_session *s, struct newcomer *n)
{
	n->session = s->id;
	n->counts = &s->counts;
	memcpy(n->key, s->key, sizeof(n->key));
	str_copy(n->who, sizeof(n->who), s->who);
	worker_adopt(s->worker, n);
}

static void
begin(struct registry *g, struct newcomer *n, struct reg_machine *m,
    const struct snap_machine *row)
{
	struct reg_user *u = reg_user_get(g, row->user);
	char version[256], system[256];
	struct reg_session *s;
	struct err e;

	if (u == NULL) {
		reject(g, n, CODE_BUSY, BUSY_MS, "out of memory");
		return;
	}
	if (map_count(&g->by_id) >= g->relay->tune.limits.sessions) {
		count_add(&g->relay->counts.refused_sessions, 1);
		reject(g, n, CODE_BUSY, BUSY_MS, "limits.sessions is reached");
		return;
	}
	if ((s = session_make(g, n, m, row, &e)) == NULL) {
		reject(g, n, CODE_BUSY, BUSY_MS, e.text);
		return;
	}
	m->session = s;
	log_info("session %lld (%s): begun from %s, %s on %s", (long long)s->id,
	    s->who, s->address,
	    str_escape(
		version, sizeof(version), s->version, strlen(s->version)),
	    str_escape(system, sizeof(system), s->system, strlen(s->system)));
	want_offers(g, s);
	n->user = &u->counts;
	n->fresh = true;
	n->resumed = false;
	pack_tunnels(g, s, n);
	s->is_new = false;
	send_home(s, n);
}

static void
take_over(struct registry *g, struct newcomer *n, struct reg_machine *m,
    const struct snap_machine *row)
{
	struct reg_session *old = m->session;
	char why[256], text[ADDR_TEXT], name[122];

	snprintf(why, sizeof(why), "replaced by %s at %s",
	    str_quote(name, sizeof(name),
		n->hello.computer[0] != '\0' ? n->hello.computer : row->name),
	    addr_ip_text(text, &n->peer));
	count_add(&g->relay->counts.takeovers, 1);
	told_add(&m->told, old->instance, loop_now(g->relay->loop));
	reg_session_end(g, old, CODE_REPLACED, why);
	begin(g, n, m, row);
}

/*
 * The client that has the session now begins anew: it has forgotten that one,
 * or an old HELLO of its own comes late.  Nobody has replaced it.
 */
static void
begin_anew(struct registry *g, struct newcomer *n, struct reg_machine *m,
    const struct snap_machine *row)
{
	reg_session_end(g, m->session, CODE_NONE, "its client began anew");
	begin(g, n, m, row);
}

static bool
is_same_client(const struct newcomer *n, const struct reg_session *s)
{
	return memcmp(n->hello.instance, s->instance, sizeof(s->instance)) == 0;
}

/* A further link of a session that is here. */
static void
join(struct newcomer *n, struct reg_session *s)
{
	n->fresh = false;
	n->resumed = true;
	s->peer = n->peer;
	addr_ip_text(s->address, &n->peer);
	send_home(s, n);
}

/* Starts and returns alike; a start costs a row in the database, too. */
static bool
comes_too_often(struct registry *g, struct newcomer *n, struct reg_machine *m)
{
	const struct adit_conf_limits *l = &g->relay->tune.limits;
	uint32_t wait_ms;

	if (limit_take(&m->returns, l->returns_per_s, l->returns_burst,
		loop_now(g->relay->loop), &wait_ms))
		return false;
	count_add(&g->relay->counts.refused_returns, 1);
	reject(g, n, CODE_BUSY, wait_ms, "this machine returns too often");
	return true;
}

/*
 * It was told so, or returns (with the key of s, if that is a session) while
 * another client is here.
 */
static bool
is_replaced(const struct registry *g, const struct newcomer *n,
    const struct reg_machine *m, const struct reg_session *s)
{
	if (told_has(&m->told, n->hello.instance, loop_now(g->relay->loop)))
		return true;
	return n->hello.has_key && m->session != NULL && m->session != s &&
	    !is_same_client(n, m->session);
}

/* The token was good. */
static void
decide(struct registry *g, struct newcomer *n)
{
	const struct snap_machine *row = snapshot_machine(g->snap, n->machine);
	struct reg_machine *m;
	struct reg_session *s;

	if (row == NULL) {
		count_add(&g->relay->counts.refused_token, 1);
		reject(g, n, CODE_REVOKED, 0, "this machine was deleted");
		return;
	}
	if (g->is_closing) {
		reject(g, n, CODE_CLOSING, BUSY_MS, "the relay is closing");
		return;
	}
	if ((m = machine_get(g, n->machine)) == NULL) {
		reject(g, n, CODE_BUSY, BUSY_MS, "out of memory");
		return;
	}
	s = n->hello.has_key ? find_by_key(g, n->hello.key) : NULL;
	if (n->hello.asks) {
		if (!comes_too_often(g, n, m))
			answer(g, n, m, row);
	} else if (is_replaced(g, n, m, s))
		reject_replaced(g, n, m);
	else if (comes_too_often(g, n, m))
		return;
	else if (s != NULL && s == m->session)
		join(n, s);
	else if (m->session == NULL)
		begin(g, n, m, row);
	else if (is_same_client(n, m->session))
		begin_anew(g, n, m, row);
	else
		take_over(g, n, m, row);
}

/*
 * A token that the snapshot does not know may be younger: the keeper is asked
 * to look, and the HELLO is judged when it has.
 */
static void
wait_for_look(struct registry *g, struct newcomer *n)
{
	bool is_idle = g->looked == g->looks;

	/* a look that is under way may have begun too early */
	n->look = g->looks + 1;
	n->until = loop_now(g->relay->loop) + LOOK_MS;
	list_init(&n->waiting);
	list_append(&g->waiting, &n->waiting);
	g->waiting_n++;
	if (is_idle) {
		g->looks++;
		keeper_look(g->relay->keeper);
	}
}

static void
judge_token(struct registry *g, struct newcomer *n)
{
	const struct snap_key *k = snapshot_key(g->snap, n->hello.token);
	bool known = k != NULL;

	if (known && !k->revoked && !snapshot_key_is_good(k, clock_wall_ms()))
		known = false; /* never used in time: as if it were not there */
	str_wipe(n->hello.token, sizeof(n->hello.token));
	if (!known || k->revoked) {
		count_add(&g->relay->counts.refused_token, 1);
		reject(g, n, known ? CODE_REVOKED : CODE_TOKEN, 0,
		    known ? "this key was revoked"
			  : "the token is unknown, or its time is over");
		return;
	}
	n->machine = k->machine;
	n->key_id = k->id;
	memcpy(n->key_hash, k->hash, sizeof(n->key_hash));
	save_key(g, k->id);
	decide(g, n);
}

static void
stop_waiting(struct registry *g, struct newcomer *n)
{
	list_remove(&n->waiting);
	g->waiting_n--;
}

void
hello_looked(struct registry *g)
{
	struct newcomer *n;

	while (!list_empty(&g->waiting)) {
		n = LIST_OF(g->waiting.next, struct newcomer, waiting);
		if (n->look > g->looked)
			break;
		stop_waiting(g, n);
		judge_token(g, n);
	}
	if (list_empty(&g->waiting) || g->looked != g->looks)
		return;
	g->looks++;
	keeper_look(g->relay->keeper);
}

/* Nobody can say whether the token is good: the client may ask again. */
static void
reject_unasked(
    struct registry *g, struct newcomer *n, uint16_t code, const char *why)
{
	str_wipe(n->hello.token, sizeof(n->hello.token));
	reject(g, n, code, BUSY_MS, why);
}

void
hello_tick(struct registry *g, bool all)
{
	uint64_t now = loop_now(g->relay->loop);
	struct newcomer *n;

	while (!list_empty(&g->waiting)) {
		n = LIST_OF(g->waiting.next, struct newcomer, waiting);
		if (!all && now < n->until)
			return;
		stop_waiting(g, n);
		if (all)
			reject_unasked(
			    g, n, CODE_CLOSING, "the relay is closing");
		else
			reject_unasked(g, n, CODE_BUSY,
			    "its token is unknown, and the database cannot "
			    "be asked");
	}
}

static void
on_hello(void *to, struct mail *mail)
{
	struct registry *g = to;
	struct newcomer *n = (struct newcomer *)mail;

	if (hello_version(&n->hello) == 0) {
		str_wipe(n->hello.token, sizeof(n->hello.token));
		reject(g, n, CODE_VERSION, 0,
		    "this relay speaks version 1 of the protocol only");
		return;
	}
	if (snapshot_key(g->snap, n->hello.token) != NULL)
		judge_token(g, n);
	else if (g->is_closing)
		reject_unasked(g, n, CODE_CLOSING, "the relay is closing");
	else if (g->waiting_n >= WAITING_MAX)
		reject_unasked(g, n, CODE_BUSY, "too many unknown tokens wait");
	else
		wait_for_look(g, n);
}

void
registry_hello(struct relay *r, struct newcomer *n)
{
	mail_send(r->loop, r->registry, on_hello, &n->mail);
}

static void
on_homeless(void *to, struct mail *mail)
{
	decide(to, (struct newcomer *)mail);
}

void
registry_homeless(struct relay *r, struct newcomer *n)
{
	mail_send(r->loop, r->registry, on_homeless, &n->mail);
}

/* --- from the workers ------------------------------------------------------ */

struct word {
	struct mail mail;
	int64_t session;
	uint16_t code;
	bool is_dark;
	char why[256];
};

static void
settle_all_of(struct registry *g, struct reg_session *s)
{
	struct list *n;

	for (n = s->offers.next; n != &s->offers; n = n->next)
		tunnel_settle(
		    g, LIST_OF(n, struct reg_offer, of_session)->tunnel);
}

static void
on_dark(void *to, struct mail *m)
{
	struct registry *g = to;
	struct word *w = (struct word *)m;
	struct reg_session *s = reg_session_find(g, w->session);

	if (s != NULL && s->is_dark != w->is_dark) {
		s->is_dark = w->is_dark;
		s->live_since = loop_now(g->relay->loop);
		settle_all_of(g, s);
	}
	free(w);
}

void
registry_dark(struct relay *r, int64_t session, bool is_dark)
{
	struct word *w = mail_new(sizeof(*w));

	w->session = session;
	w->is_dark = is_dark;
	mail_send(r->loop, r->registry, on_dark, &w->mail);
}

static void
on_ended(void *to, struct mail *m)
{
	struct registry *g = to;
	struct word *w = (struct word *)m;
	struct reg_session *s = reg_session_find(g, w->session);

	if (s != NULL) {
		s->is_ending = true;
		s->ended_at = clock_wall_ms();
		str_copy(s->why, sizeof(s->why), w->why);
		save_ended(g, s);
		reg_session_free(g, &s);
	}
	free(w);
}

void
registry_ended(struct relay *r, int64_t session, uint16_t code, const char *why)
{
	struct word *w = mail_new(sizeof(*w));

	w->session = session;
	w->code = code;
	str_copy(w->why, sizeof(w->why), why);
	mail_send(r->loop, r->registry, on_ended, &w->mail);
}
