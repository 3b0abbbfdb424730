#include "status.h"

#include <string.h>

#include "app.h"
#include "base/clock.h"
#include "words.h"

enum { FLOWS_MS = 10000 };

static const struct {
	const char *name, *class;
} words[] = {
	[STATUS_FROZEN] = { "frozen", "hold" },
	[STATUS_EXPIRED] = { "expired", "past" },
	[STATUS_PAUSED] = { "paused", "hold" },
	[STATUS_PENDING] = { "pending", "wait" },
	[STATUS_ERROR] = { "error", "out" },
	[STATUS_ONLINE] = { "online", "lit" },
	[STATUS_OFFLINE] = { "offline", "dark" },
};

const char *
status_name(enum status_is s)
{
	return words[s].name;
}

enum status_is
status_is(const struct tunnel *t, const struct live *l)
{
	const struct live_tunnel *v = live_find(l, t->id);

	if (t->frozen_at != 0 || t->user_frozen)
		return STATUS_FROZEN;
	if (t->expires_at != 0 && t->expires_at <= clock_wall_ms())
		return STATUS_EXPIRED;
	if (t->paused_at != 0)
		return STATUS_PAUSED;
	if (t->verified_at == 0)
		return STATUS_PENDING;
	if (!l->answers)
		return STATUS_ERROR;
	if (v == NULL)
		return STATUS_OFFLINE;
	if (v->lamps[LIVE_REACH].light == LIVE_RED ||
	    v->lamps[LIVE_SERVICE].light == LIVE_RED)
		return STATUS_ERROR;
	return v->lamps[LIVE_MACHINE].light == LIVE_GREEN ? STATUS_ONLINE
							  : STATUS_OFFLINE;
}

