/*
 * events: says to nginx, before it hands a browser's stream of updates to
 * relayd, whose browser that is: relayd tells it of that user's tunnels.
 */
#include "events.h"

#include "app.h"
#include "ask.h"
#include "base/clock.h"
#include "base/str.h"
#include "page.h"
#include "pages.h"
#include "store/store.h"
#include "store/store_tunnel.h"

enum { ANSWER_MS = 200, ANSWER_MAX = 4096 };

/*
 * A web server that does not hand streams to relayd lands here: 204 tells the
 * browser to stop asking, and the page looks now and then instead.
 */
void
events_none(struct req *r)
{
	r->status = 204;
}

/* An admin sees another's tunnel (?tunnel=ID) move as its owner does. */
static int
find_owner(struct req *r, int64_t *user_out, struct err *e)
{
	struct tunnel t;
	uint64_t id;
	int rc;

	*user_out = r->user.id;
	if (!req_has(&r->query, "tunnel"))
		return 1;
	if (!str_number(req_query(r, "tunnel"), 1, INT64_MAX, &id))
		return 0;
	rc = store_tunnel_by_id(r->store,
	    r->user.admin ? STORE_ANYBODY : r->user.id, (int64_t)id, &t, e);
	if (rc == 1)
		*user_out = t.user;
	return rc;
}

/* nginx takes 401 and 403 for a refusal, and anything else for a fault. */
void
events_scope(struct req *r)
{
	int64_t user;
	struct err e;
	int rc;

	if (r->user.id == 0) {
		r->status = 401;
	} else if ((rc = find_owner(r, &user, &e)) == -1) {
		page_trouble(r, &e);
	} else if (rc == 0) {
		r->status = 403;
	} else {
		r->status = 204;
		req_line(r, "X-Adit-Scope", "%lld %lld", (long long)user,
		    (long long)r->user.id);
	}
}

void
events_hush(struct req *r, int64_t user)
{
	const char *target = req_text(r, "/hush?user=%lld", (long long)user);
	struct buf body;

	buf_init(&body, ANSWER_MAX);
	(void)ask(r->app->conf.relay.control, "POST", target,
	    clock_ms() + ANSWER_MS, &body, NULL);
	buf_free(&body);
}
