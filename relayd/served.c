#include "served.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "proto/code.h"
#include "proto/frame.h"

#include "flow.h"
#include "limit.h"
#include "probe.h"
#include "registry_mail.h"
#include "session.h"
#include "visitor.h"

/* --- gates ----------------------------------------------------------------- */

static void
close_gates(struct gate **gates, unsigned *n)
{
	while (*n > 0)
		loop_unwatch(&(*gates)[--*n].watch);
	free(*gates);
	*gates = NULL;
}

/* Watches the sockets of one port. */
static int
open_gates(struct served *t, struct listen_port *p, struct gate **gates_out,
    unsigned *n_out, struct err *e)
{
	struct loop *l = t->session->worker->loop;
	unsigned i, n = listen_count(p);
	bool tcp = listen_kind_of(p) == LISTEN_TCP;
	struct gate *g;

	if ((*gates_out = calloc(n, sizeof(**gates_out))) == NULL)
		return err_sys(e, "port");
	for (i = 0; i < n; i++) {
		g = &(*gates_out)[i];
		g->tunnel = t;
		g->fd = listen_fd(p, i);
		g->family = listen_family(p, i);
		g->watch = loop_watch(l, g->fd, LOOP_LISTEN,
		    tcp ? visitor_on_gate : flow_on_gate, g, e);
		*n_out = i + 1;
		if (g->watch == NULL)
			return -1;
	}
	return 0;
}

/* Both ports listen, or what failed is said. */
static int
listen_both(struct served *t, struct err *e)
{
	if (t->spec->tcp != NULL && listen_serve(t->spec->tcp, NULL, e) == -1)
		return -1;
	if (t->spec->udp != NULL && listen_serve(t->spec->udp, NULL, e) == -1)
		return -1;
	return 0;
}

static void
hold_both(struct served *t)
{
	struct err e;

	if ((t->spec->tcp != NULL && listen_hold(t->spec->tcp, &e) == -1) ||
	    (t->spec->udp != NULL && listen_hold(t->spec->udp, &e) == -1))
		log_error("tunnel %lld: its port cannot be held, %s",
		    (long long)t->spec->id, e.text);
}

/* The ports go back to control, held. */
static void
let_go(struct served *t, const char *fault)
{
	if (!t->spec->serve)
		return;
	probe_drop_all(t);
	if (t->udp_n > 0)
		flow_reset_all(t, CODE_GONE); /* nobody could hear them */
	close_gates(&t->tcp, &t->tcp_n);
	close_gates(&t->udp, &t->udp_n);
	list_remove(&t->flowing);
	hold_both(t);
	registry_let_go(t->session->worker->relay, t->session->id,
	    t->session->is_ending, t->spec->id, fault);
	t->spec->serve = t->is_open = t->is_paused = false;
	t->spec->tcp = t->spec->udp = NULL;
}

/* Newcomers are welcome from now on. */
static void
open_up(struct served *t)
{
	struct err e;

	if (listen_both(t, &e) == -1 ||
	    (t->spec->tcp != NULL &&
		open_gates(t, t->spec->tcp, &t->tcp, &t->tcp_n, &e) == -1) ||
	    (t->spec->udp != NULL &&
		open_gates(t, t->spec->udp, &t->udp, &t->udp_n, &e) == -1)) {
		let_go(t, e.text);
		return;
	}
	t->is_open = true;
	t->is_paused = false;
	if (t->udp_n > 0)
		list_append(&t->session->worker->flowing, &t->flowing);
	if (t->session->is_dark)
		served_pause(t);
	registry_opened(t->session->worker->relay, t->session->id, t->spec->id);
}

/* --- pauses ---------------------------------------------------------------- */

void
served_pause(struct served *t)
{
	unsigned i;

	if (!t->is_open || t->is_paused)
		return;
	t->is_paused = true;
	for (i = 0; i < t->tcp_n; i++)
		loop_pause(t->tcp[i].watch);
	for (i = 0; i < t->udp_n; i++)
		loop_pause(t->udp[i].watch);
}

void
served_resume(struct served *t)
{
	struct err e;
	unsigned i;
	int rc;

	if (!t->is_open || !t->is_paused)
		return;
	rc = listen_both(t, &e);
	for (i = 0; rc == 0 && i < t->tcp_n; i++)
		rc = loop_resume(t->tcp[i].watch, &e);
	for (i = 0; rc == 0 && i < t->udp_n; i++)
		rc = loop_resume(t->udp[i].watch, &e);
	t->is_paused = false;
	if (rc == -1)
		let_go(t, e.text);
}

void
served_hold(struct served *t)
{
	if (!t->is_open)
		return;
	served_pause(t);
	probe_drop_all(t);
	hold_both(t);
}

/* --- birth, change, end ---------------------------------------------------- */

