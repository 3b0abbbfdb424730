/* page_machines: computers that run the client, and their keys. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "fleet.h"
#include "live.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "refusal.h"
#include "said.h"
#include "step.h"
#include "store/store.h"
#include "store/store_machine.h"
#include "store/store_tunnel.h"
#include "words.h"

enum { TUNNELS_MAX = 5000 };

/* All that the page is made of. */
struct view {
	struct fleet fleet;
	struct tunnel *tunnels;
	size_t tunnel_n;
	struct live live;
	const char *wrong; /* a new name that came back, or NULL */
	int64_t wrong_of;  /* the machine that was to have it */
};

static int
load(struct req *r, struct view *v, struct err *e)
{
	int64_t *ids;

	if (fleet_load(r, r->user.id, &v->fleet, e) == -1 ||
	    store_tunnel_list(r->store, r->user.id, 0, TUNNELS_MAX, &v->tunnels,
		&v->tunnel_n, e) == -1)
		return -1;
	ids = req_alloc(r, (v->tunnel_n + 1) * sizeof(*ids));
	for (size_t i = 0; ids != NULL && i < v->tunnel_n; i++)
		ids[i] = v->tunnels[i].id;
	if (ids != NULL && v->tunnel_n > 0)
		live_ask(r, ids, v->tunnel_n, &v->live);
	return 0;
}

/* The tunnel that the machine is serving now, or NULL. */
static const struct live_tunnel *
serving(const struct view *v, int64_t machine)
{
	for (size_t i = 0; i < v->live.n; i++)
		if (v->live.at[i].machine == machine && v->live.at[i].serving)
			return &v->live.at[i];
	return NULL;
}

static void
show_state(struct req *r, struct tpl *row, const struct view *v,
    const struct machine *m)
{
	const struct live_tunnel *l = serving(v, m->id);

	if (l != NULL) {
		tpl_set(row, "SHAPE", "lit");
		tpl_set(row, "STATE", "linked");
		tpl_set(row, "SINCE",
		    l->rtt_ms >= 0
			? req_text(r, "%lld ms", (long long)l->rtt_ms)
			: "");
	} else if (m->seen_at == 0) {
		tpl_set(row, "SHAPE", "wait");
		tpl_set(row, "STATE", "not started yet");
	} else {
		tpl_set(row, "SHAPE", "dark");
		tpl_set(row, "STATE", "away");
		tpl_set(row, "SINCE",
		    req_text(r, "seen %s", words_when(r, m->seen_at)));
	}
}

static int
show_keys(
    struct req *r, struct tpl *row, const struct machine *m, struct err *e)
{
	struct machine_key *keys;
	struct tpl *k;
	size_t n;

	if (store_machine_key_list(r->store, m->id, &keys, &n, e) == -1)
		return -1;
	for (size_t i = n; i-- > 0;) {
		if (keys[i].state != MACHINE_KEY_GOOD)
			continue;
		k = tpl_row(row, "KEY");
		tpl_int(k, "KEY_ID", keys[i].id);
		tpl_set(k, "MADE", words_when(r, keys[i].created_at));
		tpl_set(k, "USED", words_when(r, keys[i].last_used_at));
	}
	free(keys);
	return 0;
}

/* The form with its name, or with one that came back. */
static void
show_name(struct req *r, struct tpl *row, const struct view *v,
    const struct machine *m)
{
	bool came_back = v->wrong != NULL && v->wrong_of == m->id;

	tpl_set(row, "NEW_NAME", came_back ? req_form(r, "name") : m->name);
	if (!came_back)
		return;
	tpl_show(row, "RENAMING");
	tpl_set(tpl_row(row, "NAME_WRONG"), "SAYS", v->wrong);
}

static int
show_machine(struct req *r, struct tpl *t, const struct view *v, size_t at,
    struct err *e)
{
	const struct machine *m = &v->fleet.at[at];
	struct tpl *row = tpl_row(t, "MACHINE"), *link;
	bool first = true;

	tpl_int(row, "ID", m->id);
	tpl_set(row, "NAME", m->name);
	tpl_set(row, "COMPUTER", m->computer);
	tpl_set(row, "SYSTEM", m->system[0] != '\0' ? m->system : "unknown");
	tpl_set(row, "ADDRESS", m->address);
	tpl_maybe(row, "ALLOWS", refusal_list(r, m->id));
	show_name(r, row, v, m);
	show_state(r, row, v, m);
	for (size_t i = 0; i < v->tunnel_n; i++) {
		if (!fleet_serves(&v->fleet, at, v->tunnels[i].id))
			continue;
		link = tpl_row(row, "SERVES");
		if (!first)
			tpl_show(link, "COMMA");
		first = false;
		tpl_int(link, "TUNNEL", v->tunnels[i].id);
		tpl_set(link, "TUNNEL_NAME", v->tunnels[i].name);
	}
	if (first)
		tpl_show(row, "SERVES_NONE");
	return show_keys(r, row, m, e);
}

