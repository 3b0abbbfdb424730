#include "said.h"

#include <string.h>

#include "base/str.h"
#include "page.h"
#include "store/store_tunnel.h"
#include "tpl.h"

static const struct {
	const char *word, *class, *says;
} table[] = {
	{ "paused", "ok", "It is paused. Visitors are refused from now on." },
	{ "resumed", "ok", "It is open again." },
	{ "saved", "ok", "It is saved, and holds from now on." },
	{ "restored", "ok", "It is back, with the same port." },
	{ "linked", "ok", "There is a new link. The old one is void." },
	{ "testing", "ok",
	    "The computer tries the service and the address now. The lamps "
	    "show what comes of it." },
	{ "asleep", "warn",
	    "Nothing was tested: no computer serves this tunnel at the "
	    "moment." },
	{ "kicked", "ok",
	    "That visitor is cut off. The allow and deny lists keep one "
	    "away." },
	{ "left", "ok", "That visitor had left already." },
	{ "away", "warn", "Nothing was done: the relay is not running." },
	{ "revoked", "ok",
	    "The key is revoked. Whatever used it has been cut off." },
	{ "renamed", "ok", "The machine has its new name." },
	{ "removed", "ok",
	    "The machine is removed, and all its keys are revoked." },
	{ "password", "ok",
	    "The password is changed, and every other browser is signed "
	    "out." },
	{ "ended", "ok", "That browser is signed out." },
	{ "frozen", "ok", "It is frozen, and stopped at once." },
	{ "thawed", "ok", "It is no longer frozen." },
	{ "verified", "ok", "The tunnel is verified." },
	{ "uninvited", "ok", "The invitation is void." },
	{ "gone", "ok", "The account is deleted, with all that was in it." },
};

/* Deleted, and within ten minutes it can be taken back. */
static void
show_undo(struct req *r)
{
	const char *id = req_query(r, "id");
	struct tpl *row;
	uint64_t n;

	if (!str_number(id, 1, INT64_MAX, &n))
		return;
	row = tpl_row(r->page, "FLASH");
	tpl_set(row, "CLASS", "ok");
	tpl_set(row, "ROLE", "status");
	tpl_set(row, "TEXT",
	    "The tunnel is deleted. For 10 minutes you can take it back, with "
	    "the same port.");
	tpl_int(tpl_row(row, "UNDO"), "ID", (int64_t)n);
}

void
said_show(struct req *r)
{
	const char *word = req_query(r, "said");

	if (strcmp(word, "deleted") == 0)
		show_undo(r);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(word, table[i].word) == 0)
			page_flash(r, table[i].class, table[i].says);
}
