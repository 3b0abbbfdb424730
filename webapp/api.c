#include "api.h"

#include <stdlib.h>
#include <string.h>

#include "api_rate.h"
#include "app.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/str.h"
#include "base/version.h"
#include "guess.h"
#include "live.h"
#include "page.h"
#include "problem.h"
#include "route.h"
#include "step.h"
#include "store/store.h"
#include "store/store_answer.h"
#include "tls/tls_cert.h"
#include "tunnel_form.h"

enum {
	LIMIT = 100,
	LIMIT_MAX = 1000,
};

/* What is kept between a handler's calls. */
struct api {
	json_t *body;
	struct out out;
	bool in_step;
	struct answer answer; /* name is NULL: the request has none */
};

/* --- how often ---------------------------------------------------------------- */

/* Counts the user, or the address of somebody unknown. */
static void
count(struct req *r, bool writes, uint32_t limit, struct api_rate *out)
{
	const char *path = req_text(r, "%s.rate", r->app->conf.database);
	enum api_rate_kind kind = writes ? RATE_WRITES : RATE_READS;

	if (r->user.id == 0)
		api_rate_count(path, RATE_STRANGERS, guess_address(r, "from"),
		    limit, clock_us(), out);
	else
		api_rate_count(path, kind,
		    req_text(r, "user %lld", (long long)r->user.id), limit,
		    clock_us(), out);
}

/* Within the limits?  Says how much is left, or answers 429. */
static bool
is_granted(struct req *r)
{
	const struct adit_conf *c = &r->app->conf;
	bool writes = r->method != REQ_GET;
	uint32_t limit = writes ? c->limits.api_writes_per_minute
				: c->limits.api_reads_per_minute;
	struct api_rate rate;

	if (limit == 0)
		return true;
	count(r, writes, limit, &rate);
	req_line(r, "RateLimit-Policy", "%u;w=60", rate.limit);
	req_line(r, "RateLimit-Limit", "%u", rate.limit);
	req_line(r, "RateLimit-Remaining", "%u", rate.remaining);
	req_line(r, "RateLimit-Reset", "%u", rate.reset_s);
	if (rate.granted)
		return true;
	req_line(r, "Retry-After", "%u", rate.wait_s);
	problem(r, 429, NULL,
	    req_text(r, "More than %u requests that %s in a minute. Wait %u s.",
		limit, writes ? "change something" : "only look", rate.wait_s));
	return false;
}

/* --- one step ------------------------------------------------------------------- */

/* All that was asked, so that another request is not taken for the same. */
static void
hash_request(struct req *r, uint8_t out[32])
{
	size_t n = strlen(r->path) + 1;
	char *all = req_alloc(r, n + r->body_len + 1);

	memset(out, 0, 32);
	if (all == NULL)
		return;
	memcpy(all, r->path, n);
	if (r->body_len > 0)
		memcpy(all + n, r->body, r->body_len);
	random_sha256(out, all, n + r->body_len);
}

/* Fills the answer's name; false when it is none that can be kept. */
static bool
read_name(struct req *r)
{
	const char *name = req_header(r, "Idempotency-Key");
	struct answer *a = &r->api->answer;
	size_t n;

	if (name == NULL || r->method != REQ_POST)
		return true;
	n = strlen(name);
	if (n == 0 || n > ANSWER_NAME_MAX || !str_is_text(name, n)) {
		problem(r, 400, "Idempotency-Key",
		    "Idempotency-Key has 1 to 255 bytes of text.");
		return false;
	}
	a->name = name;
	/* the route has proven that it is "Bearer KEY" */
	a->key = req_header(r, "Authorization") + strlen("Bearer ");
	hash_request(r, a->request);
	return true;
}

/* The same request again: the same answer again. */
static void
replay(struct req *r)
{
	struct answer *a = &r->api->answer;

	req_line(r, "Idempotency-Replayed", "true");
	req_write(r, a->body, a->body_len);
	r->type = "application/json";
	r->status = a->status;
	free(a->body);
	a->body = NULL;
}

