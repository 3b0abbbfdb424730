#include "setup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app.h"
#include "base/random.h"
#include "base/str.h"
#include "gate.h"
#include "guess.h"
#include "log/log.h"
#include "page.h"
#include "pages.h"
#include "plat/plat.h"
#include "session.h"
#include "step.h"
#include "store/store.h"

/* No letter that looks like another; 32 of them. */
static const char letters[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

static int
make_code(char code[SETUP_CODE_LEN + 1], struct err *e)
{
	uint8_t bytes[SETUP_CODE_LEN];
	int i;

	if (random_bytes(bytes, sizeof(bytes), e) == -1)
		return -1;
	for (i = 0; i < SETUP_CODE_LEN; i++)
		code[i] = i % 5 == 4 ? '-' : letters[bytes[i] % 32];
	code[i] = '\0';
	return 0;
}

/* A whole file under another name takes the place of an older one. */
static int
write_code(const struct app *app, const char *code, struct err *e)
{
	char other[4096], line[SETUP_CODE_LEN + 2];
	int fd, n, rc = 0;

	n = snprintf(
	    other, sizeof(other), "%s.%ld", app->setup_path, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(other))
		return err_set(e, "%s: the path is too long", app->setup_path);
	fd = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1)
		return err_sys(e, "%s", other);
	n = snprintf(line, sizeof(line), "%s\n", code);
	errno = ENOSPC; /* what a short write means */
	if (write(fd, line, (size_t)n) != n ||
	    rename(other, app->setup_path) == -1) {
		rc = err_sys(e, "%s", app->setup_path);
		unlink(other);
	}
	close(fd);
	return rc;
}

int
setup_start(const struct app *app, struct store *s, bool keep, struct err *e)
{
	char code[SETUP_CODE_LEN + 1];
	bool has;

	if (store_web_has_users(s, &has, e) == -1)
		return -1;
	if (has) {
		unlink(app->setup_path);
		return 0;
	}
	if (keep && access(app->setup_path, F_OK) == 0)
		return 1;
	if (make_code(code, e) == -1 || write_code(app, code, e) == -1)
		return -1;
	str_wipe(code, sizeof(code));
	return 1;
}

static void
show(struct req *r, unsigned status, const struct form *f)
{
	struct tpl *t = page_porch(r, "setup", "First start", SCENE_LAMP);

	tpl_set(t, "CODE", req_form(r, "code"));
	tpl_set(t, "EMAIL", req_form(r, "email"));
	tpl_set(t, "URL", req_url(r, "/setup"));
	tpl_set(t, "FILE", r->app->setup_path);
	tpl_int(t, "PASSWORD_MIN", CHECK_PASSWORD_MIN);
	form_show(r, t, f);
	page_send(r, status);
}

/* There is an account: this page is no longer there.  Answers then. */
static bool
is_over(struct req *r)
{
	bool has = true;
	struct err e;

	if (store_web_has_users(r->store, &has, &e) == -1)
		page_trouble(r, &e);
	else if (has)
		page_error(r, 404);
	return has;
}

void
setup_page(struct req *r)
{
	struct form none = { .n = 0 };

	if (!is_over(r))
		show(r, 200, &none);
}

/* What was typed, without what people add to make it legible. */
static void
plain(char to[SETUP_CODE_LEN + 1], const char *code)
{
	size_t n = 0;

	for (; *code != '\0' && n < SETUP_CODE_LEN; code++)
		if (isalnum((unsigned char)*code))
			to[n++] = (char)toupper((unsigned char)*code);
	to[n] = '\0';
}

static bool
is_code(struct req *r)
{
	char text[64], got[SETUP_CODE_LEN + 1], want[SETUP_CODE_LEN + 1];
	bool same;
	size_t n;
	struct err e;

	if (plat_read_secret_file(
		r->app->setup_path, text, sizeof(text), &n, &e) == -1) {
		log_error("setup: %s", e.text);
		return false;
	}
	plain(want, text);
	plain(got, req_form(r, "code"));
	n = strlen(want);
	same = n > 0 && strlen(got) == n && str_equal_secret(got, want, n);
	str_wipe(text, sizeof(text));
	str_wipe(want, sizeof(want));
	return same;
}

/* Too many wrong codes came from this address; answers then. */
static bool
is_slowed(struct req *r, const char *key)
{
	int64_t wait;
	struct err e;
	int rc = store_web_guess_wait(r->store, key, &wait, &e);

	if (rc == -1)
		page_trouble(r, &e);
	else if (rc == 1)
		page_wait(r, wait);
	return rc != 0;
}

/* Notes what is wrong; the code is tried last and counts as a guess. */
static int
check(struct req *r, const char *key, struct form *f, struct err *e)
{
	const char *password = req_form(r, "password");
	struct err why;
	uint32_t left;

	if (check_email(req_form(r, "email"), &why) == -1)
		form_wrong(f, "email", page_sentence(r, why.text));
	if (check_password(password, strlen(password), &why) == -1)
		form_wrong(f, "password", page_sentence(r, why.text));
	if (is_code(r))
		return 0;
	form_wrong(f, "code",
	    "That is not the code. It changes each time the server starts.");
	return store_web_guess_wrong(r->store, key, &guess_code, &left, e);
}

/* The account, who made it, and a browser that is inside: 1, 0, -1. */
static int
add_first(struct req *r, const char *hash, int64_t *id, struct err *e)
{
	const char *email = req_form(r, "email");
	int rc = store_web_first_user(r->store, email, hash, id, e);

	if (rc != 1)
		return rc;
	str_copy(r->user.email, sizeof(r->user.email), email);
	page_note(r, *id, "user add", "user %lld %s, the first account",
	    (long long)*id, email);
	return session_begin(r, *id, e) == -1 ? -1 : 1;
}

static void
make(struct req *r)
{
	char hash[PASSWORD_HASH_MAX + 1];
	int64_t id = 0;
	struct err e;
	int rc;

	if ((rc = gate_hash(hash, req_form(r, "password"), &e)) == 0) {
		page_error(r, 503);
		return;
	}
	if (rc == -1) {
		page_trouble(r, &e);
		return;
	}
	if (!step_begin(r))
		return;
	rc = add_first(r, hash, &id, &e);
	if (!step_end(r, rc == 1))
		return;
	if (rc == -1) {
		page_trouble(r, &e);
	} else if (rc == 0) {
		page_error_says(r, 409,
		    "Somebody made the first account at this moment. Sign in "
		    "with yours, or ask them for one.");
	} else {
		unlink(r->app->setup_path);
		log_info("setup: user %lld is the first, from %s",
		    (long long)id, r->address);
		req_go(r, "/");
	}
}

void
setup_make(struct req *r)
{
	const char *key = guess_address(r, "setup");
	struct form f = { .n = 0 };
	struct err e;

	if (is_over(r) || is_slowed(r, key))
		return;
	if (check(r, key, &f, &e) == -1)
		page_trouble(r, &e);
	else if (f.n > 0)
		show(r, 422, &f);
	else
		make(r);
}
