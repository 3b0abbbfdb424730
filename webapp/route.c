#include "route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api.h"
#include "app.h"
#include "base/str.h"
#include "client.h"
#include "hint.h"
#include "pages.h"
#include "page.h"
#include "problem.h"
#include "session.h"
#include "step.h"
#include "store/store.h"

const struct route routes[] = {
#define GET(path, demands, fn)             \
	{                                  \
		REQ_GET, path, demands, fn \
	}
#define POST(path, demands, fn)             \
	{                                   \
		REQ_POST, path, demands, fn \
	}
#define FORM       (SIGNED_IN | FORM_TOKEN)
#define STEP       (FORM | ONE_STEP)
#define ADMIN_FORM (SIGNED_IN | ADMIN | FORM_TOKEN)
#define ADMIN_STEP (ADMIN_FORM | ONE_STEP)
	/* who is not inside */
	GET("/signin", OPEN, signin_page),
	POST("/signin", FORM_TOKEN, signin_enter),
	POST("/signout", STEP, signin_leave),
	GET("/setup", OPEN, setup_page),
	POST("/setup", FORM_TOKEN, setup_make),
	POST("/theme", FORM_TOKEN, theme_choose),
	GET("/join", OPEN, join_page),
	POST("/join", FORM_TOKEN, join_make),
	GET("/join/{word}", OPEN, join_page),
	POST("/join/{word}", FORM_TOKEN, join_make),
	GET("/verify/{word}", OPEN, verify_page),
	POST("/verify/{word}", FORM_TOKEN, verify_open),
	GET("/static/{word}", NO_STORE, static_file),
	GET("/client/{word}", NO_STORE, client_file),
	GET("/events", NO_STORE, events_none),
	GET("/events/scope", OPEN, events_scope),

	/* tunnels */
	GET("/", SIGNED_IN, dashboard_page),
	GET("/new", SIGNED_IN, new_page),
	POST("/new", STEP, new_make),
	GET("/tunnels/{id}", SIGNED_IN, tunnel_page),
	GET("/tunnels/{id}/edit", SIGNED_IN, edit_page),
	POST("/tunnels/{id}/edit", STEP, edit_save),
	POST("/tunnels/{id}/pause", STEP, tunnel_pause),
	POST("/tunnels/{id}/resume", STEP, tunnel_resume),
	POST("/tunnels/{id}/test", FORM, tunnel_test),
	POST("/tunnels/{id}/visitors/{id}/kick", FORM, tunnel_kick),
	POST("/tunnels/{id}/link", STEP, tunnel_renew),
	POST("/tunnels/{id}/only-me", STEP, tunnel_only_me),
	GET("/tunnels/{id}/delete", SIGNED_IN, tunnel_delete_page),
	POST("/tunnels/{id}/delete", STEP, tunnel_delete),
	POST("/tunnels/{id}/restore", STEP, tunnel_restore),
	GET("/tunnels/{id}/rdp", SIGNED_IN, hint_rdp),
	GET("/download/{id}", SIGNED_IN, download_page),
	POST("/download/{id}", FORM, download_make),

	/* machines */
	GET("/machines", SIGNED_IN, machines_page),
	POST("/machines", FORM, machine_rename),
	GET("/machines/{id}/remove", SIGNED_IN, machine_remove_page),
	POST("/machines/{id}/remove", STEP, machine_remove),
	POST("/keys/{id}/revoke", STEP, key_revoke),

	/* the account */
	GET("/account", SIGNED_IN, account_page),
	POST("/account/password", FORM, account_password),
	POST("/account/keys", FORM, account_key_make),
	POST("/account/keys/{id}/revoke", STEP, account_key_revoke),
	POST("/account/sessions/{id}/end", STEP, account_session_end),

	/* admin */
	GET("/admin", SIGNED_IN | ADMIN, admin_page),
	POST("/admin/settings", ADMIN_FORM, admin_settings),
	POST("/admin/invite", ADMIN_FORM, admin_invite),
	POST("/admin/invitations/{id}/remove", ADMIN_STEP, admin_uninvite),
	GET("/admin/users/{id}", SIGNED_IN | ADMIN, admin_user_page),
	POST("/admin/users/{id}/freeze", ADMIN_STEP, admin_user_freeze),
	POST("/admin/users/{id}/thaw", ADMIN_STEP, admin_user_thaw),
	POST("/admin/users/{id}/password", ADMIN_FORM, admin_user_password),
	POST("/admin/users/{id}/remove", ADMIN_STEP, admin_user_remove),
	POST("/admin/tunnels/{id}/freeze", ADMIN_STEP, admin_tunnel_freeze),
	POST("/admin/tunnels/{id}/thaw", ADMIN_STEP, admin_tunnel_thaw),
	POST("/admin/tunnels/{id}/verify", ADMIN_STEP, admin_tunnel_verify),
/* for programs */
#define READ  (API_KEY | PROBLEM)
#define WRITE (READ | WRITES)
#define API(method, path, demands, fn)          \
	{                                       \
		REQ_##method, path, demands, fn \
	}
	API(GET, "/api", PROBLEM, api_root),
	API(GET, "/health", NO_STORE | PROBLEM, api_health),
	API(GET, "/api/tunnels", READ, api_tunnel_list),
	API(POST, "/api/tunnels", WRITE, api_tunnel_add),
	API(GET, "/api/tunnels/{id}", READ, api_tunnel_get),
	API(PATCH, "/api/tunnels/{id}", WRITE, api_tunnel_edit),
	API(DELETE, "/api/tunnels/{id}", WRITE, api_tunnel_remove),
	API(GET, "/api/tunnels/{id}/status", READ, api_tunnel_status),
	API(POST, "/api/tunnels/{id}/activate", WRITE, api_tunnel_activate),
	API(POST, "/api/tunnels/{id}/deactivate", WRITE, api_tunnel_deactivate),
	API(POST, "/api/tunnels/{id}/verification", WRITE, api_tunnel_renew),
	API(POST, "/api/tunnels/{id}/restore", WRITE, api_tunnel_restore),
	API(POST, "/api/tunnels/{id}/test", WRITE, api_tunnel_test),
	API(GET, "/api/tunnels/{id}/visitors", READ, api_visitors),
	API(DELETE, "/api/tunnels/{id}/visitors/{id}", WRITE, api_visitor_kick),
	API(POST, "/api/tunnels/{id}/verify", WRITE | ADMIN, api_tunnel_verify),
	API(POST, "/api/tunnels/{id}/freeze", WRITE | ADMIN, api_tunnel_freeze),
	API(POST, "/api/tunnels/{id}/unfreeze", WRITE | ADMIN,
	    api_tunnel_unfreeze),
	API(PUT, "/api/tunnels/{id}/machines/{id}", WRITE, api_tunnel_serve),
	API(DELETE, "/api/tunnels/{id}/machines/{id}", WRITE,
	    api_tunnel_unserve),
	API(GET, "/api/machines", READ, api_machine_list),
	API(POST, "/api/machines", WRITE, api_machine_add),
	API(GET, "/api/machines/{id}", READ, api_machine_get),
	API(PATCH, "/api/machines/{id}", WRITE, api_machine_edit),
	API(DELETE, "/api/machines/{id}", WRITE, api_machine_remove),
	API(GET, "/api/machines/{id}/keys", READ, api_machine_keys),
	API(POST, "/api/machines/{id}/keys", WRITE, api_machine_key_add),
	API(DELETE, "/api/machines/{id}/keys/{id}", WRITE,
	    api_machine_key_remove),
	API(GET, "/download/{id}", WRITE, download_file),
	API(GET, "/api/sessions", READ, api_sessions),
	API(GET, "/api/usage", READ, api_usage),
	API(GET, "/api/events", READ, api_events),
	API(GET, "/api/me", READ, api_me),
	API(GET, "/api/keys", READ, api_keys),
	API(POST, "/api/keys", WRITE, api_key_add),
	API(DELETE, "/api/keys/{id}", WRITE, api_key_remove),
	API(GET, "/api/browsers", READ, api_browsers),
	API(DELETE, "/api/browsers/{id}", WRITE, api_browser_remove),
	API(GET, "/api/users", READ | ADMIN, api_users),
	API(POST, "/api/users", WRITE | ADMIN, api_user_add),
	API(GET, "/api/users/{id}", READ | ADMIN, api_user_get),
	API(PATCH, "/api/users/{id}", WRITE | ADMIN, api_user_edit),
	API(DELETE, "/api/users/{id}", WRITE | ADMIN, api_user_remove),
	API(GET, "/api/invitations", READ | ADMIN, api_invitations),
	API(POST, "/api/invitations", WRITE | ADMIN, api_invite),
	API(DELETE, "/api/invitations/{id}", WRITE | ADMIN, api_uninvite),
	API(GET, "/api/settings", READ | ADMIN, api_settings),
	API(PATCH, "/api/settings", WRITE | ADMIN, api_settings_edit),
	API(GET, "/api/relay", READ | ADMIN, api_relay),
#undef API
#undef GET
#undef POST
};