static struct served *
served_new(struct session *s, struct tunnel_spec *spec)
{
	struct served *t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->session = s;
	list_init(&t->on);
	list_init(&t->visitors);
	list_init(&t->held);
	list_init(&t->asked);
	list_init(&t->answered);
	list_init(&t->flowing);
	list_init(&t->in_news);
	t->spec = spec;
	t->id = spec->id;
	if (map_add(&s->by_tunnel, &t->node, &t->id, NULL) == -1) {
		free(t);
		return NULL;
	}
	list_append(&s->tunnels, &t->on);
	return t;
}

static bool
same_ports(const struct tunnel_spec *a, const struct tunnel_spec *b)
{
	return a->serve && b->serve && a->tcp == b->tcp && a->udp == b->udp;
}

/* The word about a tunnel that is there already replaces the old one. */
static void
replace(struct served *t, struct tunnel_spec *spec)
{
	struct tunnel_spec *old = t->spec;

	if (!same_ports(old, spec))
		let_go(t, NULL);
	t->spec = spec;
	tunnel_spec_free(&old);
	if (spec->end_code != 0) {
		visitor_reset_all(t, spec->end_code);
		flow_reset_all(t, spec->end_code);
	}
}

/* Without memory the session cannot be what control takes it for. */
static void
give_up(struct session *s, struct tunnel_spec *spec)
{
	if (spec->serve)
		registry_let_go(s->worker->relay, s->id, true, spec->id, NULL);
	tunnel_spec_free(&spec);
	session_end(s, CODE_MEMORY, true, code_sentence(CODE_MEMORY));
}

void
served_tell(struct session *s, struct tunnel_spec *spec, bool say)
{
	struct served *t = session_tunnel(s, spec->id);

	if (t != NULL)
		replace(t, spec);
	else if ((t = served_new(s, spec)) == NULL) {
		give_up(s, spec);
		return;
	}
	if (spec->serve && !t->is_open)
		open_up(t);
	if (spec->rate > 0 && t->rates == NULL)
		t->rates = limit_rates_new(NULL);
	if (say)
		served_say(t, NULL, true);
}

void
served_say(struct served *t, struct mux_link *l, bool last)
{
	struct tunnel_spec *spec = t->spec;

	spec->config[1] = (uint8_t)((spec->config[1] & ~FRAME_LAST) |
	    (last ? FRAME_LAST : 0));
	if (l != NULL)
		mux_link_say(l, spec->config, spec->config_len, NULL);
	else
		mux_say(t->session->mux, spec->config, spec->config_len, NULL);
	if (spec->has_nonce)
		probe_begin(t, spec->nonce);
	session_stir(t->session);
}

/* The client hears that the tunnel is no longer its own. */
static void
say_gone(struct served *t)
{
	struct proto_config c = { .tunnel = (uint32_t)t->spec->id,
		.revision = get64(t->spec->config + 8),
		.gone = true,
		.last = true };
	uint8_t frame[FRAME_HEAD + 64];
	int n = config_encode(frame, sizeof(frame), &c, NULL);

	if (n > 0)
		mux_say(t->session->mux, frame, (size_t)n, NULL);
	session_stir(t->session);
}

void
served_free(struct served **tp, uint16_t code)
{
	struct served *t = *tp;

	let_go(t, NULL);
	visitor_reset_all(t, code);
	flow_reset_all(t, code);
	if (!t->session->is_ending)
		say_gone(t);
	registry_forgot(t->session->worker->relay, t->session->id, t->spec->id);
	list_remove(&t->on);
	map_remove(&t->session->by_tunnel, &t->node);
	list_remove(&t->in_news);
	limit_rates_free(&t->rates);
	if (t->has_flows)
		map_free(&t->flows);
	tunnel_spec_free(&t->spec);
	free(t->news);
	free(t);
	*tp = NULL;
}

/* --- lamps ----------------------------------------------------------------- */

/*
 * The newest word of each lamp is kept, and goes to control with the tick: a
 * client that talks all the time costs no more than one that does not.
 */
void
served_report(struct served *t, const struct proto_report *r)
{
	struct served_news *n;

	if (t->news == NULL && (t->news = calloc(2, sizeof(*n))) == NULL)
		return;
	n = &t->news[r->lamp == PROTO_LAMP_REACH];
	n->is_new = true;
	n->light = r->light;
	n->code = r->code;
	str_copy(n->sentence, sizeof(n->sentence), r->sentence);
	if (list_empty(&t->in_news))
		list_append(&t->session->worker->news, &t->in_news);
}

void
served_news(struct served *t)
{
	static const uint8_t lamps[2] = { PROTO_LAMP_SERVICE,
		PROTO_LAMP_REACH };
	struct served_news *n;
	int i;

	for (i = 0; i < 2; i++) {
		n = &t->news[i];
		if (n->is_new)
			registry_report(t->session->worker->relay,
			    t->session->id, t->spec->id, lamps[i], n->light,
			    n->code, n->sentence);
	}
	free(t->news);
	t->news = NULL;
}
