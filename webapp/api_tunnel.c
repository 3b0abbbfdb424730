/* The API's tunnels. */
#include "api_tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/clock.h"
#include "base/err.h"
#include "page.h"
#include "problem.h"
#include "refusal.h"
#include "status.h"
#include "store/store.h"
#include "store/store_machine.h"
#include "store/store_verify.h"
#include "tunnel_form.h"

/* --- showing ------------------------------------------------------------------- */

static const char *
verify_url(struct req *r, const struct tunnel *t)
{
	char code[VERIFY_CODE_LEN + 1];

	store_verify_code(code, r->app->key, t->id, t->verify_serial);
	return req_url(r, "/verify/%s", code);
}

static void
show_lamp(
    struct out *o, enum live_at at, enum live_light light, const char *sentence)
{
	out_object(o, live_lamp_name(at));
	out_text(o, "state", live_light_name(light));
	out_text(o, "sentence", sentence);
	out_object_end(o);
}

static void
show_lamps(struct out *o, const struct live *l, const struct live_tunnel *v)
{
	static const enum live_at order[] = { LIVE_REACH, LIVE_MACHINE,
		LIVE_SERVICE, LIVE_VISITOR };

	out_object(o, "lamps");
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (v != NULL)
			show_lamp(o, order[i], v->lamps[order[i]].light,
			    v->lamps[order[i]].sentence);
		else if (l->answers)
			show_lamp(o, order[i], LIVE_GREY, "Not tried yet.");
		else if (order[i] == LIVE_REACH)
			show_lamp(
			    o, order[i], LIVE_RED, "The relay is not running.");
		else
			show_lamp(o, order[i], LIVE_GREY,
			    "Unknown while the relay is not running.");
	}
	out_object_end(o);
}

const struct page_pair *
api_tunnel_pairs(const struct beside *b, int64_t tunnel, size_t *n_out)
{
	size_t from = 0, to = b->pairs_n, mid;

	while (from < to) {
		mid = from + (to - from) / 2;
		if (b->pairs[mid].tunnel < tunnel)
			from = mid + 1;
		else
			to = mid;
	}
	while (to < b->pairs_n && b->pairs[to].tunnel == tunnel)
		to++;
	*n_out = to - from;
	return b->pairs + from;
}

static void
show_machines(struct out *o, const struct beside *b, int64_t tunnel,
    const struct live_tunnel *v)
{
	const struct page_pair *p;
	size_t n;

	out_array(o, "machines");
	for (p = api_tunnel_pairs(b, tunnel, &n); n > 0; n--, p++) {
		out_object(o, NULL);
		out_number(o, "id", p->machine);
		out_text(o, "name", p->name);
		out_bool(o, "serving",
		    v != NULL && v->serving && v->machine == p->machine);
		out_object_end(o);
	}
	out_array_end(o);
}

void
api_tunnel_show(struct req *r, struct out *o, const struct tunnel *t,
    const struct beside *b)
{
	const struct live_tunnel *v = live_find(&b->live, t->id);

	out_number(o, "id", t->id);
	out_number(o, "user_id", t->user);
	out_text(o, "name", t->name);
	out_text(o, "kind", check_kind_name(t->kind));
	out_text(o, "local_host", t->local_host);
	out_number(o, "local_port", t->local_port);
	out_text(o, "public_host", r->app->conf.public_host);
	out_number(o, "public_port", t->public_port);
	out_text(o, "public_url",
	    req_text(r, "%s://%s", t->kind == KIND_UDP ? "udp" : "tcp",
		status_address(r, t)));
	out_text(o, "status", status_name(status_is(t, &b->live)));
	out_bool(o, "verified", t->verified_at != 0);
	if (t->verified_at == 0) {
		out_text(o, "verify_url", verify_url(r, t));
		out_time(o, "verify_until", t->verify_until);
	}
	show_lamps(o, &b->live, v);
	show_machines(o, b, t->id, v);
	out_text(o, "proxy_protocol", check_proxy_name(t->proxy));
	out_words(o, "allow", t->allow);
	out_words(o, "deny", t->deny);
	out_number(o, "address_rate", t->address_rate);
	out_number(o, "visitors_max", t->visitors_max);
	out_time(o, "expires_at", t->expires_at);
	out_time(o, "created_at", t->created_at);
	out_time(o, "last_connected_at", t->last_connected_at);
}

void
api_tunnel_ask(
    struct req *r, const struct tunnel *list, size_t n, struct live *l)
{
	int64_t *ids = req_alloc(r, (n + 1) * sizeof(*ids));