bool
api_begin(struct req *r)
{
	struct api *api = r->api;
	struct err e;
	int rc;

	if (!read_name(r))
		return false;
	if (!step_begin(r))
		return false;
	api->in_step = true;
	if (api->answer.name == NULL)
		return true;
	if ((rc = store_answer_find(r->store, &api->answer, &e)) == 0)
		return true;
	step_end(r, false);
	api->in_step = false;
	if (rc == 1)
		replay(r);
	else if (page_was_refused(r))
		problem(r, 422, "Idempotency-Key",
		    "This name was used for another request; give each its "
		    "own.");
	else
		page_trouble(r, &e);
	return false;
}

/* Keeps what the handler has changed, with what it says, or nothing. */
static void
finish_step(struct req *r)
{
	struct answer *a = &r->api->answer;
	struct err e;

	if (!r->api->in_step)
		return;
	if (r->status < 300 && !r->no_memory && a->name != NULL) {
		a->status = r->status;
		a->body = buf_data(&r->out);
		a->body_len = buf_len(&r->out);
		if (store_answer_add(r->store, a, &e) == -1)
			page_trouble(r, &e);
	}
	step_end(r, r->status < 300);
}

void
api_call(struct req *r, const struct route *route)
{
	struct api api = { .out = { .to = &r->out } };

	r->api = &api;
	if ((route->demands & NO_STORE) || is_granted(r))
		route->fn(r);
	finish_step(r);
	json_decref(api.body);
	r->api = NULL;
}

/* --- what was sent --------------------------------------------------------------- */

static bool
is_json(struct req *r)
{
	static const char *const types[] = { "application/json",
		"application/merge-patch+json" };
	const char *said = req_header(r, "Content-Type");
	size_t n = said != NULL ? strcspn(said, "; \t") : 0, i;

	for (i = 0; i < 1u + (r->method == REQ_PATCH); i++)
		if (strlen(types[i]) == n &&
		    strncasecmp(said, types[i], n) == 0)
			return true;
	return false;
}

static void
refuse_body(struct req *r, unsigned status)
{
	if (status == 413)
		problem(r, 413, NULL,
		    req_text(r, "The body has more than %d bytes.",
			(int)REQ_BODY_MAX));
	else if (status == 503)
		problem(r, 503, NULL, "Out of memory; try again.");
	else
		problem(r, 400, NULL,
		    "The body is not as long as Content-Length says.");
}

const json_t *
api_body(struct req *r, const struct api_field *table, size_t table_n)
{
	struct api_wrong w = { .status = 0 };
	unsigned status;

	if ((status = req_read_body(r)) != 0) {
		refuse_body(r, status);
		return NULL;
	}
	if (r->body_len > 0 && !is_json(r)) {
		problem(
		    r, 415, NULL, "Send JSON: Content-Type: application/json.");
		return NULL;
	}
	r->api->body = r->body_len == 0 && table_n == 0
	    ? json_object()
	    : api_json_read(r->body, r->body_len, table, table_n, &w);
	if (r->api->body == NULL)
		problem(r, w.status, *w.field != '\0' ? w.field : NULL, w.says);
	return r->api->body;
}

/* Is the word one of those between spaces? */
static bool
is_among(const char *names, const char *word)
{
	size_t n = strlen(word), len;

	for (; *names != '\0'; names += len + (names[len] == ' ')) {
		len = strcspn(names, " ");
		if (len == n && memcmp(names, word, n) == 0)
			return true;
	}
	return false;
}

bool
api_query(struct req *r, const char *names)
{
	for (size_t i = 0; i < r->query.n; i++) {
		if (is_among(names, r->query.at[i].name))
			continue;
		problem(r, 400, r->query.at[i].name,
		    "There is no parameter of this name here.");
		return false;
	}
	return true;
}

bool
api_query_number(struct req *r, const char *name, int64_t min, int64_t max,
    int64_t without, int64_t *out)
{
	uint64_t n;

	*out = without;
	if (!req_has(&r->query, name))
		return true;
	if (str_number(req_query(r, name), (uint64_t)min, (uint64_t)max, &n)) {
		*out = (int64_t)n;
		return true;
	}
	problem(r, 400, name,
	    req_text(r, "%s is not a number from %lld to %lld.", name,
		(long long)min, (long long)max));
	return false;
}

bool
api_part(struct req *r, const char *names, struct api_part *out)
{
	return api_query(r, req_text(r, "skip limit %s", names)) &&
	    api_query_number(r, "skip", 0, INT32_MAX, 0, &out->skip) &&
	    api_query_number(r, "limit", 1, LIMIT_MAX, LIMIT, &out->limit);
}

