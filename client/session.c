#include "session.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "base/str.h"
#include "client_conf.h"
#include "greet.h"
#include "link.h"
#include "mux/mux.h"
#include "net/loop.h"
#include "proto/code.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "say.h"

enum {
	HELD_MAX = 256 << 20, /* bytes of streams that this side keeps */
	WINDOW_MIN = 1024,
	WINDOW_MAX = 64 << 20,
	STREAMS_MAX = 1 << 20,
	DIAL_OLD_MS = 1000, /* a dial so old is begun anew when things change */
};

static uint32_t
chance(void)
{
	return random_below(UINT32_MAX);
}

static struct link *
link_of(struct list *n)
{
	return LIST_OF(n, struct link, on);
}

/* The one door through which a session comes into another state. */
static void
enter(struct session *s, enum session_state next)
{
	if (s->state == next || s->state == SESSION_ENDED)
		return;
	s->state = next;
	s->since = loop_now(s->loop);
	if (next != SESSION_DARK)
		timer_cancel(&s->give_up);
	if (next == SESSION_ENDED) {
		timer_cancel(&s->redial);
		timer_cancel(&s->calm);
	}
}

/* Lets go of all streams and links. */
static void
drop_mux(struct session *s, uint16_t code, const char *why)
{
	mux_free(&s->mux, code, why);
}

/* The last word: what is on the wires goes out, then the loop stops. */
static void
end(struct session *s, int code, const char *why)
{
	if (s->state == SESSION_ENDED)
		return;
	s->exit = code;
	(void)str_copy(s->why, sizeof(s->why), why);
	enter(s, SESSION_ENDED);
	link_free(&s->dialling);
	drop_mux(s, CODE_CLOSING, "the client ends");
}

void
session_stop(struct session *s)
{
	if (s->state == SESSION_ENDED)
		return;
	if (s->mux != NULL) {
		mux_goaway(s->mux, CODE_CLOSING, 0, "stopped by its user");
		(void)mux_run(s->mux, loop_now(s->loop));
	}
	end(s, EXIT_STOPPED, "");
}

/* --- dialling -------------------------------------------------------------- */

static void
on_redial(void *arg)
{
	struct session *s = arg;

	s->redial = NULL; /* the turn's end dials */
}

/* Tells why a door leads to no link: once, until the reason changes. */
static void
tell_trouble(struct session *s, const char *text)
{
	char *told = s->told[s->way];
	char line[sizeof(s->told[0])];

	(void)str_copy(line, sizeof(line), text);
	(void)str_copy(s->trouble, sizeof(s->trouble), text);
	if (strcmp(told, line) == 0 || s->state == SESSION_LIVE)
		say_debug("relay: %s", text);
	else
		say_warn("relay: %s", text);
	memcpy(told, line, sizeof(line));
}

/* The last way of a round has failed. */
static void
all_failed(struct session *s)
{
	bool only_trust = s->only_trust;
	char text[600];

	s->tried = 0;
	s->only_trust = true;
	if (only_trust && !s->ever) {
		snprintf(text, sizeof(text),
		    "%.400s. This is not the relay that was meant, or it has a"
		    " new key: ask who runs it.",
		    s->trouble);
		end(s, EXIT_TRUST, text);
		return;
	}
	if (s->moving && !list_empty(&s->links))
		s->moving = false; /* the old link may do well after all */
	retry_failed(&s->retry, loop_now(s->loop), chance());
}

/*
 * What has failed, in words.  A guess that leads nowhere says nothing of the
 * relay's certificate.
 */
static void
note_failure(
    struct session *s, enum link_fail how, const char *via, const char *why)
{
	const struct way *w = &s->ways.list[s->way];
	const char *door = w->door->text;
	char text[sizeof(s->trouble)];

	if (via[0] != '\0')
		snprintf(text, sizeof(text), "%.160s through %.80s: %s", door,
		    via, why);
	else if (strncmp(why, door, strlen(door)) == 0)
		(void)str_copy(text, sizeof(text), why);
	else
		snprintf(text, sizeof(text), "%s: %s", door, why);
	tell_trouble(s, text);
	if (how != LINK_FAIL_TRUST && !w->is_guess)
		s->only_trust = false;
}

