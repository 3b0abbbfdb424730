/*
 * What the sockets show of the registry.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"
#include "proto/code.h"

#include "registry_int.h"

static const char *const status_names[] = {
	[VIEW_FROZEN] = "frozen",
	[VIEW_EXPIRED] = "expired",
	[VIEW_PAUSED] = "paused",
	[VIEW_PENDING] = "pending",
	[VIEW_ERROR] = "error",
	[VIEW_ONLINE] = "online",
	[VIEW_OFFLINE] = "offline",
};

static const char *const light_names[] = {
	[VIEW_GREY] = "grey",
	[VIEW_GREEN] = "green",
	[VIEW_RED] = "red",
};

static const char *const lamp_names[] = {
	[VIEW_REACH] = "reach",
	[VIEW_MACHINE] = "machine",
	[VIEW_SERVICE] = "service",
	[VIEW_VISITOR] = "visitor",
};

const char *
view_status_name(enum view_status s)
{
	return status_names[s];
}

const char *
view_light_name(enum view_light l)
{
	return light_names[l];
}

const char *
view_lamp_name(enum view_lamp_at l)
{
	return lamp_names[l];
}

/* --- lamps ----------------------------------------------------------------- */

static void lamp(struct view_lamp *l, enum view_light light, const char *fmt,
    ...) PRINTF_LIKE(3, 4);

static void
lamp(struct view_lamp *l, enum view_light light, const char *fmt, ...)
{
	va_list ap;

	l->light = light;
	va_start(ap, fmt);
	vsnprintf(l->sentence, sizeof(l->sentence), fmt, ap);
	va_end(ap);
}

static enum view_light
light_of(const struct reg_lamp *l)
{
	return l->light == PROTO_GREEN ? VIEW_GREEN
	    : l->light == PROTO_RED    ? VIEW_RED
				       : VIEW_GREY;
}

/* What the client says: its own sentence, else that of the code. */
static void
show_report(struct view_lamp *to, const struct reg_lamp *l, const char *grey,
    const char *green)
{
	const char *text = l->sentence;

	if (text == NULL && l->code != CODE_NONE)
		text = code_sentence(l->code);
	if (text == NULL && l->light == PROTO_GREEN)
		text = green;
	lamp(to, light_of(l), "%s", text != NULL ? text : grey);
}

/* Is there a session with a link that could serve it? */
static bool
has_live(const struct reg_tunnel *t)
{
	const struct reg_offer *o;
	const struct list *n;

	for (n = t->offers.next; n != &t->offers; n = n->next) {
		o = LIST_OF(n, const struct reg_offer, of_tunnel);
		if (!o->is_gone && !o->session->is_dark &&
		    !o->session->is_ending)
			return true;
	}
	return false;
}

/* The session that serves it, or would. */
static const struct reg_session *
session_of(const struct reg_tunnel *t)
{
	const struct reg_offer *o;
	const struct list *n;

	if (t->server != NULL)
		return t->server;
	for (n = t->offers.next; n != &t->offers; n = n->next) {
		o = LIST_OF(n, const struct reg_offer, of_tunnel);
		if (!o->is_gone && !o->session->is_ending)
			return o->session;
	}
	return NULL;
}

static void
show_machine(struct view_lamp *to, const struct reg_session *s, uint64_t rtt)
{
	uint64_t owes = s != NULL ? count_get(&s->counts.owes_since) : 0;

	if (s == NULL)
		lamp(to, VIEW_GREY, "No computer is linked.");
	else if (s->is_dark)
		lamp(to, VIEW_RED,
		    "%.100s has lost its link; visitors wait "
		    "for its return.",
		    s->name);
	else if (owes != 0)
		lamp(to, VIEW_RED, "%.100s has not answered for %llu s.",
		    s->name, (unsigned long long)(clock_ms() - owes) / 1000);
	else
		lamp(to, VIEW_GREEN, "%.100s is linked from %s, %llu ms away.",
		    s->name, s->address, (unsigned long long)rtt);
}

static void
show_lamps(const struct reg_tunnel *t, const struct reg_session *s,
    struct view_tunnel *v)
{
	static const struct reg_lamp unknown = { .light = PROTO_GREY };
	const struct reg_offer *o = s != NULL ? offer_find(t, s) : NULL;
	char text[32];

