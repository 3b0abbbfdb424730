#include "owner.h"

#include "page.h"
#include "store/store.h"

int64_t
owner_of(const struct req *r)
{
	return r->user.admin ? STORE_ANYBODY : r->user.id;
}

bool
owner_tunnel(struct req *r, struct tunnel *t_out)
{
	struct err e;
	int rc = store_tunnel_by_id(r->store, owner_of(r), r->id[0], t_out, &e);

	return owner_done(r, rc, &e);
}

bool
owner_done(struct req *r, int rc, const struct err *e)
{
	if (rc == 0)
		page_error(r, 404);
	else if (rc == -1 && page_was_refused(r))
		page_error_says(r, 409, page_sentence(r, e->text));
	else if (rc == -1)
		page_trouble(r, e);
	return rc == 1;
}