static void
way_failed(
    struct session *s, enum link_fail how, const char *via, const char *why)
{
	if (how != LINK_FAIL_NONE)
		note_failure(s, how, via, why);
	s->way = (s->way + 1) % s->ways.count;
	if (++s->tried >= s->ways.count)
		all_failed(s);
}

static void
on_failed(void *arg, struct link *k, enum link_fail how, const char *why)
{
	struct session *s = arg;
	char text[256], via[LINK_VIA_MAX];

	assert(k == s->dialling);
	(void)str_copy(text, sizeof(text), why);
	(void)str_copy(via, sizeof(via), k->via);
	link_free(&s->dialling);
	way_failed(s, how, via, text);
}

static const struct link_ops link_ops;

static void
dial(struct session *s)
{
	const struct way *w = &s->ways.list[s->way];
	struct err e;

	s->dialling = link_new(&s->carry, w->door, w->proxy, &link_ops, s, &e);
	if (s->dialling != NULL)
		return;
	way_failed(s, LINK_FAIL_NET, "", e.text);
	/* Nobody calls back: the next way must not wait for an event. */
	if (s->redial == NULL && s->state != SESSION_ENDED)
		s->redial = loop_after(s->loop, 0, on_redial, s, NULL);
}

static size_t
count_links(const struct session *s)
{
	const struct list *n;
	size_t count = 0;

	for (n = s->links.next; n != &s->links; n = n->next)
		count++;
	return count;
}

/*
 * When another link is wanted beside one that is silent; LOOP_NEVER: it has
 * spoken, or none is.
 */
static uint64_t
beside_at(struct session *s)
{
	struct list *n;

	for (n = s->links.next; n != &s->links && s->silent != 0; n = n->next)
		if (mux_link_heard(link_of(n)->mux) >= s->silent)
			s->silent = 0;
	return s->silent == 0 ? LOOP_NEVER : s->silent + SESSION_BESIDE_MS;
}

/* Sees to it that there are as many links as are wanted. */
static void
keep_links(struct session *s)
{
	uint64_t now = loop_now(s->loop), at = retry_at(&s->retry);
	size_t have = count_links(s), want = s->wanted;

	if ((now >= beside_at(s) || s->moving) && want < have + 1)
		want = have + 1;
	if (s->state == SESSION_ENDED || s->dialling != NULL ||
	    s->redial != NULL || have >= want)
		return;
	if (at > now) {
		s->redial = loop_after(s->loop, at - now, on_redial, s, NULL);
		if (s->redial != NULL)
			return;
	}
	dial(s);
}

/* --- HELLO and its answers ------------------------------------------------- */

static int
on_hello(void *arg, struct proto_hello *h, struct err *e)
{
	const struct session *s = arg;

	(void)e;
	greet_hello(h, s->conf);
	h->has_key = s->has_key;
	memcpy(h->key, s->key, sizeof(h->key));
	if (s->mux != NULL)
		h->link_count = mux_links(s->mux, h->links);
	memcpy(h->instance, s->instance, sizeof(h->instance));
	return 0;
}

static void
on_reject(void *arg, struct link *k, const struct proto_reject *r)
{
	struct session *s = arg;
	char text[1024], trouble[sizeof(s->trouble)];
	uint64_t now = loop_now(s->loop);

	assert(k == s->dialling);
	link_free(&s->dialling);
	greet_refusal(text, sizeof(text), r);
	if (!r->retry &&
	    (list_empty(&s->links) || code_exit(r->code) != EXIT_UNEXPECTED)) {
		end(s, code_exit(r->code), text);
		return;
	}
	snprintf(trouble, sizeof(trouble), "%.160s: %.340s",
	    s->ways.list[s->way].door->text, text);
	tell_trouble(s, trouble);
	s->tried = 0;
	s->only_trust = true;
	retry_asked(&s->retry, now, r->retry_ms, chance());
}

