#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "proto/code.h"
#include "store/store_verify.h"

#include "registry_int.h"

enum { SWEEP = 64 };

/* --- snapshots ------------------------------------------------------------- */

/* Each row has its entry; an entry without a row is on its way out. */
static void
bind_rows(struct registry *g)
{
	const struct snapshot *s = g->snap;
	struct map_node *n = NULL;
	size_t i;

	while ((n = map_next(&g->tunnels, n)) != NULL)
		MAP_OF(n, struct reg_tunnel, node)->row = NULL;
	for (i = 0; i < s->tunnel_n; i++)
		if (s->tunnels[i].deleted_at == 0 &&
		    tunnel_get(g, &s->tunnels[i]) == NULL)
			log_error("tunnel %lld: out of memory, not served",
			    (long long)s->tunnels[i].id);
}

/* Some of the entries that nobody can mean any more; how many. */
static unsigned
sweep_some(struct registry *g)
{
	struct reg_tunnel *t, *old[SWEEP];
	struct map_node *n = NULL;
	unsigned count = 0, i;

	while (count < SWEEP && (n = map_next(&g->tunnels, n)) != NULL) {
		t = MAP_OF(n, struct reg_tunnel, node);
		if (t->row == NULL && t->server == NULL &&
		    list_empty(&t->offers))
			old[count++] = t;
	}
	for (i = 0; i < count; i++)
		tunnel_free(g, &old[i]);
	return count;
}

static void
sweep(struct registry *g)
{
	while (sweep_some(g) == SWEEP)
		continue;
}

static void
settle_all(struct registry *g)
{
	struct map_node *n = NULL;

	while ((n = map_next(&g->tunnels, n)) != NULL)
		tunnel_settle(g, MAP_OF(n, struct reg_tunnel, node));
}

void
registry_take(struct registry *g, struct snapshot *s)
{
	struct snapshot *old = g->snap;
	struct list *n;

	g->snap = s;
	bind_rows(g);
	snapshot_free(&old);
	for (n = g->sessions.next; n != &g->sessions; n = n->next)
		reg_session_check(g, LIST_OF(n, struct reg_session, all));
	settle_all(g);
}

/* --- the tick -------------------------------------------------------------- */

/* What time alone changes: a tunnel expires, a port is tried again. */
static void
tick_tunnels(struct registry *g)
{
	uint64_t now = loop_now(g->relay->loop);
	struct map_node *n = NULL;
	struct reg_tunnel *t;

	while ((n = map_next(&g->tunnels, n)) != NULL) {
		t = MAP_OF(n, struct reg_tunnel, node);
		if (t->row == NULL)
			continue;
		if ((t->fault != NULL && now >= t->retry_at) ||
		    t->state != (uint8_t)tunnel_state(g, t))
			tunnel_settle(g, t);
		if (t->fault != NULL)
			tunnel_move(g, t);
	}
}

/* Is there anybody left to wait for? */
static void
tick_closing(struct registry *g)
{
	struct counts *c = &g->relay->counts;
	void (*closed)(void *arg) = g->closed;

	if (!g->is_closing || closed == NULL)
		return;
	if (count_get(&c->visitors_now) + count_get(&c->flows_now) > 0 &&
	    loop_now(g->relay->loop) < g->close_at)
		return;
	g->closed = NULL;
	closed(g->closed_arg);
}

static void
on_tick(void *arg)
{
	struct registry *g = arg;

	g->tick = NULL;
	hello_tick(g, false);
	tick_tunnels(g);
	save_tick(g);
	sweep(g);
	tick_closing(g);
	log_tick();
	while ((g->tick = loop_after(g->relay->loop,
		    g->is_closing ? REG_TICK_MS / 10 : REG_TICK_MS, on_tick, g,
		    NULL)) == NULL)
		continue;
}

/* --- birth and end --------------------------------------------------------- */

static int
read_binds(struct registry *g, struct err *e)
{
	const struct conf_list *l = &g->relay->conf.public_bind;
	size_t i;

	if (l->n == 0)
		return 0;
	if (l->n > LISTEN_BINDS_MAX)
		return err_set(
		    e, "public_bind: at most %d addresses", LISTEN_BINDS_MAX);
	if ((g->binds = calloc(l->n, sizeof(*g->binds))) == NULL)
		return err_sys(e, "public_bind");
	for (i = 0; i < l->n; i++)
		if (addr_parse_ip(&g->binds[i], l->at[i], e) == -1)
			return err_prefix(e, "public_bind");
	g->bind_n = (unsigned)l->n;
	return 0;
}