const size_t routes_n = sizeof(routes) / sizeof(routes[0]);

/* --- finding --------------------------------------------------------------- */

/* Keeps what stands in the path for {id} or {word}. */
static bool
keep(struct req *r, size_t at, bool is_id, const char *p, size_t n)
{
	char digits[20];
	uint64_t id;

	if (at >= REQ_WORDS_MAX || n == 0)
		return false;
	r->word[at] = req_copy(r, p, n);
	if (!is_id)
		return true;
	/* one number has one spelling */
	if (n >= sizeof(digits) || *p == '0')
		return false;
	str_copy(digits, sizeof(digits), r->word[at]);
	if (!str_number(digits, 1, INT64_MAX, &id))
		return false;
	r->id[at] = (int64_t)id;
	return true;
}

bool
route_fits(struct req *r, const char *pattern, const char *path)
{
	size_t want, got, at = 0;

	while (*pattern == '/' && *path == '/') {
		want = strcspn(++pattern, "/");
		got = strcspn(++path, "/");
		if (*pattern == '{') {
			if (!keep(r, at++, pattern[1] == 'i', path, got))
				return false;
		} else if (want != got || memcmp(pattern, path, got) != 0) {
			return false;
		}
		pattern += want;
		path += got;
	}
	return *pattern == '\0' && *path == '\0';
}

