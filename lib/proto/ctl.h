/*
 * ctl: the other frames with a body of fields or fixed parts: CONFIG, REPORT,
 * OPEN, ACK, RESET, RESUME, GOAWAY (docs/PROTOCOL.md).  Bytes in, bytes out.
 * Encoders and decoders follow the rules that hello.h states.
 */
#ifndef PROTO_CTL_H
#define PROTO_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/hello.h"

enum proto_kind {
	PROTO_TCP = 1,
	PROTO_UDP = 2,
	PROTO_BOTH = 3, /* CONFIG only */
	PROTO_HTTP = 4, /* CONFIG only */
};

enum proto_state { /* of a tunnel, as CONFIG tells it */
	PROTO_PENDING = 1,
	PROTO_ACTIVE = 2,
	PROTO_PAUSED = 3,
	PROTO_FROZEN = 4,
	PROTO_EXPIRED = 5,
	PROTO_STANDBY = 6, /* another machine serves it */
	PROTO_FAULT = 7,   /* its port cannot be had; sentence says why */
};

enum proto_proxy {
	PROTO_PROXY_OFF = 0,
	PROTO_PROXY_V1 = 1,
	PROTO_PROXY_V2 = 2
};

enum proto_lamp { PROTO_LAMP_SERVICE = 1, PROTO_LAMP_REACH = 2 };

enum proto_light {
	PROTO_GREY = 0,
	PROTO_GREEN = 1,
	PROTO_RED = 2,
};

struct proto_config {
	uint32_t tunnel;
	uint64_t revision;
	bool last;
	bool gone;
	uint8_t kind;
	uint8_t state;
	uint8_t proxy;
	uint16_t target_port;
	bool has_nonce;
	uint8_t nonce[16]; /* fresh: probe service and reach now */
	char name[PROTO_TEXT_MAX + 1];
	char target_host[PROTO_TEXT_MAX + 1];
	char public_addr[PROTO_TEXT_MAX + 1]; /* "example.org:23456" */
	char verify_url[PROTO_TEXT_MAX + 1];
	char sentence[PROTO_TEXT_MAX + 1];
};

struct proto_report {
	uint32_t tunnel;
	uint64_t revision;
	uint8_t lamp;
	uint8_t light;
	uint16_t code;
	char sentence[PROTO_TEXT_MAX + 1];
};

/* 16 bytes of IPv6 (v4 as ::ffff:a.b.c.d) and the port, network order. */
enum { PROTO_ADDR = 18 };

struct proto_open {
	uint32_t stream;
	uint8_t kind; /* PROTO_TCP, PROTO_UDP */
	uint32_t tunnel;
	uint8_t visitor[PROTO_ADDR];
	uint8_t local[PROTO_ADDR]; /* the public address that was dialled */
};

struct proto_goaway {
	uint16_t code;
	uint32_t deadline_ms;
	char sentence[PROTO_TEXT_MAX + 1];
};

int config_encode(
    uint8_t *to, size_t cap, const struct proto_config *c, struct err *e);
int config_decode(
    struct proto_config *c_out, const struct frame *f, struct err *e);

int report_encode(
    uint8_t *to, size_t cap, const struct proto_report *r, struct err *e);
int report_decode(
    struct proto_report *r_out, const struct frame *f, struct err *e);

int open_encode(
    uint8_t *to, size_t cap, const struct proto_open *o, struct err *e);
int open_decode(struct proto_open *o_out, const struct frame *f, struct err *e);

int goaway_encode(
    uint8_t *to, size_t cap, const struct proto_goaway *g, struct err *e);
int goaway_decode(
    struct proto_goaway *g_out, const struct frame *f, struct err *e);

/* RESET's body is a code (u16) and, when the rest is not empty, a sentence. */
int reset_encode(uint8_t *to, size_t cap, uint32_t stream, uint16_t code,
    const char *sentence, bool answer, struct err *e);
int reset_decode(uint16_t *code_out, char sentence_out[PROTO_TEXT_MAX + 1],
    const struct frame *f, struct err *e);

/* One stream in a RESUME list: 24 bytes. */
enum { RESUME_ENTRY = 24 };

enum resume_flag {
	RESUME_END = 0x01,   /* FIN has arrived */
	RESUME_RESET = 0x02, /* I have reset it */
	RESUME_UDP = 0x04,
};

struct resume_entry {
	uint32_t stream;
	uint16_t flags;
	uint16_t code;
	uint64_t received;
	uint64_t limit;
};

void resume_put(uint8_t to[RESUME_ENTRY], const struct resume_entry *r);
void resume_get(struct resume_entry *r_out, const uint8_t p[RESUME_ENTRY]);

#endif
