#include "view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "base/version.h"
#include "log/log.h"
#include "proto/ctl.h"
#include "qr.h"

/* --- characters ------------------------------------------------------------ */

/* One character of valid UTF-8; returns its bytes. */
static size_t
decode(const char *s, uint32_t *c_out)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : p[0] & (0xffU >> (n + 1));
	size_t i;

	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			*c_out = '?';
			return i;
		}
		c = c << 6 | (p[i] & 0x3f);
	}
	*c_out = c;
	return n;
}

struct range {
	uint32_t from;
	uint32_t to;
};

static bool
is_in(const struct range *r, size_t count, uint32_t c)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (c >= r[i].from && c <= r[i].to)
			return true;
	return false;
}

/* Marks that turn the direction of writing: never let through. */
static bool
is_trick(uint32_t c)
{
	static const struct range r[] = { { 0x200b, 0x200f },
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0xfeff, 0xfeff },
		{ 0xe0000, 0xe007f } };

	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	    is_in(r, sizeof(r) / sizeof(r[0]), c);
}

static size_t
width_of(uint32_t c)
{
	static const struct range none[] = { { 0x300, 0x36f }, { 0x483, 0x489 },
		{ 0x591, 0x5bd }, { 0x610, 0x61a }, { 0x64b, 0x65f },
		{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },
		{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f } };
	static const struct range two[] = { { 0x1100, 0x115f },
		{ 0x2e80, 0x303e }, { 0x3041, 0xa4cf }, { 0xa960, 0xa97f },
		{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1faff },
		{ 0x20000, 0x3fffd } };

	if (is_in(none, sizeof(none) / sizeof(none[0]), c))
		return 0;
	return is_in(two, sizeof(two) / sizeof(two[0]), c) ? 2 : 1;
}

size_t
view_width(const char *text)
{
	size_t sum = 0;
	uint32_t c;

	while (*text != '\0') {
		text += decode(text, &c);
		sum += width_of(c);
	}
	return sum;
}

/* --- a page of lines ------------------------------------------------------- */

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_GREEN, INK_RED, INK_YELLOW };

static const char *const inks[] = { "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m",
	"\x1b[1;31m", "\x1b[33m" };

struct page {
	const struct view *v;
	char *to;
	size_t cap;
	size_t len;
	unsigned line;  /* lines begun */
	unsigned limit; /* lines that may be used by what is written now */
	size_t column;
	bool open; /* a line is being written */
};

static void
raw(struct page *g, const char *s, size_t n)
{
	if (g->len + n > g->cap)
		return;
	memcpy(g->to + g->len, s, n);
	g->len += n;
}

static void
code(struct page *g, const char *s)
{
	raw(g, s, strlen(s));
}

static void
ink(struct page *g, enum ink i)
{
	if (g->v->color)
		code(g, inks[i]);
}

static void
end_line(struct page *g)
{
	if (!g->open)
		return;
	code(g, "\x1b[K");
	g->open = false;
}

/* Begins the next line; false when there is none left. */
static bool
next_line(struct page *g)
{
	end_line(g);
	if (g->line >= g->limit)
		return false;
	if (g->line++ > 0)
		code(g, "\r\n");
	g->column = 0;
	g->open = true;
	return true;
}

/*
 * Text up to a column (not reaching it); a longer one ends in "...".  What a
 * terminal must not get is shown as "?".
 */
static void
text_to(struct page *g, size_t edge, const char *s)
{
	size_t room = edge > g->column ? edge - g->column : 0, w;
	bool cut = view_width(s) > room;
	uint32_t c;
	size_t n;

	if (!g->open)
		return;
	if (cut)
		room = room > 3 ? room - 3 : 0;
	for (; *s != '\0'; s += n) {
		n = decode(s, &c);
		if ((w = width_of(c)) > room)
			break;
		room -= w;
		g->column += w;
		if (is_trick(c) || (c >= 0x80 && !g->v->utf8))
			code(g, "?");
		else
			raw(g, s, n);
	}
	if (cut && g->column + 3 <= edge) {
		code(g, "...");
		g->column += 3;
	}
}

