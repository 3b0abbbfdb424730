/*
 * static: what browsers fetch beside the pages.  nginx serves these files
 * itself when it is told where they lie; here they come from the program, so
 * that a web server which knows only this program serves them, too.
 */
#include <string.h>

#include "pack.h"
#include "page.h"
#include "pages.h"

/* The type of a file by its name's end. */
static const char *
type_of(const char *name)
{
	static const struct {
		const char *end, *type;
	} table[] = {
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (dot != NULL && strcmp(dot, table[i].end) == 0)
			return table[i].type;
	return "application/octet-stream";
}

/*
 * "look.0123456789ab.css" is look.css of that hash; a page of another version
 * asks for another name.
 */
void
static_file(struct req *r)
{
	const char *name = r->word[0], *dot = strchr(name, '.');
	const struct pack *p;
	size_t stem;

	if (dot == NULL || strlen(dot) < 14 || dot[13] != '.') {
		page_error(r, 404);
		return;
	}
	stem = (size_t)(dot - name);
	p = pack_find(req_text(r, "static/%.*s%s", (int)stem, name, dot + 13));
	if (p == NULL || memcmp(p->hash, dot + 1, 12) != 0) {
		page_error(r, 404);
		return;
	}
	r->type = type_of(p->name);
	req_line(r, "Cache-Control", "public, max-age=31536000, immutable");
	req_write(r, p->bytes, p->n);
}
