#include "page.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "base/version.h"
#include "log/log.h"
#include "pack.h"
#include "problem.h"
#include "store/store.h"
#include "store/store_event.h"
#include "words.h"

static const char *const scenes[] = { "LAMP", "GATE", "UNLIT", "ROCK" };

/* The name of a static file with its hash in it. */
static void
set_asset(struct req *r, const char *key, const char *name, const char *end)
{
	const struct pack *p = pack_find(req_text(r, "static/%s%s", name, end));

	tpl_set(r->page, key,
	    req_text(r, "%s/static/%s.%s%s", r->app->base, name,
		p != NULL ? p->hash : "", end));
}

static void
set_theme(struct req *r)
{
	const char *theme = req_cookie(r, "theme");
	const char *now = theme == NULL ? "auto" : theme;

	tpl_set(r->page, "AUTO", strcmp(now, "auto") == 0 ? "true" : "false");
	tpl_set(r->page, "LIGHT", strcmp(now, "light") == 0 ? "true" : "false");
	tpl_set(r->page, "DARK", strcmp(now, "dark") == 0 ? "true" : "false");
	if (strcmp(now, "light") == 0 || strcmp(now, "dark") == 0)
		tpl_maybe(r->page, "THEME", now);
}

/* Whom to tell of abuse; a page that says an error does without. */
static void
set_contact(struct req *r)
{
	char contact[WEB_CONTACT_MAX + 1];
	struct err ignored;

	if (r->store != NULL &&
	    store_web_contact(r->store, contact, &ignored) == 1)
		tpl_maybe(r->page, "CONTACT", contact);
}

/* The frame, with the page in it. */
static struct tpl *
begin(struct req *r, const char *name, const char *title)
{
	struct err e;
	struct tpl *body;

	tpl_free(&r->page);
	if ((r->page = tpl_new("layout", &e)) == NULL) {
		r->no_memory = true;
		return NULL;
	}
	tpl_set(r->page, "TITLE", title);
	tpl_set(r->page, "BASE", r->app->base);
	tpl_set(r->page, "HOST", r->app->conf.public_host);
	tpl_set(r->page, "VERSION", ADIT_VERSION);
	tpl_set(r->page, "TOKEN", req_token(r));
	tpl_set(r->page, "BACK", *r->path != '\0' ? r->path : "/");
	set_asset(r, "CSS", "look", ".css");
	set_asset(r, "JS", "look", ".js");
	set_asset(r, "MARK", "mark", ".svg");
	set_asset(r, "ICON", "favicon", ".png");
	set_theme(r);
	set_contact(r);
	body = tpl_put(r->page, "BODY", name);
	tpl_set(body, "BASE", r->app->base);
	tpl_set(body, "TOKEN", req_token(r));
	return body;
}

struct tpl *
page_new(struct req *r, const char *name, const char *title, enum page_tab tab)
{
	static const char *const tabs[] = { "", "IN_TUNNELS", "IN_MACHINES",
		"IN_ADMIN", "IN_ACCOUNT" };
	struct tpl *body = begin(r, name, title), *house;

	house = tpl_row(r->page, "HOUSE");
	tpl_set(house, "EMAIL", r->user.email);
	if (tab != TAB_NONE)
		tpl_show(house, tabs[tab]);
	if (r->user.admin)
		tpl_show(house, "IS_ADMIN");
	return body;
}

struct tpl *
page_porch(
    struct req *r, const char *name, const char *title, enum page_scene scene)
{
	struct tpl *body = begin(r, name, title);

	tpl_show(r->page, "PORCH");
	tpl_show(r->page, "PORCH_CLASS");
	tpl_show(tpl_row(r->page, "SCENE"), scenes[scene]);
	return body;
}

void
page_send(struct req *r, unsigned status)
{
	struct err e;

	r->status = status;
	buf_drop(&r->out, buf_len(&r->out));
	if (r->page == NULL || tpl_render(r->page, &r->out, &e) == -1)
		r->no_memory = true;
	tpl_free(&r->page);
}

void
page_flash(struct req *r, const char *class, const char *text)
{
	struct tpl *row = tpl_row(r->page, "FLASH");

	tpl_set(row, "CLASS", class);
	tpl_set(row, "ROLE", strcmp(class, "bad") == 0 ? "alert" : "status");
	tpl_set(row, "TEXT", text);
}

/* --- pages that say that something is not possible --------------------------- */

