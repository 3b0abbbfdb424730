#include "worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "carry/wire.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "proto/code.h"

#include "flow.h"
#include "link.h"
#include "registry_mail.h"
#include "served.h"
#include "session.h"

enum {
	SHED_AT = 98, /* percent of the memory for streams */
	SHED_TURN = 16,
	FULL_SAID_MS = 1000,
};

/* --- what travels ---------------------------------------------------------- */

void
tunnel_spec_free(struct tunnel_spec **tp)
{
	struct tunnel_spec *t = *tp;

	if (t == NULL)
		return;
	addr_nets_free(&t->allow);
	addr_nets_free(&t->deny);
	free(t->name);
	free(t->config);
	free(t);
	*tp = NULL;
}

void
newcomer_free(struct newcomer **np)
{
	struct newcomer *n = *np;

	if (n == NULL)
		return;
	while (n->spec_n > 0)
		tunnel_spec_free(&n->specs[--n->spec_n]);
	free(n->specs);
	str_wipe(n->hello.token, sizeof(n->hello.token));
	str_wipe(n->hello.key, sizeof(n->hello.key));
	str_wipe(n->key, sizeof(n->key));
	free(n);
	*np = NULL;
}

/* --- the turn -------------------------------------------------------------- */

bool
worker_is_full(const struct worker *w, bool for_link)
{
	uint64_t max = w->relay->files_max;

	if (for_link)
		max += w->tune.limits.files_reserve / 2;
	return w->full || count_get(&w->relay->counts.files_now) >= max;
}

void
worker_say_full(struct worker *w, const char *who)
{
	uint64_t now = loop_now(w->loop);

	count_add(&w->relay->counts.refused_files, 1);
	if (w->said_full != 0 && now < w->said_full + FULL_SAID_MS)
		return;
	w->said_full = now;
	log_warn("worker %u: too many open files, %s wait", w->index, who);
}

/* The session whose unread bytes are the oldest. */
static struct session *
longest_unread(struct worker *w)
{
	struct map_node *n = NULL;
	struct session *s, *found = NULL;
	uint64_t since, oldest = UINT64_MAX;

	while ((n = map_next(&w->sessions, n)) != NULL) {
		s = MAP_OF(n, struct session, node);
		since = mux_unread_since(s->mux);
		if (since >= oldest)
			continue;
		oldest = since;
		found = s;
	}
	return found;
}

/* Above all limits: what has lain the longest goes, a few in each turn. */
static void
shed(struct worker *w)
{
	struct session *s;
	int n;

	for (n = 0; n < SHED_TURN; n++) {
		if (pool_pressure(w->carry.pool) <= SHED_AT ||
		    (s = longest_unread(w)) == NULL ||
		    !mux_shed(s->mux, CODE_MEMORY))
			return;
		session_stir(s);
	}
}

/* Each session that has something to do, once. */
static bool
run_sessions(struct worker *w)
{
	struct list todo;
	struct session *s;
	bool more = false;

	list_init(&todo);
	list_take(&todo, &w->stirred);
	while (!list_empty(&todo)) {
		s = LIST_OF(todo.next, struct session, stirred);
		list_remove(&s->stirred);
		more = session_run(s) || more;
	}
	while (!list_empty(&w->ended)) {
		s = LIST_OF(w->ended.next, struct session, ended);
		session_free(&s);
	}
	return more;
}

static uint64_t
on_turn(void *arg)
{
	struct worker *w = arg;
	uint64_t again;
	bool more;

	link_hand_over(w);
	if (pool_pressure(w->carry.pool) > SHED_AT)
		shed(w);
	more = run_sessions(w);
	flow_flush(w);
	again = carry_turn(&w->carry);
	return more || !list_empty(&w->stirred) ? 0 : again;
}

void
worker_shut_doors(struct worker *w)
{
	unsigned i;

	if (w->doors_shut)
		return;
	w->doors_shut = true;
	for (i = 0; i < w->door_n; i++)
		loop_pause(w->doors[i].watch);
	if (!w->closing)
		worker_say_full(w, "clients");
}

/* Accepting goes on when files have been closed. */
static void
open_doors(struct worker *w)
{
	unsigned i;

	if (!w->doors_shut || w->closing || worker_is_full(w, true))
		return;
	for (i = 0; i < w->door_n; i++)
		if (loop_resume(w->doors[i].watch, NULL) == -1)
			return; /* the next tick tries again */
	w->doors_shut = false;
}

