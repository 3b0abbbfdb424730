/* page_account: a user's password, browsers and API keys. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "browser.h"
#include "gate.h"
#include "guess.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "said.h"
#include "session.h"
#include "step.h"
#include "store/store.h"
#include "store/store_key.h"
#include "words.h"

static int
show_keys(struct req *r, struct tpl *t, struct err *e)
{
	struct api_key *keys;
	struct tpl *all, *row;
	size_t n;

	if (store_key_list(r->store, r->user.id, &keys, &n, e) == -1)
		return -1;
	all = n > 0 ? tpl_row(t, "KEYS") : NULL;
	for (size_t i = n; i-- > 0;) {
		row = tpl_row(all, "KEY");
		tpl_int(row, "KEY_ID", keys[i].id);
		tpl_set(row, "NAME", keys[i].name);
		tpl_set(
		    row, "MAY", keys[i].may_write ? "read and write" : "read");
		tpl_set(row, "MADE", words_when(r, keys[i].created_at));
		tpl_set(row, "USED", words_when(r, keys[i].last_used_at));
	}
	free(keys);
	return 0;
}

static int
show_sessions(struct req *r, struct tpl *t, struct err *e)
{
	struct web_session *list;
	struct tpl *row;
	size_t n;

	if (store_web_session_list(r->store, r->user.id, &list, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		row = tpl_row(t, "SESSION");
		tpl_int(row, "SESSION_ID", list[i].id);
		tpl_set(row, "BROWSER", browser_name(list[i].agent));
		tpl_set(row, "ADDRESS", list[i].address);
		tpl_set(row, "SEEN",
		    list[i].id == r->session.id
			? "this one"
			: words_when(r, list[i].seen_at));
		if (list[i].id != r->session.id)
			tpl_show(row, "OTHER");
	}
	free(list);
	return 0;
}

/* The page; key is a new one to be shown once, or NULL. */
static void
show(struct req *r, unsigned status, const struct form *wrong, const char *key,
    const char *key_name)
{
	struct tpl *t = page_new(r, "account", "Account", TAB_ACCOUNT), *once;
	struct err e;

	said_show(r);
	tpl_set(t, "EMAIL", r->user.email);
	tpl_set(t, "ROLE", r->user.admin ? "admin" : "member");
	tpl_set(t, "SINCE", words_when(r, r->user.created_at));
	tpl_int(t, "PASSWORD_MIN", CHECK_PASSWORD_MIN);
	tpl_set(t, "KEY_NAME", key == NULL ? req_form(r, "name") : "");
	if (key == NULL && strcmp(req_form(r, "scope"), "read") == 0)
		tpl_show(t, "ONLY_READS");
	if (r->user.frozen_at != 0)
		tpl_show(t, "FROZEN");
	if (key != NULL) {
		once = tpl_row(t, "ONCE");
		tpl_set(once, "KEY_TEXT", key);
		tpl_set(once, "NEW_NAME", key_name);
	}
	form_show(r, t, wrong);
	if (show_keys(r, t, &e) == -1 || show_sessions(r, t, &e) == -1)
		page_trouble(r, &e);
	else
		page_send(r, status);
}

void
account_page(struct req *r)
{
	struct form none = { .n = 0 };

	show(r, 200, &none, NULL, NULL);
}

/* --- API keys ------------------------------------------------------------------ */

void
account_key_make(struct req *r)
{
	const char *name = req_form(r, "name");
	char key[KEY_LEN + 1];
	struct form wrong = { .n = 0 };
	int64_t id;
	struct err e;
	int rc;

	if (!step_begin(r))
		return;
	rc = store_key_add_as(r->store, r->user.id, name,
	    strcmp(req_form(r, "scope"), "write") == 0, &id, key, &e);
	if (rc == 0)
		page_note(r, r->user.id, "key add", "API key %lld \"%s\"",
		    (long long)id, name);
	if (!step_end(r, rc == 0)) {
		str_wipe(key, sizeof(key));
	} else if (rc == 0) {
		show(r, 201, &wrong, key, name);
		str_wipe(key, sizeof(key));
	} else if (page_was_refused(r)) {
		form_wrong(&wrong, "name", page_sentence(r, e.text));
		show(r, 422, &wrong, NULL, NULL);
	} else {
		page_trouble(r, &e);
	}
}