/* The last column stays empty: clearing to the end of a full line bites. */
static size_t
edge_of(const struct page *g)
{
	return g->v->columns - 1;
}

static void
put(struct page *g, enum ink i, const char *s)
{
	if (i != INK_PLAIN)
		ink(g, i);
	text_to(g, edge_of(g), s);
	if (i != INK_PLAIN)
		ink(g, INK_PLAIN);
}

static void putf(struct page *g, enum ink i, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void
putf(struct page *g, enum ink i, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(g, i, text);
}

/* Spaces up to a column. */
static void
tab_to(struct page *g, size_t column)
{
	while (g->open && g->column < column && g->column < edge_of(g)) {
		code(g, " ");
		g->column++;
	}
}

/* --- sentences ------------------------------------------------------------- */

static const char *
state_sentence(const struct view_tunnel *t)
{
	switch (t->state) {
	case PROTO_PENDING:
		return "Waits for its verification: open the link below; it"
		       " goes live by itself.";
	case PROTO_PAUSED:
		return "Paused.";
	case PROTO_FROZEN:
		return "Stopped by an administrator.";
	case PROTO_EXPIRED:
		return "Expired.";
	case PROTO_STANDBY:
		return "Another computer serves it; this one stands by.";
	case PROTO_FAULT:
		return "The relay cannot serve it.";
	default:
		return NULL;
	}
}

const char *
view_sentence(
    char *to, size_t cap, const struct view *v, const struct view_tunnel *t)
{
	const char *s = state_sentence(t);

	if (v->link != VIEW_LINKED)
		snprintf(to, cap, "Offline until the relay is back.");
	else if (s != NULL && t->sentence[0] != '\0' &&
	    t->state != PROTO_PENDING)
		snprintf(to, cap, "%s", t->sentence);
	else if (s != NULL)
		snprintf(to, cap, "%s", s);
	else if (t->service.light == PROTO_RED)
		snprintf(to, cap, "%s", t->service.sentence);
	else if (t->reach.light == PROTO_RED)
		snprintf(to, cap, "%s", t->reach.sentence);
	else
		snprintf(to, cap, "Online.");
	return to;
}

static bool
is_well(const struct view *v, const struct view_tunnel *t)
{
	return v->link == VIEW_LINKED && state_sentence(t) == NULL &&
	    t->service.light != PROTO_RED && t->reach.light != PROTO_RED;
}

enum {
	INDENT = 2, /* of what belongs to the line above */
	VIEW_PART_MAX = VIEW_COLUMNS_MAX * 4 + 1, /* bytes of a line */
	QUIET_WIDTH = 20,                         /* of ", quiet for 89 min" */
};

/* --- text on several lines ------------------------------------------------- */

/* Bytes of text that a line of room columns takes; whole words if it can. */
static size_t
line_bytes(const char *text, size_t room)
{
	size_t at = 0, used = 0, space = 0, n;
	uint32_t c;

	while (text[at] != '\0') {
		n = decode(text + at, &c);
		used += width_of(c);
		if (used > room)
			return space > 0 ? space : at > 0 ? at : n;
		if (c == ' ')
			space = at + 1;
		at += n;
	}
	return at;
}

static unsigned
count_lines(const char *text, size_t room)
{
	unsigned n = 0;

	for (; *text != '\0'; n++)
		text += line_bytes(text, room);
	return n;
}

/* Writes all of text, as many lines as it takes, behind so many spaces. */
static void
paragraph(struct page *g, enum ink i, size_t indent, const char *text)
{
	size_t room = edge_of(g) > indent ? edge_of(g) - indent : 1, n;
	char part[VIEW_PART_MAX];

	while (*text != '\0' && next_line(g)) {
		n = line_bytes(text, room);
		n = n < sizeof(part) ? n : sizeof(part) - 1;
		memcpy(part, text, n);
		part[n] = '\0';
		tab_to(g, indent);
		put(g, i, part);
		text += n;
	}
}

/* --- parts of the screen --------------------------------------------------- */

/* A lamp has a colour and a shape. */
static void
lamp(struct page *g, uint8_t light, const char *name)
{
	static const char *const shapes[2][3] = { { "o", "*", "x" },
		{ "\xe2\x97\x8b", "\xe2\x97\x8f", "\xe2\x9c\x96" } };
	static const enum ink colors[3] = { INK_DIM, INK_GREEN, INK_RED };
	unsigned n = light > PROTO_RED ? PROTO_GREY : light;

	putf(g, colors[n], "%s %s", shapes[g->v->utf8][n], name);
	put(g, INK_PLAIN, "  ");
}

static void
lamps(struct page *g, const struct view_tunnel *t)
{
	uint8_t seen = t->quiet_ms == UINT64_MAX ? PROTO_GREY : PROTO_GREEN;
	bool linked = g->v->link == VIEW_LINKED;

	lamp(g, linked ? t->reach.light : PROTO_GREY, "reach");
	lamp(g, linked ? PROTO_GREEN : PROTO_RED, "machine");
	lamp(g, t->service.light, "service");
	lamp(g, seen, "visitor");
}

static const char *
arrow(const struct page *g)
{
	return g->v->utf8 ? "\xe2\x86\x92" : "->";
}

/* "12 s", "3 min", "2 h". */
static const char *
span_text(char *to, size_t cap, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 90)
		snprintf(to, cap, "%u s", (unsigned)s);
	else if (s < 5400)
		snprintf(to, cap, "%u min", (unsigned)(s / 60));
	else
		snprintf(to, cap, "%u h", (unsigned)(s / 3600));
	return to;
}