	memset(l, 0, sizeof(*l));
	if (ids == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		ids[i] = list[i].id;
	live_ask(r, ids, n, l);
}

/* Answers with one tunnel as it is in the store now. */
static void
answer(struct req *r, int64_t id, struct beside *b, unsigned status)
{
	const char *notice;
	struct tunnel t;
	struct out *o;
	struct err e;
	int rc;

	rc = store_tunnel_by_id(r->store, api_scope(r), id, &t, &e);
	if (rc == 1 &&
	    store_page_pairs(r->store, STORE_ANYBODY, id, id, &b->pairs,
		&b->pairs_n, &e) == -1)
		rc = -1;
	if (rc == 1) {
		api_tunnel_show(r, o = api_out(r), &t, b);
		notice = refusal_of(r, t.id, t.local_host, t.local_port);
		out_text_or_null(o, "notice", notice != NULL ? notice : "");
		api_done(r, status);
		free(b->pairs);
	} else if (rc == 0) {
		api_none(r);
	} else {
		page_trouble(r, &e);
	}
}

bool
api_tunnel_find(struct req *r, struct tunnel *t)
{
	struct err e;
	int rc;

	rc = store_tunnel_by_id(r->store, api_scope(r), r->id[0], t, &e);
	if (rc == 0)
		api_none(r);
	else if (rc == -1)
		page_trouble(r, &e);
	return rc == 1;
}

void
api_tunnel_get(struct req *r)
{
	struct beside b = { .pairs = NULL };
	struct tunnel t;

	if (!api_query(r, "") || !api_tunnel_find(r, &t))
		return;
	api_tunnel_ask(r, &t, 1, &b.live);
	answer(r, t.id, &b, 200);
}

void
api_tunnel_status(struct req *r)
{
	const struct live_tunnel *v;
	struct status s;
	struct tunnel t;
	struct live l;
	struct out *o;

	if (!api_query(r, "") || !api_tunnel_find(r, &t))
		return;
	api_tunnel_ask(r, &t, 1, &l);
	v = live_find(&l, t.id);
	status_of(r, &t, &l, v != NULL ? v->machine_name : "", &s);
	o = api_out(r);
	out_number(o, "id", t.id);
	out_text(o, "status", s.word);
	out_text(o, "sentence",
	    req_text(
		r, "%s%s%s", s.strong, *s.rest != '\0' ? " " : "", s.rest));
	show_lamps(o, &l, v);
	out_number(o, "visitors", v != NULL ? v->visitors : 0);
	out_number(o, "bytes_in", v != NULL ? v->bytes_in : 0);
	out_number(o, "bytes_out", v != NULL ? v->bytes_out : 0);
	api_done(r, 200);
}

/* --- making and changing ---------------------------------------------------------- */

#define TUNNEL_FIELDS(must)                                                 \
	{ "name", API_TEXT, must, 0, 0 }, { "kind", API_TEXT, must, 0, 0 }, \
	    { "local_host", API_TEXT, false, 0, 0 },                        \
	    { "local_port", API_NUMBER, must, 1, 65535 },                   \
	    { "public_port", API_NUMBER, false, 1, 65535 },                 \
	    { "proxy_protocol", API_TEXT, false, 0, 0 },                    \
	    { "allow", API_WORDS, false, 0, 0 },                            \
	    { "deny", API_WORDS, false, 0, 0 },                             \
	    { "address_rate", API_NUMBER, false, 0, TUNNEL_RATE_MAX },      \
	    { "visitors_max", API_NUMBER, false, 0, TUNNEL_VISITORS_MAX },  \
	{                                                                   \
		"expires_at", API_TIME, false, 0, 0                         \
	}

static const struct api_field edit_fields[] = { TUNNEL_FIELDS(false) };
static const struct api_field add_fields[] = { TUNNEL_FIELDS(true),
	{ "machine_id", API_NUMBER, false, 1, INT64_MAX } };

/* A text that was sent, or NULL. */
static const char *
text(const json_t *o, const char *name)
{
	return api_json_has(o, name) ? api_json_text(o, name) : NULL;
}

/* A number that was sent, as text, or NULL. */
static const char *
digits(struct req *r, const json_t *o, const char *name)
{
	if (!api_json_has(o, name))
		return NULL;
	return req_text(r, "%lld", (long long)api_json_number(o, name));
}

/* A list that was sent, as one text, or NULL. */
static const char *
words(struct req *r, const json_t *o, const char *name)
{
	const json_t *list = json_object_get(o, name), *member;
	const char *all = "";
	size_t i;

	if (list == NULL)
		return NULL;
	/* more than these are refused anyway */
	json_array_foreach(list, i, member)
	{
		if (i > CHECK_CIDR_COUNT)
			break;
		all = req_text(r, "%s%s%s", all, i > 0 ? "," : "",
		    json_string_value(member));
	}
	return all;
}

/* The wish in o; old is NULL for a new one.  False when it is answered. */
static bool
read_wish(struct req *r, const json_t *o, const struct tunnel *old,
    struct tunnel_wish *w)
{
	const struct tunnel_text t = {
		.name = text(o, "name"),
		.kind = text(o, "kind"),
		.local_host = text(o, "local_host"),
		.local_port = digits(r, o, "local_port"),
		.public_port = digits(r, o, "public_port"),
		.proxy_protocol = text(o, "proxy_protocol"),
		.allow = words(r, o, "allow"),
		.deny = words(r, o, "deny"),
		.address_rate = digits(r, o, "address_rate"),
		.visitors_max = digits(r, o, "visitors_max"),
	};
	struct form f = { .n = 0 };