void
account_key_revoke(struct req *r)
{
	struct err e;
	int rc = store_key_remove(r->store, r->user.id, r->id[0], &e);

	if (!owner_done(r, rc, &e))
		return;
	page_note(r, r->user.id, "key rm", "API key %lld", (long long)r->id[0]);
	req_go(r, "/account?said=revoked");
}

/* --- browsers ------------------------------------------------------------------- */

void
account_session_end(struct req *r)
{
	struct err e;
	int rc = store_web_session_remove(r->store, r->user.id, r->id[0], &e);

	if (!owner_done(r, rc, &e))
		return;
	step_hush(r, r->user.id);
	page_note(
	    r, r->user.id, "sign out", "browser %lld", (long long)r->id[0]);
	req_go(r, "/account?said=ended");
}

/* --- the password ---------------------------------------------------------------- */

/* 1 it is the old one, 0 it is not, -1 with e, -2 too many ask at once. */
static int
is_old(struct req *r, struct err *e)
{
	char hash[PASSWORD_HASH_MAX + 1];
	const char *typed = req_form(r, "old");
	int rc = store_user_password(r->store, r->user.id, hash, e);

	if (rc != 1)
		return rc;
	if (strlen(typed) > CHECK_PASSWORD_MAX)
		return 0;
	rc = gate_matches(hash, typed);
	return rc == -1 ? -2 : rc;
}

static void
change(struct req *r)
{
	char hash[PASSWORD_HASH_MAX + 1];
	struct err e;
	int rc = gate_hash(hash, req_form(r, "new"), &e);

	if (rc == 0) {
		page_error_says(r, 503,
		    "Too many people change passwords at "
		    "this moment. Try again in a few "
		    "seconds.");
		return;
	}
	if (rc == -1) {
		page_trouble(r, &e);
		return;
	}
	if (!step_begin(r))
		return;
	/* every session ends, this one with a new secret in its place */
	rc = store_web_set_password(r->store, r->user.id, hash, 0, &e);
	if (rc == 1 && session_begin(r, r->user.id, &e) == -1)
		rc = -1;
	if (owner_done(r, rc, &e)) {
		step_hush(r, r->user.id);
		page_note(r, r->user.id, "user passwd", "changed the password");
		req_go(r, "/account?said=password");
	}
	step_end(r, r->status < 400);
}

void
account_password(struct req *r)
{
	const char *key = req_text(r, "old %lld", (long long)r->user.id);
	const char *typed = req_form(r, "new");
	struct form wrong = { .n = 0 };
	struct err e, why;
	uint32_t left;
	int64_t wait;
	int rc;

	if ((rc = store_web_guess_wait(r->store, key, &wait, &e)) == 1)
		page_wait(r, wait);
	else if (rc == -1)
		page_trouble(r, &e);
	if (rc != 0)
		return;
	if (check_password(typed, strlen(typed), &why) == -1)
		form_wrong(&wrong, "new", page_sentence(r, why.text));
	rc = is_old(r, &e);
	if (rc == 0) {
		form_wrong(&wrong, "old", "That is not your password now.");
		rc = store_web_guess_wrong(
			 r->store, key, &guess_account, &left, &e) == -1
		    ? -1
		    : 1;
	}
	if (rc == -1)
		page_trouble(r, &e);
	else if (rc == -2)
		page_error(r, 503);
	else if (wrong.n > 0)
		show(r, 422, &wrong, NULL, NULL);
	else
		change(r);
}