static const char *
host_port(struct req *r, const char *host, unsigned port)
{
	bool v6 = strchr(host, ':') != NULL;

	return req_text(
	    r, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

const char *
status_address(struct req *r, const struct tunnel *t)
{
	return host_port(r, r->app->conf.public_host, t->public_port);
}

const char *
status_target(struct req *r, const struct tunnel *t)
{
	return host_port(r, t->local_host, t->local_port);
}

/*
 * A name within a sentence, between the signs (U+2068, U+2069) that keep text
 * of another direction from turning what stands around it.
 */
static const char *
isolated(struct req *r, const char *name)
{
	return req_text(r, "\xe2\x81\xa8%s\xe2\x81\xa9", name);
}

/* --- lamps and sentences ------------------------------------------------------ */

static void
lamp(struct status *s, enum live_at at, const char *class, const char *says)
{
	s->lamps[at].class = class;
	s->lamps[at].says = says;
}

static void
say(struct status *s, enum status_help help, const char *strong,
    const char *rest)
{
	s->help = help;
	s->strong = strong;
	s->rest = rest;
}

/* The machine's lamp while visitors are refused anyway. */
static void
show_machine(struct status *s, const struct live_tunnel *v)
{
	if (v != NULL && v->lamps[LIVE_MACHINE].light == LIVE_GREEN)
		lamp(s, LIVE_MACHINE, "lit", "linked");
	else
		lamp(s, LIVE_MACHINE, "dark", "not linked");
}

static void
show_shut(struct req *r, const struct tunnel *t, const struct live_tunnel *v,
    struct status *s)
{
	lamp(s, LIVE_VISITOR, "dark", "refused");
	lamp(s, LIVE_SERVICE, "dark", "not tried");
	show_machine(s, v);
	if (s->is == STATUS_FROZEN) {
		lamp(s, LIVE_REACH, "hold", "frozen");
		say(s, HELP_NONE, "An admin of this server has stopped it.",
		    "Visitors are refused. Ask the admin why.");
	} else if (s->is == STATUS_EXPIRED) {
		lamp(s, LIVE_REACH, "past", "closed");
		say(s, HELP_DATE,
		    req_text(r, "Closed %s, as you had set.",
			words_when(r, t->expires_at)),
		    "Give it a new date to open it again.");
	} else {
		lamp(s, LIVE_REACH, "hold", "paused");
		say(s, HELP_RESUME,
		    req_text(r, "Paused %s.", words_when(r, t->paused_at)),
		    "Visitors are refused until you resume it.");
	}
}

static void
show_pending(const struct live_tunnel *v, struct status *s)
{
	lamp(s, LIVE_VISITOR, "dark", "nobody");
	lamp(s, LIVE_REACH, "wait", "waits for verification");
	lamp(s, LIVE_SERVICE, "dark", "not reached");
	show_machine(s, v);
	say(s, HELP_STEPS, "Not open yet.",
	    v != NULL && v->serving ? "Verify it; its computer is here already."
				    : "Verify it, then connect its computer.");
}

static void
show_no_relay(struct status *s)
{
	lamp(s, LIVE_VISITOR, "dark", "nobody");
	lamp(s, LIVE_REACH, "out", "not running");
	lamp(s, LIVE_MACHINE, "dark", "unknown");
	lamp(s, LIVE_SERVICE, "dark", "unknown");
	say(s, HELP_NONE, "The relay is not running.",
	    "Nothing is wrong with this tunnel. The admin of this server "
	    "starts the relay again.");
}

/* relayd knows best why the address is out of reach. */
static void
show_reach(struct req *r, const struct tunnel *t, const struct live_tunnel *v,
    struct status *s)
{
	lamp(s, LIVE_VISITOR, "dark", "nobody");
	lamp(s, LIVE_REACH, "out", "out of reach");
	show_machine(s, v);
	if (v->lamps[LIVE_SERVICE].light == LIVE_GREEN)
		lamp(s, LIVE_SERVICE, "lit", "answers");
	else
		lamp(s, LIVE_SERVICE, "dark", "not tried");
	say(s, v->serving ? HELP_NONE : HELP_PORT,
	    req_text(r, "Port %u cannot be reached.", t->public_port),
	    v->lamps[LIVE_REACH].sentence);
}

static const char *
visitors(struct req *r, const struct live_tunnel *v)
{
	if (v->visitors == 0)
		return "nobody now";
	return req_text(r, "%lld connected now", (long long)v->visitors);
}

/* The lamps of what is being served. */
static void
show_served(struct req *r, const struct live_tunnel *v, struct status *s)
{
	lamp(s, LIVE_VISITOR, v->visitors > 0 ? "lit" : "dark", visitors(r, v));
	if (v->lamps[LIVE_REACH].light == LIVE_GREEN)
		lamp(s, LIVE_REACH, "lit", "listening");
	else
		lamp(s, LIVE_REACH, "lit", "listening; not tried from outside");
	lamp(s, LIVE_MACHINE, "lit",
	    v->rtt_ms >= 0
		? req_text(r, "linked, %lld ms away", (long long)v->rtt_ms)
		: "linked");
	if (v->lamps[LIVE_SERVICE].light == LIVE_GREEN)
		lamp(s, LIVE_SERVICE, "lit", "answers");
	else
		lamp(s, LIVE_SERVICE, "dark", "not tried yet");
}

static void
show_service(struct req *r, const struct tunnel *t, const struct live_tunnel *v,
    struct status *s)
{
	show_served(r, v, s);
	lamp(s, LIVE_SERVICE, "out", "does not answer");
	say(s, HELP_TARGET,
	    req_text(r, "Nothing answers on %s of %s.", status_target(r, t),
		isolated(r, v->machine_name)),
	    req_text(r, "Start the program there, or correct the port. %s",
		isolated(r, v->lamps[LIVE_SERVICE].sentence)));
}

static void
show_online(struct req *r, const struct live_tunnel *v, struct status *s)
{
	const char *rest;

	show_served(r, v, s);
	if (v->visitors > 0)
		rest = req_text(r, "%s now.",
		    words_count(r, v->visitors, "visitor is connected",
			"visitors are connected"));
	else if (v->last_bytes != 0)
		rest = req_text(r,
		    "Nobody is connected; the last bytes moved "
		    "%s.",
		    words_when(r, v->last_bytes));
	else
		rest = "Nobody has come yet.";
	say(s, HELP_PAUSE, "Working.", rest);
}

static void
show_offline(struct req *r, const struct tunnel *t, const struct live_tunnel *v,
    const char *machine, struct status *s)
{
	lamp(s, LIVE_VISITOR, "dark", "nobody");
	lamp(s, LIVE_REACH, "lit", "holds the port");
	lamp(s, LIVE_MACHINE, "out", "not linked");
	lamp(s, LIVE_SERVICE, "dark", "not reached");
	if (t->last_connected_at == 0) {
		lamp(s, LIVE_MACHINE, "wait", "waits for its first start");
		say(s, HELP_STEPS, "No computer serves it yet.",
		    "Connect the computer that has the service.");
		return;
	}
	if (v != NULL && v->lamps[LIVE_MACHINE].light == LIVE_RED) {
		say(s, HELP_START,
		    req_text(r, "%s has lost its link.",
			isolated(r, v->machine_name)),
		    "Visitors wait for it; it comes back by itself when its "
		    "network does.");
		return;
	}
	say(s, HELP_START,
	    req_text(r, "%s has been away since %s.",
		*machine != '\0' ? isolated(r, machine) : "Its computer",
		words_when(r, t->last_connected_at)),
	    "Switch it on, or start its program again.");
}

void
status_of(struct req *r, const struct tunnel *t, const struct live *l,
    const char *machine, struct status *s)
{
	const struct live_tunnel *v = live_find(l, t->id);

	memset(s, 0, sizeof(*s));
	s->is = status_is(t, l);
	s->word = words[s->is].name;
	s->class = words[s->is].class;
	s->flows = v != NULL && v->last_bytes != 0 &&
	    clock_wall_ms() - v->last_bytes < FLOWS_MS;
	if (s->is <= STATUS_PAUSED)
		show_shut(r, t, v, s);
	else if (s->is == STATUS_PENDING)
		show_pending(v, s);
	else if (!l->answers)
		show_no_relay(s);
	else if (s->is == STATUS_OFFLINE || v == NULL)
		show_offline(r, t, v, machine, s);
	else if (s->is == STATUS_ONLINE)
		show_online(r, v, s);
	else if (v->lamps[LIVE_REACH].light == LIVE_RED)
		show_reach(r, t, v, s);
	else
		show_service(r, t, v, s);
}