static const struct error_page {
	unsigned status;
	enum page_scene scene;
	const char *title, *says;
} errors[] = {
	{ 400, SCENE_ROCK, "This request makes no sense",
	    "Something in it is written in a way that cannot be read. Go back "
	    "and try again." },
	{ 403, SCENE_GATE, "Not like this", "Nothing was changed." },
	{ 404, SCENE_ROCK, "Solid rock",
	    "Nobody has dug here: the page does not exist, or it is not yours "
	    "to see. Look for a slip in the address." },
	{ 405, SCENE_ROCK, "Not this way", "This page takes another method." },
	{ 409, SCENE_GATE, "Not now", "Nothing was changed." },
	{ 413, SCENE_GATE, "Too much at once",
	    "What was sent is larger than any form here. Nothing was "
	    "changed." },
	{ 414, SCENE_ROCK, "Too long an address",
	    "No page here has so long an address." },
	{ 415, SCENE_GATE, "Not a form",
	    "What was sent is no form of these pages. Nothing was changed." },
	{ 421, SCENE_ROCK, "Another name",
	    "This server's pages have another address." },
	{ 429, SCENE_GATE, "One at a time",
	    "There were too many requests. Wait a minute, then try again. "
	    "Tunnels are not affected." },
	{ 503, SCENE_UNLIT, "The dashboard is out; the tunnels go on",
	    "Its database does not answer at the moment. Open tunnels carry "
	    "their visitors as before, and nothing that you saved is lost." },
};

void
page_error_says(struct req *r, unsigned status, const char *says)
{
	const struct error_page *p = &errors[0];
	struct tpl *t;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].status == status)
			p = &errors[i];
	t = page_porch(r, "error", p->title, p->scene);
	tpl_int(t, "STATUS", status);
	tpl_set(t, "TITLE", p->title);
	tpl_set(t, "SAYS", says != NULL ? says : p->says);
	tpl_set(t, "GO",
	    status == 503 || status == 429 ? "Try again" : "To the tunnels");
	if (status == 503) {
		req_line(r, "Retry-After", "30");
		tpl_show(t, "RETRY");
	}
	page_send(r, status);
}

void
page_error(struct req *r, unsigned status)
{
	page_error_says(r, status, NULL);
}

void
page_wait(struct req *r, int64_t wait_ms)
{
	long long s = (wait_ms + 999) / 1000;
	char span[32];

	words_span(span, s * 1000);
	req_line(r, "Retry-After", "%lld", s);
	page_error_says(r, 429,
	    req_text(r,
		"There were too many tries from %s. Wait %s, then try "
		"again. Tunnels are not affected.",
		r->address, span));
}

bool
page_was_refused(const struct req *r)
{
	return r->store != NULL && store_why(r->store) == STORE_REFUSED;
}

void
page_trouble(struct req *r, const struct err *e)
{
	log_error("web %s: 503, %s", r->path, e->text);
	if (r->api != NULL || strncmp(r->path, "/api", 4) == 0) {
		problem(r, 503, NULL,
		    "The database does not answer; open tunnels go on.");
		return;
	}
	page_error(r, 503);
}

const char *
page_sentence(struct req *r, const char *text)
{
	const char *colon = strstr(text, ": ");
	char *own;
	size_t n;

	/* "name: empty" begins with a field; a longer start is a sentence */
	if (colon != NULL && memchr(text, ' ', (size_t)(colon - text)) == NULL)
		text = colon + 2;
	n = strlen(text);
	own = req_text(r, "%s%s", text,
	    n > 0 && strchr(".?", text[n - 1]) == NULL ? "." : "");
	if (*own != '\0')
		own[0] = (char)toupper((unsigned char)own[0]);
	return own;
}

void
page_note(struct req *r, int64_t owner, const char *did, const char *fmt, ...)
{
	struct event v = { .user = owner };
	struct err e;
	va_list ap;

	str_copy(v.who, sizeof(v.who), r->user.email);
	str_copy(v.did, sizeof(v.did), did);
	str_copy(v.origin, sizeof(v.origin), r->address);
	va_start(ap, fmt);
	vsnprintf(v.what, sizeof(v.what), fmt, ap);
	va_end(ap);
	if (store_event_add(r->store, &v, &e) == 0)
		return;
	log_error("web: the audit trail lacks \"%s\": %s", did, e.text);
	r->unnoted = true;
}

/* --- forms ----------------------------------------------------------------- */

void
form_wrong(struct form *f, const char *field, const char *says)
{
	if (f->n == sizeof(f->at) / sizeof(f->at[0]))
		return;
	f->at[f->n].field = field;
	f->at[f->n].says = says;
	f->n++;
}

/* "public_port" is PUBLIC_PORT_WRONG in the template. */
static const char *
section_of(struct req *r, const char *field)
{
	char *name = req_text(r, "%s_WRONG", field);

	for (char *p = name; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return name;
}

void
form_show(struct req *r, struct tpl *t, const struct form *f)
{
	static const char *const numbers[] = { "No field needs",
		"One field needs", "Two fields need", "Three fields need",
		"Four fields need" };
	struct tpl *all, *row;

	if (f->n == 0)
		return;
	all = tpl_row(r->page, "ERRORS");
	tpl_set(all, "COUNT", f->n < 5 ? numbers[f->n] : "Several fields need");
	for (size_t i = 0; i < f->n; i++) {
		row = tpl_row(all, "ERROR");
		tpl_set(row, "FIELD", f->at[i].field);
		tpl_set(row, "SAYS", f->at[i].says);
		tpl_set(tpl_row(t, section_of(r, f->at[i].field)), "SAYS",
		    f->at[i].says);
	}
}