	tunnel_form_read(r, &t, old, w, &f);
	if (api_json_has(o, "expires_at")) {
		w->set |= TUNNEL_EXPIRES;
		w->expires_at = api_json_time(o, "expires_at");
		if (w->expires_at != 0 && w->expires_at <= clock_wall_ms())
			form_wrong(&f, "expires_at",
			    "That time is over; choose a later one, or null.");
	}
	if (f.n == 0)
		return true;
	problem(r, 422, f.at[0].field, f.at[0].says);
	return false;
}

/* May the new tunnel be served by the machine that was named? */
static bool
serve_by(struct req *r, const json_t *o, int64_t tunnel)
{
	struct err e;
	int rc;

	if (!api_json_has(o, "machine_id"))
		return true;
	rc = store_machine_serve(r->store, r->user.id,
	    api_json_number(o, "machine_id"), tunnel, true, &e);
	if (rc == 0)
		problem(r, 422, "machine_id",
		    "You have no machine of this number.");
	else if (rc == -1)
		page_trouble(r, &e);
	return rc == 1;
}

void
api_tunnel_add(struct req *r)
{
	struct beside b = { .live.answers = true };
	const json_t *o;
	struct tunnel_wish w;
	struct tunnel t;
	struct err e;

	if (!api_query(r, "") ||
	    (o = api_body(r, add_fields,
		 sizeof(add_fields) / sizeof(add_fields[0]))) == NULL ||
	    !read_wish(r, o, NULL, &w) || !api_begin(r))
		return;
	if (store_tunnel_add(r->store, r->user.id, &w, &r->app->ports, false,
		false, &t, &e) == -1) {
		api_failed(r, &e);
		return;
	}
	if (!serve_by(r, o, t.id))
		return;
	page_note(r, t.user, "tunnel add", "tunnel %lld %s, port %u",
	    (long long)t.id, t.name, t.public_port);
	req_line(r, "Location", "%s",
	    req_url(r, "/api/tunnels/%lld", (long long)t.id));
	answer(r, t.id, &b, 201);
}

void
api_tunnel_edit(struct req *r)
{
	struct beside b = { .pairs = NULL };
	const json_t *o;
	struct tunnel_wish w;
	struct tunnel t;
	struct err e;

	if (!api_query(r, "") ||
	    (o = api_body(r, edit_fields,
		 sizeof(edit_fields) / sizeof(edit_fields[0]))) == NULL ||
	    !api_tunnel_find(r, &t) || !read_wish(r, o, &t, &w))
		return;
	api_tunnel_ask(r, &t, 1, &b.live);
	if (!api_begin(r))
		return;
	if (w.set != 0 &&
	    store_tunnel_edit(
		r->store, api_scope(r), t.id, &w, &r->app->ports, &e) == -1) {
		api_failed(r, &e);
		return;
	}
	if (w.set != 0)
		page_note(r, t.user, "tunnel edit", "tunnel %lld %s",
		    (long long)t.id, t.name);
	answer(r, t.id, &b, 200);
}

void
api_tunnel_remove(struct req *r)
{
	struct tunnel t;
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_begin(r) || !api_tunnel_find(r, &t))
		return;
	rc = store_tunnel_remove(r->store, api_scope(r), t.id, &e);
	if (rc == -1) {
		api_failed(r, &e);
		return;
	}
	page_note(r, t.user, "tunnel rm", "tunnel %lld %s, port %u",
	    (long long)t.id, t.name, t.public_port);
	api_gone(r);
}

/* --- verbs ------------------------------------------------------------------------- */

/*
 * A verb is a change of one tunnel that takes no body: 1 done, 0 when it does
 * not apply, which `why` tells then, or -1.
 */
struct verb {
	const char *did;
	int (*fn)(struct req *r, const struct tunnel *t, struct err *e);
	const char *why;
};

