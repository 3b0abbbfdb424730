/* join: an account of one's own, by invitation, or where anybody may. */
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "gate.h"
#include "guess.h"
#include "log/log.h"
#include "page.h"
#include "pages.h"
#include "session.h"
#include "step.h"
#include "store/store.h"
#include "store/store_setting.h"

/* May an account be made here?  1, 0, -1; an open door needs no invitation. */
static int
may_join(struct req *r, struct err *e)
{
	struct settings s;

	if (r->word[0] != NULL)
		return store_web_invited(r->store, r->word[0], e);
	if (store_settings(r->store, &s, e) == -1)
		return -1;
	return s.sign_up;
}

static void
show(struct req *r, unsigned status, const struct form *wrong)
{
	struct tpl *t = page_porch(r, "join", "Make an account", SCENE_LAMP);

	tpl_set(t, "EMAIL", req_form(r, "email"));
	tpl_set(t, "ACTION",
	    r->word[0] != NULL ? req_text(r, "/join/%s", r->word[0]) : "/join");
	tpl_set(t, "HOST", r->app->conf.public_host);
	tpl_int(t, "PASSWORD_MIN", CHECK_PASSWORD_MIN);
	form_show(r, t, wrong);
	page_send(r, status);
}

/* Whoever signs up is counted as one who guesses links, but by another rule. */
static const char *
count_key(struct req *r)
{
	return guess_address(r, r->word[0] != NULL ? "join" : "sign up");
}

/*
 * Nobody fills the server with accounts, nor asks whose addresses have one:
 * -1 with e.  Who was invited may.
 */
static int
count_sign_up(struct req *r, struct err *e)
{
	uint32_t left;

	if (r->word[0] != NULL)
		return 0;
	return store_web_guess_wrong(
	    r->store, count_key(r), &guess_joiner, &left, e);
}

/* Closed, or a link that is no good: says so and returns true. */
static bool
is_shut(struct req *r)
{
	const char *key = count_key(r);
	int64_t wait;
	uint32_t left;
	struct err e;
	int rc;

	if ((rc = store_web_guess_wait(r->store, key, &wait, &e)) == 1) {
		page_wait(r, wait);
		return true;
	}
	if (rc == 0)
		rc = may_join(r, &e);
	if (rc == 0 && r->word[0] != NULL &&
	    store_web_guess_wrong(r->store, key, &guess_code, &left, &e) == -1)
		rc = -1;
	if (rc == -1)
		page_trouble(r, &e);
	else if (rc == 0)
		page_error_says(r, 404,
		    "This invitation was used, has ended, or never was one. "
		    "Ask who sent it for a new one.");
	return rc != 1;
}

void
join_page(struct req *r)
{
	struct form none = { .n = 0 };

	if (!is_shut(r))
		show(r, 200, &none);
}

/* 1 made, 0 the invitation is gone, -1. */
static int
add(struct req *r, const char *hash, int64_t *id_out, struct err *e)
{
	const char *email = req_form(r, "email");

	if (r->word[0] != NULL)
		return store_web_join(
		    r->store, r->word[0], email, hash, id_out, e);
	return store_user_add(r->store, email, hash, false, id_out, e) == -1
	    ? -1
	    : 1;
}

/* The account, who made it, and a browser that is inside: 1, 0, -1. */
static int
make(struct req *r, const char *hash, int64_t *id_out, struct err *e)
{
	int rc = add(r, hash, id_out, e);

	if (rc != 1)
		return rc;
	str_copy(r->user.email, sizeof(r->user.email), req_form(r, "email"));
	page_note(r, *id_out, "user add", "user %lld %s, %s",
	    (long long)*id_out, r->user.email,
	    r->word[0] != NULL ? "by invitation" : "by signing up");
	return session_begin(r, *id_out, e) == -1 ? -1 : 1;
}

void
join_make(struct req *r)
{
	char hash[PASSWORD_HASH_MAX + 1];
	const char *password = req_form(r, "password");
	struct form wrong = { .n = 0 };
	struct err e;
	int64_t id;
	int rc;

	if (is_shut(r))
		return;
	if (check_email(req_form(r, "email"), &e) == -1)
		form_wrong(&wrong, "email", page_sentence(r, e.text));
	if (check_password(password, strlen(password), &e) == -1)
		form_wrong(&wrong, "password", page_sentence(r, e.text));
	if (wrong.n > 0) {
		show(r, 422, &wrong);
		return;
	}
	if (count_sign_up(r, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	if ((rc = gate_hash(hash, password, &e)) == 0) {
		page_error(r, 503);
		return;
	}
	if (rc == -1) {
		page_trouble(r, &e);
		return;
	}
	if (!step_begin(r))
		return;
	rc = make(r, hash, &id, &e);
	if (!step_end(r, rc == 1))
		return;
	if (rc == 1) {
		log_info("user %lld joined from %s", (long long)id, r->address);
		req_go(r, "/");
	} else if (rc == 0) {
		page_error(r, 404);
	} else if (page_was_refused(r)) {
		form_wrong(&wrong, "email",
		    "There is an account with this address already. Sign in "
		    "with it.");
		show(r, 422, &wrong);
	} else {
		page_trouble(r, &e);
	}
}
