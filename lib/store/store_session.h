/*
 * store_session: what relayd writes: its sessions, the hours' usage, which
 * keys and tunnels were used, and events.  relayd keeps a batch in memory and
 * hands it over once a second; with STORE_NEVER_WAIT a database at which
 * others write answers "busy now", and the batch is kept for the next second.
 */
#ifndef STORE_STORE_SESSION_H
#define STORE_STORE_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "store/store_event.h"

struct err;
struct store;

/*
 * A session as it stands.  Its id is relayd's to give (WELCOME tells it before
 * anything can be written): from the number that store_session_start() says,
 * upwards.  The same row is handed over again as its numbers grow.
 */
struct session_row {
	int64_t id;
	int64_t machine;
	const char *relay;
	const char *address;
	const char *version;
	const char *system;
	const char *computer;
	const char *allow; /* of its client, "a:1,b:*"; NULL: as it was */
	int64_t connected_at;
	int64_t seen_at;
	int64_t disconnected_at;      /* 0: it lives */
	const char *why;              /* "" while it lives */
	uint64_t bytes_in, bytes_out; /* since it began */
	uint64_t streams_in, streams_out;
};

/* What has come to a tunnel's hour since the last batch was written. */
struct usage_row {
	int64_t hour; /* wall clock in ms / 3,600,000 */
	int64_t tunnel;
	uint64_t bytes_in, bytes_out;
	uint64_t streams, datagrams, drops;
};

struct session_batch {
	const struct session_row *sessions;
	size_t session_n;
	const struct usage_row *usage;
	size_t usage_n;
	const int64_t *keys; /* machine keys with which a HELLO came */
	size_t key_n;
	const int64_t *tunnels; /* that are being served */
	size_t tunnel_n;
	const struct event *events;
	size_t event_n;
};

/*
 * At relayd's start: sessions of this relay that were left open are closed at
 * the time they were last seen.  *next_id_out is the first number for new ones.
 */
int store_session_start(
    struct store *s, const char *relay, int64_t *next_id_out, struct err *e);

/*
 * Writes all of it or nothing: 1 written, 0 busy now, -1 with e.  What belongs
 * to a machine or a tunnel that is gone is left out.  Times of last use are
 * written at most once in 5 minutes.
 */
int store_session_write(
    struct store *s, const struct session_batch *b, struct err *e);

struct session_info {
	int64_t id;
	int64_t machine;
	char address[65];
	char version[256];
	int64_t connected_at;
	int64_t seen_at;
	int64_t disconnected_at; /* 0: it lives, or its relay does not */
	char why[256];
	uint64_t bytes_in, bytes_out;
};

/* The newest first, of a machine; free(*list_out). */
int store_session_list(struct store *s, int64_t machine, int64_t limit,
    struct session_info **list_out, size_t *n_out, struct err *e);

#endif
