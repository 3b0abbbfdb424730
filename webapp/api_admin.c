/* What the API lets an admin do: users, invitations, settings, the relay. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "app.h"
#include "base/err.h"
#include "base/str.h"
#include "gate.h"
#include "live.h"
#include "page.h"
#include "problem.h"
#include "step.h"
#include "store/store.h"
#include "store/store_page.h"
#include "store/store_setting.h"
#include "store/store_user.h"
#include "store/store_web.h"

/* --- users ------------------------------------------------------------------------ */

static void
show_user(struct out *o, const struct user *u)
{
	out_number(o, "id", u->id);
	out_text(o, "email", u->email);
	out_text(o, "role", u->admin ? "admin" : "member");
	out_bool(o, "frozen", u->frozen_at != 0);
	out_number(o, "tunnels", u->tunnels);
	out_number(o, "machines", u->machines);
	out_time(o, "created_at", u->created_at);
}

/* The user that the path names; false when it is answered. */
static bool
find_user(struct req *r, struct user *u)
{
	struct err e;
	int rc;

	if ((rc = store_user_by_id(r->store, r->id[0], u, &e)) == 0)
		api_none(r);
	else if (rc == -1)
		page_trouble(r, &e);
	return rc == 1;
}

void
api_users(struct req *r)
{
	struct api_part part;
	struct user *list;
	int64_t total;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_part(r, "", &part))
		return;
	if (store_user_count(r->store, &total, &e) == -1 ||
	    store_user_list(r->store, part.skip, part.limit, &list, &n, &e) ==
		-1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++) {
		out_object(o, NULL);
		show_user(o, &list[i]);
		out_object_end(o);
	}
	free(list);
	api_list_end(r, total);
}

void
api_user_get(struct req *r)
{
	struct user u;

	if (!api_query(r, "") || !find_user(r, &u))
		return;
	show_user(api_out(r), &u);
	api_done(r, 200);
}

/* The hash of the password that was sent; false when it is answered. */
static bool
hash_password(struct req *r, const json_t *o, char *hash_out)
{
	const char *password = api_json_text(o, "password");
	struct err e;
	int rc;

	if (check_password(password, strlen(password), &e) == -1) {
		problem(r, 422, "password", page_sentence(r, e.text));
		return false;
	}
	if ((rc = gate_hash(hash_out, password, &e)) == 1)
		return true;
	if (rc == 0)
		problem(r, 503, NULL,
		    "Too many passwords are being checked at this moment. Try "
		    "again in a few seconds.");
	else
		page_trouble(r, &e);
	return false;
}

/* "member", which is the default, or "admin"; false when it is answered. */
static bool
read_role(struct req *r, const json_t *o, bool *admin_out)
{
	const char *role =
	    api_json_has(o, "role") ? api_json_text(o, "role") : "member";

	*admin_out = strcmp(role, "admin") == 0;
	if (*admin_out || strcmp(role, "member") == 0)
		return true;
	problem(r, 422, "role", "The role is member or admin.");
	return false;
}

void
api_user_add(struct req *r)
{
	static const struct api_field fields[] = {
		{ "email", API_TEXT, true, 0, 0 },
		{ "password", API_TEXT, true, 0, 0 },
		{ "role", API_TEXT, false, 0, 0 },
	};
	char hash[PASSWORD_HASH_MAX + 1];
	const json_t *o;
	const char *email;
	struct user u;
	struct err e;
	bool admin;

	if (!api_query(r, "") || (o = api_body(r, fields, 3)) == NULL ||
	    !read_role(r, o, &admin))
		return;
	email = api_json_text(o, "email");
	if (check_email(email, &e) == -1) {
		problem(r, 422, "email", page_sentence(r, e.text));
		return;
	}
	if (!hash_password(r, o, hash) || !api_begin(r))
		return;
	if (store_user_add(r->store, email, hash, admin, &u.id, &e) == -1 ||
	    store_user_by_id(r->store, u.id, &u, &e) != 1) {
		api_failed(r, &e);
		return;
	}
	page_note(r, u.id, "user add", "user %lld %s%s", (long long)u.id,
	    u.email, u.admin ? ", admin" : "");
	req_line(r, "Location", "%s",
	    req_url(r, "/api/users/%lld", (long long)u.id));
	show_user(api_out(r), &u);
	api_done(r, 201);
}

