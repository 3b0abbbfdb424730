/* What has been, by the API: the audit trail, sessions, traffic. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "base/clock.h"
#include "base/err.h"
#include "page.h"
#include "problem.h"
#include "store/store.h"
#include "store/store_page.h"

#define HOUR_MS (INT64_C(3600) * 1000)

enum {
	HOURS = 24, /* that are told of when nothing is asked for */
	DAYS = 30,
	HOURS_MAX = 24 * 400,
};

void
api_events(struct req *r)
{
	struct api_part part;
	struct event *list;
	int64_t user, total;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_part(r, "user", &part) || !api_list_of(r, &user))
		return;
	if (store_page_events(r->store, user, part.skip, part.limit, &list, &n,
		&total, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++) {
		out_object(o, NULL);
		out_number(o, "id", list[i].id);
		out_time(o, "at", list[i].at);
		out_text(o, "who", list[i].who);
		out_text(o, "did", list[i].did);
		out_text(o, "what", list[i].what);
		out_text(o, "from", list[i].origin);
		out_object_end(o);
	}
	free(list);
	api_list_end(r, total);
}

static void
show_session(struct out *o, const struct session_info *s)
{
	out_object(o, NULL);
	out_number(o, "id", s->id);
	out_number(o, "machine_id", s->machine);
	out_text(o, "address", s->address);
	out_text(o, "version", s->version);
	out_time(o, "connected_at", s->connected_at);
	out_time(o, "seen_at", s->seen_at);
	out_time(o, "disconnected_at", s->disconnected_at);
	out_text_or_null(o, "why", s->why);
	out_number(o, "bytes_in", (int64_t)s->bytes_in);
	out_number(o, "bytes_out", (int64_t)s->bytes_out);
	out_object_end(o);
}

void
api_sessions(struct req *r)
{
	struct page_sessions which = { .user = 0 };
	struct session_info *list;
	struct api_part part;
	int64_t total;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_part(r, "user machine tunnel", &part) ||
	    !api_list_of(r, &which.user) ||
	    !api_query_number(r, "machine", 1, INT64_MAX, 0, &which.machine) ||
	    !api_query_number(r, "tunnel", 1, INT64_MAX, 0, &which.tunnel))
		return;
	if (store_page_sessions(r->store, &which, part.skip, part.limit, &list,
		&n, &total, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++)
		show_session(o, &list[i]);
	free(list);
	api_list_end(r, total);
}

/* --- traffic ------------------------------------------------------------------------ */

struct span {
	int64_t step, from, to; /* in hours */
};

/* A time in the address, as the hour in which it lies. */
static bool
read_hour(struct req *r, const char *name, int64_t without, int64_t *out)
{
	int64_t at;

	*out = without;
	if (!req_has(&r->query, name))
		return true;
	if (clock_read_rfc3339(req_query(r, name), &at) && at >= 0) {
		*out = at / HOUR_MS;
		return true;
	}
	problem(r, 400, name,
	    req_text(r, "%s is not a time like 2026-11-20T14:00:00Z.", name));
	return false;
}

/* "per", "from", "to"; false when it is answered. */
static bool
read_span(struct req *r, struct span *s)
{
	const char *per =
	    req_has(&r->query, "per") ? req_query(r, "per") : "hour";
	int64_t now = clock_wall_ms() / HOUR_MS + 1;
	bool days = strcmp(per, "day") == 0;

	if (!days && strcmp(per, "hour") != 0) {
		problem(r, 400, "per", "Traffic is told per hour or day.");
		return false;
	}
	s->step = days ? 24 : 1;
	if (!read_hour(r, "to", now, &s->to) ||
	    !read_hour(r, "from", s->to - (days ? DAYS * 24 : HOURS), &s->from))
		return false;
	s->from -= s->from % s->step;
	if (s->from < s->to && s->to - s->from <= HOURS_MAX)
		return true;
	problem(r, 400, "from",
	    "The time goes from one moment to a later one, at most 400 days.");
	return false;
}

void
api_usage(struct req *r)
{
	struct usage_row *list;
	int64_t user, tunnel;
	struct span s;
	struct out *o;
	struct err e;
	size_t n, i;

	if (!api_query(r, "user tunnel per from to") ||
	    !api_list_of(r, &user) ||
	    !api_query_number(r, "tunnel", 1, INT64_MAX, 0, &tunnel) ||
	    !read_span(r, &s))
		return;
	if (store_page_usage(r->store, user, tunnel, s.step, s.from, s.to,
		&list, &n, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	o = api_list(r);
	for (i = 0; i < n; i++) {
		out_object(o, NULL);
		out_time(o, "from", list[i].hour * HOUR_MS);
		out_number(o, "bytes_in", (int64_t)list[i].bytes_in);
		out_number(o, "bytes_out", (int64_t)list[i].bytes_out);
		out_number(o, "streams", (int64_t)list[i].streams);
		out_number(o, "datagrams", (int64_t)list[i].datagrams);
		out_number(o, "drops", (int64_t)list[i].drops);
		out_object_end(o);
	}
	free(list);
	api_list_end(r, (int64_t)n);
}
