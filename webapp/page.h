/*
 * page: what all pages have in common: the frame around them, messages, and
 * the pages that say that something is not possible.
 */
#ifndef WEBAPP_PAGE_H
#define WEBAPP_PAGE_H

#include <stdint.h>

#include "req.h"
#include "tpl.h"

enum page_tab { TAB_NONE, TAB_TUNNELS, TAB_MACHINES, TAB_ADMIN, TAB_ACCOUNT };

/* How the hill at the foot of a page of the porch looks. */
enum page_scene { SCENE_LAMP, SCENE_GATE, SCENE_UNLIT, SCENE_ROCK };

/*
 * Begins a page of the template NAME.tpl and returns it for filling; page_send()
 * sends it.  On the porch stand the pages of who is not inside.
 */
struct tpl *page_new(
    struct req *r, const char *name, const char *title, enum page_tab tab);
struct tpl *page_porch(
    struct req *r, const char *name, const char *title, enum page_scene scene);
void page_send(struct req *r, unsigned status);

/* A message at the top of the page: "ok", "warn" or "bad". */
void page_flash(struct req *r, const char *class, const char *text);

/* The page of a status: 400, 403, 404, 405, 413, 421, 429, 503 ... */
void page_error(struct req *r, unsigned status);

/* The same with a sentence of its own. */
void page_error_says(struct req *r, unsigned status, const char *says);

/* 429: nothing is heard from there for so long. */
void page_wait(struct req *r, int64_t wait_ms);

/*
 * The store has failed: logs why, once, and answers 503.  (What a person can
 * mend is STORE_REFUSED and no trouble.)
 */
void page_trouble(struct req *r, const struct err *e);

/* Did the store refuse a wish, so that e is for who wished? */
bool page_was_refused(const struct req *r);

/*
 * A sentence of the store's checks without the field's name in front, with a
 * capital letter and a full stop: "name: empty; give it one".
 */
const char *page_sentence(struct req *r, const char *text);

/*
 * Writes into the audit trail who did what to what, from where: inside of the
 * step that does it (step.h), which comes to nothing when this fails.
 */
void page_note(struct req *r, int64_t owner, const char *did, const char *fmt,
    ...) PRINTF_LIKE(4, 5);

/* --- a form that comes back with what was typed and what is wrong ----------- */

struct form_wrong {
	const char *field; /* its id in the page */
	const char *says;
};

struct form {
	struct form_wrong at[24];
	size_t n;
};

/* Notes what is wrong with a field. */
void form_wrong(struct form *f, const char *field, const char *says);

/*
 * Shows all in the page: the summary, and beside each FIELD the section
 * FIELD_WRONG with its SAYS (fields are named in capitals there).
 */
void form_show(struct req *r, struct tpl *t, const struct form *f);

#endif
