/* The API's list of tunnels: a part of all, or of what is searched for. */
#include "api_tunnel.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "page.h"
#include "problem.h"
#include "sift.h"
#include "store/store.h"
#include "store/store_usage.h"

enum {
	SIFT_MAX = 5000, /* are searched; the dashboard does the same */
	DAY_HOURS = 24,
};

/* The machines of the rows, which stand by id; -1 with e. */
static int
load_pairs(struct req *r, const struct tunnel *list, size_t n, struct beside *b,
    struct err *e)
{
	if (n == 0)
		return 0;
	return store_page_pairs(r->store, STORE_ANYBODY, list[0].id,
	    list[n - 1].id, &b->pairs, &b->pairs_n, e);
}

/* --- a part of all -------------------------------------------------------------- */

static int
list_plain(
    struct req *r, int64_t user, const struct api_part *part, struct err *e)
{
	struct beside b = { .pairs = NULL };
	struct tunnel *list;
	struct out *o;
	int64_t total;
	size_t n, i;
	int rc;

	if (store_tunnel_count(r->store, user, &total, e) == -1 ||
	    store_tunnel_list(
		r->store, user, part->skip, part->limit, &list, &n, e) == -1)
		return -1;
	api_tunnel_ask(r, list, n, &b.live);
	if ((rc = load_pairs(r, list, n, &b, e)) == 0) {
		o = api_list(r);
		for (i = 0; i < n; i++) {
			out_object(o, NULL);
			api_tunnel_show(r, o, &list[i], &b);
			out_object_end(o);
		}
		api_list_end(r, total);
	}
	free(b.pairs);
	free(list);
	return rc;
}

/* --- what is searched for, in an order -------------------------------------------- */

/* All that a search looks at. */
struct search {
	struct tunnel *list;
	size_t n;
	struct beside beside;
	struct sift_line *lines; /* those that fit */
	size_t lines_n;
};

/* What each carried in the last day; lines and totals are by tunnel. */
static int
fill_traffic(struct req *r, int64_t user, struct search *s, struct err *e)
{
	int64_t now = clock_wall_ms() / 3600000;
	struct usage *list;
	size_t n, at = 0;

	if (store_usage_totals(
		r->store, user, now - DAY_HOURS + 1, now, &list, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < s->lines_n; i++) {
		while (at < n && list[at].tunnel < s->lines[i].t->id)
			at++;
		if (at < n && list[at].tunnel == s->lines[i].t->id)
			s->lines[i].bytes =
			    list[at].bytes_in + list[at].bytes_out;
	}
	free(list);
	return 0;
}

/* The lines that fit q. */
static int
sift(struct req *r, struct search *s, const char *q, struct err *e)
{
	const struct page_pair *p;
	struct sift_line *l;
	size_t n;

	s->lines = req_alloc(r, (s->n + 1) * sizeof(*s->lines));
	if (s->lines == NULL)
		return err_set(e, "no memory for %zu tunnels", s->n);
	for (size_t i = 0; i < s->n; i++) {
		l = &s->lines[s->lines_n];
		memset(l, 0, sizeof(*l));
		p = api_tunnel_pairs(&s->beside, s->list[i].id, &n);
		l->t = &s->list[i];
		l->machine = n > 0 ? p->name : "";
		l->is = status_is(l->t, &s->beside.live);
		if (sift_fits(r, l, q))
			s->lines_n++;
	}
	return 0;
}

static void
show_lines(struct req *r, const struct search *s, const struct api_part *part)
{
	struct out *o = api_list(r);
	size_t i, from = (size_t)part->skip, left = (size_t)part->limit;

	for (i = from; i < s->lines_n && left > 0; i++, left--) {
		out_object(o, NULL);
		api_tunnel_show(r, o, s->lines[i].t, &s->beside);
		out_object_end(o);
	}
	api_list_end(r, (int64_t)s->lines_n);
}

static int
list_sifted(struct req *r, int64_t user, const struct api_part *part,
    sift_order *order, struct err *e)
{
	struct search s = { .list = NULL };
	int rc = -1;

	if (store_tunnel_list(r->store, user, 0, SIFT_MAX, &s.list, &s.n, e) ==
	    -1)
		return -1;
	api_tunnel_ask(r, s.list, s.n, &s.beside.live);
	if (load_pairs(r, s.list, s.n, &s.beside, e) == 0 &&
	    sift(r, &s, req_query(r, "q"), e) == 0 &&
	    (order != sift_by("traffic") ||
		fill_traffic(r, user, &s, e) == 0)) {
		if (order != NULL)
			qsort(s.lines, s.lines_n, sizeof(*s.lines), order);
		show_lines(r, &s, part);
		rc = 0;
	}
	free(s.beside.pairs);
	free(s.list);
	return rc;
}

/* The order that was asked for, NULL for that of ids; false when answered. */
static bool
read_order(struct req *r, sift_order **out)
{
	*out = NULL;
	if (!req_has(&r->query, "sort"))
		return true;
	if ((*out = sift_by(req_query(r, "sort"))) != NULL)
		return true;
	problem(r, 400, "sort", "sort is new, need, name or traffic.");
	return false;
}

void
api_tunnel_list(struct req *r)
{
	struct api_part part;
	sift_order *order;
	int64_t user;
	struct err e;
	int rc;

	if (!api_part(r, "user q sort", &part) || !api_list_of(r, &user) ||
	    !read_order(r, &order))
		return;
	rc = order == NULL && *req_query(r, "q") == '\0'
	    ? list_plain(r, user, &part, &e)
	    : list_sifted(r, user, &part, order, &e);
	if (rc == -1)
		page_trouble(r, &e);
}
