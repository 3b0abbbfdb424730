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
#include "look.h"
#include "net/loop.h"
#include "plat/term.h"
#include "proto/ctl.h"
#include "qr.h"
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
	const struct console_offer *offer; /* NULL: there is none any more */
	bool asking;
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
	struct qr qr; /* of the first link that waits */
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
		look_tunnel(
		    &c->tunnels[i++], LIST_OF(n, struct tunnel, on), now);
	return i;
}

/* The code of the first tunnel that waits for its verification. */
static const struct qr *
find_code(struct console *c, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (c->tunnels[i].state != PROTO_PENDING)
			continue;
		qr_of(&c->qr, c->tunnels[i].verify_url);
		return &c->qr;
	}
	return NULL;
}

static void
render(struct console *c)
{
	uint64_t now = loop_now(c->s->loop);
	struct view v = { .columns = c->columns,
		.lines = c->lines,
		.color = c->color,
		.utf8 = c->utf8,
		.events = c->events,
		.event_count = c->event_count,
		.offer = c->offer != NULL ? c->offer->words : NULL,
		.question =
		    c->offer != NULL && c->asking ? c->offer->question : NULL };

	look_session(&v, c->s, now);
	v.tunnel_count = fill_tunnels(c, now);
	v.tunnels = c->tunnels;
	v.qr = find_code(c, v.tunnel_count);
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

/* A question is asked once; whatever is not a yes is a no. */
static void
on_key(struct console *c, int key)
{
	const struct console_offer *offer = c->offer;

	if (key >= 'A' && key <= 'Z')
		key += 'a' - 'A';
	if (!c->asking) {
		c->asking = key == offer->key;
		return;
	}
	c->asking = false;
	c->offer = NULL;
	if (key == 'y')
		offer->accept(offer->arg);
}

static void
read_keys(struct console *c)
{
	int key;

	while ((key = term_key(c->term)) != 0)
		if (c->offer != NULL)
			on_key(c, key);
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
	read_keys(c);
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
console_open(struct session *s, bool color, bool log_too,
    const struct console_offer *offer, struct err *e)
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
	c->offer = offer;
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
