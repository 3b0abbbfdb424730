#include "feed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
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

enum {
	LINE_MAX_LEN = 512,
	QUERY_MAX = FEED_LIVE_MAX * 20, /* numbers of at most 19 digits */
};

/* Whose tunnels, and whose browser hears of them. */
struct scope {
	int64_t user, listener;
};

struct feed {
	struct relay *relay;
	struct health health;
	struct http_server *server;
	struct events *events;
	struct scope scope; /* of the socket that is being taken */
};

/* --- /live ----------------------------------------------------------------- */

static json_t *
lamp_json(const struct view_lamp *l)
{
	return json_pack("{s:s, s:o}", "state", view_light_name(l->light),
	    "sentence", http_json_text(l->sentence));
}

static json_t *
lamps_json(const struct view_tunnel *t)
{
	json_t *v = json_object();
	int i;

	for (i = 0; i < VIEW_LAMPS; i++)
		json_object_set_new(v, view_lamp_name((enum view_lamp_at)i),
		    lamp_json(&t->lamps[i]));
	return v;
}

/* Who serves it, or would; null when nobody is here. */
static json_t *
machine_json(const struct view_tunnel *t)
{
	if (t->machine_id == 0)
		return json_null();
	return json_pack("{s:I, s:o, s:o, s:o, s:o}", "id",
	    (json_int_t)t->machine_id, "name", http_json_text(t->machine),
	    "computer", http_json_text(t->computer), "system",
	    http_json_text(t->system), "address", http_json_text(t->address));
}

static json_t *
tunnel_json(const struct view_tunnel *t)
{
	bool serving = t->session != 0;

	return json_pack("{s:I, s:s, s:b, s:o, s:o, s:o, s:I, s:I, s:I, s:I,"
			 " s:I, s:I, s:I, s:o, s:o}",
	    "id", (json_int_t)t->id, "status", view_status_name(t->status),
	    "serving", serving, "lamps", lamps_json(t), "machine",
	    machine_json(t), "rtt_ms",
	    t->machine_id != 0 ? json_integer(t->rtt_ms) : json_null(),
	    "visitors", (json_int_t)t->visitors_now, "visitors_total",
	    (json_int_t)t->visitors, "refused", (json_int_t)t->refused,
	    "bytes_in", (json_int_t)t->bytes_in, "bytes_out",
	    (json_int_t)t->bytes_out, "datagrams", (json_int_t)t->datagrams,
	    "drops", (json_int_t)t->drops, "since", http_json_or_null(t->since),
	    "last_bytes", http_json_or_null(t->last_bytes));
}

/* Takes "1,2,..." apart, which it changes; how many, or -1. */
static int
read_ids(char *text, int64_t *ids)
{
	char *word;
	uint64_t id;
	int n = 0;

	while ((word = strsep(&text, ",")) != NULL) {
		if (n == FEED_LIVE_MAX || !str_number(word, 1, INT64_MAX, &id))
			return -1;
		ids[n++] = (int64_t)id;
	}
	return n;
}

/* Tunnels that the relay does not know are left out. */
static void
on_live(void *arg, const struct http *req, struct http_answer *a)
{
	struct feed *f = arg;
	char text[QUERY_MAX];
	int64_t ids[FEED_LIVE_MAX];
	struct view_tunnel t;
	json_t *list;
	int i, n = -1;

	if (http_query_get(req, "tunnel", text, sizeof(text), NULL) == 1)
		n = read_ids(text, ids);
	if (n == -1) {
		http_answer_text(a, 400,
		    "Ask for /live?tunnel=1,2 and so on: numbers of tunnels, "
		    "at most 1000.");
		return;
	}
	list = json_array();
	for (i = 0; i < n; i++)
		if (registry_view(f->relay->registry, ids[i], &t) == 1 &&
		    json_array_append_new(list, tunnel_json(&t)) == -1) {
			json_decref(list);
			list = NULL;
			break;
		}
	http_json_answer(a, list);
}

/* --- /events --------------------------------------------------------------- */

static void
on_taken(void *arg, int fd)
{
	struct feed *f = arg;

	events_add(f->events, f->scope.user, f->scope.listener, fd);
}