static void
traffic(struct page *g, const struct view_tunnel *t)
{
	char in[32], out[32], ago[32];

	if (t->quiet_ms == UINT64_MAX && t->visitors == 0) {
		put(g, INK_DIM, "nobody has come yet");
		return;
	}
	putf(g, t->visitors > 0 ? INK_BOLD : INK_PLAIN, "%u visitor%s",
	    t->visitors, t->visitors == 1 ? "" : "s");
	putf(g, INK_PLAIN, ", %s in, %s out", str_bytes(in, sizeof(in), t->in),
	    str_bytes(out, sizeof(out), t->out));
	if (t->quiet_ms != UINT64_MAX && t->quiet_ms >= 5000 &&
	    g->column + QUIET_WIDTH <= edge_of(g))
		putf(g, INK_DIM, ", quiet for %s",
		    span_text(ago, sizeof(ago), t->quiet_ms));
}

static void
head(struct page *g)
{
	const struct view *v = g->v;

	next_line(g);
	put(g, INK_BOLD, "Adit " ADIT_VERSION);
	put(g, INK_PLAIN, "  ");
	switch (v->link) {
	case VIEW_LINKED:
		putf(g, INK_GREEN, "linked to %s", v->relay);
		if (v->rtt_ms > 0)
			putf(g, INK_DIM, "  %u ms", v->rtt_ms);
		break;
	case VIEW_ENDING:
		put(g, INK_PLAIN, "stopping");
		break;
	default:
		if (v->redial_in_s > 0)
			putf(g, INK_YELLOW, "%s %s, again in %u s",
			    v->link == VIEW_AWAY ? "lost" : "no answer from",
			    v->relay, (unsigned)v->redial_in_s);
		else
			putf(g, INK_YELLOW, "dialling %s", v->relay);
	}
	if (v->link == VIEW_LINKED || v->trouble[0] == '\0')
		return;
	paragraph(g, INK_YELLOW, INDENT, v->trouble);
}

static bool
is_wide(const struct page *g)
{
	return g->v->columns >= 80;
}

/* How much of each tunnel is shown: as much as fits for all of them. */
enum detail {
	DETAIL_LONG,
	DETAIL_TROUBLE, /* a line each, and what is wrong with those that fail */
	DETAIL_SHORT,   /* a line each */
};

/* Lines of what is said about a tunnel below its first line. */
static unsigned
sentence_lines(const struct page *g, const struct view_tunnel *t)
{
	char text[600];
	size_t edge = edge_of(g), room = edge > INDENT ? edge - INDENT : 1;
	unsigned n =
	    count_lines(view_sentence(text, sizeof(text), g->v, t), room);

	if (t->state == PROTO_PENDING)
		n += count_lines(t->verify_url, edge > 0 ? edge : 1);
	return n;
}

