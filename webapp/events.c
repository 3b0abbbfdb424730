/*
 * events: says to nginx, before it hands a browser's stream of updates to
 * relayd, whose browser that is: relayd tells it of that user's tunnels.
 */
#include "events.h"

#include "app.h"
#include "ask.h"
#include "base/clock.h"
#include "page.h"
#include "pages.h"

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

void
events_scope(struct req *r)
{
	if (r->user.id == 0) {
		r->status = 401;
		return;
	}
	r->status = 204;
	req_line(r, "X-Adit-Scope", "%lld", (long long)r->user.id);
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
