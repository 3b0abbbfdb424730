/*
 * proxy_head: the PROXY protocol's header (HAProxy's proxy-protocol.txt), which
 * tells the service who the visitor is.  Bytes out; knows no sockets.
 */
#ifndef CLIENT_PROXY_HEAD_H
#define CLIENT_PROXY_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct addr;

enum { PROXY_HEAD_MAX = 128 };

/*
 * Writes the header of version 1 or 2 (enum proto_proxy), for a datagram or a
 * stream, and returns its length; 0 for PROTO_PROXY_OFF, and for a datagram
 * with version 1, which knows none.
 */
size_t proxy_head(uint8_t to[PROXY_HEAD_MAX], uint8_t version, bool udp,
    const struct addr *visitor, const struct addr *own);

#endif
