/* page_tunnel: one tunnel: is it working, what went through it, who may come. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/clock.h"
#include "chart.h"
#include "hint.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "row.h"
#include "said.h"
#include "status.h"
#include "store/store.h"
#include "store/store_event.h"
#include "store/store_page.h"
#include "store/store_session.h"
#include "store/store_setting.h"
#include "store/store_usage.h"
#include "store/store_user.h"
#include "store/store_verify.h"
#include "tunnel_form.h"
#include "visitor.h"
#include "words.h"

enum {
	SLOTS_MAX = 30,
	SESSIONS = 8,
	EVENTS = 1000,
	EVENTS_SHOWN = 12,
	MACHINES = 3, /* whose sessions are shown */
};

#define HOUR_MS INT64_C(3600000)

/* --- traffic ----------------------------------------------------------------- */

struct span {
	struct chart_bar bars[SLOTS_MAX];
	int64_t starts[SLOTS_MAX]; /* of each slot, ms */
	int n;
	bool is_month;
	int64_t to, from;
};

/* 24 slots of an hour, or 30 of a day, the last being now. */
static void
divide(struct span *s, bool is_month)
{
	int64_t now = clock_wall_ms() / HOUR_MS, step = is_month ? 24 : 1;

	memset(s, 0, sizeof(*s));
	s->is_month = is_month;
	s->n = is_month ? 30 : CHART_SLOTS;
	for (int i = 0; i < s->n; i++)
		s->starts[i] = (now - step * (int64_t)(s->n - i) + 1) * HOUR_MS;
}

static int
load_span(struct req *r, const struct tunnel *t, struct span *s, struct err *e)
{
	int64_t step = s->is_month ? 24 : 1, first = s->starts[0] / HOUR_MS;
	struct usage *u;
	size_t n;
	int64_t at;

	if (store_usage_hours(r->store, STORE_ANYBODY, t->id, first,
		first + step * (int64_t)s->n - 1, &u, &n, e) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		at = (u[i].hour - first) / step;
		s->bars[at].to += u[i].bytes_out;
		s->bars[at].from += u[i].bytes_in;
		s->to += u[i].bytes_out;
		s->from += u[i].bytes_in;
	}
	free(u);
	return 0;
}

static const char *
slot_name(struct req *r, const struct span *s, int i)
{
	const char *day = tunnel_form_day(r, s->starts[i]);
	const char *moment = words_datetime(r, s->starts[i]);

	return s->is_month ? day : moment + strlen(moment) - 5;
}

static void
show_bar(
    struct req *r, struct tpl *chart, const struct span *s, int i, int64_t top)
{
	const struct chart_bar *b = &s->bars[i];
	int up = chart_height(b->to, top, CHART_UP);
	int down = chart_height(b->from, top, CHART_UP);
	struct tpl *row;

	if (down > CHART_DOWN)
		down = CHART_DOWN;
	if (up + down > 0) {
		row = tpl_row(chart, "BAR");
		tpl_int(row, "X", INT64_C(12) * i + 2);
		tpl_int(row, "Y", 64 - up);
		tpl_int(row, "UP", up);
		tpl_int(row, "DOWN", down);
		tpl_set(row, "WHEN", slot_name(r, s, i));
		tpl_set(row, "BYTES", words_bytes(r, (uint64_t)b->to));
	}
	if (b->to + b->from == 0)
		return;
	row = tpl_row(chart, "LINE");
	tpl_set(row, "WHEN", slot_name(r, s, i));
	tpl_set(row, "TO", words_bytes(r, (uint64_t)b->to));
	tpl_set(row, "FROM", words_bytes(r, (uint64_t)b->from));
}

