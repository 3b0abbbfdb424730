/*
 * view: what the console shows, as text for a terminal.  Pure: it knows no
 * terminal, no clock and no session.
 */
#ifndef CLIENT_VIEW_H
#define CLIENT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	VIEW_COLUMNS_MAX = 400,
	VIEW_LINES_MAX = 300,
	VIEW_EVENTS = 32,
	VIEW_EVENT_MAX = 400,
};

struct qr;

enum view_link {
	VIEW_DIALLING, /* never linked until now */
	VIEW_LINKED,
	VIEW_AWAY, /* was linked */
	VIEW_ENDING,
};

struct view_lamp {
	uint8_t light; /* enum proto_light */
	const char *sentence;
};

struct view_tunnel {
	const char *name;
	const char *kind; /* "tcp" */
	const char *public_addr;
	const char *target;
	uint8_t state; /* enum proto_state */
	const char *verify_url;
	const char *sentence; /* of the relay, about the state */
	struct view_lamp reach;
	struct view_lamp service;
	uint64_t quiet_ms; /* since bytes were seen; UINT64_MAX: never */
	uint32_t visitors;
	uint64_t in;
	uint64_t out;
};

struct view_event {
	uint8_t level; /* enum log_level */
	char clock[9]; /* "14:02:05" */
	char text[VIEW_EVENT_MAX];
};

struct view {
	unsigned columns;
	unsigned lines;
	bool color;
	bool utf8;
	enum view_link link;
	const char *relay;
	uint32_t rtt_ms;      /* 0: unknown or below one */
	uint64_t redial_in_s; /* 0: now */
	const char *trouble;  /* why there is no link */
	const struct view_tunnel *tunnels;
	size_t tunnel_count;
	const struct qr *qr; /* of the first link that waits, or NULL */
	const struct view_event *events; /* the oldest first */
	size_t event_count;
	const char *offer;    /* what a key does; NULL: nothing */
	const char *question; /* is being asked; NULL: none is */
};

/*
 * One screen: cursor home, every line overwritten and its rest cleared, so that
 * nothing flickers.  Returns the bytes written to to; what does not fit into
 * cap, or onto the screen, is left out.
 */
size_t view_render(char *to, size_t cap, const struct view *v);

/* Columns that text takes on a terminal. */
size_t view_width(const char *text);

/* The sentence about a tunnel: what is wrong, or that it is online. */
const char *view_sentence(
    char *to, size_t cap, const struct view *v, const struct view_tunnel *t);

#endif