/* An admin cannot lock out themselves. */
static bool
is_oneself(struct req *r, const struct user *u)
{
	if (u->id != r->user.id)
		return false;
	problem(r, 409, NULL,
	    "That is you. Another admin does this to you, or the operator of "
	    "the server.");
	return true;
}

void
api_user_edit(struct req *r)
{
	static const struct api_field fields[] = {
		{ "frozen", API_BOOL, false, 0, 0 },
		{ "password", API_TEXT, false, 0, 0 },
	};
	char hash[PASSWORD_HASH_MAX + 1];
	const json_t *o;
	struct user u;
	struct err e;
	bool frozen, password;

	if (!api_query(r, "") || (o = api_body(r, fields, 2)) == NULL ||
	    !find_user(r, &u))
		return;
	frozen = api_json_has(o, "frozen");
	password = api_json_has(o, "password");
	if ((frozen && is_oneself(r, &u)) ||
	    (password && !hash_password(r, o, hash)) || !api_begin(r))
		return;
	if ((frozen &&
		store_user_freeze(
		    r->store, u.id, api_json_bool(o, "frozen"), &e) == -1) ||
	    (password &&
		store_user_set_password(r->store, u.id, hash, &e) == -1) ||
	    store_user_by_id(r->store, u.id, &u, &e) == -1) {
		api_failed(r, &e);
		return;
	}
	if (frozen)
		page_note(r, u.id,
		    u.frozen_at != 0 ? "user freeze" : "user unfreeze",
		    "user %lld %s", (long long)u.id, u.email);
	if (password)
		page_note(r, u.id, "user passwd", "user %lld %s",
		    (long long)u.id, u.email);
	step_hush(r, u.id);
	show_user(api_out(r), &u);
	api_done(r, 200);
}

void
api_user_remove(struct req *r)
{
	struct user u;
	struct err e;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_begin(r) || !find_user(r, &u) || is_oneself(r, &u))
		return;
	if (store_user_remove(r->store, u.id, &e) == -1) {
		api_failed(r, &e);
		return;
	}
	step_hush(r, u.id);
	page_note(r, u.id, "user rm", "user %lld %s", (long long)u.id, u.email);
	api_gone(r);
}

/* --- invitations ------------------------------------------------------------------- */

void
api_invitations(struct req *r)
{
	struct invitation *list;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_query(r, ""))
		return;
	if (store_web_invitation_list(r->store, &list, &n, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++) {
		out_object(o, NULL);
		out_number(o, "id", list[i].id);
		out_text(o, "note", list[i].note);
		out_time(o, "created_at", list[i].created_at);
		out_time(o, "expires_at", list[i].expires_at);
		out_object_end(o);
	}
	free(list);
	api_list_end(r, (int64_t)n);
}

void
api_invite(struct req *r)
{
	static const struct api_field fields[] = {
		{ "note", API_TEXT, false, 0, 0 },
	};
	char secret[WEB_SECRET_LEN + 1];
	const json_t *o;
	const char *note;
	struct out *out;
	struct err e;

	if (!api_query(r, "") || (o = api_body(r, fields, 1)) == NULL)
		return;
	note = api_json_text(o, "note");
	if (*note != '\0' && check_name(note, &e) == -1) {
		problem(r, 422, "note", page_sentence(r, e.text));
		return;
	}
	if (!api_begin(r))
		return;
	if (store_web_invite(r->store, note, secret, &e) == -1) {
		api_failed(r, &e);
		return;
	}
	page_note(r, r->user.id, "invite", "%s", note);
	out = api_out(r);
	out_text(out, "note", note);
	out_text(out, "url", req_url(r, "/join/%s", secret));
	str_wipe(secret, sizeof(secret));
	api_done(r, 201);
}

void
api_uninvite(struct req *r)
{
	struct err e;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL || !api_begin(r))
		return;
	rc = store_web_uninvite(r->store, r->id[0], &e);
	if (rc == 0) {
		api_none(r);
	} else if (rc == -1) {
		api_failed(r, &e);
	} else {
		page_note(r, r->user.id, "uninvite", "invitation %lld",
		    (long long)r->id[0]);
		api_gone(r);
	}
}

