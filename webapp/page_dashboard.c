/* page_dashboard: all tunnels of a user, each with its lamps. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/clock.h"
#include "base/str.h"
#include "chart.h"
#include "page.h"
#include "pages.h"
#include "row.h"
#include "said.h"
#include "sift.h"
#include "store/store.h"
#include "store/store_page.h"
#include "store/store_usage.h"
#include "words.h"

enum { TUNNELS_MAX = 5000, PAGE_ROWS = 40 };

/* All that the page is made of. */
struct view {
	struct tunnel *tunnels;
	size_t tunnel_n;
	struct page_pair *pairs; /* of the tunnels that matter, by tunnel */
	size_t pair_n;
	struct live live;
	struct sift_line *lines;
	size_t n; /* lines that fit */
	size_t open, broken;
};

/* The hour that the charts begin with. */
static int64_t
first_hour(void)
{
	return clock_wall_ms() / 3600000 - CHART_SLOTS + 1;
}

static int
load(struct req *r, struct view *v, struct err *e)
{
	int64_t *ids;
	size_t i;

	if (store_tunnel_list(r->store, r->user.id, 0, TUNNELS_MAX, &v->tunnels,
		&v->tunnel_n, e) == -1)
		return -1;
	ids = req_alloc(r, (v->tunnel_n + 1) * sizeof(*ids));
	v->lines = req_alloc(r, (v->tunnel_n + 1) * sizeof(v->lines[0]));
	if (ids == NULL || v->lines == NULL)
		return err_set(e, "out of memory");
	for (i = 0; i < v->tunnel_n; i++)
		ids[i] = v->tunnels[i].id;
	if (v->tunnel_n > 0)
		live_ask(r, ids, v->tunnel_n, &v->live);
	return 0;
}

/* --- machines ---------------------------------------------------------------- */

/* The machines of the tunnels from first to last, instead of others. */
static int
load_pairs(
    struct req *r, struct view *v, int64_t first, int64_t last, struct err *e)
{
	free(v->pairs);
	return store_page_pairs(
	    r->store, r->user.id, first, last, &v->pairs, &v->pair_n, e);
}

/* The name of the first machine that may serve it, or "". */
static const char *
machine_of(const struct view *v, int64_t tunnel)
{
	size_t from = 0, to = v->pair_n, mid;

	while (from < to) {
		mid = from + (to - from) / 2;
		if (v->pairs[mid].tunnel < tunnel)
			from = mid + 1;
		else
			to = mid;
	}
	return from < v->pair_n && v->pairs[from].tunnel == tunnel
	    ? v->pairs[from].name
	    : "";
}

/* --- searching and sorting --------------------------------------------------- */

static bool
is_broken(const struct sift_line *l)
{
	return l->is != STATUS_ONLINE && l->is != STATUS_PAUSED;
}

/* Does the line fit what is searched for? */
static bool
fits(struct req *r, const struct sift_line *l)
{
	if (strcmp(req_query(r, "show"), "broken") == 0 && !is_broken(l))
		return false;
	return sift_fits(r, l, req_query(r, "q"));
}

static const struct {
	const char *word, *mark;
} sorts[] = {
	{ "new", "BY_NEW" },
	{ "need", "BY_NEED" },
	{ "name", "BY_NAME" },
	{ "traffic", "BY_TRAFFIC" },
};

static size_t
sort_asked(struct req *r)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(req_query(r, "sort"), sorts[i].word) == 0)
			return i;
	return 0;
}

/* What each carried, when that is what they are sorted by. */
static int
load_bytes(struct req *r, struct view *v, struct err *e)
{
	int64_t first = first_hour();
	struct usage *list;
	size_t n, at = 0;

	if (strcmp(sorts[sort_asked(r)].word, "traffic") != 0)
		return 0;
	if (store_usage_totals(r->store, r->user.id, first,
		first + CHART_SLOTS - 1, &list, &n, e) == -1)
		return -1;
	/* both lists are in the order of the tunnels' ids */
	for (size_t i = 0; i < v->n; i++) {
		while (at < n && list[at].tunnel < v->lines[i].t->id)
			at++;
		if (at < n && list[at].tunnel == v->lines[i].t->id)
			v->lines[i].bytes =
			    list[at].bytes_in + list[at].bytes_out;
	}
	free(list);
	return 0;
}

/* Fills the lines that fit, in the order that was asked for. */
static int
choose(struct req *r, struct view *v, struct err *e)
{
	struct sift_line *l;

	if (*req_query(r, "q") != '\0' &&
	    load_pairs(r, v, 0, INT64_MAX, e) == -1)
		return -1;
	for (size_t i = 0; i < v->tunnel_n; i++) {
		l = &v->lines[v->n];
		l->t = &v->tunnels[i];
		l->machine = machine_of(v, l->t->id);
		l->is = status_is(l->t, &v->live);
		v->open += l->is == STATUS_ONLINE;
		v->broken += is_broken(l);
		if (fits(r, l))
			v->n++;
	}
	if (load_bytes(r, v, e) == -1)
		return -1;
	qsort(v->lines, v->n, sizeof(v->lines[0]),
	    sift_by(sorts[sort_asked(r)].word));
	return 0;
}

/* --- showing ----------------------------------------------------------------- */