static int on_seal(void *larg, const void *p, size_t n);
static ssize_t on_room(void *larg, enum mux_room what);
static void on_link_end(void *larg, uint16_t code, const char *why);
static void on_link_silent(void *larg);
static void on_control(void *arg, struct mux_link *l, const struct frame *f);
static void on_links(void *arg, unsigned wanted);
static void on_goaway(void *arg, const struct proto_goaway *g);
static void on_broken(void *arg, const char *why);

static uint16_t
on_open(void *arg, struct mux_stream *stream, const struct proto_open *o)
{
	struct session *s = arg;

	return tunnels_open(&s->tunnels, stream, o);
}

static int
begin_mux(struct session *s, const struct proto_welcome *w, struct err *e)
{
	struct mux_ops ops = { 0 };
	struct mux_conf c;

	carry_ops(&ops);
	ops.seal = on_seal;
	ops.room = on_room;
	ops.open = on_open;
	ops.link_end = on_link_end;
	ops.link_silent = on_link_silent;
	ops.control = on_control;
	ops.links = on_links;
	ops.goaway = on_goaway;
	ops.broken = on_broken;
	mux_conf_default(&c, MUX_CLIENT);
	c.pool = s->carry.pool;
	c.window_first = w->window;
	if (c.window_max < c.window_first)
		c.window_max = c.window_first;
	c.streams_max =
	    w->streams_max < STREAMS_MAX ? w->streams_max : STREAMS_MAX;
	c.held_max = HELD_MAX;
	if (w->heartbeat_ms >= 1000)
		c.ping_idle_ms = w->heartbeat_ms;
	s->mux = mux_new(&c, &ops, s, loop_now(s->loop), e);
	return s->mux == NULL ? -1 : 0;
}

static int
check_welcome(const struct proto_welcome *w, struct err *e)
{
	if (w->version != PROTO_VERSION)
		return err_set(e,
		    "the relay speaks version %d, which nobody"
		    " offered",
		    w->version);
	if (w->window < WINDOW_MIN || w->window > WINDOW_MAX ||
	    w->streams_max == 0)
		return err_set(e, "the relay's limits make no sense");
	return 0;
}

/* A new link has come: those that it replaces go. */
static void
leave_marked(struct session *s)
{
	struct list *n, *next;
	struct link *k;

	s->moving = false;
	for (n = s->links.next; n != &s->links; n = next) {
		next = n->next;
		k = link_of(n);
		if (!k->leaving)
			continue;
		mux_leave(&k->mux, loop_now(s->loop));
		link_free(&k);
	}
}

static int
join(struct session *s, struct link *k, const struct proto_welcome *w,
    struct err *e)
{
	if (w->resumed && s->mux == NULL) {
		s->has_key = false; /* begin anew: a start takes over */
		return err_set(e, "the relay kept what this side gave up");
	}
	if (!w->resumed)
		drop_mux(s, CODE_GONE, "the relay began a new session");
	if (s->mux == NULL && begin_mux(s, w, e) != 0)
		return -1;
	leave_marked(s);
	k->mux = mux_join(s->mux, k, w->link, w->round, loop_now(s->loop), e);
	return k->mux == NULL ? -1 : 0;
}

static void
tell_welcome(const struct session *s, const struct link *k,
    const struct proto_welcome *w)
{
	char peer[ADDR_TEXT], tls[128];

	wire_describe(k->wire, tls, sizeof(tls));
	say_debug(
	    "link %d: to %s, %s", w->link, addr_text(peer, &k->peer), tls);
	if (s->state == SESSION_LIVE)
		return;
	say_info("session %llu: linked to %s%s%s%s",
	    (unsigned long long)w->session, k->door->text,
	    k->via[0] != '\0' ? " through " : "", k->via,
	    w->resumed    ? "; what was open goes on"
		: s->ever ? "; a new session, what was open is closed"
			  : "");
}

/* What a proxy sees, and what this computer sees, are two things. */
static void
note_way(struct session *s, const struct link *k)
{
	bool proxied = k->via[0] != '\0';

	if (s->proxied == proxied)
		return;
	s->proxied = proxied;
	tunnels_moved(&s->tunnels);
}

