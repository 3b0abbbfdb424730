/* signin: the door.  Wrong tries are slowed down, per account and address. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "gate.h"
#include "guess.h"
#include "log/log.h"
#include "next.h"
#include "page.h"
#include "pages.h"
#include "session.h"
#include "step.h"
#include "store/store.h"
#include "store/store_setting.h"

static void
show(struct req *r, unsigned status, const char *wrong)
{
	struct tpl *t = page_porch(r, "signin", "Sign in", SCENE_LAMP);
	const char *next =
	    r->method == REQ_POST ? req_form(r, "next") : req_query(r, "next");
	struct settings set;
	struct err ignored;

	tpl_set(t, "EMAIL", req_form(r, "email"));
	tpl_set(t, "NEXT", next_path(next));
	tpl_maybe(t, "WRONG", wrong);
	if (strcmp(req_query(r, "said"), "out") == 0)
		tpl_show(t, "OUT");
	if (store_settings(r->store, &set, &ignored) == 0)
		tpl_show(t, set.sign_up ? "SIGN_UP" : "BY_INVITATION");
	page_send(r, status);
}

void
signin_page(struct req *r)
{
	bool has = false;
	struct err e;

	if (store_web_has_users(r->store, &has, &e) == -1)
		page_trouble(r, &e);
	else if (!has)
		req_go(r, "/setup");
	else if (r->user.id != 0)
		req_go(r, "%s", next_path(req_query(r, "next")));
	else
		show(r, 200, "");
}

/* The account and the address, as the table of guesses names them. */
struct keys {
	const char *account, *address;
};

static struct keys
keys_of(struct req *r)
{
	struct keys k;
	char *email = req_text(r, "account %.254s", req_form(r, "email"));

	for (char *p = email; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	k.account = email;
	k.address = guess_address(r, "sign in");
	return k;
}

/* Was there too much guessing?  Answers then. */
static bool
is_slowed(struct req *r, const struct keys *k)
{
	int64_t a, b;
	struct err e;

	if (store_web_guess_wait(r->store, k->account, &a, &e) == -1 ||
	    store_web_guess_wait(r->store, k->address, &b, &e) == -1) {
		page_trouble(r, &e);
		return true;
	}
	if (a == 0 && b == 0)
		return false;
	page_wait(r, a > b ? a : b);
	return true;
}

static void
refuse(struct req *r, const struct keys *k)
{
	uint32_t left, ignored;
	struct err e;

	log_warn("sign-in from %s: refused", r->address);
	if (store_web_guess_wrong(
		r->store, k->account, &guess_account, &left, &e) == -1 ||
	    store_web_guess_wrong(
		r->store, k->address, &guess_source, &ignored, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	show(r, 403,
	    left > 2 ? "This address and this password do not belong "
		       "together."
		     : req_text(r,
			   "This address and this password do not belong "
			   "together. %s",
			   left == 0 ? "There is a pause of one minute now."
			       : left == 1
			       ? "After one more try there is a pause of one "
				 "minute."
			       : "After two more tries there is a pause of one "
				 "minute."));
}

/* Begins the session and writes it down, or neither. */
static void
let_in(struct req *r, const struct keys *k, const struct user *u)
{
	struct err e;

	if (!step_begin(r))
		return;
	if (store_web_guess_right(r->store, k->account, &e) == -1 ||
	    session_begin(r, u->id, &e) == -1) {
		page_trouble(r, &e);
	} else {
		r->user = *u;
		page_note(r, u->id, "sign in", "signed in");
		req_go(r, "%s", next_path(req_form(r, "next")));
	}
	if (step_end(r, r->status < 400) && r->status < 400)
		log_info("user %lld signed in from %s", (long long)u->id,
		    r->address);
}

void
signin_enter(struct req *r)
{
	char hash[PASSWORD_HASH_MAX + 1];
	struct keys k = keys_of(r);
	struct user u;
	struct err e;
	int found, same;

	if (is_slowed(r, &k))
		return;
	found = store_user_by_email(r->store, req_form(r, "email"), &u, &e);
	if (found == 1)
		found = store_user_password(r->store, u.id, hash, &e);
	if (found == -1) {
		page_trouble(r, &e);
		return;
	}
	same = strlen(req_form(r, "password")) > CHECK_PASSWORD_MAX
	    ? 0
	    : gate_matches(found == 1 ? hash : NULL, req_form(r, "password"));
	if (same == -1)
		page_error_says(r, 503,
		    "Too many people are signing in at this moment. Try again "
		    "in a few seconds.");
	else if (same == 0)
		refuse(r, &k);
	else if (!is_slowed(r, &k)) /* by what came at the same moment */
		let_in(r, &k, &u);
}

void
signin_leave(struct req *r)
{
	struct err e;

	step_hush(r, r->user.id);
	page_note(r, r->user.id, "sign out", "signed out");
	if (session_end(r, &e) == -1)
		page_trouble(r, &e);
	else
		req_go(r, "/signin?said=out");
}
