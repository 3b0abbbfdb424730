/* The API's visitors: who is connected to a tunnel now. */
#include "api.h"
#include "page.h"
#include "problem.h"
#include "store/store_tunnel.h"
#include "visitor.h"

static void
refuse_away(struct req *r)
{
	problem(r, 503, NULL, "The relay is not running.");
}

static void
show(struct out *o, const struct visitor *v)
{
	out_object(o, NULL);
	out_number(o, "number", v->number);
	out_text(o, "protocol", v->protocol);
	out_text(o, "address", v->address);
	out_time(o, "since", v->since);
	out_number(o, "bytes_in", v->bytes_in);
	out_number(o, "bytes_out", v->bytes_out);
	out_object_end(o);
}

void
api_visitors(struct req *r)
{
	struct visitor_list all;
	struct api_part part;
	struct tunnel t;
	struct out *o;
	int64_t i, end;

	if (!api_part(r, "", &part) || !api_tunnel_find(r, &t))
		return;
	visitor_ask(r, t.id, &all);
	if (!all.answers) {
		refuse_away(r);
		return;
	}
	end = part.skip + part.limit;
	o = api_list(r);
	for (i = part.skip; i < end && i < (int64_t)all.n; i++)
		show(o, &all.at[i]);
	api_list_end(r, all.total);
}

/* The relay is not asked within a step of the database, which it may need. */
void
api_visitor_kick(struct req *r)
{
	struct tunnel t;
	int rc;

	if (!api_query(r, "") || api_body(r, NULL, 0) == NULL ||
	    !api_tunnel_find(r, &t))
		return;
	rc = visitor_kick(r, t.id, r->id[1]);
	if (rc == 0) {
		api_none(r);
	} else if (rc == -1) {
		refuse_away(r);
	} else if (api_begin(r)) {
		page_note(r, t.user, "visitor kick",
		    "tunnel %lld %s, visitor %lld", (long long)t.id, t.name,
		    (long long)r->id[1]);
		api_gone(r);
	}
}
