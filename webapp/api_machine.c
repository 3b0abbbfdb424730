/* The API's machines, and their keys. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/err.h"
#include "base/str.h"
#include "page.h"
#include "problem.h"
#include "store/store.h"
#include "store/store_machine.h"
#include "store/store_page.h"

/* --- showing ------------------------------------------------------------------- */

/* The members of a machine; -1 with e. */
static int
show(struct req *r, struct out *o, const struct machine *m, struct err *e)
{
	char allow[MACHINE_ALLOW_MAX + 1] = "";
	int64_t *ids;
	size_t n, i;

	if (store_machine_allow(r->store, m->id, allow, e) == -1 ||
	    store_machine_tunnels(r->store, m->id, &ids, &n, e) == -1)
		return -1;
	out_number(o, "id", m->id);
	out_number(o, "user_id", m->user);
	out_text(o, "name", m->name);
	out_text_or_null(o, "computer", m->computer);
	out_text_or_null(o, "system", m->system);
	out_text_or_null(o, "address", m->address);
	out_words(o, "allow", allow);
	out_number(o, "keys", m->keys);
	out_array(o, "tunnel_ids");
	for (i = 0; i < n; i++)
		out_number(o, NULL, ids[i]);
	out_array_end(o);
	out_time(o, "created_at", m->created_at);
	out_time(o, "last_seen_at", m->seen_at);
	free(ids);
	return 0;
}

/* The machine that the path names; false when it is answered. */
static bool
find(struct req *r, struct machine *m)
{
	struct err e;
	int rc;

	rc = store_machine_by_id(r->store, api_scope(r), r->id[0], m, &e);
	if (rc == 0)
		api_none(r);
	else if (rc == -1)
		page_trouble(r, &e);
	return rc == 1;
}

/* The order that was asked for; false when it is answered. */
static bool
read_order(struct req *r, enum machine_order *out)
{
	static const char *const words[] = {
		[MACHINE_BY_ID] = "",
		[MACHINE_BY_NEW] = "new",
		[MACHINE_BY_NAME] = "name",
		[MACHINE_BY_SEEN] = "seen",
	};
	const char *said = req_query(r, "sort");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(said, words[i]) == 0 &&
		    (i > 0) == req_has(&r->query, "sort")) {
			*out = (enum machine_order)i;
			return true;
		}
	problem(r, 400, "sort", "sort is new, name or seen.");
	return false;
}

void
api_machine_list(struct req *r)
{
	enum machine_order order;
	struct machine *list;
	struct api_part part;
	int64_t user, total;
	struct out *o;
	struct err e;
	size_t n, i;
	int rc = 0;

	if (!api_part(r, "user q sort", &part) || !api_list_of(r, &user) ||
	    !read_order(r, &order))
		return;
	if (store_machine_search(r->store, user, req_query(r, "q"), order,
		part.skip, part.limit, &list, &n, &total, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n && rc == 0; i++) {
		out_object(o, NULL);
		rc = show(r, o, &list[i], &e);
		out_object_end(o);
	}
	free(list);
	if (rc == -1)
		page_trouble(r, &e);
	else
		api_list_end(r, total);
}

void
api_machine_get(struct req *r)
{
	struct machine m;
	struct err e;

	if (!api_query(r, "") || !find(r, &m))
		return;
	if (show(r, api_out(r), &m, &e) == -1)
		page_trouble(r, &e);
	else
		api_done(r, 200);
}

/* --- making and removing ----------------------------------------------------------- */

void
api_machine_add(struct req *r)
{
	static const struct api_field fields[] = {
		{ "name", API_TEXT, true, 0, 0 },
		{ "tunnel_ids", API_IDS, false, 0, 0 },
	};
	char token[MACHINE_TOKEN_LEN + 1];
	int64_t ids[API_LIST_MAX], id;
	const json_t *o, *list, *member;
	const char *name;
	struct out *out;
	struct err e;
	size_t i, n = 0;

	if (!api_query(r, "") || (o = api_body(r, fields, 2)) == NULL)
		return;
	name = api_json_text(o, "name");
	if (check_name(name, &e) == -1) {
		problem(r, 422, "name", page_sentence(r, e.text));
		return;
	}
	list = json_object_get(o, "tunnel_ids");
	json_array_foreach(list, i, member) ids[n++] =
	    json_integer_value(member);
	if (!api_begin(r))
		return;
	if (store_machine_add(
		r->store, r->user.id, name, ids, n, &id, token, &e) == -1) {
		/* the name is good: what is refused is a tunnel */
		if (page_was_refused(r))
			problem(r, 422, "tunnel_ids", page_sentence(r, e.text));
		else
			page_trouble(r, &e);
		return;
	}
	page_note(r, r->user.id, "machine add", "machine %lld %s",
	    (long long)id, name);
	req_line(r, "Location", "%s",
	    req_url(r, "/api/machines/%lld", (long long)id));
	out = api_out(r);
	out_number(out, "id", id);
	out_text(out, "name", name);
	out_text(out, "token", token);
	str_wipe(token, sizeof(token));
	api_done(r, 201);
}

void
api_machine_edit(struct req *r)
{
	static const struct api_field fields[] = {
		{ "name", API_TEXT, false, 0, 0 },
	};
	struct machine m;
	const json_t *o;
	struct err e;
	bool named;

	if (!api_query(r, "") || (o = api_body(r, fields, 1)) == NULL ||
	    !find(r, &m))
		return;
	named = api_json_has(o, "name");
	if (named && check_name(api_json_text(o, "name"), &e) == -1) {
		problem(r, 422, "name", page_sentence(r, e.text));
		return;
	}
	if (!api_begin(r))
		return;
	if (named &&
	    store_machine_rename(r->store, api_scope(r), m.id,
		api_json_text(o, "name"), &e) == -1) {
		api_failed(r, &e);
		return;
	}
	if (!find(r, &m))
		return;
	if (named)
		page_note(r, m.user, "machine edit", "machine %lld %s",
		    (long long)m.id, m.name);
	if (show(r, api_out(r), &m, &e) == -1)
		page_trouble(r, &e);
	else
		api_done(r, 200);
}

void
api_machine_remove(struct req *r)
{
	struct machine m;
	struct err e;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_begin(r) || !find(r, &m))
		return;
	if (store_machine_remove(r->store, api_scope(r), m.id, &e) == -1) {
		api_failed(r, &e);
		return;
	}
	page_note(r, m.user, "machine rm", "machine %lld %s", (long long)m.id,
	    m.name);
	api_gone(r);
}

