/*
 * app: what all requests share.  Made before the first request, unchanged
 * afterwards (the gate of passwords guards itself).
 */
#ifndef WEBAPP_APP_H
#define WEBAPP_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/adit_conf.h"
#include "store/store_tunnel.h"
#include "store/store_verify.h"

enum { APP_RESERVED_MAX = CONF_ITEMS_MAX + 1 };

struct app {
	struct adit_conf conf;
	const char *base;    /* the path in dashboard_url, "" or "/adit" */
	char host[300];      /* "HOST" or "HOST:PORT" of dashboard_url */
	bool secure;         /* dashboard_url is https */
	bool is_cgi;         /* this process serves one request */
	uint16_t relay_port; /* where clients dial in */
	uint8_t key[VERIFY_KEY_LEN]; /* the installation key */
	struct tunnel_ports ports;
	uint16_t reserved[APP_RESERVED_MAX];
	char *setup_path; /* setup.code beside the database */
	char *gate_path;  /* where passwords queue (gate.h) */
};

#endif
