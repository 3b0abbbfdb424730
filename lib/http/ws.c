#include "http/ws.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"

enum {
	FIN = 0x80,
	RESERVED = 0x70,
	OP = 0x0f,
	MASKED = 0x80,
	LEN = 0x7f,
	LEN_16 = 126, /* two bytes of length follow */
	LEN_64 = 127, /* eight */
	CONTROL = 8,  /* from here on an op is of a control frame */
};

void
ws_mask(void *to, const void *from, size_t n, const uint8_t key[4], uint64_t at)
{
	const uint8_t *p = from;
	uint8_t *q = to, turned[8];
	uint64_t wide, word;
	size_t i;

	for (i = 0; i < sizeof(turned); i++)
		turned[i] = key[(at + i) & 3];
	memcpy(&wide, turned, sizeof(wide));
	for (i = 0; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, p + i, sizeof(word));
		word ^= wide;
		memcpy(q + i, &word, sizeof(word));
	}
	for (; i < n; i++)
		q[i] = p[i] ^ turned[i & 7];
}

/* --- reading --------------------------------------------------------------- */

void
ws_reader_init(struct ws_reader *r, enum ws_side side)
{
	memset(r, 0, sizeof(*r));
	r->side = side;
}

/* They broke the rules; our close will say code.  The reason is in e. */
static int
refuse(struct ws_reader *r, uint16_t code)
{
	r->failed = true;
	r->code = code;
	return -1;
}

/* How many bytes the head spans, as far as it is known. */
static size_t
head_size(const struct ws_reader *r)
{
	size_t n = 2;

	if (r->head_len < 2)
		return n;
	if ((r->head[1] & LEN) == LEN_16)
		n += 2;
	else if ((r->head[1] & LEN) == LEN_64)
		n += 8;
	return n + ((r->head[1] & MASKED) != 0 ? 4 : 0);
}

/* The first two bytes: what may be said of them is said at once. */
static int
check_start(struct ws_reader *r, struct err *e)
{
	uint8_t op = r->head[0] & OP, len = r->head[1] & LEN;
	bool masked = (r->head[1] & MASKED) != 0;

	if ((r->head[0] & RESERVED) != 0) {
		err_set(e, "WebSocket: a reserved bit is set");
		return refuse(r, WS_BROKEN);
	}
	if (masked != (r->side == WS_SERVER)) {
		err_set(e, "WebSocket: a frame that is %s",
		    masked ? "masked" : "not masked");
		return refuse(r, WS_BROKEN);
	}
	if (op == WS_TEXT) {
		err_set(e, "WebSocket: a text message");
		return refuse(r, WS_KIND);
	}
	if ((op > WS_BINARY && op < WS_CLOSE) || op > WS_PONG) {
		err_set(e, "WebSocket: a frame of kind %u", op);
		return refuse(r, WS_BROKEN);
	}
	if (op >= CONTROL &&
	    ((r->head[0] & FIN) == 0 || len > WS_CONTROL_MAX)) {
		err_set(e, "WebSocket: a control frame that is %s",
		    len > WS_CONTROL_MAX ? "too long" : "cut in pieces");
		return refuse(r, WS_BROKEN);
	}
	if (op < CONTROL && (op == WS_CONTINUATION) != r->in_message) {
		err_set(e, "WebSocket: %s",
		    r->in_message ? "a message within a message"
				  : "a piece of no message");
		return refuse(r, WS_BROKEN);
	}
	return 0;
}

/* The length, which must be written as short as it can be. */
static int
read_length(struct ws_reader *r, struct err *e)
{
	uint64_t len = r->head[1] & LEN, least = 0;
	size_t i, bytes = len == LEN_16 ? 2 : len == LEN_64 ? 8 : 0;

	if (bytes > 0) {
		least = len == LEN_16 ? LEN_16 : 0x10000;
		for (len = 0, i = 0; i < bytes; i++)
			len = len << 8 | r->head[2 + i];
	}
	if (len < least || len >> 63 != 0) {
		err_set(e, "WebSocket: a length that is written wrong");
		return refuse(r, WS_BROKEN);
	}
	r->left = len;
	return 0;
}

/* The head is whole. */
static int
begin_frame(struct ws_reader *r, struct err *e)
{
	if (read_length(r, e) == -1)
		return -1;
	r->op = r->head[0] & OP;
	r->fin = (r->head[0] & FIN) != 0;
	r->at = 0;
	if (r->side == WS_SERVER)
		memcpy(r->mask, r->head + r->head_len - 4, 4);
	if (r->op >= CONTROL)
		return 0;
	if (r->op == WS_BINARY)
		r->message = 0;
	if (r->left > WS_MESSAGE_MAX - r->message) {
		err_set(e, "WebSocket: a message of more than %d bytes",
		    WS_MESSAGE_MAX);
		return refuse(r, WS_TOO_BIG);
	}
	r->message += r->left;
	r->in_message = !r->fin;
	return 0;
}

/* Codes that a close may carry (RFC 6455, 7.4). */
static bool
is_code(uint16_t code)
{
	if (code >= 3000 && code <= 4999)
		return true;
	return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 &&
	    code != 1006;
}

static int
end_close(struct ws_reader *r, struct err *e)
{
	r->code = WS_NO_CODE;
	if (r->at == 0) {
		r->closed = true;
		return 0;
	}
	if (r->at >= 2)
		r->code = (uint16_t)(r->control[0] << 8 | r->control[1]);
	if (r->at < 2 || !is_code(r->code)) {
		err_set(e, "WebSocket: a close with a code that is none");
		return refuse(r, WS_BROKEN);
	}
	r->closed = true;
	return 0;
}

