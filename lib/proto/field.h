/*
 * field: bodies made of fields (docs/PROTOCOL.md, "Fields"): key u8, length
 * u16, bytes.  A message is a table that says which key stands for which
 * member of a struct; one reader and one writer serve all tables.
 */
#ifndef PROTO_FIELD_H
#define PROTO_FIELD_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct frame;

enum { FIELD_HEAD = 3 }; /* key and length */

/* A body that is being read: what is still to come. */
struct field_reader {
	const uint8_t *p;
	size_t n;
};

/*
 * A body that is being written.  What does not fit into cap is counted in len
 * and not written, so that len > cap says how much room was missing.
 */
struct field_writer {
	uint8_t *to;
	size_t cap;
	size_t len;
};

/* The next field: 1, or 0 at the end, or -1 when it is cut. */
int field_next(struct field_reader *r, uint8_t *key_out, const uint8_t **p_out,
    size_t *n_out, struct err *e);

/* Appends a field of n bytes, n <= 65,535. */
void field_put(struct field_writer *w, uint8_t key, const void *p, size_t n);

enum field_kind {
	FIELD_NUMBER = 1, /* uint8_t to uint64_t, or bool; size says which */
	FIELD_BYTES = 2,  /* exactly size bytes */
	FIELD_TEXT = 3,   /* char[size], ends with NUL */
	FIELD_TEXTS = 4,  /* the same, many times: char[max][size] */
	FIELD_LIST = 5,   /* up to max items of each numbers of size bytes */
};

/*
 * One field.  A number that may be absent and has no flag of its own is left
 * out when it is 0, a text when it is empty, a list when it has no item.
 */
struct field {
	uint8_t key;
	uint8_t kind;
	uint8_t must; /* 1: it must be there */
	const char *name;
	size_t at;     /* where the member is */
	size_t size;   /* of the member, or of one of its texts or numbers */
	size_t has_at; /* NUMBER, BYTES: a bool, "it is there"; 0: none.
	                * TEXTS, LIST: the unsigned that counts */
	uint64_t lo;   /* NUMBER, LIST: the lowest number that is allowed */
	uint64_t hi;   /* and the highest; 0: whatever fits */
	unsigned max;  /* TEXTS, LIST: how many at most */
	unsigned each; /* LIST: numbers in an item */
};

/* A message; at most 32 fields.  None of its members counted at 0. */
struct field_table {
	uint8_t type; /* of the frame */
	const struct field *fields;
	size_t count;
	size_t size; /* of the struct */
};

#define FIELD_TABLE(T, S, F)                                           \
	{                                                              \
		.type = (T), .fields = (F),                            \
		.count = sizeof(F) / sizeof((F)[0]), .size = sizeof(S) \
	}

/*
 * Writes the frame whose head is *head (type and len are filled in here) and
 * whose body is the struct at from.  Returns its length, or -1 with a reason
 * when it is longer than cap or a member may not be sent.
 */
int field_encode(uint8_t *to, size_t cap, const struct frame *head,
    const struct field_table *t, const void *from, struct err *e);

/*
 * Reads the body of f into the struct at to_out, all of which is set to 0
 * first.  -1 with a reason when the peer has broken the rules.
 */
int field_decode(void *to_out, const struct field_table *t,
    const struct frame *f, struct err *e);

#endif
