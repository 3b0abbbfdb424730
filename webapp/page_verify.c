/*
 * page_verify: the one-time link.  To look is harmless, because programs that
 * read mail open links; the button is what opens the tunnel.
 */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "guess.h"
#include "log/log.h"
#include "page.h"
#include "pages.h"
#include "qr.h"
#include "row.h"
#include "step.h"
#include "store/store.h"
#include "store/store_machine.h"
#include "store/store_setting.h"
#include "store/store_used.h"
#include "store/store_user.h"
#include "store/store_verify.h"
#include "words.h"

/* A code that opens nothing: it was used, has ended, or never was one. */
static void
show_bad(struct req *r)
{
	const char *key = guess_address(r, "verify");
	struct used_link u;
	struct tpl *t;
	uint32_t left;
	struct err e;
	int rc;

	rc = store_used_link(r->store, r->app->key, r->word[0], &u, &e);
	if (rc == 0)
		rc = store_web_guess_wrong(
			 r->store, key, &guess_code, &left, &e) == -1
		    ? -1
		    : 0;
	if (rc == -1) {
		page_trouble(r, &e);
		return;
	}
	if (rc == 0) {
		log_warn("verification from %s: no such code", r->address);
		t = page_porch(r, "verify_bad", "No such link", SCENE_UNLIT);
		tpl_show(t, "WRONG");
		page_send(r, 404);
		return;
	}
	t = page_porch(r, "verify_bad",
	    u.verified_at != 0 ? "This link was used" : "This link has ended",
	    u.verified_at != 0 ? SCENE_LAMP : SCENE_UNLIT);
	t = tpl_row(t, u.verified_at != 0 ? "USED" : "ENDED");
	tpl_set(t, "NAME", u.name);
	tpl_set(t, "WHEN",
	    words_when(r, u.verified_at != 0 ? u.verified_at : u.until));
	page_send(r, 410);
}

/*
 * The tunnel whose code the address holds; false when a page has been
 * answered that says why there is none.
 */
static bool
find(struct req *r, struct tunnel *t_out)
{
	const char *key = guess_address(r, "verify");
	struct err e;
	int64_t wait;
	int rc;

	if ((rc = store_web_guess_wait(r->store, key, &wait, &e)) == 1) {
		page_wait(r, wait);
		return false;
	}
	if (rc == 0)
		rc = store_verify_find(
		    r->store, r->app->key, r->word[0], t_out, &e);
	if (rc == 0)
		show_bad(r);
	else if (rc == -1)
		page_trouble(r, &e);
	return rc == 1;
}

/* Only an admin may, when that is the setting; false when 403 was answered. */
static bool
may_verify(struct req *r)
{
	struct settings set;
	struct err e;

	if (store_settings(r->store, &set, &e) == -1) {
		page_trouble(r, &e);
		return false;
	}
	if (!set.verify_by_admin || r->user.admin)
		return true;
	page_error_says(r, 403,
	    "On this server only an admin opens tunnels. Send this link to "
	    "one of them; nothing was changed.");
	return false;
}

static void
show_machine(struct req *r, struct tpl *t, const struct tunnel *tun)
{
	struct machine m;
	int64_t *ids;
	struct err ignored;
	size_t n;

	if (store_machine_of_tunnel(r->store, tun->id, &ids, &n, &ignored) ==
	    -1)
		return;
	if (n > 0 &&
	    store_machine_by_id(
		r->store, STORE_ANYBODY, ids[0], &m, &ignored) == 1)
		tpl_maybe(t, "MACHINE", m.name);
	else
		tpl_show(t, "NO_MACHINE");
	free(ids);
}

static void
show_qr(struct req *r, struct tpl *t)
{
	struct tpl *qr;
	const char *path;
	int width;

	path = qr_path(r, req_url(r, "/verify/%s", r->word[0]), &width);
	if (path == NULL)
		return;
	qr = tpl_row(t, "QR");
	tpl_set(qr, "PATH", path);
	tpl_int(qr, "WIDTH", width);
}

void
verify_page(struct req *r)
{
	struct tunnel tun;
	struct user owner;
	struct tpl *t;
	struct err e;

	if (!find(r, &tun) || !may_verify(r))
		return;
	if (store_user_by_id(r->store, tun.user, &owner, &e) != 1) {
		page_error(r, 404);
		return;
	}
	t = page_porch(r, "verify", "Open a tunnel?", SCENE_GATE);
	tpl_show(r->page, "ROOMY");
	row_tunnel(r, t, &tun, "");
	show_machine(r, t, &tun);
	tpl_set(t, "OWNER", owner.email);
	tpl_set(t, "CODE", r->word[0]);
	tpl_set(t, "MADE", words_when(r, tun.created_at));
	tpl_set(t, "UNTIL", words_when(r, tun.verify_until));
	tpl_int(t, "LOCAL_PORT", tun.local_port);
	show_qr(r, t);
	page_send(r, 200);
}

/* Verifies and writes down who did: 1, 0 the link is used, -1. */
static int
verify(struct req *r, const struct tunnel *tun, struct err *e)
{
	int rc = store_verify(r->store, tun->id, tun->verify_serial, e);

	if (rc != 1)
		return rc;
	if (r->user.id == 0)
		str_copy(r->user.email, sizeof(r->user.email),
		    "A holder of the link");
	page_note(r, tun->user, "tunnel verify", "tunnel %lld \"%s\"",
	    (long long)tun->id, tun->name);
	return 1;
}

void
verify_open(struct req *r)
{
	struct tunnel tun;
	struct tpl *t;
	struct err e;
	int rc;

	if (!find(r, &tun) || !may_verify(r) || !step_begin(r))
		return;
	rc = verify(r, &tun, &e);
	if (!step_end(r, rc == 1))
		return;
	if (rc == -1) {
		page_trouble(r, &e);
		return;
	}
	if (rc == 0) {
		show_bad(r);
		return;
	}
	log_info(
	    "tunnel %lld: verified from %s", (long long)tun.id, r->address);
	t = page_porch(r, "verify_done", "Verified", SCENE_LAMP);
	row_tunnel(r, t, &tun, "");
	if (r->user.id == tun.user)
		tpl_show(t, "IS_MINE");
	page_send(r, 200);
}
