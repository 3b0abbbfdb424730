/*
 * move: a tunnel that nobody has reached yet gets another port, when its own is
 * in the hands of another program.  Control asks, the keeper does it.
 */
#ifndef RELAYD_MOVE_H
#define RELAYD_MOVE_H

#include <stdint.h>

#include "conf/adit_conf.h"
#include "mail.h"
#include "net/addr.h"
#include "net/listen.h"

struct err;
struct store;

enum { MOVE_RESERVED = 16 };

struct move {
	struct mail mail;
	int64_t tunnel;
	uint16_t port; /* that cannot be had */
	/* the settings, as control knows them */
	uint16_t from, to;
	uint16_t reserved[MOVE_RESERVED];
	unsigned reserved_n;
	char bind[LISTEN_BINDS_MAX][ADDR_TEXT];
	unsigned bind_n;
};

void move_init(
    struct move *m, const struct adit_conf *c, int64_t tunnel, uint16_t port);

/* 1 and the new port; 0: the tunnel has been reached, or is another now. */
int move_do(
    const struct move *m, struct store *s, uint16_t *port_out, struct err *e);

#endif