	if (t->fault != NULL)
		lamp(&v->lamps[VIEW_REACH], VIEW_RED, "%s", t->fault);
	else
		show_report(&v->lamps[VIEW_REACH],
		    o != NULL ? &o->reach : &unknown, "Not tried yet.",
		    "The public address is reached.");
	show_machine(&v->lamps[VIEW_MACHINE], s, v->rtt_ms);
	if (!has_live(t))
		lamp(&v->lamps[VIEW_SERVICE], VIEW_GREY,
		    "Unknown while no computer is linked.");
	else
		show_report(&v->lamps[VIEW_SERVICE],
		    o != NULL ? &o->service : &unknown, "Not tried yet.",
		    "The service answers.");
	if (v->last_bytes == 0)
		lamp(&v->lamps[VIEW_VISITOR], VIEW_GREY,
		    "No visitor has been seen yet.");
	else
		lamp(&v->lamps[VIEW_VISITOR], VIEW_GREEN,
		    "Bytes were last seen at %s.",
		    clock_rfc3339(text, sizeof(text), v->last_bytes));
}

/* Its ports listen; those that have none are served by being linked. */
static bool
is_served(const struct reg_tunnel *t)
{
	return t->row->kind == KIND_HTTP || (t->server != NULL && t->is_open);
}

/* The first that is true. */
static enum view_status
status_of(const struct registry *g, const struct reg_tunnel *t,
    const struct view_tunnel *v)
{
	switch (tunnel_state(g, t)) {
	case PROTO_FROZEN:
		return VIEW_FROZEN;
	case PROTO_EXPIRED:
		return VIEW_EXPIRED;
	case PROTO_PAUSED:
		return VIEW_PAUSED;
	case PROTO_PENDING:
		return VIEW_PENDING;
	case PROTO_FAULT:
		return VIEW_ERROR;
	case PROTO_ACTIVE:
	case PROTO_STANDBY:
		break;
	}
	if (v->lamps[VIEW_REACH].light == VIEW_RED ||
	    v->lamps[VIEW_SERVICE].light == VIEW_RED)
		return VIEW_ERROR;
	return v->lamps[VIEW_MACHINE].light == VIEW_GREEN && is_served(t)
	    ? VIEW_ONLINE
	    : VIEW_OFFLINE;
}

/* --- a tunnel -------------------------------------------------------------- */

static void
show_session(const struct reg_session *s, struct view_tunnel *v)
{
	if (s == NULL)
		return;
	v->machine_id = s->machine->id;
	v->rtt_ms = (uint32_t)count_get(&s->counts.rtt_ms);
	str_copy(v->machine, sizeof(v->machine), s->name);
	str_copy(v->computer, sizeof(v->computer), s->computer);
	str_copy(v->system, sizeof(v->system), s->system);
	str_copy(v->address, sizeof(v->address), s->address);
}

int
registry_view(const struct registry *g, int64_t tunnel, struct view_tunnel *v)
{
	const struct reg_tunnel *t = tunnel_find(g, tunnel);
	const struct reg_session *s;

	memset(v, 0, sizeof(*v));
	if (t == NULL || t->row == NULL)
		return 0;
	s = session_of(t);
	v->id = t->id;
	v->session = t->server != NULL && t->is_open ? t->server->id : 0;
	v->since = t->since;
	v->visitors_now = count_get(&t->counts.visitors_now);
	v->visitors = count_get(&t->counts.visitors);
	v->refused = count_get(&t->counts.refused);
	v->bytes_in = count_get(&t->counts.bytes_in);
	v->bytes_out = count_get(&t->counts.bytes_out);
	v->datagrams = count_get(&t->counts.datagrams);
	v->drops = count_get(&t->counts.drops);
	v->last_bytes = (int64_t)count_get(&t->counts.last_bytes);
	show_session(s, v);
	show_lamps(t, s, v);
	v->status = status_of(g, t, v);
	return 1;
}