/* The small chart, and what it comes to. */
static int
show_traffic(struct req *r, struct tpl *row, const struct tunnel *t,
    int64_t *bytes_out, struct err *e)
{
	struct chart_bar bars[CHART_SLOTS] = { { 0, 0 } };
	int64_t first = first_hour();
	struct usage *list;
	size_t n;

	*bytes_out = 0;
	if (store_usage_hours(r->store, r->user.id, t->id, first,
		first + CHART_SLOTS - 1, &list, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		bars[list[i].hour - first].to = list[i].bytes_out;
		bars[list[i].hour - first].from = list[i].bytes_in;
		*bytes_out += list[i].bytes_in + list[i].bytes_out;
	}
	free(list);
	if (*bytes_out > 0)
		tpl_set(tpl_row(row, "SPARK"), "PATH", chart_spark(r, bars));
	return 0;
}

static int
show_line(struct req *r, struct tpl *t, const struct view *v,
    const struct tunnel *tun, struct err *e)
{
	const char *machine = machine_of(v, tun->id);
	const struct live_tunnel *live = live_find(&v->live, tun->id);
	struct tpl *row = tpl_row(t, "TUNNEL");
	struct status s;
	int64_t bytes;

	status_of(r, tun, &v->live, machine, &s);
	row_tunnel(r, row, tun, machine);
	row_status(r, row, tun, &s);
	if (show_traffic(r, row, tun, &bytes, e) == -1)
		return -1;
	if (tun->last_connected_at == 0)
		return 0;
	row = tpl_row(row, "PULSE");
	tpl_int(
	    row, "MOVED", live != NULL ? live->bytes_in + live->bytes_out : 0);
	tpl_set(row, "BYTES",
	    bytes > 0 ? words_bytes(r, (uint64_t)bytes) : "nothing");
	if (live != NULL && live->visitors > 0)
		tpl_maybe(row, "VISITORS",
		    words_count(r, live->visitors, "visitor", "visitors"));
	return 0;
}

static int
show_lines(struct req *r, struct tpl *t, struct view *v, size_t from, size_t to,
    struct err *e)
{
	int64_t first = INT64_MAX, last = 0;

	for (size_t i = from; i < to; i++) {
		if (v->lines[i].t->id < first)
			first = v->lines[i].t->id;
		if (v->lines[i].t->id > last)
			last = v->lines[i].t->id;
	}
	if (load_pairs(r, v, first, last, e) == -1)
		return -1;
	for (size_t i = from; i < to; i++)
		if (show_line(r, t, v, v->lines[i].t, e) == -1)
			return -1;
	return 0;
}

/* "2 of 8 are open." */
static void
show_summary(struct req *r, struct tpl *t, const struct view *v)
{
	tpl_set(t, "SUMMARY",
	    req_text(r, "%zu of %zu %s open.", v->open, v->tunnel_n,
		v->tunnel_n == 1 ? "is" : "are"));
	if (v->broken > 0)
		tpl_maybe(t, "BROKEN",
		    req_text(r, "%zu %s you.", v->broken,
			v->broken == 1 ? "needs" : "need"));
}

static uint64_t
page_asked(struct req *r, size_t n)
{
	uint64_t last = n == 0 ? 1 : (n + PAGE_ROWS - 1) / PAGE_ROWS, page;

	if (!str_number(req_query(r, "page"), 1, 1000000, &page))
		return 1;
	return page > last ? last : page;
}

static void
show_pager(struct req *r, struct tpl *t, const struct view *v, size_t from,
    size_t to, uint64_t page)
{
	struct tpl *p;

	if (v->n <= PAGE_ROWS) {
		tpl_set(t, "SHOWN",
		    req_text(r, "%zu of %zu %s", v->n, v->tunnel_n,
			v->tunnel_n == 1 ? "tunnel" : "tunnels"));
		return;
	}
	tpl_set(
	    t, "SHOWN", req_text(r, "%zu to %zu of %zu", from + 1, to, v->n));
	p = tpl_row(t, "PAGES");
	tpl_set(p, "Q", req_query(r, "q"));
	tpl_set(p, "SORT", sorts[sort_asked(r)].word);
	if (page > 1)
		tpl_int(tpl_row(p, "BEFORE"), "PAGE", (int64_t)page - 1);
	if (to < v->n)
		tpl_int(tpl_row(p, "AFTER"), "PAGE", (int64_t)page + 1);
}

static int
show(struct req *r, struct view *v, struct err *e)
{
	struct tpl *t;
	uint64_t page;
	size_t from, to;

	if (choose(r, v, e) == -1)
		return -1;
	t = page_new(r, "dashboard", "Tunnels", TAB_TUNNELS);
	page = page_asked(r, v->n);
	from = (size_t)(page - 1) * PAGE_ROWS;
	to = v->n - from > PAGE_ROWS ? from + PAGE_ROWS : v->n;
	said_show(r);
	show_summary(r, t, v);
	tpl_set(t, "Q", req_query(r, "q"));
	tpl_show(t, sorts[sort_asked(r)].mark);
	if (show_lines(r, t, v, from, to, e) == -1)
		return -1;
	if (v->n == 0)
		tpl_show(t, "NOTHING");
	show_pager(r, t, v, from, to, page);
	page_send(r, 200);
	return 0;
}

void
dashboard_page(struct req *r)
{
	struct view v;
	struct err e;

	memset(&v, 0, sizeof(v));
	if (load(r, &v, &e) == -1 ||
	    (v.tunnel_n > 0 && show(r, &v, &e) == -1)) {
		page_trouble(r, &e);
	} else if (v.tunnel_n == 0) {
		page_new(r, "empty", "Tunnels", TAB_TUNNELS);
		said_show(r);
		page_send(r, 200);
	}
	free(v.tunnels);
	free(v.pairs);
}
