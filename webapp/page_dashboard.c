/* page_dashboard: all tunnels of a user, each with its lamps. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/clock.h"
#include "base/str.h"
#include "chart.h"
#include "fleet.h"
#include "page.h"
#include "pages.h"
#include "row.h"
#include "said.h"
#include "status.h"
#include "store/store.h"
#include "store/store_usage.h"
#include "words.h"

enum { TUNNELS_MAX = 5000, PAGE_ROWS = 50 };

/* One line of the list. */
struct line {
	const struct tunnel *t;
	const struct machine *machine; /* NULL: none yet */
	struct status status;
	struct chart_bar bars[CHART_SLOTS];
	int64_t bytes; /* of the last 24 hours */
	int64_t moved; /* since the relay started */
	int64_t visitors;
};

/* All that the page is made of. */
struct view {
	struct tunnel *tunnels;
	size_t tunnel_n;
	struct fleet fleet;
	struct usage *usage;
	size_t usage_n, usage_at;
	struct live live;
	struct line *lines;
	size_t n; /* lines that are shown or could be */
	size_t open, broken;
};

static int
load(struct req *r, struct view *v, struct err *e)
{
	int64_t now = clock_wall_ms() / 3600000, *ids;
	size_t i;

	if (store_tunnel_list(r->store, r->user.id, 0, TUNNELS_MAX, &v->tunnels,
		&v->tunnel_n, e) == -1 ||
	    fleet_load(r, r->user.id, &v->fleet, e) == -1 ||
	    store_usage_hours(r->store, r->user.id, 0, now - CHART_SLOTS + 1,
		now, &v->usage, &v->usage_n, e) == -1)
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

static void
fill_usage(struct view *v, struct line *l)
{
	int64_t first = clock_wall_ms() / 3600000 - CHART_SLOTS + 1;
	const struct usage *u;

	/* both lists are in the order of the tunnels' ids */
	for (; v->usage_at < v->usage_n; v->usage_at++) {
		u = &v->usage[v->usage_at];
		if (u->tunnel > l->t->id)
			break;
		if (u->tunnel != l->t->id || u->hour < first ||
		    u->hour >= first + CHART_SLOTS)
			continue;
		l->bars[u->hour - first].to = u->bytes_out;
		l->bars[u->hour - first].from = u->bytes_in;
		l->bytes += u->bytes_in + u->bytes_out;
	}
}

static void
fill(struct req *r, struct view *v, struct line *l, const struct tunnel *t)
{
	const struct live_tunnel *live = live_find(&v->live, t->id);

	l->t = t;
	l->machine = fleet_of(&v->fleet, t->id);
	status_of(r, t, &v->live, l->machine != NULL ? l->machine->name : "",
	    &l->status);
	fill_usage(v, l);
	if (live != NULL) {
		l->visitors = live->visitors;
		l->moved = live->bytes_in + live->bytes_out;
	}
}

/* --- searching and sorting --------------------------------------------------- */

static bool
has_word(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

static bool
is_broken(const struct line *l)
{
	return l->status.is != STATUS_ONLINE && l->status.is != STATUS_PAUSED;
}

/* Does the line fit what is searched for? */
static bool
fits(struct req *r, const struct line *l)
{
	const char *q = req_query(r, "q");

	if (strcmp(req_query(r, "show"), "broken") == 0 && !is_broken(l))
		return false;
	if (*q == '\0')
		return true;
	return has_word(l->t->name, q) ||
	    has_word(status_address(r, l->t), q) ||
	    has_word(status_target(r, l->t), q) ||
	    has_word(l->status.word, q) ||
	    (l->machine != NULL && has_word(l->machine->name, q));
}

static int
newer(const struct line *a, const struct line *b)
{
	return a->t->id < b->t->id ? 1 : a->t->id > b->t->id ? -1 : 0;
}

static int
by_new(const void *a, const void *b)
{
	return newer(a, b);
}

static int
by_name(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int d = strcasecmp(x->t->name, y->t->name);

	return d != 0 ? d : newer(x, y);
}

static int
by_traffic(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : newer(x, y);
}

/* What waits for a person comes first. */
static int
need(const struct line *l)
{
	static const int order[] = {
		[STATUS_ERROR] = 0,
		[STATUS_PENDING] = 1,
		[STATUS_OFFLINE] = 2,
		[STATUS_EXPIRED] = 3,
		[STATUS_FROZEN] = 4,
		[STATUS_ONLINE] = 5,
		[STATUS_PAUSED] = 6,
	};

	return order[l->status.is];
}

static int
by_need(const void *a, const void *b)
{
	int d = need(a) - need(b);

	return d != 0 ? d : newer(a, b);
}

static const struct {
	const char *word, *mark;
	int (*compare)(const void *a, const void *b);
} sorts[] = {
	{ "new", "BY_NEW", by_new },
	{ "need", "BY_NEED", by_need },
	{ "name", "BY_NAME", by_name },
	{ "traffic", "BY_TRAFFIC", by_traffic },
};

static size_t
sort_asked(struct req *r)
{
	for (size_t i = 0; i < sizeof(sorts) / sizeof(sorts[0]); i++)
		if (strcmp(req_query(r, "sort"), sorts[i].word) == 0)
			return i;
	return 0;
}

/* Fills the lines that fit, in the order that was asked for. */
static void
choose(struct req *r, struct view *v)
{
	struct line *l;

	for (size_t i = 0; i < v->tunnel_n; i++) {
		l = &v->lines[v->n];
		memset(l, 0, sizeof(*l));
		fill(r, v, l, &v->tunnels[i]);
		v->open += l->status.is == STATUS_ONLINE;
		v->broken += is_broken(l);
		if (fits(r, l))
			v->n++;
	}
	qsort(
	    v->lines, v->n, sizeof(v->lines[0]), sorts[sort_asked(r)].compare);
}

/* --- showing ----------------------------------------------------------------- */

static void
show_line(struct req *r, struct tpl *t, const struct line *l)
{
	struct tpl *row = tpl_row(t, "TUNNEL");

	row_tunnel(r, row, l->t, l->machine);
	row_status(r, row, l->t, &l->status);
	if (l->bytes > 0)
		tpl_set(tpl_row(row, "SPARK"), "PATH", chart_spark(r, l->bars));
	if (l->t->last_connected_at == 0)
		return;
	row = tpl_row(row, "PULSE");
	tpl_int(row, "MOVED", l->moved);
	tpl_set(row, "BYTES",
	    l->bytes > 0 ? words_bytes(r, (uint64_t)l->bytes) : "nothing");
	if (l->visitors > 0)
		tpl_maybe(row, "VISITORS",
		    words_count(r, l->visitors, "visitor", "visitors"));
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

static void
show(struct req *r, struct view *v)
{
	struct tpl *t = page_new(r, "dashboard", "Tunnels", TAB_TUNNELS);
	uint64_t page;
	size_t from, to;

	choose(r, v);
	page = page_asked(r, v->n);
	from = (size_t)(page - 1) * PAGE_ROWS;
	to = v->n - from > PAGE_ROWS ? from + PAGE_ROWS : v->n;
	said_show(r);
	show_summary(r, t, v);
	tpl_set(t, "Q", req_query(r, "q"));
	tpl_show(t, sorts[sort_asked(r)].mark);
	for (size_t i = from; i < to; i++)
		show_line(r, t, &v->lines[i]);
	if (v->n == 0)
		tpl_show(t, "NOTHING");
	show_pager(r, t, v, from, to, page);
	page_send(r, 200);
}

void
dashboard_page(struct req *r)
{
	struct view v;
	struct err e;

	memset(&v, 0, sizeof(v));
	if (load(r, &v, &e) == -1) {
		page_trouble(r, &e);
	} else if (v.tunnel_n == 0) {
		page_new(r, "empty", "Tunnels", TAB_TUNNELS);
		said_show(r);
		page_send(r, 200);
	} else {
		show(r, &v);
	}
	free(v.tunnels);
	free(v.usage);
	fleet_free(&v.fleet);
}
