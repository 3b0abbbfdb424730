/*
 * adit_conf: adit.yaml, one file for relayd, webapp and aditctl.  The table in
 * adit_conf.c lists every key with its default, range, unit and purpose;
 * relayd/adit.yaml.5 is its manual page.
 */
#ifndef CONF_ADIT_CONF_H
#define CONF_ADIT_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "conf/conf.h"

#define ADIT_CONF_PATH "/etc/adit/adit.yaml"

enum adit_tls {
	ADIT_TLS_1_2,
	ADIT_TLS_1_3,
};

/* A number whose key ends in _s, _ms, _mb or _kb is in that unit. */
struct adit_conf_relay {
	struct conf_list listen; /* ADDRESS:PORT */
	char *cert, *key;
	char *next_key;   /* NULL: none */
	int tls_min;      /* enum adit_tls */
	uint32_t workers; /* 0: one for each processor */
	uint32_t grace_s, hold_s, drain_s;
	uint32_t memory_mb;
	char *control, *feed, *link; /* paths of the sockets */
};

struct adit_conf_http {
	uint32_t connections;
	uint32_t request_ms;
	uint32_t idle_ms;
	uint32_t streams, streams_per_user; /* of events */
};

struct adit_conf_limits {
	/* the relay's own port */
	uint32_t handshakes;
	uint32_t links_per_address;
	uint32_t sessions;
	uint32_t handshake_ms, hello_ms, heartbeat_ms, penalty_ms;
	uint32_t returns_per_s, returns_burst;
	/* streams and flows */
	uint32_t streams_per_tunnel, streams_per_session, streams_per_user;
	uint32_t streams;
	uint32_t memory_per_user;     /* percent of relay.memory_mb */
	uint32_t visitors_per_minute; /* 0: no limit */
	uint32_t flows_per_tunnel, flows;
	uint32_t flow_idle_s, flow_answered_idle_s;
	uint32_t flow_packets_per_s; /* of one address; 0: no limit */
	uint32_t opens_per_s, opens_burst;
	uint32_t window_first_kb, window_max_kb;
	/* the API, of one user */
	uint32_t api_reads_per_minute, api_writes_per_minute; /* 0: no limit */
	/* this process */
	uint32_t files_reserve;
	uint32_t control_connections;
};

struct adit_conf_log {
	char *file;         /* NULL: standard error */
	int level;          /* enum log_level */
	uint32_t rotate_mb; /* 0: never */
	uint32_t keep;
	uint32_t alike_per_s; /* 0: no limit */
};

struct adit_conf {
	char *path; /* the file that was read; NULL: none, all defaults */
	char *database;
	char *install_key; /* adit.key beside the database; no key names it */
	char *public_host;
	struct conf_list public_bind; /* empty: all addresses */
	char *dashboard_url;          /* without a slash at its end */
	char *socket_group;           /* NULL: none */
	struct {
		uint32_t from, to;
	} ports;
	struct adit_conf_relay relay;
	struct adit_conf_http http;
	struct adit_conf_limits limits;
	struct adit_conf_log log;
};

extern const struct conf_table adit_conf_table;

/*
 * Fills *c from the file at path; for NULL from the one that $ADIT_CONFIG
 * names, else from ADIT_CONF_PATH, which alone may be missing.  What the file
 * does not say has its default.  On -1, *c is empty and e has the reason.
 */
int adit_conf_load(struct adit_conf *c, const char *path, struct err *e);

/* The same for text in memory; name stands for the path. */
int adit_conf_parse(struct adit_conf *c, const void *text, size_t n,
    const char *name, struct err *e);

/* Frees what *c holds; it is empty then. */
void adit_conf_free(struct adit_conf *c);

/* Prints every key: with its value in c, with its default for NULL. */
void adit_conf_print(FILE *to, const struct adit_conf *c);

#endif