static int
on_welcome(
    void *arg, struct link *k, const struct proto_welcome *w, struct err *e)
{
	struct session *s = arg;

	assert(k == s->dialling);
	if (check_welcome(w, e) != 0 || join(s, k, w, e) != 0)
		return -1;
	s->dialling = NULL;
	list_append(&s->links, &k->on);
	memcpy(s->key, w->key, sizeof(s->key));
	s->has_key = true;
	s->grace_ms = w->grace_ms;
	s->row = w->session;
	s->peer = k->peer;
	s->tried = 0;
	s->only_trust = true;
	s->silent = 0;
	s->trouble[0] = '\0';
	memset(s->told, 0, sizeof(s->told));
	retry_welcome(&s->retry, loop_now(s->loop));
	tell_welcome(s, k, w);
	s->ever = true;
	enter(s, SESSION_LIVE);
	k->mark = tunnels_welcome(&s->tunnels, !w->resumed);
	note_way(s, k);
	return 0;
}

/* --- links that end -------------------------------------------------------- */

/* The last link of a session may be gone. */
static void
note_loss(struct session *s, const char *why)
{
	uint64_t now = loop_now(s->loop);

	if (!list_empty(&s->links) || s->state != SESSION_LIVE)
		return;
	enter(s, SESSION_DARK);
	s->moving = false;
	s->silent = 0;
	timer_cancel(&s->redial);
	retry_lost(&s->retry, now, chance());
	snprintf(
	    s->trouble, sizeof(s->trouble), "the link was lost: %.200s", why);
	say_warn("session %llu: lost the relay (%s); trying again",
	    (unsigned long long)s->row, why);
}

static void
on_down(void *arg, struct link *k, const char *why)
{
	struct session *s = arg;
	char text[256];

	(void)str_copy(text, sizeof(text), why);
	mux_leave(&k->mux, loop_now(s->loop));
	link_free(&k);
	note_loss(s, text);
}

static const struct link_ops link_ops = { on_hello, on_welcome, on_reject,
	on_failed, on_down };

/* The mux knows a link as its struct link. */

static int
on_seal(void *larg, const void *p, size_t n)
{
	return wire_seal(((struct link *)larg)->wire, p, n);
}

static ssize_t
on_room(void *larg, enum mux_room what)
{
	return wire_room(((struct link *)larg)->wire, what);
}

static void
on_link_end(void *larg, uint16_t code, const char *why)
{
	struct link *k = larg;
	struct session *s = k->arg;

	k->mux = NULL;
	say_debug(
	    "link to %s: ended: %s (%s)", k->door->text, why, code_name(code));
	if (s->state == SESSION_ENDED)
		link_finish(&k);
	else
		link_free(&k);
	note_loss(s, why);
}

static void
on_link_silent(void *larg)
{
	const struct link *k = larg;
	struct session *s = k->arg;

	if (s->silent != 0)
		return;
	s->silent = loop_now(s->loop);
	say_debug("link to %s: silent", k->door->text);
}

/* --- what the relay says --------------------------------------------------- */

static void
on_control(void *arg, struct mux_link *l, const struct frame *f)
{
	struct session *s = arg;
	struct proto_config *c = &(struct proto_config){ 0 };
	struct list *n;
	struct link *k = NULL;
	struct err e;

	for (n = s->links.next; n != &s->links; n = n->next)
		if (link_of(n)->mux == l)
			k = link_of(n);
	if (f->type != FRAME_CONFIG || k == NULL)
		return;
	if (config_decode(c, f, &e) != 0) {
		on_broken(s, e.text);
		return;
	}
	if (tunnels_config(&s->tunnels, c, k->mark))
		k->mark = 0;
	if (c->last && s->tunnels.count == 0)
		say_info("session: this computer has no tunnels yet; it goes"
			 " on waiting for them");
}

static void
on_links(void *arg, unsigned wanted)
{
	struct session *s = arg;

	s->wanted = wanted;
}

