#include "state.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "client_conf.h"
#include "look.h"
#include "net/loop.h"
#include "plat/files.h"
#include "plat/plat.h"
#include "proto/ctl.h"
#include "say.h"
#include "session.h"
#include "tunnel.h"
#include "view.h"

enum { EVERY_MS = 1000 };

struct state {
	struct session *s;
	const char *path;
	struct timer *tick;
	char text[STATE_MAX];
	size_t len;
	char written[STATE_MAX];
	size_t written_len;
	bool told; /* that it cannot be written */
};

static void add(struct state *st, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A line that does not fit is left out. */
static void
add(struct state *st, const char *fmt, ...)
{
	size_t room = sizeof(st->text) - st->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(st->text + st->len, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < room)
		st->len += (size_t)n;
}

static void
add_session(struct state *st, const struct view *v)
{
	switch (v->link) {
	case VIEW_LINKED:
		add(st, "linked to %s\n", v->relay);
		return;
	case VIEW_ENDING:
		add(st, "ending\n");
		return;
	case VIEW_AWAY:
		add(st, "has lost %s and tries again\n", v->relay);
		break;
	default:
		add(st, "tries to reach %s\n", v->relay);
	}
	if (v->trouble[0] != '\0')
		add(st, "%s\n", v->trouble);
}

static void
add_tunnel(struct state *st, const struct view *v, struct tunnel *t)
{
	struct view_tunnel shown;
	char text[600];

	look_tunnel(&shown, t, loop_now(st->s->loop));
	add(st, "%s: %s %s -> %s: %s%s%s\n", shown.name, shown.kind,
	    shown.public_addr, shown.target,
	    view_sentence(text, sizeof(text), v, &shown),
	    shown.state == PROTO_PENDING ? " " : "",
	    shown.state == PROTO_PENDING ? shown.verify_url : "");
}

static void
describe(struct state *st)
{
	const struct tunnels *all = &st->s->tunnels;
	struct view v = { 0 };
	struct list *n;

	st->len = 0;
	look_session(&v, st->s, loop_now(st->s->loop));
	add_session(st, &v);
	for (n = all->list.next; n != &all->list; n = n->next)
		add_tunnel(st, &v, LIST_OF(n, struct tunnel, on));
}

static void
write_down(struct state *st)
{
	struct err e;

	if (st->len == st->written_len &&
	    memcmp(st->text, st->written, st->len) == 0)
		return;
	if (files_write(st->path, st->text, st->len, FILES_ALL, &e) == 0) {
		memcpy(st->written, st->text, st->len);
		st->written_len = st->len;
	} else if (!st->told) {
		st->told = true;
		say_warn("state: %s", e.text);
	}
}

static void
on_tick(void *arg)
{
	struct state *st = arg;

	st->tick = loop_after(st->s->loop, EVERY_MS, on_tick, st, NULL);
	describe(st);
	write_down(st);
}

struct state *
state_open(struct session *s, const char *path, struct err *e)
{
	struct state *st;

	if (path == NULL)
		return NULL;
	if ((st = calloc(1, sizeof(*st))) == NULL) {
		err_sys(e, "state");
		return NULL;
	}
	st->s = s;
	st->path = path;
	if ((st->tick = loop_after(s->loop, 0, on_tick, st, e)) == NULL) {
		free(st);
		return NULL;
	}
	return st;
}

void
state_close(struct state **stp)
{
	struct state *st = *stp;

	if (st == NULL)
		return;
	*stp = NULL;
	timer_cancel(&st->tick);
	state_end(st->path, st->s->exit, st->s->why);
	free(st);
}

void
state_end(const char *path, int code, const char *why)
{
	char text[1100];

	if (path == NULL)
		return;
	if (code == EXIT_STOPPED)
		(void)str_copy(text, sizeof(text), "was stopped\n");
	else
		snprintf(
		    text, sizeof(text), "ended with code %d: %s\n", code, why);
	(void)files_write(path, text, strlen(text), FILES_ALL, NULL);
}

char *
state_read(char to[STATE_MAX], const char *path)
{
	char *text = malloc(STATE_MAX), *line, *next;
	size_t len = 0, n;

	to[0] = '\0';
	if (text == NULL ||
	    plat_read_file(path, text, STATE_MAX, &n, NULL) != 0) {
		free(text);
		return to;
	}
	for (line = text; *line != '\0'; line = next) {
		n = strcspn(line, "\n");
		next = line + n + (line[n] == '\n');
		if (!str_is_text(line, n) || len + n + 4 > STATE_MAX)
			continue;
		memcpy(to + len, "  ", 2);
		memcpy(to + len + 2, line, n);
		memcpy(to + len + 2 + n, "\n", 2);
		len += n + 3;
	}
	free(text);
	return to;
}
