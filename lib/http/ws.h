/*
 * ws: frames of a WebSocket (RFC 6455, without extensions), bytes in, bytes
 * out, for both sides.  What is carried is a stream of bytes: messages must be
 * binary, and where they begin or end is not told.  ws_open.h has the opening
 * handshake.
 */
#ifndef HTTP_WS_H
#define HTTP_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum ws_side { /* who we are */
	WS_CLIENT,
	WS_SERVER,
};

enum ws_op {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

enum {
	WS_HEAD_MAX = 14,
	WS_CONTROL_MAX = 125,      /* bytes of a control frame's body */
	WS_MESSAGE_MAX = 16 << 20, /* bytes of a message */
};

/* What a close says. */
enum ws_code {
	WS_NORMAL = 1000,
	WS_AWAY = 1001,
	WS_BROKEN = 1002,  /* the protocol */
	WS_KIND = 1003,    /* text */
	WS_NO_CODE = 1005, /* never sent: the close named none */
	WS_TOO_BIG = 1009,
};

/* --- reading --------------------------------------------------------------- */

struct ws_reader {
	/* To be answered by whoever reads; the newest ping counts. */
	bool pinged;
	uint8_t ping[WS_CONTROL_MAX];
	uint8_t ping_len;
	/* An answer to a ping of ours; the newest counts. */
	bool ponged;
	uint8_t pong[WS_CONTROL_MAX];
	uint8_t pong_len;
	/* The other side has closed: nothing of it is read any more. */
	bool closed;
	/* Why it closed, or, after -1, what our close is to say. */
	uint16_t code;

	/* The rest is ws.c's own. */
	enum ws_side side;
	bool failed;
	bool in_message;
	bool fin;
	uint8_t op;
	uint8_t mask[4];
	uint8_t head[WS_HEAD_MAX];
	uint8_t head_len;
	uint8_t control[WS_CONTROL_MAX];
	uint64_t at;      /* bytes of this frame's body that are here */
	uint64_t left;    /* and those that are to come */
	uint64_t message; /* bytes of the message */
};

void ws_reader_init(struct ws_reader *r, enum ws_side side);

/*
 * Takes *used_out of the n bytes at p, and writes what they carry to `to`, at
 * most cap > 0 bytes: how many, or -1 with the reason when the other side broke
 * the rules.  It stops at the end of a frame that carried something, so that
 * the pieces are those of the sender: go on until all n are used.  `to` may be
 * p itself, else they do not overlap.
 */
ssize_t ws_read(struct ws_reader *r, const void *p, size_t n, size_t *used_out,
    void *to, size_t cap, struct err *e);

/* No frame is under way. */
static inline bool
ws_is_between(const struct ws_reader *r)
{
	return r->head_len == 0;
}

/* --- writing --------------------------------------------------------------- */

struct ws_writer {
	bool masks;
	uint8_t keys[256]; /* random; those from key_at on are unused */
	uint16_t key_at;
};

void ws_writer_init(struct ws_writer *w, enum ws_side side);

/* The bytes of a frame with a body of n bytes. */
size_t ws_frame_len(const struct ws_writer *w, size_t n);

/*
 * Writes one whole frame, the last of its message, to `to`, which has room for
 * ws_frame_len(w, n).  -1 when the system gives no random bytes.
 */
int ws_write(struct ws_writer *w, void *to, enum ws_op op, const void *p,
    size_t n, struct err *e);

/* A close; code WS_NO_CODE is left out. */
enum { WS_CLOSE_ROOM = 8 };
ssize_t ws_write_close(
    struct ws_writer *w, void *to, uint16_t code, struct err *e);

/*
 * Masks or unmasks n bytes, of which the first is number `at` of its frame.
 * `to` may be from, else they do not overlap.
 */
void ws_mask(
    void *to, const void *from, size_t n, const uint8_t key[4], uint64_t at);

#endif
