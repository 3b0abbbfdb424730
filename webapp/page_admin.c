/* page_admin: what the server does, who uses it, and what they may. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/clock.h"
#include "base/str.h"
#include "gate.h"
#include "live.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "said.h"
#include "status.h"
#include "step.h"
#include "store/store.h"
#include "store/store_event.h"
#include "store/store_setting.h"
#include "tls/tls_cert.h"
#include "words.h"

enum {
	USERS_PAGE = 50,
	TUNNELS_MAX = 5000,
	TUNNELS_SHOWN = 50,
	EVENTS = 30,
	EVENTS_ALL = 1000,
};

#define DAY_MS INT64_C(86400000)

/* --- the relay ----------------------------------------------------------------- */

static void
tile(struct tpl *t, const char *name, const char *value, const char *unit)
{
	struct tpl *row = tpl_row(t, "TILE");

	tpl_set(row, "NAME", name);
	tpl_set(row, "VALUE", value);
	tpl_set(row, "UNIT", unit);
}

static void
show_figures(struct req *r, struct tpl *t, const struct live_figures *f)
{
	char span[32];

	tile(t, "Machines linked", req_text(r, "%lld", (long long)f->sessions),
	    "");
	tile(t, "Tunnels served", req_text(r, "%lld", (long long)f->served),
	    req_text(r, "of %lld", (long long)f->tunnels));
	tile(t, "Visitors now",
	    req_text(r, "%lld", (long long)f->streams + f->flows), "");
	tile(t, "Visitors in all",
	    req_text(r, "%lld", (long long)f->visitors_total), "");
	tile(t, "Held for streams", words_bytes(r, (uint64_t)f->held_bytes),
	    req_text(r, "of %s", words_bytes(r, (uint64_t)f->held_max)));
	tile(t, "Memory", words_bytes(r, (uint64_t)f->memory_bytes), "");
	words_span(span, f->uptime_s * 1000);
	tile(t, "Up for", span, "");
}

/* A certificate that ends soon is told in time. */
static void
show_certificate(struct req *r, struct tpl *t)
{
	int64_t end, left;
	struct err ignored;

	if (tls_cert_expiry(&end, r->app->conf.relay.cert, &ignored) == -1)
		return;
	left = end - clock_wall_ms();
	if (left > 14 * DAY_MS)
		return;
	tpl_maybe(t, "CERTIFICATE",
	    left <= 0 ? "The relay's certificate has ended."
		      : req_text(r, "The relay's certificate ends in %lld %s.",
			    (long long)(left / DAY_MS),
			    left / DAY_MS == 1 ? "day" : "days"));
}

static void
show_relay(struct req *r, struct tpl *t)
{
	const char *trouble = live_trouble(r);
	struct live_figures f;

	if (*trouble == '\0')
		tpl_show(t, "HEALTHY");
	else
		tpl_maybe(t, "TROUBLE", trouble);
	live_figures(r, &f);
	if (f.answers)
		show_figures(r, tpl_row(t, "FIGURES"), &f);
	show_certificate(r, t);
}

/* --- users ----------------------------------------------------------------------- */

static void
show_user(struct req *r, struct tpl *t, const struct user *u)
{
	struct tpl *row = tpl_row(t, "USER");

	tpl_int(row, "USER_ID", u->id);
	tpl_set(row, "USER_EMAIL", u->email);
	tpl_set(row, "SHAPE", u->frozen_at != 0 ? "hold" : "lit");
	tpl_set(row, "STATE", u->frozen_at != 0 ? "frozen" : "active");
	tpl_set(row, "USER_ROLE", u->admin ? "admin" : "member");
	tpl_int(row, "TUNNELS", u->tunnels);
	tpl_int(row, "MACHINES", u->machines);
	tpl_set(row, "SINCE", words_when(r, u->created_at));
	if (u->id == r->user.id)
		tpl_show(row, "YOU");
	else
		tpl_show(row, u->frozen_at != 0 ? "THAW" : "FREEZE");
	if (u->id != r->user.id)
		tpl_show(row, "OTHER");
}

