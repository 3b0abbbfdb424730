/*
 * frame: the unit of the tunnel protocol (docs/PROTOCOL.md, "Frames").
 * Works on bytes in memory; knows nothing of sockets, TLS or time.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	FRAME_HEAD = 16,
	FRAME_BODY_MAX = 16368,
	FRAME_MAX = FRAME_HEAD + FRAME_BODY_MAX, /* one TLS record */
	FRAME_HELLO_MAX = 4096, /* bytes of a link before WELCOME */
};

enum frame_type {
	FRAME_HELLO = 0x01,
	FRAME_WELCOME = 0x02,
	FRAME_REJECT = 0x03,
	FRAME_PING = 0x04,
	FRAME_PONG = 0x05,
	FRAME_CONFIG = 0x06,
	FRAME_REPORT = 0x07,
	FRAME_OPEN = 0x08,
	FRAME_DATA = 0x09,
	FRAME_ACK = 0x0a,
	FRAME_FIN = 0x0b,
	FRAME_RESET = 0x0c,
	FRAME_DGRAM = 0x0d,
	FRAME_RESUME = 0x0e,
	FRAME_LOST = 0x0f,
	FRAME_LINKS = 0x10,
	FRAME_GOAWAY = 0x11,
	FRAME_SKIPPED = 0x80, /* from here on unknown types are skipped */
};

enum frame_flag {
	FRAME_LAST = 0x01,   /* CONFIG, RESUME: the last of its kind */
	FRAME_GONE = 0x02,   /* CONFIG: the tunnel is no longer yours */
	FRAME_END = 0x01,    /* ACK: FIN has arrived too */
	FRAME_ANSWER = 0x01, /* RESET: answers a RESET */
	FRAME_MORE = 0x01,   /* DGRAM: the datagram goes on in the next one */
};

struct frame {
	uint8_t type;
	uint8_t flags;
	uint16_t len;
	uint32_t stream;
	uint64_t offset;
	const uint8_t *body;
};

/*
 * Read one frame from the n bytes at p.  Returns the bytes it spans, 0 when
 * more input is needed, or -1 with the reason in e when the peer has broken
 * the protocol (an unknown type below 0x80, a body that is too long, a length
 * that this type cannot have).  On success f->body points into p and lives as
 * long as p.  An unknown type from 0x80 on is a frame like any other: skip it.
 */
int frame_decode(struct frame *f, const uint8_t *p, size_t n, struct err *e);

/* The head of f into 16 bytes; f->len bytes of body must follow. */
void frame_head(uint8_t out[FRAME_HEAD], const struct frame *f);

/* "DATA"; "unknown" for what has no name. */
const char *frame_name(uint8_t type);

/* Numbers in network order. */
static inline void
put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void
put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static inline void
put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

static inline uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline uint64_t
get64(const uint8_t *p)
{
	return (uint64_t)get32(p) << 32 | get32(p + 4);
}

#endif