static bool
fits(const struct machine *m, const char *q)
{
	return *q == '\0' || strcasestr(m->name, q) != NULL ||
	    strcasestr(m->computer, q) != NULL ||
	    strcasestr(m->address, q) != NULL;
}

static int
show(struct req *r, const struct view *v, struct err *e)
{
	struct tpl *t = page_new(r, "machines", "Machines", TAB_MACHINES);
	const char *q = req_query(r, "q");
	struct form wrong = { .n = 0 };
	size_t n = 0;

	said_show(r);
	if (v->wrong != NULL)
		form_wrong(&wrong,
		    req_text(r, "name-%lld", (long long)v->wrong_of), v->wrong);
	form_show(r, t, &wrong);
	tpl_set(t, "Q", q);
	if (v->fleet.n == 0)
		tpl_show(t, "NONE");
	else
		t = tpl_row(t, "LIST");
	for (size_t i = 0; i < v->fleet.n; i++) {
		if (!fits(&v->fleet.at[i], q))
			continue;
		n++;
		if (show_machine(r, t, v, i, e) == -1)
			return -1;
	}
	tpl_set(t, "SHOWN",
	    req_text(r, "%zu of %zu %s", n, v->fleet.n,
		v->fleet.n == 1 ? "machine" : "machines"));
	return 0;
}

/* wrong is what is wrong with a new name of that machine, or NULL. */
static void
answer(struct req *r, unsigned status, int64_t machine, const char *wrong)
{
	struct view v;
	struct err e;

	memset(&v, 0, sizeof(v));
	v.wrong = wrong;
	v.wrong_of = machine;
	if (load(r, &v, &e) == -1 || show(r, &v, &e) == -1)
		page_trouble(r, &e);
	else
		page_send(r, status);
	free(v.tunnels);
	fleet_free(&v.fleet);
}

void
machines_page(struct req *r)
{
	answer(r, 200, 0, NULL);
}

/* --- what its buttons do -------------------------------------------------------- */

void
machine_rename(struct req *r)
{
	const char *name = req_form(r, "name");
	struct machine m;
	uint64_t id = 0;
	struct err e;
	int rc;

	/* its path is the page's, where a form that comes back is looked at */
	str_number(req_form(r, "machine"), 1, INT64_MAX, &id);
	if (!step_begin(r))
		return;
	rc = store_machine_by_id(r->store, owner_of(r), (int64_t)id, &m, &e);
	if (rc == 1)
		rc =
		    store_machine_rename(r->store, owner_of(r), m.id, name, &e);
	if (rc == 1)
		page_note(r, m.user, "machine edit", "machine %lld \"%s\"",
		    (long long)m.id, name);
	if (!step_end(r, rc == 1))
		return;
	if (rc == -1 && page_was_refused(r))
		answer(r, 422, m.id, page_sentence(r, e.text));
	else if (owner_done(r, rc, &e))
		req_go(r, "/machines?said=renamed");
}

void
machine_remove_page(struct req *r)
{
	struct machine m;
	struct tpl *t;
	struct err e;
	int rc;

	rc = store_machine_by_id(r->store, owner_of(r), r->id[0], &m, &e);
	if (!owner_done(r, rc, &e))
		return;
	t = page_new(r, "machine_remove", req_text(r, "Remove %s?", m.name),
	    TAB_MACHINES);
	tpl_int(t, "ID", m.id);
	tpl_set(t, "NAME", m.name);
	tpl_set(t, "KEYS", words_count(r, m.keys, "key is", "keys are"));
	tpl_set(t, "TUNNELS",
	    m.tunnels == 0
		? "It serves no tunnel"
		: req_text(r, "It serves %s, which no longer run%s",
		      words_count(r, m.tunnels, "tunnel", "tunnels"),
		      m.tunnels == 1 ? "s until another machine serves it"
				     : " until another machine serves them"));
	page_send(r, 200);
}

void
machine_remove(struct req *r)
{
	struct machine m;
	struct err e;
	int rc;

	rc = store_machine_by_id(r->store, owner_of(r), r->id[0], &m, &e);
	if (rc == 1)
		rc = store_machine_remove(r->store, owner_of(r), m.id, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, m.user, "machine rm", "machine %lld \"%s\"",
	    (long long)m.id, m.name);
	req_go(r, "/machines?said=removed");
}

void
key_revoke(struct req *r)
{
	struct err e;
	int rc = store_machine_key_remove(r->store, owner_of(r), r->id[0], &e);

	if (!owner_done(r, rc, &e))
		return;
	page_note(r, r->user.id, "machine key rm", "machine key %lld",
	    (long long)r->id[0]);
	req_go(r, "/machines?said=revoked");
}
