/*
 * api_tunnel: how the API shows a tunnel; what its files share.
 */
#ifndef WEBAPP_API_TUNNEL_H
#define WEBAPP_API_TUNNEL_H

#include "api.h"
#include "live.h"
#include "store/store_page.h"
#include "store/store_tunnel.h"

/* What is shown beside the rows. */
struct beside {
	struct live live;
	struct page_pair *pairs; /* of all the rows, by tunnel */
	size_t pairs_n;
};

/* The members of a tunnel. */
void api_tunnel_show(struct req *r, struct out *o, const struct tunnel *t,
    const struct beside *b);

/* What the relay says of the rows; must not stand in a step that is locked. */
void api_tunnel_ask(
    struct req *r, const struct tunnel *list, size_t n, struct live *l);

/* The machines that may serve it, and how many. */
const struct page_pair *api_tunnel_pairs(
    const struct beside *b, int64_t tunnel, size_t *n_out);

#endif
