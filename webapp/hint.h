/*
 * hint: how a visitor reaches what usually listens on a port.
 */
#ifndef WEBAPP_HINT_H
#define WEBAPP_HINT_H

#include "store/store_tunnel.h"
#include "tpl.h"

struct req;

/* The section HINT with SAYS and COMMAND, where one fits the local port. */
void hint_show(struct req *r, struct tpl *t, const struct tunnel *tun);

/* The file that Windows' Remote Desktop opens. */
void hint_rdp(struct req *r);

#endif
