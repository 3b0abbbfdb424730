#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "client_conf.h"
#include "net/loop.h"
#include "plat/term.h"
#include "proto/ctl.h"
#include "say.h"
#include "session.h"
#include "view.h"

enum {
	EVERY_MS = 250,
	TERMINAL = 1, /* standard output */
	SCREEN_MAX = 256 << 10,
	STOPPED_MS = 1500, /* so late a tick: the program was stopped */
};

struct console {
	struct session *s;
	struct term *term;
	struct timer *tick;
	bool color;
	bool utf8;
	unsigned columns;
	unsigned lines;
	uint64_t ticked_at;
	struct view_event events[VIEW_EVENTS]; /* the oldest first */
	size_t event_count;
	struct view_tunnel *tunnels;
	size_t tunnel_cap;
	char *screen; /* what is being written */
	size_t len;
	size_t sent;
	char *shown; /* what stands there */
	size_t shown_len;
};

/* --- events ---------------------------------------------------------------- */

static void
on_say(void *arg, enum log_level level, const char *text)
{
	struct console *c = arg;
	struct view_event *e;
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	if (c->event_count == VIEW_EVENTS) {
		memmove(c->events, c->events + 1,
		    sizeof(c->events) - sizeof(c->events[0]));
		c->event_count--;
	}
	e = &c->events[c->event_count++];
	e->level = (uint8_t)level;
	(void)str_copy(e->text, sizeof(e->text), text);
	if (localtime_r(&now, &tm) == NULL ||
	    strftime(e->clock, sizeof(e->clock), "%H:%M:%S", &tm) == 0)
		e->clock[0] = '\0';
}

/* --- what is shown --------------------------------------------------------- */

static const char *
kind_word(uint8_t kind)
{
	switch (kind) {
	case PROTO_UDP:
		return "udp";
	case PROTO_BOTH:
		return "tcp+udp";
	case PROTO_HTTP:
		return "http";
	default:
		return "tcp";
	}
}

static void
fill_tunnel(struct view_tunnel *v, struct tunnel *t, uint64_t now)
{
	*v = (struct view_tunnel){ .name = t->c.name,
		.kind = kind_word(t->c.kind),
		.public_addr = t->c.public_addr,
		.target = t->target,
		.state = t->c.state,
		.verify_url = t->c.verify_url,
		.sentence = t->c.sentence,
		.reach = { t->reach.light, t->reach.sentence },
		.service = { t->service.light, t->service.sentence },
		.visitors = t->visitors };
	tunnel_traffic(t, &v->in, &v->out);
	if (v->in + v->out != t->seen) {
		t->seen = v->in + v->out;
		t->seen_at = now;
	}
	v->quiet_ms = t->seen == 0 ? UINT64_MAX : now - t->seen_at;
}

static size_t
fill_tunnels(struct console *c, uint64_t now)
{
	const struct tunnels *all = &c->s->tunnels;
	struct view_tunnel *more;
	struct list *n;
	size_t i = 0;

	if (all->count > c->tunnel_cap) {
		more = realloc(c->tunnels, all->count * sizeof(*more));
		if (more != NULL) {
			c->tunnels = more;
			c->tunnel_cap = all->count;
		}
	}
	for (n = all->list.next; n != &all->list && i < c->tunnel_cap;
	     n = n->next)
		fill_tunnel(
		    &c->tunnels[i++], LIST_OF(n, struct tunnel, on), now);
	return i;
}

static enum view_link
link_word(const struct session *s)
{
	switch (s->state) {
	case SESSION_LIVE:
		return VIEW_LINKED;
	case SESSION_DARK:
		return VIEW_AWAY;
	case SESSION_ENDED:
		return VIEW_ENDING;
	default:
		return VIEW_DIALLING;
	}
}

static void
render(struct console *c)
{
	struct session *s = c->s;
	uint64_t now = loop_now(s->loop), at = session_redial_at(s);
	struct view v = { .columns = c->columns,
		.lines = c->lines,
		.color = c->color,
		.utf8 = c->utf8,
		.link = link_word(s),
		.relay = session_relay(s),
		.rtt_ms = session_rtt_ms(s),
		.redial_in_s = at > now ? (at - now + 999) / 1000 : 0,
		.trouble = s->trouble,
		.events = c->events,
		.event_count = c->event_count };

	v.tunnel_count = fill_tunnels(c, now);
	v.tunnels = c->tunnels;
	c->len = view_render(c->screen, SCREEN_MAX, &v);
	c->sent = 0;
}

/* What was rendered goes out, as far as the terminal takes it. */
static void
send_screen(struct console *c)
{
	char *swap;

	c->sent += term_write(c->term, c->screen + c->sent, c->len - c->sent);
	if (c->sent < c->len)
		return;
	swap = c->shown;
	c->shown = c->screen;
	c->screen = swap;
	c->shown_len = c->len;
	c->len = c->sent = 0;
}

/* The terminal may have another size, or have been the shell's meanwhile. */
static void
look_at_terminal(struct console *c, uint64_t now)
{
	unsigned columns, lines;

	term_size(c->term, &columns, &lines);
	if (now > c->ticked_at + STOPPED_MS)
		term_again(c->term);
	else if (columns == c->columns && lines == c->lines)
		return;
	c->columns = columns;
	c->lines = lines;
	c->shown_len = 0;
}

static void
on_tick(void *arg)
{
	struct console *c = arg;
	uint64_t now = loop_now(c->s->loop);

	c->tick = loop_after(c->s->loop, EVERY_MS, on_tick, c, NULL);
	if (c->sent < c->len) {
		send_screen(c); /* a slow terminal gets the rest first */
		return;
	}
	look_at_terminal(c, now);
	c->ticked_at = now;
	render(c);
	if (c->len == c->shown_len &&
	    memcmp(c->screen, c->shown, c->len) == 0) {
		c->len = 0;
		return; /* nothing has changed */
	}
	send_screen(c);
}

struct console *
console_open(struct session *s, bool color, bool log_too, struct err *e)
{
	struct console *c;

	if ((c = calloc(1, sizeof(*c))) == NULL ||
	    (c->screen = malloc(SCREEN_MAX)) == NULL ||
	    (c->shown = malloc(SCREEN_MAX)) == NULL) {
		err_sys(e, "console");
		console_close(&c);
		return NULL;
	}
	c->s = s;
	c->color = color;
	c->utf8 = term_is_utf8();
	c->ticked_at = loop_now(s->loop);
	if ((c->term = term_open(TERMINAL, e)) == NULL ||
	    (c->tick = loop_after(s->loop, 0, on_tick, c, e)) == NULL) {
		console_close(&c);
		return NULL;
	}
	say_to(on_say, c, log_too);
	return c;
}

void
console_close(struct console **cp)
{
	struct console *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	if (c->term != NULL)
		say_to(NULL, NULL, true);
	timer_cancel(&c->tick);
	term_close(&c->term);
	free(c->tunnels);
	free(c->screen);
	free(c->shown);
	free(c);
}

void
console_restore(const struct console *c)
{
	if (c != NULL)
		term_restore(c->term);
}