static void
sentence(struct page *g, const struct view_tunnel *t)
{
	char text[600];

	paragraph(g, is_well(g->v, t) ? INK_PLAIN : INK_YELLOW, INDENT,
	    view_sentence(text, sizeof(text), g->v, t));
	if (t->state == PROTO_PENDING)
		paragraph(g, INK_BOLD, 0, t->verify_url);
}

static void
long_tunnel(struct page *g, const struct view_tunnel *t)
{
	next_line(g);
	next_line(g);
	put(g, INK_BOLD, t->name);
	putf(g, INK_DIM, "  %s  ", t->kind);
	put(g, INK_PLAIN, t->public_addr);
	putf(g, INK_DIM, " %s ", arrow(g));
	put(g, INK_PLAIN, t->target);
	next_line(g);
	tab_to(g, INDENT);
	lamps(g, t);
	if (!is_wide(g)) {
		next_line(g);
		tab_to(g, INDENT);
	}
	traffic(g, t);
	sentence(g, t);
}

/* A tunnel on one line, when there are many. */
static void
short_tunnel(struct page *g, const struct view_tunnel *t)
{
	char text[600];

	next_line(g);
	lamp(g, is_well(g->v, t) ? PROTO_GREEN : PROTO_RED, "");
	ink(g, INK_BOLD);
	text_to(g, edge_of(g) / 4, t->name);
	ink(g, INK_PLAIN);
	tab_to(g, edge_of(g) / 4 + 1);
	putf(g, INK_PLAIN, "%s %s %s  ", t->public_addr, arrow(g), t->target);
	if (is_well(g->v, t))
		traffic(g, t);
	else
		put(g, INK_YELLOW,
		    t->state == PROTO_PENDING
			? t->verify_url
			: view_sentence(text, sizeof(text), g->v, t));
}

static void
trouble_tunnel(struct page *g, const struct view_tunnel *t)
{
	next_line(g);
	lamp(g, is_well(g->v, t) ? PROTO_GREEN : PROTO_RED, "");
	put(g, INK_BOLD, t->name);
	putf(g, INK_PLAIN, "  %s %s %s  ", t->public_addr, arrow(g), t->target);
	if (is_well(g->v, t))
		traffic(g, t);
	else
		sentence(g, t);
}

static size_t
lines_for(const struct page *g, enum detail d)
{
	const struct view *v = g->v;
	size_t i, sum = d == DETAIL_LONG ? 0 : 1;

	for (i = 0; i < v->tunnel_count; i++) {
		if (d == DETAIL_LONG)
			sum += is_wide(g) ? 3 : 4;
		else
			sum += 1;
		if (d == DETAIL_LONG ||
		    (d == DETAIL_TROUBLE && !is_well(v, &v->tunnels[i])))
			sum += sentence_lines(g, &v->tunnels[i]);
	}
	return sum;
}

/* More tunnels than lines: those that fit, and a count of the others. */
static void
first_tunnels(struct page *g)
{
	const struct view *v = g->v;
	size_t room = g->limit > g->line + 1 ? g->limit - g->line - 1 : 0;
	size_t i, bad = 0, shown = 0;

	next_line(g);
	for (i = 0; i < v->tunnel_count; i++) {
		if (v->tunnel_count <= room || i + 1 < room) {
			short_tunnel(g, &v->tunnels[i]);
			shown++;
		} else if (!is_well(v, &v->tunnels[i])) {
			bad++;
		}
	}
	if (shown < v->tunnel_count && next_line(g))
		putf(g, bad > 0 ? INK_YELLOW : INK_DIM,
		    "and %zu more tunnels, %zu of them with trouble",
		    v->tunnel_count - shown, bad);
}

/*
 * How much white the code of the first link that waits may have around it, when
 * so many lines are left; 0: it has no place.  Without colours nobody knows
 * which is white.
 */
static unsigned
quiet_for(const struct page *g, size_t room)
{
	const struct view *v = g->v;
	unsigned quiet;

	if (v->qr == NULL || v->qr->width == 0 || !v->utf8 || !v->color ||
	    v->link != VIEW_LINKED)
		return 0;
	for (quiet = QR_QUIET; quiet >= QR_QUIET_MIN; quiet--)
		if (qr_columns(v->qr, quiet) <= edge_of(g) &&
		    qr_lines(v->qr, quiet) <= room)
			return quiet;
	return 0;
}