/* "7 1": the tunnels of user 7 for a browser of user 1. */
static bool
read_scope(const char *text, struct scope *out)
{
	size_t n = strcspn(text, " ");
	uint64_t user, listener;
	char first[20];

	if (n >= sizeof(first) || text[n] == '\0')
		return false;
	memcpy(first, text, n);
	first[n] = '\0';
	if (!str_number(first, 1, INT64_MAX, &user) ||
	    !str_number(text + n + 1, 1, INT64_MAX, &listener))
		return false;
	out->user = (int64_t)user;
	out->listener = (int64_t)listener;
	return true;
}

static void
on_events(void *arg, const struct http *req, struct http_answer *a)
{
	struct feed *f = arg;
	const char *scope = http_header(req, "X-Adit-Scope"), *why;
	struct scope s;

	if (scope == NULL || !read_scope(scope, &s)) {
		http_answer_text(a, 403,
		    "X-Adit-Scope has to say whose tunnels, and to whom; nginx "
		    "knows.");
		return;
	}
	if (strcmp(http_method(req), "HEAD") == 0) {
		a->type = "text/event-stream";
		return;
	}
	if ((why = events_why_not(f->events, s.user)) != NULL) {
		http_answer_text(a, 503, why);
		return;
	}
	f->scope = s;
	a->take = on_taken;
	a->take_arg = f;
}

/* --- /healthz and /readyz ---------------------------------------------------- */

static void
on_health(void *arg, const struct http *req, struct http_answer *a)
{
	(void)arg;
	(void)req;
	http_answer_text(a, 200, "ok");
}

static void
on_ready(void *arg, const struct http *req, struct http_answer *a)
{
	struct feed *f = arg;
	char why[HEALTH_REASONS_MAX][HEALTH_REASON];
	char text[HEALTH_REASONS_MAX * (HEALTH_REASON + 1)];
	unsigned i, n;
	size_t len = 0;

	(void)req;
	n = health_reasons(&f->health, why);
	for (i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
		    i == 0 ? "" : "\n", why[i]);
	http_answer_text(a, n == 0 ? 200 : 503, n == 0 ? "ready" : text);
}

/* --- /metrics ---------------------------------------------------------------- */

/* Lines of the answer, as long as there is room. */
struct page {
	struct buf *to;
	bool cut;
};

static void put(struct page *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void
put(struct page *p, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line) ||
	    buf_add(p->to, line, (size_t)n, NULL) == -1)
		p->cut = true;
}

static void
put_head(struct page *p, const char *name, const char *type, const char *says)
{
	put(p, "# HELP adit_%s %s\n# TYPE adit_%s %s\n", name, says, name,
	    type);
}

static void
put_gauge(struct page *p, const char *name, uint64_t value, const char *says)
{
	put_head(p, name, "gauge", says);
	put(p, "adit_%s %" PRIu64 "\n", name, value);
}

/* One that is counted in thousandths of what it is shown in. */
static void
put_gauge_ms(struct page *p, const char *name, uint64_t ms, const char *says)
{
	put_head(p, name, "gauge", says);
	put(p, "adit_%s %" PRIu64 ".%03" PRIu64 "\n", name, ms / 1000,
	    ms % 1000);
}

static void
put_counter(struct page *p, const char *stem, uint64_t value, const char *says)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_total", stem);
	put_head(p, name, "counter", says);
	put(p, "adit_%s %" PRIu64 "\n", name, value);
}

static void
put_counts(struct page *p, const struct counts *c)
{
	const struct count_name *row;
	size_t i;

	for (i = 0; i < count_names_n; i++) {
		row = &count_names[i];
		if (row->is_gauge)
			put_gauge(p, row->name, count_named(c, row), row->says);
		else
			put_counter(
			    p, row->name, count_named(c, row), row->says);
	}
}

static void
put_status(struct page *p, const struct feed *f)
{
	struct view_status_all s;

	registry_status(f->relay->registry, &s);
	put_head(p, "info", "gauge", "Always 1; tells the version.");
	put(p, "adit_info{version=\"%s\"} 1\n", ADIT_VERSION);
	put_gauge(p, "uptime_seconds", s.uptime_s, "Since the start.");
	put_gauge(p, "tunnels", s.tunnels, "Tunnels that are known.");
	put_gauge(p, "tunnels_served", s.tunnels_served,
	    "Tunnels that a machine serves.");
	put_gauge(p, "tunnels_faulty", s.tunnels_faulty,
	    "Tunnels whose port cannot be had.");
	put_gauge(p, "held_bytes", s.held_bytes,
	    "Memory that bytes of streams hold.");
	put_gauge(p, "held_max_bytes", s.held_max,
	    "The most that they may: relay.memory_mb.");
	put_gauge(p, "resident_memory_bytes", s.memory_bytes,
	    "Memory of the process.");
	put_gauge(p, "files_max", s.files_max,
	    "Descriptors that links and visitors may have.");
	put_counter(p, "log_lines_dropped", log_dropped(),
	    "Log lines that could not be written.");
}

