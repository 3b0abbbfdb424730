/* page_new: the form that makes a tunnel, and the one that changes it. */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "fleet.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "refusal.h"
#include "row.h"
#include "store/store.h"
#include "store/store_setting.h"
#include "tunnel_form.h"

/* What a form can start from. */
static const struct preset {
	const char *word, *label, *name, *kind, *port, *rate, *hint;
} presets[] = {
	{ "minecraft", "Minecraft", "Minecraft", "tcp", "25565", "",
	    "Minecraft Java uses 25565." },
	{ "bedrock", "Minecraft Bedrock", "Minecraft Bedrock", "udp", "19132",
	    "", "Bedrock uses 19132." },
	{ "valheim", "Valheim", "Valheim", "udp", "2456", "",
	    "Valheim uses 2456." },
	{ "rdp", "Remote Desktop", "Remote Desktop", "tcp", "3389", "60",
	    "Remote Desktop uses 3389." },
	{ "ssh", "SSH", "SSH", "tcp", "22", "60", "SSH uses 22." },
	{ "web", "Website", "Website", "tcp", "8080", "",
	    "Often 8080, 3000 or 80." },
	{ "ha", "Home Assistant", "Home Assistant", "tcp", "8123", "",
	    "Home Assistant uses 8123." },
	{ "adb", "ADB", "Android over ADB", "tcp", "5555", "60",
	    "ADB over the network uses 5555." },
	{ "other", "Empty", "", "tcp", "", "", "" },
};

enum { PRESETS = sizeof(presets) / sizeof(presets[0]) };

static const struct preset *
preset_asked(struct req *r)
{
	for (size_t i = 0; i < PRESETS; i++)
		if (strcmp(req_query(r, "for"), presets[i].word) == 0)
			return &presets[i];
	return &presets[PRESETS - 1];
}

/* --- showing ----------------------------------------------------------------- */

/* What stands in the fields. */
struct fields {
	const char *name, *kind, *local_host, *local_port, *public_port;
	const char *proxy, *allow, *deny, *rate, *visitors, *expires;
	const char *machine; /* "new" or an id */
	const char *anyway;  /* a target that is wanted though it is refused */
};

static void
set_fields(struct tpl *t, const struct fields *f)
{
	bool sure = *f->anyway != '\0';

	tpl_maybe(t, "ANYWAY", f->anyway);
	tpl_set(t, "MAKE", sure ? "Make it anyway" : "Make the tunnel");
	tpl_set(t, "SAVE", sure ? "Save it anyway" : "Save");
	tpl_set(t, "NAME", f->name);
	tpl_set(t, "LOCAL_HOST", f->local_host);
	tpl_set(t, "LOCAL_PORT", f->local_port);
	tpl_set(t, "PUBLIC_PORT", f->public_port);
	tpl_set(t, "ALLOW", f->allow);
	tpl_set(t, "DENY", f->deny);
	tpl_set(t, "ADDRESS_RATE", f->rate);
	tpl_set(t, "VISITORS_MAX", f->visitors);
	tpl_set(t, "EXPIRES", f->expires);
	tpl_show(t,
	    strcmp(f->kind, "udp") == 0        ? "IS_UDP"
		: strcmp(f->kind, "both") == 0 ? "IS_BOTH"
					       : "IS_TCP");
	tpl_show(t,
	    strcmp(f->proxy, "v1") == 0       ? "IS_V1"
		: strcmp(f->proxy, "v2") == 0 ? "IS_V2"
					      : "IS_OFF");
}

/* What the form has sent. */
static struct fields
sent(struct req *r)
{
	struct fields f = {
		.name = req_form(r, "name"),
		.kind = req_form(r, "kind"),
		.local_host = req_form(r, "local_host"),
		.local_port = req_form(r, "local_port"),
		.public_port = req_form(r, "public_port"),
		.proxy = req_form(r, "proxy_protocol"),
		.allow = req_form(r, "allow"),
		.deny = req_form(r, "deny"),
		.rate = req_form(r, "address_rate"),
		.visitors = req_form(r, "visitors_max"),
		.expires = req_form(r, "expires"),
		.machine = req_form(r, "machine"),
		.anyway = req_form(r, "anyway"),
	};

	return f;
}

static struct tunnel_text
text_of(const struct fields *f)
{
	struct tunnel_text t = {
		.name = f->name,
		.kind = f->kind,
		.local_host = f->local_host,
		.local_port = f->local_port,
		.public_port = f->public_port,
		.proxy_protocol = *f->proxy != '\0' ? f->proxy : NULL,
		.allow = f->allow,
		.deny = f->deny,
		.address_rate = f->rate,
		.visitors_max = f->visitors,
		.expires = f->expires,
	};

	return t;
}

