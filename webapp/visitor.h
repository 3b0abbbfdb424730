/*
 * visitor: who is connected to a tunnel now, asked of relayd on its control
 * socket.
 */
#ifndef WEBAPP_VISITOR_H
#define WEBAPP_VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "req.h"

struct tpl;
struct tunnel;

struct visitor {
	int64_t number;
	const char *protocol; /* "tcp", "udp" */
	const char *address;  /* with the port */
	int64_t since;
	int64_t bytes_in, bytes_out; /* to the service, and back */
};

struct visitor_list {
	bool answers;       /* the relay runs */
	struct visitor *at; /* the first 1000 */
	size_t n;
	int64_t total;
};

/* Lives as long as r.  Takes at most half a second. */
void visitor_ask(struct req *r, int64_t tunnel, struct visitor_list *out);

/*
 * Cuts one off: 1 done, 0 there is none of this number, -1 the relay does not
 * answer.
 */
int visitor_kick(struct req *r, int64_t tunnel, int64_t number);

/* The table on the tunnel's page. */
void visitor_show(struct req *r, struct tpl *t, const struct tunnel *tun);

#endif
