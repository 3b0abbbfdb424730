#include "ctl_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/version.h"
#include "events.h"
#include "health.h"
#include "http/http.h"
#include "http_json.h"
#include "http_server.h"
#include "log/log.h"
#include "registry.h"
#include "relay.h"
#include "visitors.h"

struct ctl_server {
	struct relay *relay;
	struct health health;
	struct http_server *server;
};

/* --- /status ---------------------------------------------------------------- */

static json_t *
reasons_json(const struct health *h)
{
	char why[HEALTH_REASONS_MAX][HEALTH_REASON];
	json_t *list = json_array();
	unsigned i, n = health_reasons(h, why);

	for (i = 0; i < n; i++)
		json_array_append_new(list, http_json_text(why[i]));
	return list;
}

/* What the whole process has and does. */
static json_t *
status_json(const struct ctl_server *c)
{
	struct view_status_all s;

	registry_status(c->relay->registry, &s);
	return json_pack("{s:s, s:I, s:b, s:o,"
			 " s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
			 " s:I, s:I, s:I, s:I, s:I}",
	    "version", ADIT_VERSION, "uptime_s", (json_int_t)s.uptime_s,
	    "closing", s.closing, "problems", reasons_json(&c->health),
	    "sessions", (json_int_t)s.sessions, "sessions_dark",
	    (json_int_t)s.sessions_dark, "links", (json_int_t)s.links,
	    "tunnels", (json_int_t)s.tunnels, "tunnels_served",
	    (json_int_t)s.tunnels_served, "tunnels_faulty",
	    (json_int_t)s.tunnels_faulty, "streams", (json_int_t)s.streams,
	    "flows", (json_int_t)s.flows, "visitors_total",
	    (json_int_t)s.visitors_total, "held_bytes",
	    (json_int_t)s.held_bytes, "held_max", (json_int_t)s.held_max,
	    "memory_bytes", (json_int_t)s.memory_bytes, "files_max",
	    (json_int_t)s.files_max, "change", (json_int_t)s.change);
}

/* Everything that is counted, but what stands there by another name. */
static void
add_counts(json_t *v, const struct counts *c)
{
	const struct count_name *row;
	size_t i;

	for (i = 0; i < count_names_n; i++) {
		row = &count_names[i];
		if (!row->is_gauge && json_object_get(v, row->name) == NULL)
			json_object_set_new(v, row->name,
			    json_integer((json_int_t)count_named(c, row)));
	}
}

static void
on_status(void *arg, const struct http *req, struct http_answer *a)
{
	struct ctl_server *c = arg;
	json_t *v;

	(void)req;
	if ((v = status_json(c)) != NULL) {
		json_object_set_new(v, "files_now",
		    json_integer(
			(json_int_t)count_get(&c->relay->counts.files_now)));
		json_object_set_new(v, "log_lines_dropped",
		    json_integer((json_int_t)log_dropped()));
		add_counts(v, &c->relay->counts);
	}
	http_json_answer(a, v);
}

/* --- /sessions -------------------------------------------------------------- */

static void
add_session(void *arg, const struct view_session *s)
{
	json_array_append_new(arg,
	    json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:b, s:i,"
		      " s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"id", (json_int_t)s->id, "machine_id", (json_int_t)s->machine,
		"machine", http_json_text(s->name), "address",
		http_json_text(s->address), "version",
		http_json_text(s->version), "system", http_json_text(s->system),
		"dark", s->is_dark, "worker", (int)s->worker, "links",
		(json_int_t)s->links, "streams", (json_int_t)s->streams,
		"flows", (json_int_t)s->flows, "rtt_ms", (json_int_t)s->rtt_ms,
		"bytes_in", (json_int_t)s->bytes_in, "bytes_out",
		(json_int_t)s->bytes_out, "connected_at",
		(json_int_t)s->connected_at));
}

static void
on_sessions(void *arg, const struct http *req, struct http_answer *a)
{
	struct ctl_server *c = arg;
	json_t *list = json_array();

	(void)req;
	if (list != NULL)
		registry_each_session(c->relay->registry, add_session, list);
	http_json_answer(a, list);
}

/* --- /test ------------------------------------------------------------------ */

/* A number from 1 in the query. */
static bool
read_number(const struct http *req, const char *name, int64_t *out)
{
	char text[24];
	uint64_t n;

	if (http_query_get(req, name, text, sizeof(text), NULL) != 1 ||
	    !str_number(text, 1, INT64_MAX, &n))
		return false;
	*out = (int64_t)n;
	return true;
}

static void
on_test(void *arg, const struct http *req, struct http_answer *a)
{
	struct ctl_server *c = arg;
	int64_t id;

	if (!read_number(req, "tunnel", &id))
		http_answer_text(a, 400, "Say which one: /test?tunnel=1");
	else if (registry_test(c->relay->registry, id) == 1)
		http_answer_text(a, 202, "asked");
	else
		http_answer_text(
		    a, 404, "No machine serves a tunnel of this number.");
}