/* The same for public ports. */
static void
open_gates(struct worker *w)
{
	struct map_node *n = NULL;
	struct session *s;
	struct list *k, *next;

	if (!w->gates_shut || worker_is_full(w, false))
		return;
	w->gates_shut = false;
	while ((n = map_next(&w->sessions, n)) != NULL) {
		s = MAP_OF(n, struct session, node);
		for (k = s->tunnels.next; k != &s->tunnels; k = next) {
			next = k->next;
			if (!s->is_dark)
				served_resume(LIST_OF(k, struct served, on));
		}
	}
}

static void
tick_sessions(struct worker *w)
{
	struct map_node *n = NULL;

	while ((n = map_next(&w->sessions, n)) != NULL)
		session_tick(MAP_OF(n, struct session, node));
}

static void
on_tick(void *arg)
{
	struct worker *w = arg;
	struct list *k, *next, todo;
	static const int per_s = 1000 / WORKER_TICK_MS;

	w->tick = NULL;
	w->full = false;
	open_gates(w);
	open_doors(w);
	list_init(&todo);
	list_take(&todo, &w->news);
	while (!list_empty(&todo)) {
		k = todo.next;
		list_remove(k);
		served_news(LIST_OF(k, struct served, in_news));
	}
	if (++w->ticks % (unsigned)per_s == 0) {
		tick_sessions(w);
		for (k = w->flowing.next; k != &w->flowing; k = next) {
			next = k->next;
			flow_expire(LIST_OF(k, struct served, flowing),
			    loop_now(w->loop));
		}
	}
	while ((w->tick = loop_after(
		    w->loop, WORKER_TICK_MS, on_tick, w, NULL)) == NULL)
		continue;
}

/* --- from control ---------------------------------------------------------- */

struct order {
	struct mail mail;
	int64_t session;
	int64_t tunnel;
	struct tunnel_spec *spec;
	struct relay_tunables tune;
	uint32_t ms;
	uint16_t code;
	char sentence[256];
};

static void
on_adopt(void *to, struct mail *m)
{
	session_adopt(to, (struct newcomer *)m);
}

void
worker_adopt(struct worker *w, struct newcomer *n)
{
	mail_send(w->loop, w, on_adopt, &n->mail);
}

static void
on_reject(void *to, struct mail *m)
{
	link_reject(to, (struct newcomer *)m);
}

void
worker_reject(struct worker *w, struct newcomer *n)
{
	mail_send(w->loop, w, on_reject, &n->mail);
}

static void
on_tell(void *to, struct mail *m)
{
	struct worker *w = to;
	struct order *o = (struct order *)m;
	struct session *s = session_find(w, o->session);

	if (s != NULL && !s->is_ending) {
		served_tell(s, o->spec, true);
	} else {
		if (o->spec->serve)
			registry_let_go(
			    w->relay, o->session, true, o->spec->id, NULL);
		tunnel_spec_free(&o->spec);
	}
	free(o);
}

void
worker_tell(struct worker *w, int64_t session, struct tunnel_spec *spec)
{
	struct order *o = mail_new(sizeof(*o));

	o->session = session;
	o->spec = spec;
	mail_send(w->loop, w, on_tell, &o->mail);
}

static void
on_gone(void *to, struct mail *m)
{
	struct order *o = (struct order *)m;
	struct session *s = session_find(to, o->session);
	struct served *t;

	if (s != NULL && (t = session_tunnel(s, o->tunnel)) != NULL)
		served_free(&t, o->code);
	else
		registry_forgot(
		    ((struct worker *)to)->relay, o->session, o->tunnel);
	free(o);
}

void
worker_gone(struct worker *w, int64_t session, int64_t tunnel, uint16_t code)
{
	struct order *o = mail_new(sizeof(*o));

	o->session = session;
	o->tunnel = tunnel;
	o->code = code;
	mail_send(w->loop, w, on_gone, &o->mail);
}

static void
on_end(void *to, struct mail *m)
{
	struct order *o = (struct order *)m;
	struct session *s = session_find(to, o->session);

	if (s != NULL)
		session_end(s, o->code != CODE_NONE ? o->code : CODE_GONE,
		    o->code != CODE_NONE, o->sentence);
	free(o);
}

void
worker_end(
    struct worker *w, int64_t session, uint16_t code, const char *sentence)
{
	struct order *o = mail_new(sizeof(*o));

	o->session = session;
	o->code = code;
	str_copy(o->sentence, sizeof(o->sentence), sentence);
	mail_send(w->loop, w, on_end, &o->mail);
}

static void
on_retune(void *to, struct mail *m)
{
	struct worker *w = to;
	struct order *o = (struct order *)m;

	w->tune = o->tune;
	free(o);
}

