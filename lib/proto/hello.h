/*
 * hello: the frames with which a link begins: HELLO, WELCOME, REJECT
 * (docs/PROTOCOL.md, "Frames" and "Fields").  Bytes in, bytes out.
 */
#ifndef PROTO_HELLO_H
#define PROTO_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct frame;

enum {
	PROTO_VERSION = 1,
	PROTO_TEXT_MAX = 255, /* bytes of a text field */
	PROTO_ALLOW_MAX = 64, /* allow entries in a HELLO */
	PROTO_DOORS_MAX = 8,
	PROTO_VERSIONS_MAX = 16,
	PROTO_LINKS_MAX = 4,
};

struct proto_hello {
	/* versions spoken, as ranges: lowest and highest */
	uint16_t versions[PROTO_VERSIONS_MAX][2];
	unsigned version_count;
	uint8_t token[32];
	bool has_key;
	uint8_t key[32];
	uint8_t links[PROTO_LINKS_MAX]; /* numbers of the links it holds */
	unsigned link_count;
	uint8_t instance[16];
	char program[PROTO_TEXT_MAX + 1]; /* "adit 1.0.0" */
	char system[PROTO_TEXT_MAX + 1];  /* "Debian GNU/Linux 12" */
	char computer[PROTO_TEXT_MAX + 1];
	char allow[PROTO_ALLOW_MAX][PROTO_TEXT_MAX + 1];
	unsigned allow_count;
	bool asks; /* only whether the token is good; it does not stay */
};

struct proto_welcome {
	uint16_t version;
	uint8_t key[32];
	uint8_t link; /* 1 to 255 */
	bool resumed;
	uint64_t round; /* last RESUME round begun, 0: none */
	uint32_t heartbeat_ms;
	uint32_t grace_ms;
	uint32_t streams_max;
	uint32_t window; /* first window of every stream, bytes */
	char doors[PROTO_DOORS_MAX][PROTO_TEXT_MAX + 1];
	unsigned door_count;
	uint64_t session; /* the frame's offset: the session's row */
};

struct proto_reject {
	uint16_t code;
	bool retry; /* false: do not return */
	uint32_t retry_ms;
	char sentence[PROTO_TEXT_MAX + 1];
	char url[PROTO_TEXT_MAX + 1];
	char other_name[PROTO_TEXT_MAX + 1]; /* who replaced you */
	char other_addr[PROTO_TEXT_MAX + 1];
};

/*
 * Each encoder writes one whole frame (head and body) and returns its length,
 * or -1 with a reason when it does not fit into cap or a field is not text.
 * Each decoder reads the body of a decoded frame of its type; -1 with a reason
 * when the peer broke the rules of fields (a key twice, a wrong length, text
 * that is not UTF-8 or has control characters, a field that must be there and
 * is not).
 */
int hello_encode(
    uint8_t *to, size_t cap, const struct proto_hello *h, struct err *e);
int hello_decode(
    struct proto_hello *h_out, const struct frame *f, struct err *e);

int welcome_encode(
    uint8_t *to, size_t cap, const struct proto_welcome *w, struct err *e);
int welcome_decode(
    struct proto_welcome *w_out, const struct frame *f, struct err *e);

int reject_encode(
    uint8_t *to, size_t cap, const struct proto_reject *r, struct err *e);
int reject_decode(
    struct proto_reject *r_out, const struct frame *f, struct err *e);

/* The highest version that h and this program both speak, or 0. */
uint16_t hello_version(const struct proto_hello *h);

#endif