static const char *
name_of(enum req_method m)
{
	static const char *const names[] = { "GET, HEAD", "POST", "PUT",
		"PATCH", "DELETE", "" };

	return names[m];
}

/* A program asks, and says so. */
static bool
has_key(struct req *r)
{
	const char *said = req_header(r, "Authorization");

	return said != NULL && strncasecmp(said, "Bearer", 6) == 0;
}

/*
 * The route, or NULL with the methods that the path knows in allow.  A path may
 * stand there twice: as a page and, behind it, for programs.
 */
static const struct route *
find(struct req *r, const char **allow_out)
{
	const struct route *found = NULL;
	size_t i;

	*allow_out = "";
	for (i = 0; i < routes_n; i++) {
		if (!route_fits(r, routes[i].path, r->path))
			continue;
		if (routes[i].method == r->method) {
			if (found == NULL || has_key(r))
				found = &routes[i];
			continue;
		}
		*allow_out = req_text(r, "%s%s%s", *allow_out,
		    **allow_out != '\0' ? ", " : "", name_of(routes[i].method));
	}
	return found;
}

/* --- demanding ------------------------------------------------------------- */

/* An error in the language of who asked. */
static void
refuse(struct req *r, unsigned demands, unsigned status, const char *says)
{
	if (demands & PROBLEM)
		problem(r, status, NULL, says);
	else
		page_error_says(r, status, says);
}

