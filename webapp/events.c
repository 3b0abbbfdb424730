/*
 * events: says to nginx, before it hands a browser's stream of updates to
 * relayd, which tunnels that browser may hear of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "pages.h"
#include "store/store.h"
#include "store/store_tunnel.h"

enum { TUNNELS_MAX = 1000 };

/*
 * A web server that does not hand streams to relayd lands here: 204 tells the
 * browser to stop asking, and the page looks now and then instead.
 */
void
events_none(struct req *r)
{
	r->status = 204;
}

void
events_scope(struct req *r)
{
	struct tunnel *list;
	struct err e;
	char *ids;
	size_t n, cap, len = 0;

	if (r->user.id == 0) {
		r->status = 401;
		return;
	}
	if (store_tunnel_list(r->store, r->user.id, 0, TUNNELS_MAX, &list, &n,
		&e) == -1) {
		page_trouble(r, &e);
		return;
	}
	cap = n * 21 + 1;
	if ((ids = req_alloc(r, cap)) != NULL)
		for (size_t i = 0; i < n; i++)
			len += (size_t)snprintf(ids + len, cap - len, "%s%lld",
			    i > 0 ? "," : "", (long long)list[i].id);
	free(list);
	r->status = 204;
	req_line(r, "X-Adit-Scope", "%s", ids != NULL ? ids : "");
}
