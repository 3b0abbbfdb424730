/* theme: light or dark, kept in a cookie, so that no page flickers. */
#include <string.h>

#include "next.h"
#include "page.h"
#include "pages.h"

enum { THEME_S = 365 * 24 * 3600 };

void
theme_choose(struct req *r)
{
	const char *theme = req_form(r, "theme");

	if (strcmp(theme, "light") == 0 || strcmp(theme, "dark") == 0)
		req_set_cookie(r, "theme", theme, THEME_S);
	else
		req_set_cookie(r, "theme", "", 0);
	req_go(r, "%s", next_path(req_form(r, "back")));
}