/* What keeps it from being well, in numbers. */
static void
put_health(struct page *p, const struct health *h)
{
	char why[HEALTH_REASONS_MAX][HEALTH_REASON];

	put_gauge(
	    p, "ready", health_reasons(h, why) == 0, "1: /readyz says 200.");
	put_gauge_ms(p, "store_lag_seconds", health_lag_ms(h),
	    "Since the database was last looked at with success.");
	put_gauge_ms(p, "certificate_end_timestamp_seconds",
	    (uint64_t)health_cert_end(h),
	    "When the certificate ends, in Unix time.");
}

static void
put_own(struct page *p, const struct http_server_counts *n)
{
	put_gauge(p, "feed_connections_now", n->connections_now,
	    "Connections to this socket.");
	put_counter(
	    p, "feed_requests", n->requests, "Requests to this socket.");
	put_counter(p, "feed_refused", n->refused,
	    "Connections and answers refused: http.connections, memory.");
	put_counter(p, "feed_bad", n->bad, "Requests that were not HTTP.");
	put_counter(p, "feed_late", n->late,
	    "Connections cut: http.request_ms, http.idle_ms.");
}

static void
put_events(struct page *p, const struct events_counts *n)
{
	put_gauge(p, "feed_streams_now", n->streams_now,
	    "Streams of events to browsers.");
	put_counter(p, "feed_streams", n->streams, "Streams of events.");
	put_counter(p, "feed_streams_refused", n->refused,
	    "Streams refused: http.streams, http.streams_per_user, files.");
	put_counter(p, "feed_streams_late", n->late,
	    "Streams cut, whose browser took nothing for too long.");
}

static void
on_metrics(void *arg, const struct http *req, struct http_answer *a)
{
	struct feed *f = arg;
	struct page p = { .to = &a->body };

	(void)req;
	a->type = "text/plain; version=0.0.4; charset=utf-8";
	put_status(&p, f);
	put_health(&p, &f->health);
	put_counts(&p, &f->relay->counts);
	put_own(&p, http_server_counts(f->server));
	put_events(&p, events_counts(f->events));
	if (p.cut)
		http_answer_text(a, 500, "The answer finds no room.");
}

/* --- the socket -------------------------------------------------------------- */

static const struct http_route routes[] = {
	{ "GET", "/live", on_live },
	{ "GET", "/events", on_events },
	{ "GET", "/healthz", on_health },
	{ "GET", "/readyz", on_ready },
	{ "GET", "/metrics", on_metrics },
};

static struct http_server_limits
limits_of(const struct relay *r)
{
	return (struct http_server_limits){
		.connections = r->conf.http.connections,
		.request_ms = r->conf.http.request_ms,
		.idle_ms = r->conf.http.idle_ms,
	};
}

struct feed *
feed_open(struct relay *r, struct err *e)
{
	struct http_server_options o = {
		.path = r->conf.relay.feed,
		.mode = 0660,
		.group = r->conf.socket_group,
		.limits = limits_of(r),
		.routes = routes,
		.route_n = sizeof(routes) / sizeof(routes[0]),
	};
	struct feed *f;

	if ((f = calloc(1, sizeof(*f))) == NULL) {
		err_sys(e, "feed socket");
		return NULL;
	}
	f->relay = r;
	health_init(&f->health, r);
	o.arg = f;
	if ((f->events = events_new(r, e)) == NULL ||
	    (f->server = http_server_open(r->loop, &o, e)) == NULL) {
		err_prefix(e, "feed socket");
		feed_close(&f);
		return NULL;
	}
	r->events = f->events;
	return f;
}

void
feed_close(struct feed **f)
{
	if (*f == NULL)
		return;
	http_server_close(&(*f)->server);
	if ((*f)->relay->events == (*f)->events)
		(*f)->relay->events = NULL;
	events_free(&(*f)->events);
	free(*f);
	*f = NULL;
}

void
feed_retune(struct feed *f)
{
	struct http_server_limits l = limits_of(f->relay);

	health_look(&f->health);
	http_server_retune(f->server, &l);
}