static void
show_chart(struct req *r, struct tpl *t, const struct span *s)
{
	int64_t top = chart_top(s->bars, (size_t)s->n);
	struct tpl *chart;

	tpl_show(t, s->is_month ? "MONTH" : "DAY");
	if (s->to + s->from == 0) {
		tpl_show(t, "NO_TRAFFIC");
		return;
	}
	chart = tpl_row(t, "CHART");
	tpl_int(chart, "WIDTH", INT64_C(12) * s->n);
	tpl_set(chart, "TOP",
	    req_text(r, "%s %s", words_bytes(r, (uint64_t)top),
		s->is_month ? "a day" : "an hour"));
	tpl_set(chart, "TO_ALL", words_bytes(r, (uint64_t)s->to));
	tpl_set(chart, "FROM_ALL", words_bytes(r, (uint64_t)s->from));
	tpl_set(chart, "SLOT", s->is_month ? "Day" : "Hour");
	for (int i = 0; i < s->n; i++)
		show_bar(r, chart, s, i, top);
	for (int i = 0; i < 4; i++)
		tpl_set(tpl_row(chart, "TICK"), "WHEN",
		    slot_name(r, s, i * s->n / 4));
}

/* --- sessions and events ------------------------------------------------------ */

static void
show_session(struct req *r, struct tpl *t, const struct session_info *s)
{
	struct tpl *row = tpl_row(t, "SESSION");
	bool lives = s->disconnected_at == 0;
	int64_t end = lives ? clock_wall_ms() : s->disconnected_at;
	char span[32];

	tpl_set(row, "BEGAN", words_when(r, s->connected_at));
	tpl_set(row, "BEGAN_AT", words_datetime(r, s->connected_at));
	words_span(span, end - s->connected_at);
	tpl_set(
	    row, "LASTED", req_text(r, "%s%s", span, lives ? ", goes on" : ""));
	tpl_set(row, "FROM", s->address);
	tpl_set(row, "WHY", lives ? "" : s->why);
	tpl_set(row, "CARRIED", words_bytes(r, s->bytes_in + s->bytes_out));
}

static int
show_sessions(struct req *r, struct tpl *t, const struct page_pair *machines,
    size_t n, struct err *e)
{
	struct session_info *list;
	struct tpl *all = NULL;
	size_t i, k, count;

	for (i = 0; i < n && i < MACHINES; i++) {
		if (store_session_list(r->store, machines[i].machine, SESSIONS,
			&list, &count, e) == -1)
			return -1;
		if (count > 0 && all == NULL)
			all = tpl_row(t, "SESSIONS");
		for (k = 0; k < count; k++)
			show_session(r, all, &list[k]);
		free(list);
	}
	return 0;
}

/* "verify" is "verified it". */
static const char *
deed(const char *did)
{
	static const struct {
		const char *did, *says;
	} table[] = {
		{ "tunnel add", "made it" }, { "tunnel edit", "changed it" },
		{ "tunnel verify", "verified it" },
		{ "tunnel pause", "paused it" },
		{ "tunnel resume", "resumed it" },
		{ "tunnel freeze", "froze it" },
		{ "tunnel unfreeze", "thawed it" },
		{ "tunnel rm", "deleted it" },
		{ "tunnel restore", "took it back" },
		{ "visitor kick", "cut a visitor off" },
		{ "tunnel link", "made a new link for it" },
		{ "machine key add", "made a key for it" },
		{ "key add", "made a key for it" }, /* as it was called */
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(did, table[i].did) == 0)
			return table[i].says;
	return did;
}

static int
show_events(
    struct req *r, struct tpl *t, const struct tunnel *tun, struct err *e)
{
	struct event *list;
	struct tpl *all = NULL, *row;
	size_t n;

	if (store_event_about(r->store, tun->user, tun->id, EVENTS,
		EVENTS_SHOWN, &list, &n, e) == -1)
		return -1;
	if (n > 0)
		all = tpl_row(t, "TRAIL");
	for (size_t i = 0; i < n; i++) {
		row = tpl_row(all, "EVENT");
		tpl_set(row, "WHEN", words_when(r, list[i].at));
		tpl_set(row, "AT", words_datetime(r, list[i].at));
		tpl_set(row, "WHO",
		    strcasecmp(list[i].who, r->user.email) == 0 ? "You"
								: list[i].who);
		tpl_set(row, "DID", deed(list[i].did));
	}
	free(list);
	return 0;
}

