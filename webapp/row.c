#include "row.h"

#include <stddef.h>

#include "app.h"

const char *
row_kind(const struct tunnel *t)
{
	switch (t->kind) {
	case KIND_TCP:
		return "TCP";
	case KIND_UDP:
		return "UDP";
	case KIND_BOTH:
		return "TCP and UDP";
	case KIND_HTTP:
		return "HTTP";
	}
	return "";
}

void
row_tunnel(
    struct req *r, struct tpl *row, const struct tunnel *t, const char *machine)
{
	tpl_int(row, "ID", t->id);
	tpl_set(row, "NAME", t->name);
	tpl_set(row, "HOST", r->app->conf.public_host);
	tpl_int(row, "PORT", t->public_port);
	tpl_set(row, "ADDRESS", status_address(r, t));
	tpl_set(row, "KIND", row_kind(t));
	tpl_set(row, "TARGET", status_target(r, t));
	tpl_maybe(row, "MACHINE", machine);
	if (*machine == '\0')
		tpl_show(row, "NO_MACHINE");
}

static const char *const helps[] = {
	[HELP_NONE] = NULL,
	[HELP_PAUSE] = "PAUSE",
	[HELP_RESUME] = "RESUME",
	[HELP_STEPS] = "STEPS",
	[HELP_START] = "START",
	[HELP_TARGET] = "FIX_TARGET",
	[HELP_PORT] = "FIX_PORT",
	[HELP_DATE] = "FIX_DATE",
};

static void
show_lamps(struct tpl *row, const struct status *s, const char *const *names)
{
	struct tpl *lamp;

	for (int i = 0; i < LIVE_LAMPS; i++) {
		lamp = tpl_row(row, "LAMP");
		tpl_set(lamp, "SHAPE", s->lamps[i].class);
		tpl_set(lamp, "STATION", names[i]);
		tpl_set(lamp, "SAYS", s->lamps[i].says);
	}
}

static void
show_words(struct tpl *row, const struct tunnel *t, const struct status *s)
{
	tpl_set(row, "WORD", s->word);
	tpl_set(row, "CLASS", s->class);
	if (s->flows)
		tpl_show(row, "FLOWS");
	tpl_set(row, "STRONG", s->strong);
	tpl_set(row, "REST", s->rest);
	if (helps[s->help] != NULL)
		tpl_show(row, helps[s->help]);
	if (s->help == HELP_STEPS)
		tpl_int(row, "STEP", t->verified_at == 0 ? 1 : 2);
}

void
row_status(struct req *r, struct tpl *row, const struct tunnel *t,
    const struct status *s)
{
	static const char *const names[] = { "visitor", "relay", "machine",
		"service" };

	(void)r;
	show_lamps(row, s, names);
	show_words(row, t, s);
}

void
row_section(struct req *r, struct tpl *row, const struct tunnel *t,
    const struct status *s)
{
	static const char *const names[] = { "Visitor", "Relay", "Machine",
		"Service" };

	(void)r;
	show_lamps(row, s, names);
	show_words(row, t, s);
}
