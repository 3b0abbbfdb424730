#include "greet.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/version.h"
#include "client_conf.h"
#include "net/allow.h"
#include "plat/plat.h"
#include "proto/code.h"
#include "proto/hello.h"

/* A name that cannot be sent is left out. */
static void
put_text(char to[PROTO_TEXT_MAX + 1], const char *from)
{
	if (!str_copy(to, PROTO_TEXT_MAX + 1, from) ||
	    !str_is_text(to, strlen(to)))
		to[0] = '\0';
}

_Static_assert(
    (int)ALLOW_MAX <= PROTO_ALLOW_MAX && (int)ALLOW_TEXT_MAX <= PROTO_TEXT_MAX,
    "HELLO carries the whole list");

void
greet_hello(struct proto_hello *h, const struct client_conf *c)
{
	char text[PROTO_TEXT_MAX + 1];
	size_t i;

	h->versions[0][0] = h->versions[0][1] = PROTO_VERSION;
	h->version_count = 1;
	memcpy(h->token, c->token, sizeof(h->token));
	put_text(h->program, "adit " ADIT_VERSION);
	put_text(h->system, plat_system(text, sizeof(text)));
	put_text(h->computer, plat_computer(text, sizeof(text)));
	for (i = 0; i < c->allow.count; i++)
		put_text(h->allow[i], c->allow.entries[i].text);
	h->allow_count = (unsigned)c->allow.count;
}

/* Appends to text that is there, as far as it fits. */
static void
append(char *to, size_t cap, const char *a, const char *b, const char *c,
    const char *d)
{
	size_t len = strlen(to);

	snprintf(to + len, cap - len, "%s%s%s%s", a, b, c, d);
}

char *
greet_refusal(char *to, size_t cap, const struct proto_reject *r)
{
	(void)str_copy(to, cap,
	    r->sentence[0] != '\0' ? r->sentence : code_sentence(r->code));
	if (r->other_name[0] != '\0')
		append(to, cap, " It is ", r->other_name,
		    r->other_addr[0] != '\0' ? " at " : "", r->other_addr);
	if (r->other_name[0] != '\0')
		append(to, cap, ".", "", "", "");
	if (r->url[0] != '\0')
		append(to, cap, " See ", r->url, "", "");
	return to;
}