static void
on_goaway(void *arg, const struct proto_goaway *g)
{
	struct session *s = arg;

	if (s->has_goaway && code_exit(s->goaway.code) != EXIT_UNEXPECTED)
		return;
	s->has_goaway = true;
	s->goaway = *g;
}

static void
on_broken(void *arg, const char *why)
{
	struct session *s = arg;

	s->broken = true;
	(void)str_copy(s->broken_why, sizeof(s->broken_why), why);
}

static void
act_on_goaway(struct session *s)
{
	const struct proto_goaway *g = &s->goaway;
	const char *words =
	    g->sentence[0] != '\0' ? g->sentence : code_sentence(g->code);
	int code = code_exit(g->code);

	s->has_goaway = false;
	if (code != EXIT_UNEXPECTED) {
		end(s, code, words);
		return;
	}
	say_warn("session %llu: the relay says goodbye: %s",
	    (unsigned long long)s->row, words);
}

/* The protocol was broken: tell the relay, begin anew. */
static void
act_on_broken(struct session *s)
{
	uint64_t now = loop_now(s->loop);

	s->broken = false;
	say_warn("session %llu: broken: %s; beginning anew",
	    (unsigned long long)s->row, s->broken_why);
	if (s->mux == NULL)
		return;
	mux_goaway(s->mux, CODE_BROKEN, 0, s->broken_why);
	(void)mux_run(s->mux, now);
	drop_mux(s, CODE_BROKEN, s->broken_why);
	s->broken = false;
	retry_failed(&s->retry, now, chance());
}

/* --- the network ----------------------------------------------------------- */

/* A new link is dialled at once; those that stand are left when it is there. */
static void
move(struct session *s, bool (*is_lost)(const struct link *k))
{
	struct list *n;

	for (n = s->links.next; n != &s->links; n = n->next) {
		if (link_of(n)->leaving || !is_lost(link_of(n)))
			continue;
		link_of(n)->leaving = true;
		s->moving = true;
		say_info("session: the network has changed; moving over");
	}
}

static bool
is_not_at_home(const struct link *k)
{
	return !link_is_at_home(k);
}

static bool
always(const struct link *k)
{
	(void)k;
	return true;
}

/* A dial that was begun before things changed may never end well. */
static void
dial_anew(struct session *s)
{
	struct link *k = s->dialling;
	uint64_t now = loop_now(s->loop);

	timer_cancel(&s->redial);
	retry_now(&s->retry, now);
	if (k == NULL ||
	    (k->state == LINK_CONNECTING && now < k->since + DIAL_OLD_MS) ||
	    (k->state != LINK_CONNECTING && link_is_at_home(k)))
		return;
	link_free(&s->dialling);
}

static void
on_calm(void *arg)
{
	struct session *s = arg;

	s->calm = NULL;
	move(s, is_not_at_home);
	dial_anew(s);
}

static void
on_net(void *arg, enum net_change what, const struct addr *gone)
{
	struct session *s = arg;
	struct list *n;

	if (s->state == SESSION_ENDED)
		return;
	for (n = s->links.next; what == NET_GONE && n != &s->links;
	     n = n->next) {
		if (!addr_same_ip(gone, &link_of(n)->local))
			continue;
		link_of(n)->leaving = s->moving = true;
		say_info("session: this computer lost its address; moving"
			 " over");
	}
	if (what == NET_WOKE) {
		say_info("session: this computer has slept");
		move(s, always);
		dial_anew(s);
	}
	/* Changes come in bursts: look when they are over. */
	if (s->calm == NULL)
		s->calm =
		    loop_after(s->loop, SESSION_CALM_MS, on_calm, s, NULL);
}

/* --- turns ----------------------------------------------------------------- */

static void
on_give_up(void *arg)
{
	struct session *s = arg;

	s->give_up = NULL;
	say_warn("session %llu: the relay has been away for too long; what was"
		 " open is closed",
	    (unsigned long long)s->row);
	drop_mux(s, CODE_GONE, "the relay has been away for too long");
}