static void
show_presets(struct req *r, struct tpl *t)
{
	const struct preset *now = preset_asked(r);
	struct tpl *row;

	for (size_t i = 0; i < PRESETS; i++) {
		row = tpl_row(t, "PRESET");
		tpl_set(row, "WORD", presets[i].word);
		tpl_set(row, "LABEL", presets[i].label);
		if (&presets[i] == now && req_has(&r->query, "for"))
			tpl_show(row, "CURRENT");
	}
	tpl_maybe(t, "PORT_HINT", now->hint);
}

static void
show_machines(struct tpl *t, const struct fleet *fleet, const char *chosen)
{
	struct tpl *all, *row;
	uint64_t id = 0;

	if (fleet->n == 0)
		return;
	str_number(chosen, 1, INT64_MAX, &id);
	all = tpl_row(t, "MACHINES");
	if (id == 0)
		tpl_show(all, "NEW_ONE");
	for (size_t i = 0; i < fleet->n; i++) {
		row = tpl_row(all, "PICK");
		tpl_int(row, "MACHINE_ID", fleet->at[i].id);
		tpl_set(row, "MACHINE_NAME", fleet->at[i].name);
		tpl_set(row, "SYSTEM", fleet->at[i].system);
		if (fleet->at[i].id == (int64_t)id)
			tpl_show(row, "CHOSEN");
	}
}

static void
set_ports(struct req *r, struct tpl *t)
{
	tpl_int(t, "FROM", r->app->ports.from);
	tpl_int(t, "TO", r->app->ports.to);
	tpl_set(t, "HOST", r->app->conf.public_host);
	tpl_set(t, "MY_ADDRESS", r->address);
}

static void
show_new(struct req *r, unsigned status, const struct fields *f,
    const struct fleet *fleet, const struct form *wrong)
{
	struct tpl *t = page_new(r, "new", "New tunnel", TAB_TUNNELS);

	set_fields(t, f);
	set_ports(r, t);
	tpl_show(t, "IS_NEW");
	tpl_show(t, "MAKES");
	show_presets(r, t);
	show_machines(t, fleet, f->machine);
	if (wrong->n > 0 || *f->allow != '\0' || *f->rate != '\0')
		tpl_show(t, "MORE_OPEN");
	form_show(r, t, wrong);
	page_send(r, status);
}

void
new_page(struct req *r)
{
	const struct preset *p = preset_asked(r);
	struct fields f = { p->name, p->kind, "127.0.0.1", p->port, "", "off",
		"", "", p->rate, "", "", "new", "" };
	struct form none = { .n = 0 };
	struct settings set;
	struct fleet fleet;
	struct err e;

	if (store_settings(r->store, &set, &e) == -1) {
		page_trouble(r, &e);
		return;
	}
	if (set.address_rate > 0 && *f.rate == '\0')
		f.rate = req_text(r, "%u", set.address_rate);
	if (fleet_load(r, r->user.id, &fleet, &e) == -1)
		page_trouble(r, &e);
	else
		show_new(r, 200, &f, &fleet, &none);
	fleet_free(&fleet);
}

/* --- making ------------------------------------------------------------------ */

/* The form again, with what is wrong. */
static void
again(struct req *r, const struct fields *f, const struct form *wrong,
    unsigned status)
{
	struct fleet fleet;
	struct err e;

	if (fleet_load(r, r->user.id, &fleet, &e) == -1)
		page_trouble(r, &e);
	else
		show_new(r, status, f, &fleet, wrong);
	fleet_free(&fleet);
}

/* A refusal of the store becomes a sentence beside its field. */
static unsigned
refused(struct req *r, struct form *wrong, const struct err *e)
{
	const char *field = tunnel_form_field(e->text);

	form_wrong(
	    wrong, *field != '\0' ? field : "name", page_sentence(r, e->text));
	return strcmp(field, "public_port") == 0 ? 409 : 422;
}

/*
 * A machine that would serve it refuses the target: notes that once, and is
 * content when the form comes back for the same.  Else false.
 */
static bool
is_doubtful(struct req *r, const struct tunnel_wish *w, const char *refusal,
    struct fields *f, struct form *wrong)
{
	const char *target;

	if (refusal == NULL) {
		f->anyway = "";
		return false;
	}
	target = refusal_target(r, w->local_host, w->local_port);
	if (strcmp(f->anyway, target) == 0)
		return false;
	f->anyway = target;
	form_wrong(wrong, "local_port", refusal);
	return true;
}

/* Where what was saved is to be seen; a refused target needs a new file. */
static void
go_on(struct req *r, const struct fields *f, int64_t tunnel, const char *end)
{
	if (*f->anyway != '\0')
		req_go(r, "/download/%lld", (long long)tunnel);
	else
		req_go(r, "/tunnels/%lld%s", (long long)tunnel, end);
}

