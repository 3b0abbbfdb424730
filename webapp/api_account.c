/* The API's account: who asks, their API keys, where they are signed in. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/err.h"
#include "base/str.h"
#include "page.h"
#include "problem.h"
#include "step.h"
#include "store/store.h"
#include "store/store_key.h"
#include "store/store_web.h"

void
api_me(struct req *r)
{
	struct user u;
	struct out *o;
	struct err e;

	if (!api_query(r, ""))
		return;
	if (store_user_by_id(r->store, r->user.id, &u, &e) != 1) {
		page_trouble(r, &e);
		return;
	}
	o = api_out(r);
	out_number(o, "id", u.id);
	out_text(o, "email", u.email);
	out_text(o, "role", u.admin ? "admin" : "member");
	out_bool(o, "frozen", u.frozen_at != 0);
	out_bool(o, "may_write", r->may_write);
	out_number(o, "tunnels", u.tunnels);
	out_number(o, "machines", u.machines);
	out_time(o, "created_at", u.created_at);
	api_done(r, 200);
}

/* --- API keys ---------------------------------------------------------------------- */

static void
show_key(struct out *o, const struct api_key *k)
{
	out_object(o, NULL);
	out_number(o, "id", k->id);
	out_text(o, "name", k->name);
	out_text(o, "scope", k->may_write ? "write" : "read");
	out_time(o, "created_at", k->created_at);
	out_time(o, "last_used_at", k->last_used_at);
	out_object_end(o);
}

void
api_keys(struct req *r)
{
	struct api_key *list;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_query(r, ""))
		return;
	if (store_key_list(r->store, r->user.id, &list, &n, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++)
		show_key(o, &list[i]);
	free(list);
	api_list_end(r, (int64_t)n);
}

/* "write", which is the default, or "read"; false when it is answered. */
static bool
read_scope(struct req *r, const json_t *o, bool *may_write_out)
{
	const char *scope =
	    api_json_has(o, "scope") ? api_json_text(o, "scope") : "write";

	*may_write_out = scope[0] == 'w';
	if (strcmp(scope, "write") == 0 || strcmp(scope, "read") == 0)
		return true;
	problem(r, 422, "scope", "The scope is read or write.");
	return false;
}

void
api_key_add(struct req *r)
{
	static const struct api_field fields[] = {
		{ "name", API_TEXT, true, 0, 0 },
		{ "scope", API_TEXT, false, 0, 0 },
	};
	char key[KEY_LEN + 1];
	const json_t *o;
	const char *name;
	struct out *out;
	struct err e;
	bool may_write;
	int64_t id;

	if (!api_query(r, "") || (o = api_body(r, fields, 2)) == NULL ||
	    !read_scope(r, o, &may_write))
		return;
	name = api_json_text(o, "name");
	if (check_name(name, &e) == -1) {
		problem(r, 422, "name", page_sentence(r, e.text));
		return;
	}
	if (!api_begin(r))
		return;
	if (store_key_add_as(
		r->store, r->user.id, name, may_write, &id, key, &e) == -1) {
		api_failed(r, &e);
		return;
	}
	page_note(
	    r, r->user.id, "key add", "API key %lld %s", (long long)id, name);
	out = api_out(r);
	out_number(out, "id", id);
	out_text(out, "name", name);
	out_text(out, "scope", may_write ? "write" : "read");
	out_text(out, "key", key);
	str_wipe(key, sizeof(key));
	api_done(r, 201);
}

/* Ends a removal: rc is the store's. */
static void
removed(struct req *r, int rc, const char *did, const char *what,
    const struct err *e)
{
	if (rc == 0) {
		api_none(r);
	} else if (rc == -1) {
		api_failed(r, e);
	} else {
		page_note(
		    r, r->user.id, did, "%s %lld", what, (long long)r->id[0]);
		api_gone(r);
	}
}

void
api_key_remove(struct req *r)
{
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL || !api_begin(r))
		return;
	rc = store_key_remove(r->store, api_scope(r), r->id[0], &e);
	removed(r, rc, "key rm", "API key", &e);
}

/* --- browsers ---------------------------------------------------------------------- */

void
api_browsers(struct req *r)
{
	struct web_session *list;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_query(r, ""))
		return;
	if (store_web_session_list(r->store, r->user.id, &list, &n, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++) {
		out_object(o, NULL);
		out_number(o, "id", list[i].id);
		out_text(o, "address", list[i].address);
		out_text(o, "agent", list[i].agent);
		out_time(o, "created_at", list[i].created_at);
		out_time(o, "last_seen_at", list[i].seen_at);
		out_time(o, "expires_at", list[i].expires_at);
		out_object_end(o);
	}
	free(list);
	api_list_end(r, (int64_t)n);
}

void
api_browser_remove(struct req *r)
{
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL || !api_begin(r))
		return;
	rc = store_web_session_remove(r->store, r->user.id, r->id[0], &e);
	step_hush(r, r->user.id);
	removed(r, rc, "sign out", "browser", &e);
}