/* --- facts and steps ---------------------------------------------------------- */

static void
show_facts(struct req *r, struct tpl *t, const struct tunnel *tun)
{
	tpl_set(t, "VISITORS_MAX",
	    tun->visitors_max == 0
		? "no limit of its own"
		: req_text(r, "at most %u", tun->visitors_max));
	tpl_set(t, "RATE",
	    tun->address_rate == 0
		? "no limit"
		: req_text(r, "at most %u a minute", tun->address_rate));
	tpl_set(t, "ALLOW", tun->allow[0] != '\0' ? tun->allow : "anybody");
	if (tun->deny[0] != '\0')
		tpl_maybe(t, "DENY", tun->deny);
	tpl_set(t, "PROXY",
	    tun->proxy == PROXY_OFF ? "off" : check_proxy_name(tun->proxy));
	tpl_set(t, "CLOSES",
	    tun->expires_at == 0 ? "never" : words_when(r, tun->expires_at));
	tpl_set(t, "MADE", words_when(r, tun->created_at));
	tpl_set(t, "MY_ADDRESS", r->address);
}

/* The first steps: verify, download, run. */
static int
show_steps(
    struct req *r, struct tpl *t, const struct tunnel *tun, struct err *e)
{
	char code[VERIFY_CODE_LEN + 1];
	struct settings set;
	struct tpl *steps, *link;

	if (tun->last_connected_at != 0 && tun->verified_at != 0)
		return 0;
	if (store_settings(r->store, &set, e) == -1)
		return -1;
	steps = tpl_row(t, "STEPS_CARD");
	if (tun->verified_at != 0) {
		tpl_set(tpl_row(steps, "VERIFIED"), "WHEN",
		    words_when(r, tun->verified_at));
		return 0;
	}
	if (set.verify_by_admin && !r->user.admin) {
		tpl_show(steps, "BY_ADMIN");
		return 0;
	}
	store_verify_code(code, r->app->key, tun->id, tun->verify_serial);
	link = tpl_row(steps, "TO_VERIFY");
	tpl_set(link, "CODE", code);
	tpl_set(link, "URL", req_url(r, "/verify/%s", code));
	if (tun->verify_until <= clock_wall_ms())
		tpl_show(link, "TOO_OLD");
	else
		tpl_set(tpl_row(link, "GOOD"), "UNTIL",
		    words_when(r, tun->verify_until));
	return 0;
}

static void
show_owner(struct req *r, struct tpl *t, const struct tunnel *tun)
{
	struct user u;
	struct err ignored;

	if (tun->user == r->user.id ||
	    store_user_by_id(r->store, tun->user, &u, &ignored) != 1)
		return;
	tpl_maybe(t, "OWNER", u.email);
}

/* --- the page ------------------------------------------------------------------ */

static int
fill(struct req *r, struct tpl *t, const struct tunnel *tun,
    const struct page_pair *machines, size_t machine_n, struct err *e)
{
	const char *machine = machine_n > 0 ? machines[0].name : "";
	struct status s;
	struct live live;
	struct span span;

	live_ask(r, &tun->id, 1, &live);
	status_of(r, tun, &live, machine, &s);
	row_tunnel(r, t, tun, machine);
	row_section(r, t, tun, &s);
	divide(&span, strcmp(req_query(r, "span"), "month") == 0);
	if (load_span(r, tun, &span, e) == -1)
		return -1;
	show_chart(r, t, &span);
	show_facts(r, t, tun);
	visitor_show(r, t, tun);
	show_owner(r, t, tun);
	hint_show(r, t, tun);
	if (s.is == STATUS_OFFLINE && tun->last_connected_at != 0)
		tpl_show(t, "HOW_TO_START");
	if (tun->paused_at != 0)
		tpl_show(t, "PAUSED");
	else
		tpl_show(t, "RUNNING");
	if (show_steps(r, t, tun, e) == -1 ||
	    show_sessions(r, t, machines, machine_n, e) == -1)
		return -1;
	return show_events(r, t, tun, e);
}