/* --- settings ---------------------------------------------------------------------- */

/* Is what stands in text a number, and nothing else? */
static bool
is_number(const struct setting *s)
{
	return strcmp(s->values, "a number") == 0;
}

static void
show_settings(struct req *r)
{
	struct setting all[SETTING_COUNT];
	char contact[WEB_CONTACT_MAX + 1];
	struct out *o;
	struct err e;
	uint64_t n;

	if (store_setting_list(r->store, all, &e) == -1 ||
	    store_web_contact(r->store, contact, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_out(r);
	for (size_t i = 0; i < SETTING_COUNT; i++) {
		if (is_number(&all[i]) &&
		    str_number(all[i].value, 0, INT64_MAX, &n))
			out_number(o, all[i].name, (int64_t)n);
		else
			out_text(o, all[i].name, all[i].value);
	}
	out_text(o, "contact", contact);
	api_done(r, 200);
}

void
api_settings(struct req *r)
{
	if (api_query(r, ""))
		show_settings(r);
}

/* One setting of the body; false when it is answered. */
static bool
set_one(struct req *r, const json_t *o, const struct setting *s)
{
	const char *value;
	struct err e;

	if (!api_json_has(o, s->name))
		return true;
	value = is_number(s)
	    ? req_text(r, "%lld", (long long)api_json_number(o, s->name))
	    : api_json_text(o, s->name);
	if (store_setting_set(r->store, s->name, value, &e) == 0) {
		page_note(
		    r, r->user.id, "setting set", "%s = %s", s->name, value);
		return true;
	}
	if (page_was_refused(r))
		problem(r, 422, s->name, page_sentence(r, e.text));
	else
		page_trouble(r, &e);
	return false;
}

static bool
set_contact(struct req *r, const json_t *o)
{
	const char *value = api_json_text(o, "contact");
	struct err e;

	if (!api_json_has(o, "contact"))
		return true;
	if (store_web_set_contact(r->store, value, &e) == 0) {
		page_note(r, r->user.id, "setting set", "contact = %s", value);
		return true;
	}
	if (page_was_refused(r))
		problem(r, 422, "contact", page_sentence(r, e.text));
	else
		page_trouble(r, &e);
	return false;
}

void
api_settings_edit(struct req *r)
{
	struct api_field fields[SETTING_COUNT + 1] = {
		[SETTING_COUNT] = { "contact", API_TEXT, false, 0, 0 },
	};
	struct setting all[SETTING_COUNT];
	const json_t *o;
	struct err e;
	size_t i;

	if (store_setting_list(r->store, all, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	for (i = 0; i < SETTING_COUNT; i++) {
		fields[i].name = all[i].name;
		fields[i].type = is_number(&all[i]) ? API_NUMBER : API_TEXT;
		fields[i].max = INT64_MAX;
	}
	if (!api_query(r, "") ||
	    (o = api_body(r, fields, SETTING_COUNT + 1)) == NULL ||
	    !api_begin(r))
		return;
	for (i = 0; i < SETTING_COUNT; i++)
		if (!set_one(r, o, &all[i]))
			return;
	if (set_contact(r, o))
		show_settings(r);
}

/* --- the relay --------------------------------------------------------------------- */

void
api_relay(struct req *r)
{
	struct live_figures f;
	struct out *o;

	if (!api_query(r, ""))
		return;
	live_figures(r, &f);
	o = api_out(r);
	out_bool(o, "running", f.answers);
	out_text(o, "trouble", live_trouble(r));
	out_number(o, "sessions", f.sessions);
	out_number(o, "tunnels", f.tunnels);
	out_number(o, "tunnels_served", f.served);
	out_number(o, "streams", f.streams);
	out_number(o, "flows", f.flows);
	out_number(o, "links", f.links);
	out_number(o, "visitors_total", f.visitors_total);
	out_number(o, "uptime_s", f.uptime_s);
	out_number(o, "held_bytes", f.held_bytes);
	out_number(o, "held_max", f.held_max);
	out_number(o, "memory_bytes", f.memory_bytes);
	api_done(r, 200);
}
