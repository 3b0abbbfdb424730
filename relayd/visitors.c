#include "visitors.h"

#include <stdlib.h>

#include "flow.h"
#include "mail.h"
#include "registry_int.h"
#include "relay.h"
#include "served.h"
#include "session.h"
#include "visitor.h"
#include "worker.h"

/* A session that may have visitors of the tunnel. */
struct stop {
	int64_t session;
	unsigned worker;
};

/* On its way it belongs to the thread that has opened it last. */
struct visitors {
	struct mail mail;
	struct relay *relay;
	int64_t tunnel;
	uint64_t kick;
	visitors_fn *done;
	void *arg;
	uint64_t call;
	struct visitors_one *list;
	size_t list_cap;
	struct visitors_answer answer;
	unsigned stop; /* the next one */
	unsigned stop_n;
	struct stop stops[];
};

/* --- the workers' side ------------------------------------------------------ */

uint64_t
visitors_number(struct worker *w)
{
	return ++w->visitor_serial * RELAY_WORKERS_MAX + w->index;
}

uint64_t
visitors_wanted(const struct visitors *v)
{
	return v->kick;
}

void
visitors_put(struct visitors *v, const struct visitors_one *one)
{
	size_t cap = v->list_cap > 0 ? v->list_cap * 2 : 16;
	struct visitors_one *list;

	v->answer.total++;
	if (v->answer.n == VISITORS_MAX)
		return;
	if (v->answer.n == v->list_cap) {
		if ((list = realloc(v->list, cap * sizeof(*list))) == NULL)
			return;
		v->list = list;
		v->list_cap = cap;
	}
	v->list[v->answer.n++] = *one;
}

void
visitors_kicked(struct visitors *v)
{
	v->answer.is_kicked = true;
}

/* --- there and back --------------------------------------------------------- */

static void go_on(struct visitors *v);

static void
on_back(void *to, struct mail *m)
{
	(void)to;
	go_on((struct visitors *)m);
}

static void
on_visit(void *to, struct mail *m)
{
	struct worker *w = to;
	struct visitors *v = (struct visitors *)m;
	struct session *s = session_find(w, v->stops[v->stop - 1].session);
	struct served *t;

	if (s != NULL && (t = session_tunnel(s, v->tunnel)) != NULL) {
		visitor_each(t, v);
		flow_each(t, v);
	}
	mail_send(v->relay->loop, v->relay->registry, on_back, &v->mail);
}

static void
finish(struct visitors *v)
{
	v->answer.at = v->list;
	v->done(v->arg, v->call, &v->answer);
	free(v->list);
	free(v);
}

/* To the next worker, until one has found the wanted or all were asked. */
static void
go_on(struct visitors *v)
{
	struct worker *w;

	while (v->stop < v->stop_n && !v->answer.is_kicked) {
		/* at the end of the process workers go before control */
		w = v->relay->workers[v->stops[v->stop++].worker];
		if (w == NULL)
			continue;
		mail_send(w->loop, w, on_visit, &v->mail);
		return;
	}
	finish(v);
}

int
visitors_ask(struct registry *g, int64_t tunnel, uint64_t kick,
    visitors_fn *done, void *arg, uint64_t call)
{
	const struct reg_tunnel *t = tunnel_find(g, tunnel);
	const struct reg_offer *o;
	const struct list *n;
	struct visitors *v;
	unsigned count = 0;

	if (t == NULL || t->row == NULL)
		return 0;
	for (n = t->offers.next; n != &t->offers; n = n->next)
		count++;
	if (count == 0)
		return 0;
	v = mail_new(sizeof(*v) + count * sizeof(v->stops[0]));
	v->relay = g->relay;
	v->tunnel = tunnel;
	v->kick = kick;
	v->done = done;
	v->arg = arg;
	v->call = call;
	for (n = t->offers.next; n != &t->offers; n = n->next) {
		o = LIST_OF(n, const struct reg_offer, of_tunnel);
		v->stops[v->stop_n++] =
		    (struct stop){ o->session->id, o->session->worker->index };
	}
	go_on(v);
	return 1;
}