void
tunnel_page(struct req *r)
{
	struct page_pair *machines;
	struct tunnel tun;
	struct tpl *t;
	size_t n;
	struct err e;

	if (!owner_tunnel(r, &tun))
		return;
	if (store_page_pairs(r->store, STORE_ANYBODY, tun.id, tun.id, &machines,
		&n, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	t = page_new(r, "tunnel", tun.name, TAB_TUNNELS);
	said_show(r);
	if (fill(r, t, &tun, machines, n, &e) == -1)
		page_trouble(r, &e);
	else
		page_send(r, 200);
	free(machines);
}

/* --- what its buttons do -------------------------------------------------------- */

static void
pause_or_resume(struct req *r, bool paused)
{
	struct tunnel t;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	rc = store_tunnel_pause(r->store, owner_of(r), t.id, paused, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, t.user, paused ? "tunnel pause" : "tunnel resume",
	    "tunnel %lld \"%s\"", (long long)t.id, t.name);
	req_go(r, "/tunnels/%lld?said=%s", (long long)t.id,
	    paused ? "paused" : "resumed");
}

void
tunnel_pause(struct req *r)
{
	pause_or_resume(r, true);
}

void
tunnel_resume(struct req *r)
{
	pause_or_resume(r, false);
}

void
tunnel_test(struct req *r)
{
	struct tunnel t;

	if (!owner_tunnel(r, &t))
		return;
	req_go(r, "/tunnels/%lld?said=%s", (long long)t.id,
	    live_test(r, t.id) ? "testing" : "asleep");
}

void
tunnel_renew(struct req *r)
{
	struct tunnel t;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	rc = store_verify_renew(r->store, owner_of(r), t.id, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, t.user, "tunnel link", "tunnel %lld \"%s\"",
	    (long long)t.id, t.name);
	req_go(r, "/tunnels/%lld?said=linked", (long long)t.id);
}

/* Only the address that asks may come. */
void
tunnel_only_me(struct req *r)
{
	struct tunnel_wish w = { .set = TUNNEL_ALLOW, .allow = r->address };
	struct tunnel t;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	rc = store_tunnel_edit(
	    r->store, owner_of(r), t.id, &w, &r->app->ports, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, t.user, "tunnel edit", "tunnel %lld \"%s\", only %s",
	    (long long)t.id, t.name, r->address);
	req_go(r, "/tunnels/%lld?said=saved", (long long)t.id);
}

void
tunnel_delete_page(struct req *r)
{
	const struct live_tunnel *v;
	struct tunnel tun;
	struct live live;
	struct tpl *t;

	if (!owner_tunnel(r, &tun))
		return;
	live_ask(r, &tun.id, 1, &live);
	v = live_find(&live, tun.id);
	t = page_new(
	    r, "delete", req_text(r, "Delete %s?", tun.name), TAB_TUNNELS);
	row_tunnel(r, t, &tun, "");
	if (v != NULL && v->visitors > 0)
		tpl_maybe(t, "VISITORS",
		    words_count(r, v->visitors, "visitor is connected",
			"visitors are connected"));
	if (tun.paused_at == 0)
		tpl_show(t, "RUNNING");
	page_send(r, 200);
}

void
tunnel_delete(struct req *r)
{
	struct tunnel t;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	rc = store_tunnel_remove(r->store, owner_of(r), t.id, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, t.user, "tunnel rm", "tunnel %lld \"%s\"", (long long)t.id,
	    t.name);
	req_go(r, "/?said=deleted&id=%lld", (long long)t.id);
}

void
tunnel_restore(struct req *r)
{
	struct err e;
	int rc = store_tunnel_restore(r->store, owner_of(r), r->id[0], &e);

	if (!owner_done(r, rc, &e))
		return;
	page_note(r, r->user.id, "tunnel restore", "tunnel %lld",
	    (long long)r->id[0]);
	req_go(r, "/tunnels/%lld?said=restored", (long long)r->id[0]);
}