/* Pure black on pure white: a palette's own are often neither. */
static void
draw_code(struct page *g, unsigned quiet)
{
	char line[3 * (QR_WIDTH_MAX + 2 * QR_QUIET) + 1];
	unsigned i, lines = qr_lines(g->v->qr, quiet);

	for (i = 0; i < lines && next_line(g); i++) {
		qr_line(line, g->v->qr, quiet, i);
		code(g, "\x1b[38;5;16;48;5;231m");
		put(g, INK_PLAIN, line);
		code(g, "\x1b[0m");
	}
}

static void
long_tunnels(struct page *g, size_t left)
{
	const struct view *v = g->v;
	unsigned quiet = quiet_for(g, left);
	size_t i;

	for (i = 0; i < v->tunnel_count; i++) {
		long_tunnel(g, &v->tunnels[i]);
		if (quiet == 0 || v->tunnels[i].state != PROTO_PENDING)
			continue;
		draw_code(g, quiet);
		quiet = 0;
	}
}

static void
tunnels(struct page *g)
{
	const struct view *v = g->v;
	size_t i, room = g->limit > g->line ? g->limit - g->line : 0;
	size_t lines = lines_for(g, DETAIL_LONG);

	if (lines <= room) {
		long_tunnels(g, room - lines);
	} else if (lines_for(g, DETAIL_TROUBLE) <= room) {
		next_line(g);
		for (i = 0; i < v->tunnel_count; i++)
			trouble_tunnel(g, &v->tunnels[i]);
	} else {
		first_tunnels(g);
	}
}

static void
events(struct page *g, size_t most)
{
	const struct view *v = g->v;
	const struct view_event *e;
	/* An empty line stands before them, and one behind. */
	size_t room = g->limit > g->line + 2 ? g->limit - g->line - 2 : 0;
	size_t n = v->event_count;

	if (n > most)
		n = most;
	if (n > room)
		n = room;
	if (n == 0)
		return;
	next_line(g);
	for (e = v->events + v->event_count - n; n > 0; e++, n--) {
		next_line(g);
		putf(g, INK_DIM, "%s  ", e->clock);
		put(g, e->level <= LOG_WARN ? INK_YELLOW : INK_DIM, e->text);
	}
}

static void
foot(struct page *g)
{
	const struct view *v = g->v;

	if (g->line + 1 < g->limit)
		next_line(g);
	next_line(g);
	if (v->question != NULL) {
		put(g, INK_BOLD, v->question);
		return;
	}
	put(g, INK_DIM, "Ctrl-C stops it");
	if (v->offer != NULL)
		putf(g, INK_DIM, "   %s", v->offer);
}

size_t
view_render(char *to, size_t cap, const struct view *v)
{
	struct view copy = *v;
	struct page g = { .v = &copy, .to = to, .cap = cap };
	unsigned lines = v->lines;

	if (copy.columns > VIEW_COLUMNS_MAX)
		copy.columns = VIEW_COLUMNS_MAX;
	if (lines > VIEW_LINES_MAX)
		lines = VIEW_LINES_MAX;
	if (lines == 0 || copy.columns == 0)
		return 0;
	code(&g, "\x1b[?2026h\x1b[H\x1b[?7l"); /* all of it at once */
	/* The foot has the last line; events share what tunnels leave. */
	g.limit = lines > 3 ? lines - 1 : lines;
	head(&g);
	if (copy.link == VIEW_LINKED && copy.tunnel_count == 0) {
		next_line(&g);
		next_line(&g);
		put(&g, INK_PLAIN,
		    "  This computer has no tunnels yet. They appear here as"
		    " soon as it is given some.");
	}
	tunnels(&g);
	events(&g, 8);
	g.limit = lines;
	if (lines > 3)
		foot(&g);
	end_line(&g);
	code(&g, "\x1b[J\x1b[?7h\x1b[?2026l");
	return g.len;
}
