/*
 * starter: the file to double-click on Windows as an answer: which program,
 * which ways to the relay, what the machine serves, and its new key.
 */
#ifndef WEBAPP_STARTER_H
#define WEBAPP_STARTER_H

#include <stdint.h>

#include "bat.h"
#include "req.h"
#include "store/store_tunnel.h"

enum { STARTER_DOORS = 2 };

struct starter {
	struct bat bat; /* all but what is served, and the key */
	struct bat_door doors[STARTER_DOORS];
};

/*
 * Gathers what no key is needed for: 1, 0 when there is no program for Windows
 * yet, -1.  Before the key is made, so that none is made for nothing.
 */
int starter_ready(struct req *r, struct starter *s, struct err *e);

/*
 * Answers with the file of a machine that serves t and has the key token: 1, 0
 * with e when something cannot stand in such a file, -1.
 */
int starter_send(struct req *r, struct starter *s, const struct tunnel *t,
    int64_t machine, const char *token, struct err *e);

/* "HOST:PORT" where clients dial in. */
const char *starter_server(struct req *r);

#endif