/* --- keys --------------------------------------------------------------------------- */

void
api_machine_keys(struct req *r)
{
	static const char *const states[] = { "good", "revoked", "expired" };
	struct machine_key *list;
	struct machine m;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_query(r, "") || !find(r, &m))
		return;
	if (store_machine_key_list(r->store, m.id, &list, &n, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++) {
		out_object(o, NULL);
		out_number(o, "id", list[i].id);
		out_text(o, "state", states[list[i].state]);
		out_time(o, "created_at", list[i].created_at);
		out_time(o, "first_used_at", list[i].first_used_at);
		out_time(o, "last_used_at", list[i].last_used_at);
		out_time(o, "revoked_at", list[i].revoked_at);
		out_object_end(o);
	}
	free(list);
	api_list_end(r, (int64_t)n);
}

void
api_machine_key_add(struct req *r)
{
	char token[MACHINE_TOKEN_LEN + 1];
	struct machine m;
	struct out *o;
	struct err e;
	int64_t id;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL || !find(r, &m) ||
	    !api_begin(r))
		return;
	rc =
	    store_machine_key_add(r->store, api_scope(r), m.id, &id, token, &e);
	if (rc == 0) {
		api_none(r);
		return;
	}
	if (rc == -1) {
		api_failed(r, &e);
		return;
	}
	page_note(r, m.user, "machine key add", "machine %lld %s, key %lld",
	    (long long)m.id, m.name, (long long)id);
	o = api_out(r);
	out_number(o, "id", id);
	out_text(o, "token", token);
	str_wipe(token, sizeof(token));
	api_done(r, 201);
}

/* Is it one of this machine's? */
static int
has_key(struct req *r, const struct machine *m, int64_t key, struct err *e)
{
	struct machine_key *list;
	size_t n, i;
	int rc = 0;

	if (store_machine_key_list(r->store, m->id, &list, &n, e) == -1)
		return -1;
	for (i = 0; i < n; i++)
		rc |= list[i].id == key;
	free(list);
	return rc;
}

void
api_machine_key_remove(struct req *r)
{
	struct machine m;
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_begin(r) || !find(r, &m))
		return;
	if ((rc = has_key(r, &m, r->id[1], &e)) == 1)
		rc = store_machine_key_remove(
		    r->store, api_scope(r), r->id[1], &e);
	if (rc == 0) {
		api_none(r);
	} else if (rc == -1) {
		api_failed(r, &e);
	} else {
		page_note(r, m.user, "machine key rm",
		    "machine %lld %s, key %lld", (long long)m.id, m.name,
		    (long long)r->id[1]);
		api_gone(r);
	}
}