static int
show_users(struct req *r, struct tpl *t, struct err *e)
{
	struct user *list;
	uint64_t page = 1;
	int64_t skip;
	size_t n;

	str_number(req_query(r, "page"), 1, 1000000, &page);
	skip = (int64_t)(page - 1) * USERS_PAGE;
	/* one more than is shown tells whether there is a next page */
	if (store_user_list(r->store, skip, USERS_PAGE + 1, &list, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n && i < USERS_PAGE; i++)
		show_user(r, t, &list[i]);
	if (page > 1 || n > USERS_PAGE)
		t = tpl_row(t, "PAGES");
	if (page > 1)
		tpl_int(tpl_row(t, "BEFORE"), "PAGE", (int64_t)page - 1);
	if (n > USERS_PAGE)
		tpl_int(tpl_row(t, "AFTER"), "PAGE", (int64_t)page + 1);
	free(list);
	return 0;
}

/* --- all tunnels ------------------------------------------------------------------- */

static void
show_tunnel(struct req *r, struct tpl *t, const struct tunnel *tun,
    const struct live *live)
{
	struct tpl *row = tpl_row(t, "TUNNEL");
	const struct live_tunnel *v = live_find(live, tun->id);
	struct status s;
	struct user u;
	struct err ignored;

	status_of(r, tun, live, "", &s);
	tpl_int(row, "TUNNEL_ID", tun->id);
	tpl_set(row, "TUNNEL_NAME", tun->name);
	tpl_set(row, "SHAPE", s.class);
	tpl_set(row, "STATE", s.word);
	tpl_set(row, "ADDRESS", status_address(r, tun));
	if (store_user_by_id(r->store, tun->user, &u, &ignored) == 1)
		tpl_set(row, "OWNER", u.email);
	tpl_int(row, "VISITORS", v != NULL ? v->visitors : 0);
	tpl_show(row, tun->frozen_at != 0 ? "THAW" : "FREEZE");
	if (tun->verified_at == 0)
		tpl_show(row, "VERIFY");
}

static bool
fits(struct req *r, const struct tunnel *t)
{
	const char *q = req_query(r, "q");

	return *q == '\0' || strcasestr(t->name, q) != NULL ||
	    strcasestr(status_address(r, t), q) != NULL;
}

static int
show_tunnels(struct req *r, struct tpl *t, struct err *e)
{
	struct tunnel *list;
	int64_t ids[TUNNELS_SHOWN];
	const struct tunnel *shown[TUNNELS_SHOWN];
	struct live live;
	size_t n, k = 0;

	if (store_tunnel_list(
		r->store, STORE_ANYBODY, 0, TUNNELS_MAX, &list, &n, e) == -1)
		return -1;
	for (size_t i = n; i-- > 0 && k < TUNNELS_SHOWN;) {
		if (!fits(r, &list[i]))
			continue;
		ids[k] = list[i].id;
		shown[k++] = &list[i];
	}
	live_ask(r, ids, k, &live);
	for (size_t i = 0; i < k; i++)
		show_tunnel(r, t, shown[i], &live);
	tpl_set(t, "TUNNELS_SHOWN",
	    req_text(r, "%zu of %zu %s", k, n, n == 1 ? "tunnel" : "tunnels"));
	free(list);
	return 0;
}

/* --- settings, invitations, trail ---------------------------------------------------- */

/* What was typed into a field, while its form comes back, or what is so. */
static const char *
typed(const struct req *r, const char *name, const char *is)
{
	return req_has(&r->form, name) ? req_form(r, name) : is;
}

static int
show_settings(struct req *r, struct tpl *t, struct err *e)
{
	char contact[WEB_CONTACT_MAX + 1];
	struct settings s;

	if (store_settings(r->store, &s, e) == -1 ||
	    store_web_contact(r->store, contact, e) == -1)
		return -1;
	tpl_show(t,
	    strcmp(typed(r, "sign_up", s.sign_up ? "yes" : "no"), "yes") == 0
		? "SIGN_UP_OPEN"
		: "SIGN_UP_CLOSED");
	tpl_show(t,
	    strcmp(typed(r, "verify_by", s.verify_by_admin ? "admin" : "link"),
		"admin") == 0
		? "BY_ADMIN"
		: "BY_LINK");
	tpl_set(t, "VERIFY_HOURS",
	    typed(r, "verify_hours", req_text(r, "%u", s.verify_hours)));
	tpl_set(t, "TUNNELS_MAX",
	    typed(r, "tunnels_max", req_text(r, "%u", s.tunnels_max)));
	tpl_set(t, "ADDRESS_RATE",
	    typed(r, "address_rate", req_text(r, "%u", s.address_rate)));
	tpl_set(t, "ABUSE", typed(r, "abuse", contact));
	return 0;
}

static int
show_invitations(struct req *r, struct tpl *t, struct err *e)
{
	struct invitation *list;
	struct tpl *all, *row;
	size_t n;

	if (store_web_invitation_list(r->store, &list, &n, e) == -1)
		return -1;
	all = n > 0 ? tpl_row(t, "INVITATIONS") : NULL;
	for (size_t i = 0; i < n; i++) {
		row = tpl_row(all, "INVITATION");
		tpl_int(row, "INVITATION_ID", list[i].id);
		tpl_set(row, "NOTE",
		    list[i].note[0] != '\0' ? list[i].note : "somebody");
		tpl_set(row, "MADE", words_when(r, list[i].created_at));
		tpl_set(row, "ENDS", words_when(r, list[i].expires_at));
	}
	free(list);
	return 0;
}

static int
show_trail(struct req *r, struct tpl *t, struct err *e)
{
	bool all = strcmp(req_query(r, "trail"), "all") == 0;
	struct event *list;
	struct tpl *row;
	size_t n;

	if (store_event_list(r->store, STORE_ANYBODY, all ? EVENTS_ALL : EVENTS,
		&list, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		row = tpl_row(t, "EVENT");
		tpl_set(row, "AT", words_datetime(r, list[i].at));
		tpl_set(row, "WHEN", words_when(r, list[i].at));
		tpl_set(row, "WHO", list[i].who);
		tpl_set(row, "DID", list[i].did);
		tpl_set(row, "WHAT", list[i].what);
		tpl_set(row, "ORIGIN", list[i].origin);
	}
	if (!all && n == EVENTS)
		tpl_show(t, "MORE_EVENTS");
	free(list);
	return 0;
}

/* --- the page -------------------------------------------------------------------------- */

/* invited is the link of a new invitation, to be shown once, or NULL. */
static void
show(struct req *r, unsigned status, const struct form *wrong,
    const char *invited)
{
	struct tpl *t = page_new(r, "admin", "Admin", TAB_ADMIN);
	struct err e;

	said_show(r);
	tpl_set(t, "Q", req_query(r, "q"));
	tpl_int(t, "PASSWORD_MIN", CHECK_PASSWORD_MIN);
	show_relay(r, t);
	form_show(r, t, wrong);
	if (invited != NULL)
		tpl_set(tpl_row(t, "INVITED"), "LINK", invited);
	if (show_users(r, t, &e) == -1 || show_tunnels(r, t, &e) == -1 ||
	    show_settings(r, t, &e) == -1 || show_invitations(r, t, &e) == -1 ||
	    show_trail(r, t, &e) == -1)
		page_trouble(r, &e);
	else
		page_send(r, status);
}

void
admin_page(struct req *r)
{
	struct form none = { .n = 0 };

	show(r, 200, &none, NULL);
}

/* --- what its buttons do ----------------------------------------------------------------- */

static void
freeze_user(struct req *r, bool frozen)
{
	struct user u;
	struct err e;
	int rc;

	if (r->id[0] == r->user.id) {
		page_error_says(
		    r, 409, "You cannot freeze yourself; another admin can.");
		return;
	}
	rc = store_user_by_id(r->store, r->id[0], &u, &e);
	if (rc == 1)
		rc = store_user_freeze(r->store, u.id, frozen, &e);
	if (!owner_done(r, rc, &e))
		return;
	step_hush(r, u.id);
	page_note(r, u.id, frozen ? "user freeze" : "user unfreeze",
	    "user %lld %s", (long long)u.id, u.email);
	req_go(r, "/admin?said=%s", frozen ? "frozen" : "thawed");
}

void
admin_user_freeze(struct req *r)
{
	freeze_user(r, true);
}

void
admin_user_thaw(struct req *r)
{
	freeze_user(r, false);
}

static void
freeze_tunnel(struct req *r, bool frozen)
{
	struct tunnel t;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	rc = store_tunnel_freeze(r->store, t.id, frozen, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, t.user, frozen ? "tunnel freeze" : "tunnel unfreeze",
	    "tunnel %lld \"%s\"", (long long)t.id, t.name);
	req_go(r, "/admin?said=%s", frozen ? "frozen" : "thawed");
}

void
admin_tunnel_freeze(struct req *r)
{
	freeze_tunnel(r, true);
}

void
admin_tunnel_thaw(struct req *r)
{
	freeze_tunnel(r, false);
}

void
admin_tunnel_verify(struct req *r)
{
	struct tunnel t;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	rc = store_verify(r->store, t.id, 0, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, t.user, "tunnel verify", "tunnel %lld \"%s\"",
	    (long long)t.id, t.name);
	req_go(r, "/admin?said=verified");
}

/* A page of its own: a new password, and the end of the account. */
static void
show_user_page(struct req *r, unsigned status, const struct form *wrong)
{
	struct user u;
	struct tpl *t;
	struct err e;
	int rc = store_user_by_id(r->store, r->id[0], &u, &e);

	if (!owner_done(r, rc, &e))
		return;
	t = page_new(r, "admin_user", u.email, TAB_ADMIN);
	tpl_int(t, "USER_ID", u.id);
	tpl_set(t, "USER_EMAIL", u.email);
	tpl_set(t, "USER_ROLE", u.admin ? "admin" : "member");
	tpl_set(t, "SINCE", words_when(r, u.created_at));
	tpl_set(t, "TUNNELS", words_count(r, u.tunnels, "tunnel", "tunnels"));
	tpl_set(
	    t, "MACHINES", words_count(r, u.machines, "machine", "machines"));
	tpl_int(t, "PASSWORD_MIN", CHECK_PASSWORD_MIN);
	if (u.id != r->user.id)
		tpl_show(t, "OTHER");
	form_show(r, t, wrong);
	page_send(r, status);
}

void
admin_user_page(struct req *r)
{
	struct form none = { .n = 0 };

	show_user_page(r, 200, &none);
}

static void
set_password(struct req *r, const char *hash)
{
	struct user u;
	struct err e;
	int rc;

	if (!step_begin(r))
		return;
	rc = store_user_by_id(r->store, r->id[0], &u, &e);
	if (rc == 1)
		rc = store_user_set_password(r->store, u.id, hash, &e);
	if (owner_done(r, rc, &e)) {
		step_hush(r, u.id);
		page_note(r, u.id, "user passwd", "user %lld %s",
		    (long long)u.id, u.email);
		req_go(r, "/admin?said=password");
	}
	step_end(r, r->status < 400);
}

void
admin_user_password(struct req *r)
{
	char hash[PASSWORD_HASH_MAX + 1];
	const char *typed = req_form(r, "new");
	struct form wrong = { .n = 0 };
	struct err e;
	int rc;

	if (check_password(typed, strlen(typed), &e) == -1) {
		form_wrong(&wrong, "new", page_sentence(r, e.text));
		show_user_page(r, 422, &wrong);
		return;
	}
	if ((rc = gate_hash(hash, typed, &e)) == 0) {
		page_error(r, 503);
		return;
	}
	if (rc == -1)
		page_trouble(r, &e);
	else
		set_password(r, hash);
}

void
admin_user_remove(struct req *r)
{
	struct user u;
	struct err e;
	int rc;

	if (r->id[0] == r->user.id) {
		page_error_says(
		    r, 409, "You cannot delete yourself; another admin can.");
		return;
	}
	rc = store_user_by_id(r->store, r->id[0], &u, &e);
	if (rc == 1)
		rc = store_user_remove(r->store, u.id, &e);
	if (!owner_done(r, rc, &e))
		return;
	step_hush(r, u.id);
	page_note(r, 0, "user rm", "user %lld %s", (long long)u.id, u.email);
	req_go(r, "/admin?said=gone");
}

/* A setting of the form, called name there, which is `is` now. */
static int
save(struct req *r, const char *name, const char *is, struct form *wrong,
    struct err *e)
{
	bool abuse = strcmp(name, "abuse") == 0;
	const char *value = req_form(r, name);
	int rc;

	/* the form sends them all; what stays is no event */
	if (!req_has(&r->form, name) || strcmp(value, is) == 0)
		return 0;
	rc = abuse ? store_web_set_contact(r->store, value, e)
		   : store_setting_set(r->store, name, value, e);
	if (rc == -1 && page_was_refused(r)) {
		form_wrong(wrong, name, page_sentence(r, e->text));
		return 0;
	}
	if (rc == 0)
		page_note(r, 0, "setting set", "%s = %s",
		    abuse ? "contact" : name, value);
	return rc;
}

static int
save_all(struct req *r, struct form *wrong, struct err *e)
{
	struct setting all[SETTING_COUNT];
	char contact[WEB_CONTACT_MAX + 1];

	if (store_setting_list(r->store, all, e) == -1 ||
	    store_web_contact(r->store, contact, e) == -1)
		return -1;
	for (size_t i = 0; i < SETTING_COUNT; i++)
		if (save(r, all[i].name, all[i].value, wrong, e) == -1)
			return -1;
	return save(r, "abuse", contact, wrong, e);
}

/* One that is wrong keeps all from being changed. */
void
admin_settings(struct req *r)
{
	struct form wrong = { .n = 0 };
	struct err e;
	int rc;

	if (!step_begin(r))
		return;
	rc = save_all(r, &wrong, &e);
	if (!step_end(r, rc == 0 && wrong.n == 0))
		return;
	if (rc == -1)
		page_trouble(r, &e);
	else if (wrong.n > 0)
		show(r, 422, &wrong, NULL);
	else
		req_go(r, "/admin?said=saved");
}

void
admin_invite(struct req *r)
{
	char secret[WEB_SECRET_LEN + 1];
	struct form wrong = { .n = 0 };
	struct err e;
	int rc;

	if (!step_begin(r))
		return;
	rc = store_web_invite(r->store, req_form(r, "note"), secret, &e);
	if (rc == 0)
		page_note(r, 0, "invite", "%s", req_form(r, "note"));
	if (!step_end(r, rc == 0)) {
		str_wipe(secret, sizeof(secret));
	} else if (rc == 0) {
		show(r, 201, &wrong, req_url(r, "/join/%s", secret));
		str_wipe(secret, sizeof(secret));
	} else if (page_was_refused(r)) {
		form_wrong(&wrong, "note", page_sentence(r, e.text));
		show(r, 422, &wrong, NULL);
	} else {
		page_trouble(r, &e);
	}
}

void
admin_uninvite(struct req *r)
{
	struct err e;
	int rc = store_web_uninvite(r->store, r->id[0], &e);

	if (!owner_done(r, rc, &e))
		return;
	page_note(r, 0, "uninvite", "invitation %lld", (long long)r->id[0]);
	req_go(r, "/admin?said=uninvited");
}
