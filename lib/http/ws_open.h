/*
 * ws_open: how a connection becomes a WebSocket (RFC 6455, section 4), both
 * sides.  Subprotocol adit.1, version 13, no extensions.
 */
#ifndef HTTP_WS_OPEN_H
#define HTTP_WS_OPEN_H

struct buf;
struct err;
struct http;

#define WS_PROTOCOL "adit.1"

enum {
	WS_KEY_TEXT = 25,    /* a key and a NUL */
	WS_ACCEPT_TEXT = 29, /* its answer and a NUL */
};

/* A fresh Sec-WebSocket-Key. */
int ws_open_key(char key_out[WS_KEY_TEXT], struct err *e);

/* The Sec-WebSocket-Accept that answers key. */
void ws_open_accept(char accept_out[WS_ACCEPT_TEXT], const char *key);

/* The client's request; host is "HOST" or "HOST:PORT", path begins with '/'. */
int ws_open_ask(struct buf *to, const char *host, const char *path,
    const char *key, struct err *e);

/* The server's answer to it: 0, or -1 with the reason. */
int ws_open_is_granted(const struct http *h, const char *key, struct err *e);

/*
 * A request has come: 0, or -1 with the reason and, in *status_out, the status
 * that refuses it.  Browsers are refused: they say Origin.
 */
int ws_open_check(const struct http *h, unsigned *status_out, struct err *e);

/* The answers to it: 101, or a status with one line of text. */
int ws_open_grant(struct buf *to, const struct http *h, struct err *e);
int ws_open_refuse(
    struct buf *to, unsigned status, const char *why, struct err *e);

#endif
