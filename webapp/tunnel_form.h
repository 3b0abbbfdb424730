/*
 * tunnel_form: what a tunnel shall be like, as a person or a program says it in
 * words.  The forms and the API read it here, so that both refuse alike.
 */
#ifndef WEBAPP_TUNNEL_FORM_H
#define WEBAPP_TUNNEL_FORM_H

#include "page.h"
#include "store/store_tunnel.h"

/* NULL: not said.  The names are those of the API's fields. */
struct tunnel_text {
	const char *name;
	const char *kind;
	const char *local_host;
	const char *local_port;
	const char *public_port; /* "": any free one, when it is made */
	const char *proxy_protocol;
	const char *allow; /* addresses and networks */
	const char *deny;
	const char *address_rate; /* "": off */
	const char *visitors_max; /* "": no limit */
	const char *expires;      /* "2026-11-30", "": never */
};

/*
 * Turns it into a wish, and notes one sentence in f for each field that does
 * not fit, under its name above.  For an edit, old is the tunnel as it is: a
 * target is one thing, so that half of it keeps the other half.  w borrows
 * from text and r.
 */
void tunnel_form_read(struct req *r, const struct tunnel_text *text,
    const struct tunnel *old, struct tunnel_wish *w, struct form *f);

/*
 * Which field a refusal of the store is about ("public_port", "name" ...),
 * by its first word.
 */
const char *tunnel_form_field(const char *refusal);

/* "2026-11-30" for the end of that day, and back; "" for 0. */
int tunnel_form_date(const char *text, int64_t *at_out);
const char *tunnel_form_day(struct req *r, int64_t at);

#endif