/* --- /visitors and /kick ---------------------------------------------------- */

static json_t *
visitor_json(const struct visitors_one *v)
{
	struct addr peer = v->peer;
	char text[ADDR_TEXT];

	return json_pack("{s:I, s:s, s:s, s:I, s:I, s:I}", "number",
	    (json_int_t)v->number, "protocol", v->is_udp ? "udp" : "tcp",
	    "address", addr_text(text, &peer), "since", (json_int_t)v->since,
	    "bytes_in", (json_int_t)v->bytes_in, "bytes_out",
	    (json_int_t)v->bytes_out);
}

static json_t *
visitors_json(const struct visitors_answer *v)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < v->n; i++)
		json_array_append_new(list, visitor_json(&v->at[i]));
	return json_pack(
	    "{s:o, s:I}", "visitors", list, "total", (json_int_t)v->total);
}

static void
on_visitors_known(void *arg, uint64_t call, const struct visitors_answer *v)
{
	struct ctl_server *c = arg;
	struct http_answer a;

	http_answer_init(&a);
	http_json_answer(&a, visitors_json(v));
	http_server_answer(c->server, call, &a);
}

static void
on_visitors(void *arg, const struct http *req, struct http_answer *a)
{
	static const struct visitors_answer none;
	struct ctl_server *c = arg;
	int64_t id;

	if (!read_number(req, "tunnel", &id))
		http_answer_text(a, 400, "Say whose: /visitors?tunnel=1");
	else if (visitors_ask(c->relay->registry, id, 0, on_visitors_known, c,
		     a->call) == 1)
		a->is_later = true;
	else
		http_json_answer(a, visitors_json(&none));
}

static void
say_kicked(struct http_answer *a, bool is_kicked)
{
	if (is_kicked)
		http_answer_text(a, 200, "cut off");
	else
		http_answer_text(
		    a, 404, "The tunnel has no visitor of this number.");
}

static void
on_kicked(void *arg, uint64_t call, const struct visitors_answer *v)
{
	struct ctl_server *c = arg;
	struct http_answer a;

	http_answer_init(&a);
	say_kicked(&a, v->is_kicked);
	http_server_answer(c->server, call, &a);
}

static void
on_kick(void *arg, const struct http *req, struct http_answer *a)
{
	struct ctl_server *c = arg;
	int64_t id, number;

	if (!read_number(req, "tunnel", &id) ||
	    !read_number(req, "visitor", &number))
		http_answer_text(
		    a, 400, "Say whom: /kick?tunnel=1&visitor=256");
	else if (visitors_ask(c->relay->registry, id, (uint64_t)number,
		     on_kicked, c, a->call) == 1)
		a->is_later = true;
	else
		say_kicked(a, false);
}

/* --- /hush ------------------------------------------------------------------ */

static void
on_hush(void *arg, const struct http *req, struct http_answer *a)
{
	struct ctl_server *c = arg;
	int64_t user;

	if (!read_number(req, "user", &user)) {
		http_answer_text(a, 400, "Say whose: /hush?user=1");
		return;
	}
	events_hush(c->relay->events, user);
	http_answer_text(a, 200, "hushed");
}

/* --- the socket ------------------------------------------------------------- */

static const struct http_route routes[] = {
	{ "GET", "/status", on_status },
	{ "GET", "/sessions", on_sessions },
	{ "POST", "/test", on_test },
	{ "GET", "/visitors", on_visitors },
	{ "POST", "/kick", on_kick },
	{ "POST", "/hush", on_hush },
};

static struct http_server_limits
limits_of(const struct relay *r)
{
	return (struct http_server_limits){
		.connections = r->conf.limits.control_connections,
		.request_ms = r->conf.http.request_ms,
		.idle_ms = r->conf.http.idle_ms,
	};
}

struct ctl_server *
ctl_server_open(struct relay *r, struct err *e)
{
	struct http_server_options o = {
		.path = r->conf.relay.control,
		.mode = 0600,
		.limits = limits_of(r),
		.routes = routes,
		.route_n = sizeof(routes) / sizeof(routes[0]),
	};
	struct ctl_server *c;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		err_sys(e, "control socket");
		return NULL;
	}
	c->relay = r;
	health_init(&c->health, r);
	o.arg = c;
	if ((c->server = http_server_open(r->loop, &o, e)) == NULL) {
		err_prefix(e, "control socket");
		ctl_server_close(&c);
	}
	return c;
}

void
ctl_server_close(struct ctl_server **c)
{
	if (*c == NULL)
		return;
	http_server_close(&(*c)->server);
	free(*c);
	*c = NULL;
}

void
ctl_server_retune(struct ctl_server *c)
{
	struct http_server_limits l = limits_of(c->relay);

	health_look(&c->health);
	http_server_retune(c->server, &l);
}