void
worker_retune(struct worker *w, const struct relay_tunables *t)
{
	struct order *o = mail_new(sizeof(*o));

	o->tune = *t;
	mail_send(w->loop, w, on_retune, &o->mail);
}

static void
on_close(void *to, struct mail *m)
{
	struct worker *w = to;
	struct order *o = (struct order *)m;
	struct map_node *n = NULL;
	struct session *s;

	w->closing = true;
	worker_shut_doors(w);
	while ((n = map_next(&w->sessions, n)) != NULL) {
		s = MAP_OF(n, struct session, node);
		mux_goaway(
		    s->mux, CODE_CLOSING, o->ms, code_sentence(CODE_CLOSING));
		session_stir(s);
	}
	free(o);
}

void
worker_close(struct worker *w, uint32_t ms)
{
	struct order *o = mail_new(sizeof(*o));

	o->ms = ms;
	mail_send(w->loop, w, on_close, &o->mail);
}

/* Sessions end in this turn, and what they say comes before `stopped`. */
static void
on_stop(void *to, struct mail *m)
{
	struct worker *w = to;
	struct map_node *n = NULL;

	free(m);
	w->closing = true;
	worker_shut_doors(w);
	link_drop_all(w);
	while ((n = map_next(&w->sessions, n)) != NULL)
		session_end(MAP_OF(n, struct session, node), CODE_CLOSING, true,
		    "the relay ends");
	run_sessions(w);
	carry_turn(&w->carry);
	registry_on_stopped(w->relay);
}

void
worker_stop(struct worker *w)
{
	mail_send(w->loop, w, on_stop, mail_new(sizeof(struct mail)));
}

/* --- birth and end --------------------------------------------------------- */

static int
watch_door(struct worker *w, int fd, bool is_ws, struct err *e)
{
	struct door *d = &w->doors[w->door_n++];

	d->worker = w;
	d->fd = fd;
	d->is_ws = is_ws;
	d->watch = loop_watch(w->loop, fd, LOOP_LISTEN, link_on_door, d, e);
	return d->watch == NULL ? -1 : 0;
}

static int
watch_doors(struct worker *w, struct err *e)
{
	const struct relay *r = w->relay;
	unsigned i;

	for (i = 0; i < r->listen_n; i++)
		if (watch_door(w, r->listen_fd[i], false, e) == -1)
			return -1;
	return watch_door(w, r->link_fd, true, e);
}

struct worker *
worker_new(struct relay *r, unsigned index, struct err *e)
{
	struct worker *w;

	if ((w = calloc(1, sizeof(*w))) == NULL) {
		err_sys(e, "worker");
		return NULL;
	}
	w->relay = r;
	w->index = index;
	w->tune = r->tune;
	list_init(&w->links);
	list_init(&w->greeted);
	list_init(&w->stirred);
	list_init(&w->ended);
	list_init(&w->news);
	list_init(&w->flowing);
	if (map_init(&w->sessions, sizeof(int64_t), e) == -1 ||
	    (w->loop = loop_new(e)) == NULL ||
	    carry_init(&w->carry, w->loop, &r->budget, e) == -1 ||
	    (w->flows = flow_box_new(e)) == NULL || watch_doors(w, e) == -1 ||
	    (w->hook = loop_on_turn(w->loop, on_turn, w, e)) == NULL ||
	    (w->tick = loop_after(w->loop, WORKER_TICK_MS, on_tick, w, e)) ==
		NULL)
		worker_free(&w);
	return w;
}

static void *
run(void *arg)
{
	struct worker *w = arg;
	struct err e;

	if (loop_run(w->loop, &e) == -1) {
		log_error("worker %u: %s, relayd ends", w->index, e.text);
		abort();
	}
	return NULL;
}

int
worker_start(struct worker *w, struct err *e)
{
	int rc = pthread_create(&w->thread, NULL, run, w);

	if (rc != 0)
		return err_set(e, "worker: %s", strerror(rc));
	w->running = true;
	return 0;
}

void
worker_free(struct worker **wp)
{
	struct worker *w = *wp;
	unsigned i;

	if (w == NULL)
		return;
	if (w->running) {
		loop_stop(w->loop);
		pthread_join(w->thread, NULL);
		/* orders that crossed with the end */
		loop_turn(w->loop, 0, NULL);
	}
	if (w->hook != NULL)
		loop_off_turn(&w->hook);
	timer_cancel(&w->tick);
	for (i = 0; i < w->door_n && w->loop != NULL; i++)
		loop_unwatch(&w->doors[i].watch);
	carry_close(&w->carry);
	flow_box_free(&w->flows);
	map_free(&w->sessions);
	loop_free(&w->loop);
	free(w);
	*wp = NULL;
}
