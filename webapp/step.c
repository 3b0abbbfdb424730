#include "step.h"

#include "base/str.h"
#include "events.h"
#include "page.h"
#include "store/store.h"

bool
step_begin(struct req *r)
{
	struct err e;

	r->hush = 0;
	r->unnoted = false;
	if (store_group(r->store, &e) == 0)
		return true;
	page_trouble(r, &e);
	return false;
}

/* What was said is not so. */
static void
take_back(struct req *r)
{
	if (r->is_secret)
		str_wipe(buf_data(&r->out), buf_len(&r->out));
	buf_drop(&r->out, buf_len(&r->out));
	buf_drop(&r->head, buf_len(&r->head));
	r->type = "text/html; charset=utf-8";
}

/* 0 when what was wished for has come true. */
static int
end(struct req *r, bool keep, struct err *e)
{
	bool whole = keep && !r->no_memory && !r->unnoted;

	if (store_group_end(r->store, whole, e) == -1)
		return -1;
	if (whole || !keep)
		return 0;
	return err_set(e, "nothing was changed: %s",
	    r->unnoted ? "the audit trail cannot be written" : "out of memory");
}

bool
step_end(struct req *r, bool keep)
{
	int64_t hush = r->hush;
	struct err e;

	r->hush = 0;
	if (end(r, keep, &e) == -1) {
		take_back(r);
		page_trouble(r, &e);
		return false;
	}
	if (keep && hush != 0)
		events_hush(r, hush);
	return true;
}

void
step_hush(struct req *r, int64_t user)
{
	r->hush = user;
}