/* Makes it and lets a machine serve it (0: none). */
static int
make(struct req *r, const struct tunnel_wish *w, uint64_t machine,
    struct tunnel *t, struct err *e)
{
	if (store_tunnel_add(r->store, r->user.id, w, &r->app->ports, false,
		false, t, e) == -1)
		return -1;
	page_note(r, t->user, "tunnel add", "tunnel %lld \"%s\", port %u",
	    (long long)t->id, t->name, t->public_port);
	if (machine == 0)
		return 0;
	return store_machine_serve(
	    r->store, r->user.id, (int64_t)machine, t->id, true, e);
}

void
new_make(struct req *r)
{
	struct fields f = sent(r);
	struct tunnel_text text = text_of(&f);
	struct form wrong = { .n = 0 };
	struct tunnel_wish w;
	struct tunnel t;
	uint64_t machine = 0;
	struct err e;

	tunnel_form_read(r, &text, NULL, &w, &wrong);
	if (wrong.n > 0) {
		again(r, &f, &wrong, 422);
		return;
	}
	if (!str_number(f.machine, 1, INT64_MAX, &machine))
		machine = 0;
	if (is_doubtful(r, &w,
		machine != 0 ? refusal_by(r, (int64_t)machine, w.local_host,
				   w.local_port)
			     : NULL,
		&f, &wrong)) {
		again(r, &f, &wrong, 422);
		return;
	}
	if (make(r, &w, machine, &t, &e) == -1) {
		if (!page_was_refused(r))
			page_trouble(r, &e);
		else
			again(r, &f, &wrong, refused(r, &wrong, &e));
		return;
	}
	go_on(r, &f, t.id, "");
}

/* --- changing ---------------------------------------------------------------- */

static void
show_edit(struct req *r, unsigned status, const struct tunnel *t,
    const struct fields *f, const struct form *wrong)
{
	struct tpl *p =
	    page_new(r, "new", req_text(r, "Edit %s", t->name), TAB_TUNNELS);

	set_fields(p, f);
	set_ports(r, p);
	tpl_set(tpl_row(p, "IS_EDIT"), "OLD_NAME", t->name);
	tpl_show(p, "SAVES");
	tpl_show(p, "MORE_OPEN");
	tpl_int(p, "ID", t->id);
	form_show(r, p, wrong);
	page_send(r, status);
}

static const char *
number_or_nothing(struct req *r, uint32_t n)
{
	return n == 0 ? "" : req_text(r, "%u", n);
}

void
edit_page(struct req *r)
{
	struct form none = { .n = 0 };
	struct tunnel t;

	if (!owner_tunnel(r, &t))
		return;
	struct fields f = {
		.name = t.name,
		.kind = check_kind_name(t.kind),
		.local_host = t.local_host,
		.local_port = req_text(r, "%u", t.local_port),
		.public_port = req_text(r, "%u", t.public_port),
		.proxy = check_proxy_name(t.proxy),
		.allow = t.allow,
		.deny = t.deny,
		.rate = number_or_nothing(r, t.address_rate),
		.visitors = number_or_nothing(r, t.visitors_max),
		.expires = tunnel_form_day(r, t.expires_at),
		.machine = "",
		.anyway = "",
	};

	show_edit(r, 200, &t, &f, &none);
}

/* Who would refuse its new target; the old one was told when it was new. */
static const char *
refusal_of_new(
    struct req *r, const struct tunnel *t, const struct tunnel_wish *w)
{
	if (w->local_port == t->local_port &&
	    strcmp(w->local_host, t->local_host) == 0)
		return NULL;
	return refusal_of(r, t->id, w->local_host, w->local_port);
}

void
edit_save(struct req *r)
{
	struct fields f = sent(r);
	struct tunnel_text text = text_of(&f);
	struct form wrong = { .n = 0 };
	struct tunnel_wish w;
	struct tunnel t;
	unsigned status = 422;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	tunnel_form_read(r, &text, &t, &w, &wrong);
	if (wrong.n > 0) {
		show_edit(r, status, &t, &f, &wrong);
		return;
	}
	if (is_doubtful(r, &w, refusal_of_new(r, &t, &w), &f, &wrong)) {
		show_edit(r, status, &t, &f, &wrong);
		return;
	}
	if (w.public_port == t.public_port)
		w.set &= ~(unsigned)TUNNEL_PORT;
	rc = store_tunnel_edit(
	    r->store, owner_of(r), t.id, &w, &r->app->ports, &e);
	if (rc == -1 && page_was_refused(r)) {
		status = refused(r, &wrong, &e);
		show_edit(r, status, &t, &f, &wrong);
	} else if (rc == -1) {
		page_trouble(r, &e);
	} else if (rc == 0) {
		page_error(r, 404);
	} else {
		page_note(r, t.user, "tunnel edit", "tunnel %lld \"%s\"",
		    (long long)t.id, w.name);
		go_on(r, &f, t.id, "?said=saved");
	}
}