static void
keep_dark_time(struct session *s)
{
	if (s->state != SESSION_DARK || s->mux == NULL || s->give_up != NULL)
		return;
	s->give_up = loop_after(s->loop,
	    (uint64_t)s->grace_ms + SESSION_GIVE_UP_MS, on_give_up, s, NULL);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
on_turn(void *arg)
{
	struct session *s = arg;
	uint64_t now = loop_now(s->loop);
	uint64_t due = tunnels_turn(&s->tunnels, now);

	if (s->mux != NULL && mux_run(s->mux, now))
		due = 0;
	if (s->has_goaway)
		act_on_goaway(s);
	if (s->broken)
		act_on_broken(s);
	keep_dark_time(s);
	keep_links(s);
	if (s->mux != NULL)
		due = earlier(due, mux_deadline(s->mux));
	if (s->dialling == NULL && s->redial == NULL && beside_at(s) > now)
		due = earlier(due, beside_at(s));
	due = earlier(due, carry_turn(&s->carry));
	if (s->state == SESSION_ENDED && list_empty(&s->carry.wires))
		loop_stop(s->loop);
	return due;
}

static int
send_report(void *arg, const void *frame, size_t n)
{
	struct session *s = arg;

	return s->mux == NULL ? -1 : mux_say(s->mux, frame, n, NULL);
}

static bool
is_relay(void *arg, const struct addr *at)
{
	const struct session *s = arg;

	return !s->proxied && addr_same_ip(&s->peer, at);
}

static bool
is_proxied(void *arg)
{
	return ((const struct session *)arg)->proxied;
}

int
session_open(struct session *s, const struct client_conf *conf, struct loop *l,
    struct err *e)
{
	struct err why;

	*s = (struct session){ .conf = conf,
		.loop = l,
		.wanted = 1,
		.only_trust = true,
		.since = loop_now(l) };
	list_init(&s->links);
	ways_of(&s->ways, conf);
	if (conf->proxy.trouble.text[0] != '\0')
		say_warn("proxy: %s", conf->proxy.trouble.text);
	retry_init(&s->retry, loop_now(l));
	if (random_bytes(s->instance, sizeof(s->instance), e) != 0 ||
	    carry_init(&s->carry, l, NULL, e) != 0)
		return -1;
	if (tunnels_init(&s->tunnels, &s->carry, &conf->allow, send_report,
		is_relay, is_proxied, s, e) != 0 ||
	    (s->hook = loop_on_turn(l, on_turn, s, e)) == NULL)
		return -1;
	if ((s->netwatch = netwatch_new(l, on_net, s, &why)) == NULL)
		say_debug("network: %s", why.text);
	return 0;
}

void
session_close(struct session *s)
{
	enter(s, SESSION_ENDED);
	if (s->carry.loop == NULL)
		return;
	timer_cancel(&s->give_up);
	link_free(&s->dialling);
	drop_mux(s, CODE_CLOSING, "the client ends");
	netwatch_free(&s->netwatch);
	tunnels_close(&s->tunnels);
	loop_off_turn(&s->hook);
	carry_close(&s->carry);
	str_wipe(s->key, sizeof(s->key));
}

/* --- for the console ------------------------------------------------------- */

uint32_t
session_rtt_ms(const struct session *s)
{
	const struct link *k;

	if (list_empty(&s->links))
		return 0;
	k = LIST_OF(s->links.prev, const struct link, on);
	return k->mux != NULL ? mux_link_rtt_ms(k->mux) : 0;
}

const char *
session_relay(struct session *s)
{
	const struct link *k = NULL;
	const char *via;

	if (!list_empty(&s->links))
		k = LIST_OF(s->links.prev, const struct link, on);
	via = k != NULL ? k->via : "";
	snprintf(s->relay, sizeof(s->relay), "%s%s%s",
	    k != NULL ? k->door->text : s->ways.list[s->way].door->text,
	    via[0] != '\0' ? " through " : "", via);
	return s->relay;
}

uint64_t
session_redial_at(const struct session *s)
{
	return s->redial != NULL ? timer_when(s->redial) : 0;
}