static void
run(struct req *r, const struct verb *v)
{
	struct beside b = { .pairs = NULL };
	struct tunnel t;
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_tunnel_find(r, &t))
		return;
	api_tunnel_ask(r, &t, 1, &b.live);
	if (!api_begin(r))
		return;
	if ((rc = v->fn(r, &t, &e)) == 1) {
		page_note(r, t.user, v->did, "tunnel %lld %s", (long long)t.id,
		    t.name);
		answer(r, t.id, &b, 200);
	} else if (rc == 0) {
		problem(r, 409, NULL, v->why);
	} else {
		api_failed(r, &e);
	}
}

static int
resume(struct req *r, const struct tunnel *t, struct err *e)
{
	return store_tunnel_pause(r->store, api_scope(r), t->id, false, e);
}

static int
pause_it(struct req *r, const struct tunnel *t, struct err *e)
{
	return store_tunnel_pause(r->store, api_scope(r), t->id, true, e);
}

static int
renew(struct req *r, const struct tunnel *t, struct err *e)
{
	return store_verify_renew(r->store, api_scope(r), t->id, e);
}

static int
verify(struct req *r, const struct tunnel *t, struct err *e)
{
	return store_verify(r->store, t->id, 0, e);
}

static int
freeze(struct req *r, const struct tunnel *t, struct err *e)
{
	return store_tunnel_freeze(r->store, t->id, true, e);
}

static int
unfreeze(struct req *r, const struct tunnel *t, struct err *e)
{
	return store_tunnel_freeze(r->store, t->id, false, e);
}

/* 409 with the link that would help. */
static void
refuse_pending(struct req *r, const struct tunnel *t)
{
	struct out *o = api_out(r);

	out_text(o, "type", "about:blank");
	out_text(o, "title", "Conflict");
	out_number(o, "status", 409);
	out_text(o, "detail",
	    "It is not verified yet; open the link that verify_url names.");
	out_text(o, "verify_url", verify_url(r, t));
	api_done(r, 409);
	r->type = "application/problem+json";
}

void
api_tunnel_activate(struct req *r)
{
	static const struct verb v = { "tunnel resume", resume, "" };
	struct tunnel t;

	if (!api_tunnel_find(r, &t))
		return;
	if (t.verified_at == 0)
		refuse_pending(r, &t);
	else
		run(r, &v);
}

void
api_tunnel_deactivate(struct req *r)
{
	static const struct verb v = { "tunnel pause", pause_it, "" };

	run(r, &v);
}

void
api_tunnel_renew(struct req *r)
{
	static const struct verb v = { "tunnel link", renew,
		"It is verified; it needs no link." };

	run(r, &v);
}

void
api_tunnel_verify(struct req *r)
{
	static const struct verb v = { "tunnel verify", verify, "" };

	run(r, &v);
}

void
api_tunnel_freeze(struct req *r)
{
	static const struct verb v = { "tunnel freeze", freeze, "" };

	run(r, &v);
}

void
api_tunnel_unfreeze(struct req *r)
{
	static const struct verb v = { "tunnel unfreeze", unfreeze, "" };

	run(r, &v);
}

void
api_tunnel_restore(struct req *r)
{
	struct beside b = { .live.answers = true };
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL || !api_begin(r))
		return;
	rc = store_tunnel_restore(r->store, api_scope(r), r->id[0], &e);
	if (rc == 0) {
		api_none(r);
	} else if (rc == -1) {
		api_failed(r, &e);
	} else {
		page_note(r, r->user.id, "tunnel restore", "tunnel %lld",
		    (long long)r->id[0]);
		answer(r, r->id[0], &b, 200);
	}
}

/* Both probes now; what they find is in the lamps a moment later. */
void
api_tunnel_test(struct req *r)
{
	struct tunnel t;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_tunnel_find(r, &t))
		return;
	if (!live_test(r, t.id)) {
		problem(r, 409, NULL,
		    "No computer serves it just now, so that nothing can be "
		    "tried.");
		return;
	}
	out_number(api_out(r), "id", t.id);
	api_done(r, 202);
}

/* PUT and DELETE /api/tunnels/{id}/machines/{id} */
static void
set_serve(struct req *r, bool may)
{
	struct tunnel t;
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_tunnel_find(r, &t) || !api_begin(r))
		return;
	rc = store_machine_serve(
	    r->store, api_scope(r), r->id[1], t.id, may, &e);
	if (rc == 0) {
		api_none(r);
	} else if (rc == -1) {
		api_failed(r, &e);
	} else {
		page_note(r, t.user, "tunnel edit",
		    "tunnel %lld %s, %s machine %lld", (long long)t.id, t.name,
		    may ? "served by" : "no longer served by",
		    (long long)r->id[1]);
		api_gone(r);
	}
}

void
api_tunnel_serve(struct req *r)
{
	set_serve(r, true);
}

void
api_tunnel_unserve(struct req *r)
{
	set_serve(r, false);
}
