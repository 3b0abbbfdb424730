#include <stdlib.h>

#include "../../client/qr.h"
#include "../../client/view.h"
#include "base/str.h"
#include "log/log.h"
#include "proto/ctl.h"
#include "tap.h"

static char screen[256 << 10];
static struct view_tunnel tunnels[300];
static struct view_event events[VIEW_EVENTS];
static struct view v;

static void
fresh(unsigned columns, unsigned lines, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		tunnels[i] = (struct view_tunnel){ .name = "minecraft",
			.kind = "tcp",
			.public_addr = "relay.example:23456",
			.target = "127.0.0.1:25565",
			.state = PROTO_ACTIVE,
			.verify_url = "",
			.sentence = "",
			.reach = { PROTO_GREEN, "" },
			.service = { PROTO_GREEN, "" },
			.quiet_ms = UINT64_MAX };
	v = (struct view){ .columns = columns,
		.lines = lines,
		.utf8 = true,
		.link = VIEW_LINKED,
		.relay = "relay.example:7000",
		.trouble = "",
		.tunnels = tunnels,
		.tunnel_count = count,
		.events = events };
}

static const char *
render(void)
{
	size_t n = view_render(screen, sizeof(screen) - 1, &v);

	screen[n] = '\0';
	return screen;
}

/* Lines that a screen has, and the columns of the widest. */
static void
measure(const char *s, size_t *lines_out, size_t *columns_out)
{
	char line[4096];
	size_t len = 0, lines = 1, widest = 0, w;

	for (; *s != '\0'; s++) {
		if (*s == '\x1b') { /* ESC [ ... letter */
			s += 2;
			while (*s != '\0' && (*s < '@' || *s > '~'))
				s++;
			continue;
		}
		if (*s == '\r' || *s == '\n') {
			lines += *s == '\n';
			len = 0;
			continue;
		}
		line[len++] = *s;
		line[len] = '\0';
		w = view_width(line);
		widest = w > widest ? w : widest;
	}
	*lines_out = lines;
	*columns_out = widest;
}

static bool
has(const char *what)
{
	return strstr(screen, what) != NULL;
}

static void
test_calm(void)
{
	fresh(100, 30, 1);
	render();
	ok(has("minecraft") && has("relay.example:23456") &&
		has("127.0.0.1:25565"),
	    "name, public address and target");
	ok(has("\xe2\x97\x8f service") && has("\xe2\x97\x8b visitor"),
	    "lamps have shapes");
	ok(has("Online."), "and one sentence");
	ok(has("nobody has come yet"), "no visitor");
	ok(!has("\x1b[3"), "no colour without color");
	v.color = true;
	render();
	ok(has("\x1b[32m"), "colour with it");
	v.utf8 = false;
	render();
	ok(has("* service") && !has("\xe2"), "ASCII where nothing else is");
}

static void
test_sentences(void)
{
	fresh(100, 30, 1);
	tunnels[0].service = (struct view_lamp){ PROTO_RED, "Start it." };
	tunnels[0].reach = (struct view_lamp){ PROTO_RED, "Open it." };
	render();
	ok(has("Start it.") && !has("Open it."), "the nearest fault first");
	ok(has("\xe2\x9c\x96 service"), "a red lamp has its own shape");
	tunnels[0].service.light = PROTO_GREEN;
	render();
	ok(has("Open it."), "then the next");
	tunnels[0].state = PROTO_PAUSED;
	render();
	ok(has("Paused.") && !has("Open it."), "a state goes before lamps");
	tunnels[0].sentence = "Its owner has paused it.";
	render();
	ok(has("Its owner has paused it."), "in the relay's words if it can");
	v.link = VIEW_AWAY;
	v.trouble = "relay.example:7000: no answer in time";
	v.redial_in_s = 7;
	render();
	ok(has("again in 7 s") && has("no answer in time"), "no link: why");
	ok(has("\xe2\x9c\x96 machine"), "the machine lamp is red");
}

static void
test_long_sentence(void)
{
	fresh(60, 30, 2);
	tunnels[0].service = (struct view_lamp){ PROTO_RED,
		"A sentence that is far longer than this terminal is wide, and"
		" that says at its very end what to do: start the service." };
	render();
	ok(has("start the service.") || has("the service."),
	    "what to do is never cut off");
	fresh(60, 13, 2);
	tunnels[0].service = (struct view_lamp){ PROTO_RED,
		"A sentence that is far longer than this terminal is wide, and"
		" that says at its very end what to do: start it." };
	render();
	ok(has("start it."), "also when there is no room for all lamps");
}