struct registry *
registry_new(struct relay *r, struct snapshot *first, int64_t next_session,
    struct err *e)
{
	struct registry *g;

	if ((g = calloc(1, sizeof(*g))) == NULL) {
		err_sys(e, "registry");
		snapshot_free(&first);
		return NULL;
	}
	g->relay = r;
	g->snap = first;
	g->next_session = next_session;
	list_init(&g->sessions);
	list_init(&g->ended);
	list_init(&g->waiting);
	if (map_init(&g->tunnels, sizeof(int64_t), e) == -1 ||
	    map_init(&g->users, sizeof(int64_t), e) == -1 ||
	    map_init(&g->machines, sizeof(int64_t), e) == -1 ||
	    map_init(&g->by_id, sizeof(int64_t), e) == -1 ||
	    map_init(&g->by_key, 32, e) == -1 || save_init(g, e) == -1 ||
	    read_binds(g, e) == -1 ||
	    store_verify_key(r->conf.database, g->verify_key, e) == -1 ||
	    (g->tick = loop_after(r->loop, REG_TICK_MS, on_tick, g, e)) ==
		NULL) {
		registry_free(&g);
		return NULL;
	}
	g->has_verify_key = true;
	return g;
}

void
registry_start(struct registry *g)
{
	bind_rows(g);
	settle_all(g);
}

static void
free_all(struct registry *g)
{
	struct map_node *n, *next;
	struct reg_session *s;
	struct reg_tunnel *t;

	while (!list_empty(&g->sessions)) {
		s = LIST_OF(g->sessions.next, struct reg_session, all);
		reg_session_free(g, &s);
	}
	while ((n = map_next(&g->tunnels, NULL)) != NULL) {
		t = MAP_OF(n, struct reg_tunnel, node);
		tunnel_free(g, &t);
	}
	for (n = map_next(&g->machines, NULL); n != NULL; n = next) {
		next = map_next(&g->machines, n);
		free(MAP_OF(n, struct reg_machine, node));
	}
	for (n = map_next(&g->users, NULL); n != NULL; n = next) {
		next = map_next(&g->users, n);
		free(MAP_OF(n, struct reg_user, node));
	}
}

void
registry_free(struct registry **gp)
{
	struct registry *g = *gp;

	if (g == NULL)
		return;
	timer_cancel(&g->tick);
	g->is_closing = true;
	free_all(g);
	save_free(g);
	map_free(&g->tunnels);
	map_free(&g->users);
	map_free(&g->machines);
	map_free(&g->by_id);
	map_free(&g->by_key);
	snapshot_free(&g->snap);
	str_wipe(g->verify_key, sizeof(g->verify_key));
	free(g->binds);
	free(g);
	*gp = NULL;
}

void
registry_retune(struct registry *g)
{
	unsigned i;

	for (i = 0; i < g->relay->worker_n; i++)
		worker_retune(g->relay->workers[i], &g->relay->tune);
	settle_all(g);
}

void
registry_drain(
    struct registry *g, uint64_t ms, void (*done)(void *arg), void *arg)
{
	unsigned i;

	g->is_closing = true;
	g->close_at = loop_now(g->relay->loop) + ms;
	g->closed = done;
	g->closed_arg = arg;
	hello_tick(g, true);
	settle_all(g);
	for (i = 0; i < g->relay->worker_n; i++)
		worker_close(g->relay->workers[i], (uint32_t)ms);
	timer_move(g->tick, loop_now(g->relay->loop) + REG_TICK_MS / 10);
}

/* --- the keeper ------------------------------------------------------------ */

void
registry_health(struct registry *g, const char *sentence)
{
	if (sentence != NULL)
		log_error("%s; tunnels go on, changes do not arrive", sentence);
	else
		log_info("database: well again");
	str_copy(
	    g->health, sizeof(g->health), sentence != NULL ? sentence : "");
}

void
registry_looked(struct registry *g)
{
	g->looked++;
	hello_looked(g);
}

void
registry_written(struct registry *g)
{
	g->is_writing = false;
}

/* --- the workers' end ------------------------------------------------------ */

static void
on_worker_stopped(void *to, struct mail *m)
{
	struct registry *g = to;

	free(m);
	if (++g->stopped == g->relay->worker_n)
		loop_stop(g->relay->loop);
}

void
registry_on_stopped(struct relay *r)
{
	mail_send(r->loop, r->registry, on_worker_stopped,
	    mail_new(sizeof(struct mail)));
}