size_t
registry_tunnels(const struct registry *g, int64_t *ids, size_t max)
{
	size_t i, n = 0;

	for (i = 0; i < g->snap->tunnel_n; i++) {
		if (g->snap->tunnels[i].deleted_at != 0)
			continue;
		if (n < max)
			ids[n] = g->snap->tunnels[i].id;
		n++;
	}
	return n;
}

void
registry_each_tunnel(const struct registry *g,
    void (*say)(void *arg, int64_t user, int64_t tunnel), void *arg)
{
	const struct snap_tunnel *t;
	size_t i;

	for (i = 0; i < g->snap->tunnel_n; i++) {
		t = &g->snap->tunnels[i];
		if (t->deleted_at == 0)
			say(arg, t->user, t->id);
	}
}

int
registry_test(struct registry *g, int64_t tunnel)
{
	struct reg_tunnel *t = tunnel_find(g, tunnel);

	if (t == NULL || t->row == NULL || t->server == NULL)
		return 0;
	t->asks_probe = true;
	tunnel_settle(g, t);
	return 1;
}

/* --- sessions and all ------------------------------------------------------ */

void
registry_each_session(const struct registry *g,
    void (*say)(void *arg, const struct view_session *s), void *arg)
{
	const struct reg_session *s;
	struct view_session v;
	const struct list *n;

	for (n = g->sessions.next; n != &g->sessions; n = n->next) {
		s = LIST_OF(n, const struct reg_session, all);
		v = (struct view_session){
			.id = s->id,
			.machine = s->machine->id,
			.is_dark = s->is_dark,
			.links = count_get(&s->counts.links_now),
			.streams = count_get(&s->counts.streams_now),
			.flows = count_get(&s->counts.flows_now),
			.rtt_ms = count_get(&s->counts.rtt_ms),
			.bytes_in = count_get(&s->counts.bytes_in),
			.bytes_out = count_get(&s->counts.bytes_out),
			.connected_at = s->connected_at,
			.worker = s->worker->index,
		};
		str_copy(v.name, sizeof(v.name), s->name);
		str_copy(v.address, sizeof(v.address), s->address);
		str_copy(v.version, sizeof(v.version), s->version);
		str_copy(v.system, sizeof(v.system), s->system);
		say(arg, &v);
	}
}

/* The resident set, as the system counts it. */
static uint64_t
memory_bytes(void)
{
	char line[128], *behind;
	FILE *f = fopen("/proc/self/statm", "re");
	uint64_t pages = 0;

	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL) {
		(void)strtoull(line, &behind, 10); /* the whole size */
		pages = strtoull(behind, NULL, 10);
	}
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void
registry_status(const struct registry *g, struct view_status_all *out)
{
	const struct relay *r = g->relay;
	const struct counts *c = &r->counts;
	const struct reg_tunnel *t;
	struct map_node *n = NULL;

	*out = (struct view_status_all){
		.sessions = map_count(&g->by_id),
		.sessions_dark = count_get(&c->sessions_dark_now),
		.streams = count_get(&c->visitors_now),
		.flows = count_get(&c->flows_now),
		.links = count_get(&c->links_now),
		.visitors_total =
		    count_get(&c->visitors) + count_get(&c->flows),
		.uptime_s = (clock_ms() - r->started_ms) / 1000,
		.held_bytes =
		    atomic_load_explicit(&r->budget.held, memory_order_relaxed),
		.held_max = r->budget.max,
		.memory_bytes = memory_bytes(),
		.files_max = r->files_max,
		.change = g->snap->change,
		.closing = g->is_closing,
	};
	out->tunnels = registry_tunnels(g, NULL, 0);
	while ((n = map_next(&g->tunnels, n)) != NULL) {
		t = MAP_OF(n, const struct reg_tunnel, node);
		out->tunnels_served += t->is_open;
		out->tunnels_faulty += t->fault != NULL;
	}
}

unsigned
registry_reasons(const struct registry *g, char out[VIEW_REASONS_MAX][300])
{
	unsigned n = 0;

	if (g->health[0] != '\0')
		snprintf(out[n++], sizeof(out[0]),
		    "%s; no change and no "
		    "revocation arrives",
		    g->health);
	if (g->is_closing)
		snprintf(out[n++], sizeof(out[0]), "the relay is closing");
	return n;
}