static void
test_pending(void)
{
	static char url[200];

	fresh(40, 30, 1);
	snprintf(url, sizeof(url), "https://relay.example/verify/%080d", 7);
	tunnels[0].state = PROTO_PENDING;
	tunnels[0].verify_url = url;
	render();
	ok(has("https://relay.example/verify/") && has("007"),
	    "a link is shown whole, whatever the width");
}

/* Whatever the size: never more lines or columns than the terminal has. */
static void
test_sizes(void)
{
	static const size_t counts[] = { 0, 1, 3, 20, 300 };
	unsigned columns, lines;
	size_t i, l, c, tried = 0, good = 0;

	for (i = 0; i < VIEW_EVENTS; i++) {
		events[i].level = LOG_WARN;
		snprintf(events[i].text, sizeof(events[i].text),
		    "tunnel \"minecraft\": event %zu that is rather long", i);
	}
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (columns = 1; columns < 200; columns += 13)
			for (lines = 1; lines < 60; lines += 3) {
				fresh(columns, lines, counts[i]);
				v.event_count = VIEW_EVENTS;
				render();
				measure(screen, &l, &c);
				tried++;
				good += l <= lines && c <= columns;
			}
	is_int(good, tried, "every size of terminal holds its screen");
}

static void
test_many(void)
{
	fresh(100, 24, 100);
	tunnels[99].service = (struct view_lamp){ PROTO_RED, "Start it." };
	render();
	ok(has("more tunnels, 1 of them with trouble"),
	    "what does not fit is counted");
}

static void
test_tricks(void)
{
	fresh(100, 30, 1);
	tunnels[0].name = "a\xe2\x80\xae"
			  "b\x1b[2Jc";
	render();
	ok(!has("\xe2\x80\xae") && !has("b\x1b[2J") && has("a?b?[2Jc"),
	    "a name cannot turn or clear the screen");
	fresh(30, 30, 1);
	tunnels[0].name = "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97"
			  "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97"
			  "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97"
			  "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97";
	render();
	ok(str_is_utf8(screen, strlen(screen)), "wide letters are cut whole");
	is_int(view_width("\xe6\xbc\xa2"
			  "a"),
	    3, "a wide letter takes two");
}

static void
test_cap(void)
{
	size_t cap, n;
	bool good = true;

	fresh(100, 30, 5);
	for (cap = 0; cap < 3000; cap += 7) {
		char *to = malloc(cap + 1);

		n = view_render(to, cap, &v);
		good = good && n <= cap;
		free(to);
	}
	ok(good, "a small buffer is never overrun");
}

/* The link's code is drawn where it fits, and nowhere else. */
static void
test_code(void)
{
	static struct qr qr;
	size_t lines, columns;

	fresh(100, 40, 2);
	tunnels[1].state = PROTO_PENDING;
	tunnels[1].verify_url = "https://tunnel.example.org/verify/abcdefghij";
	qr_of(&qr, tunnels[1].verify_url);
	v.qr = &qr;
	v.color = true;
	render();
	ok(has("\xe2\x96\x88") && has(tunnels[1].verify_url),
	    "a link and its code");
	ok(has("\x1b[38;5;16;48;5;231m"), "black on white");
	measure(screen, &lines, &columns);
	ok(lines <= 40 && columns < 100, "on the screen");
	v.lines = 15;
	render();
	ok(!has("\xe2\x96\x88") && has(tunnels[1].verify_url),
	    "a low screen has the link alone");
	v.lines = 40;
	v.columns = 30;
	render();
	ok(!has("\xe2\x96\x88"), "a narrow one, too");
	v.columns = 100;
	v.utf8 = false;
	render();
	ok(!has("\xe2\x96\x88"), "and one without its characters");
	v.utf8 = true;
	v.color = false;
	render();
	ok(!has("\xe2\x96\x88"), "or without colours");
	v.color = true;
	v.link = VIEW_AWAY;
	render();
	ok(!has("\xe2\x96\x88"), "not while the relay is away");
}

static void
test_offer(void)
{
	fresh(100, 24, 1);
	render();
	ok(has("Ctrl-C stops it") && !has("I: stay"), "nothing is offered");
	v.offer = "I: stay";
	render();
	ok(has("Ctrl-C stops it   I: stay"), "a key is offered");
	v.question = "Stay? (y/n)";
	render();
	ok(has("Stay? (y/n)") && !has("I: stay"), "a question takes its place");
}

int
main(void)
{
	test_calm();
	test_sentences();
	test_long_sentence();
	test_pending();
	test_sizes();
	test_many();
	test_tricks();
	test_cap();
	test_code();
	test_offer();
	return tap_done();
}