int64_t
api_scope(const struct req *r)
{
	return r->user.admin ? STORE_ANYBODY : r->user.id;
}

bool
api_list_of(struct req *r, int64_t *user_out)
{
	*user_out = r->user.id;
	if (!req_has(&r->query, "user"))
		return true;
	if (!r->user.admin) {
		problem(r, 403, "user", "Only an admin sees what others have.");
		return false;
	}
	if (strcmp(req_query(r, "user"), "all") != 0)
		return api_query_number(
		    r, "user", 1, INT64_MAX, r->user.id, user_out);
	*user_out = STORE_ANYBODY;
	return true;
}

/* --- the answer ------------------------------------------------------------------- */

struct out *
api_out(struct req *r)
{
	out_object(&r->api->out, NULL);
	return &r->api->out;
}

struct out *
api_list(struct req *r)
{
	struct out *o = api_out(r);

	out_array(o, "items");
	return o;
}

void
api_list_end(struct req *r, int64_t total)
{
	out_array_end(&r->api->out);
	out_number(&r->api->out, "total", total);
	api_done(r, 200);
}

void
api_done(struct req *r, unsigned status)
{
	out_object_end(&r->api->out);
	req_write(r, "\n", 1);
	if (r->api->out.failed)
		r->no_memory = true;
	r->type = "application/json";
	r->status = status;
}

void
api_gone(struct req *r)
{
	r->status = 204;
}

void
api_none(struct req *r)
{
	problem(r, 404, NULL, "There is none of this number.");
}

void
api_failed(struct req *r, const struct err *e)
{
	const char *field;

	if (!page_was_refused(r)) {
		page_trouble(r, e);
		return;
	}
	field = tunnel_form_field(e->text);
	problem(r, 409, field != NULL && *field != '\0' ? field : NULL,
	    page_sentence(r, e->text));
}

/* --- the door ----------------------------------------------------------------------- */

/* How clients reach the relay, and by what they know it; no secret. */
static void
show_connect(struct req *r, struct out *o)
{
	const struct app *app = r->app;
	bool v6 = strchr(app->conf.public_host, ':') != NULL;
	char text[TLS_PIN_TEXT] = "";
	struct tls_pin pin;
	struct err ignored;

	if (tls_pin_of_cert_file(&pin, app->conf.relay.cert, &ignored) == 0)
		tls_pin_text(text, &pin);
	out_object(o, "connect");
	out_text(o, "server",
	    req_text(r, "%s%s%s:%u", v6 ? "[" : "", app->conf.public_host,
		v6 ? "]" : "", app->relay_port));
	out_text_or_null(o, "pin", text);
	if (app->secure)
		out_text(o, "websocket",
		    req_text(r, "wss://%s%s/link", app->host, app->base));
	else
		out_null(o, "websocket");
	out_object_end(o);
}

void
api_root(struct req *r)
{
	struct out *o;

	if (!api_query(r, ""))
		return;
	o = api_out(r);
	out_text(o, "name", "adit");
	out_text(o, "version", ADIT_VERSION);
	out_text(o, "public_host", r->app->conf.public_host);
	out_object(o, "ports");
	out_number(o, "from", r->app->ports.from);
	out_number(o, "to", r->app->ports.to);
	out_object_end(o);
	show_connect(r, o);
	out_object(o, "links");
	out_text(o, "tunnels", req_url(r, "/api/tunnels"));
	out_text(o, "machines", req_url(r, "/api/machines"));
	out_text(o, "me", req_url(r, "/api/me"));
	out_text(o, "health", req_url(r, "/health"));
	out_object_end(o);
	api_done(r, 200);
}

void
api_health(struct req *r)
{
	bool db = r->store != NULL, relay = *live_trouble(r) == '\0';
	struct out *o = api_out(r);
	int64_t ignored;
	struct err e;

	if (db && store_change_max(r->store, &ignored, &e) == -1)
		db = false;
	/* the reasons are in the logs: whoever asks may be anybody */
	out_text(o, "status", db && relay ? "ok" : "failing");
	out_text(o, "database", db ? "ok" : "failing");
	out_text(o, "relay", relay ? "ok" : "failing");
	if (!db || !relay)
		req_line(r, "Retry-After", "5");
	api_done(r, db && relay ? 200 : 503);
}
