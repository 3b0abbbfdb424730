/*
 * owner: whose things a page may show and change.  A member's own; an admin
 * sees everybody's.  Another's thing is not there: 404, the same page.
 */
#ifndef WEBAPP_OWNER_H
#define WEBAPP_OWNER_H

#include <stdint.h>

#include "req.h"
#include "store/store_tunnel.h"

/* What the store is asked with: the user, or everybody for an admin. */
int64_t owner_of(const struct req *r);

/* The tunnel of r->id[0]; false after 404 or 503 was answered. */
bool owner_tunnel(struct req *r, struct tunnel *t_out);

/*
 * What a change of the store came to: true when it is done; else the page that
 * says why not has been answered.
 */
bool owner_done(struct req *r, int rc, const struct err *e);

#endif