/* A control frame is whole. */
static int
end_control(struct ws_reader *r, struct err *e)
{
	if (r->op == WS_CLOSE)
		return end_close(r, e);
	if (r->op == WS_PING) {
		r->pinged = true;
		r->ping_len = (uint8_t)r->at;
		memcpy(r->ping, r->control, r->ping_len);
	}
	if (r->op == WS_PONG) {
		r->ponged = true;
		r->pong_len = (uint8_t)r->at;
		memcpy(r->pong, r->control, r->pong_len);
	}
	return 0;
}

/* Takes what there is of a head; how many bytes, or -1. */
static ssize_t
read_head(struct ws_reader *r, const uint8_t *p, size_t n, struct err *e)
{
	size_t used = 0;

	while (used < n && r->head_len < head_size(r)) {
		r->head[r->head_len++] = p[used++];
		if (r->head_len == 2 && check_start(r, e) == -1)
			return -1;
	}
	if (r->head_len == head_size(r) && begin_frame(r, e) == -1)
		return -1;
	return (ssize_t)used;
}

/* Takes what there is of a body: n <= left bytes. */
static void
read_body(struct ws_reader *r, const uint8_t *p, size_t n, uint8_t *to)
{
	if (r->side == WS_SERVER)
		ws_mask(to, p, n, r->mask, r->at);
	else if (to != p && n > 0)
		memmove(to, p, n);
	r->at += n;
	r->left -= n;
}

static size_t
least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

ssize_t
ws_read(struct ws_reader *r, const void *bytes, size_t n, size_t *used_out,
    void *to, size_t cap, struct err *e)
{
	const uint8_t *p = bytes;
	size_t used = 0, part, len = 0;
	ssize_t took;

	*used_out = 0;
	assert(cap > 0);
	if (r->failed)
		return err_set(e, "WebSocket: it was broken before");
	while (len == 0 && !r->closed) {
		if (r->head_len < head_size(r)) {
			if ((took = read_head(r, p + used, n - used, e)) < 0)
				return -1;
			used += (size_t)took;
			if (r->head_len < head_size(r))
				break;
		}
		part = least(r->left, n - used);
		if (part == 0 && r->left > 0)
			break;
		if (r->op >= CONTROL) {
			read_body(r, p + used, part, r->control + r->at);
		} else {
			part = least(part, cap);
			read_body(r, p + used, part, to);
			len = part;
		}
		used += part;
		if (r->left > 0)
			continue;
		r->head_len = 0;
		if (r->op >= CONTROL && end_control(r, e) == -1)
			return -1;
	}
	*used_out = r->closed ? n : used; /* behind a close is nothing */
	return (ssize_t)len;
}

/* --- writing --------------------------------------------------------------- */

void
ws_writer_init(struct ws_writer *w, enum ws_side side)
{
	memset(w, 0, sizeof(*w));
	w->masks = side == WS_CLIENT;
	w->key_at = sizeof(w->keys);
}

size_t
ws_frame_len(const struct ws_writer *w, size_t n)
{
	size_t head = n < LEN_16 ? 2 : n < 0x10000 ? 4 : 10;

	return head + (w->masks ? 4 : 0) + n;
}

/*
 * A key for one frame.  RFC 6455 wants that nobody can tell it from those
 * before; 64 at a time are cheap enough to be truly random.
 */
static int
next_key(struct ws_writer *w, uint8_t key_out[4], struct err *e)
{
	if (w->key_at == sizeof(w->keys)) {
		if (random_bytes(w->keys, sizeof(w->keys), e) == -1)
			return -1;
		w->key_at = 0;
	}
	memcpy(key_out, w->keys + w->key_at, 4);
	w->key_at += 4;
	return 0;
}

/* Op and length; returns the bytes written. */
static size_t
put_head(uint8_t *q, const struct ws_writer *w, enum ws_op op, size_t n)
{
	uint8_t masked = w->masks ? MASKED : 0;
	size_t i, bytes;

	q[0] = (uint8_t)(FIN | op);
	if (n < LEN_16) {
		q[1] = (uint8_t)(masked | n);
		return 2;
	}
	bytes = n < 0x10000 ? 2 : 8;
	q[1] = masked | (bytes == 2 ? LEN_16 : LEN_64);
	for (i = 0; i < bytes; i++)
		q[2 + i] = (uint8_t)((uint64_t)n >> (8 * (bytes - 1 - i)));
	return 2 + bytes;
}

int
ws_write(struct ws_writer *w, void *to, enum ws_op op, const void *p, size_t n,
    struct err *e)
{
	uint8_t key[4], *q = to;

	if (w->masks && next_key(w, key, e) == -1)
		return -1;
	q += put_head(q, w, op, n);
	if (w->masks) {
		memcpy(q, key, sizeof(key));
		ws_mask(q + sizeof(key), p, n, key, 0);
	} else if (n > 0) {
		memcpy(q, p, n);
	}
	return 0;
}

ssize_t
ws_write_close(struct ws_writer *w, void *to, uint16_t code, struct err *e)
{
	uint8_t body[2] = { (uint8_t)(code >> 8), (uint8_t)code };
	size_t n = code == WS_NO_CODE ? 0 : sizeof(body);

	if (ws_write(w, to, WS_CLOSE, body, n, e) == -1)
		return -1;
	return (ssize_t)ws_frame_len(w, n);
}