/* Nobody is signed in: a page sends to the door, and back afterwards. */
static void
send_to_door(struct req *r)
{
	bool has = true;
	struct err e;

	if (r->method != REQ_GET) {
		page_error_says(r, 403,
		    "You are no longer signed in. Nothing was changed. Sign "
		    "in, then do it again.");
		return;
	}
	if (store_web_has_users(r->store, &has, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	if (!has)
		req_go(r, "/setup");
	else if (strcmp(r->path, "/") == 0)
		req_go(r, "/signin");
	else
		req_go(r, "/signin?next=%s", r->path);
}

static void
ask_for_key(struct req *r, unsigned demands)
{
	req_line(r, "WWW-Authenticate", "Bearer realm=\"adit\"");
	refuse(r, demands, 401,
	    "Give an API key that is good: Authorization: Bearer KEY. The "
	    "page of your account makes one.");
}

/* Who asks, as far as the route wants to know: true when that is enough. */
static bool
is_known(struct req *r, unsigned demands)
{
	bool by_key = (demands & API_KEY) != 0;
	struct err e;
	int rc;

	rc = by_key ? session_by_key(r, &e) : session_by_cookie(r, &e);
	if (rc == -1) {
		page_trouble(r, &e);
		return false;
	}
	if (rc == 1 || !(demands & (SIGNED_IN | API_KEY)))
		return true;
	if (by_key)
		ask_for_key(r, demands);
	else
		send_to_door(r);
	return false;
}

/* A form is one of ours, whole, and carries its token. */
static bool
has_form(struct req *r, unsigned demands)
{
	unsigned refused;

	if (!req_is_ours(r)) {
		refuse(r, demands, 403,
		    "This form came from another site's page, so nothing was "
		    "changed.");
		return false;
	}
	if ((refused = req_read_form(r)) != 0) {
		page_error(r, refused);
		return false;
	}
	if (req_token_is_good(r))
		return true;
	refuse(r, demands, 403,
	    "This form is too old, or cookies are switched off. Nothing was "
	    "changed. Load the page again, then send it.");
	return false;
}

static bool
may(struct req *r, unsigned demands)
{
	if (!is_known(r, demands))
		return false;
	if ((demands & ADMIN) && !r->user.admin) {
		if (demands & PROBLEM)
			problem(r, 404, NULL, "There is no such path.");
		else
			page_error(r, 404);
		return false;
	}
	if ((demands & WRITES) && !r->may_write) {
		refuse(r, demands, 403,
		    "This API key may only read, and this needs one that may "
		    "read and write: make one on the page of your account.");
		return false;
	}
	return !(demands & FORM_TOKEN) || has_form(r, demands);
}

/* Calls the handler of a page. */
static void
call(struct req *r, const struct route *route)
{
	bool is_step = (route->demands & ONE_STEP) != 0;

	if (is_step && !step_begin(r))
		return;
	route->fn(r);
	if (is_step)
		step_end(r, r->status < 400);
}

/* The API answers its clients in JSON, also where it has no route. */
static bool
is_api(const struct req *r)
{
	return strcmp(r->path, "/api") == 0 ||
	    strncmp(r->path, "/api/", 5) == 0;
}

static void
answer(struct req *r)
{
	const char *allow;
	const struct route *route;
	unsigned demands;

	route = find(r, &allow);
	demands = is_api(r) ? PROBLEM : 0;
	if (route != NULL)
		demands |= route->demands;
	if (!req_is_host(r)) {
		refuse(r, demands, 421,
		    req_text(r, "This server's pages are at %s.",
			r->app->conf.dashboard_url));
	} else if (r->store == NULL && !(demands & NO_STORE)) {
		refuse(r, demands, 503,
		    "The database does not answer; open tunnels go on.");
	} else if (route == NULL && *allow != '\0') {
		req_line(r, "Allow", "%s", allow);
		refuse(r, demands, 405, "This page takes another method.");
	} else if (route == NULL) {
		if (demands & PROBLEM)
			problem(r, 404, NULL, "There is no such path.");
		else
			page_error(r, 404);
	} else if ((demands & NO_STORE) || may(r, demands)) {
		if (demands & PROBLEM)
			api_call(r, route);
		else
			call(r, route);
	}
}

void
route_answer(struct req *r, unsigned refused)
{
	if (refused != 0 && is_api(r))
		problem(r, refused, NULL,
		    refused == 414 ? "The address is too long."
				   : "The parameters behind the address cannot "
				     "be read, or one stands there twice.");
	else if (refused != 0)
		page_error(r, refused);
	else
		answer(r);
	req_send(r);
}
