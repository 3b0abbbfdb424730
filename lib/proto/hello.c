#include "proto/hello.h"

#include <string.h>

#include "base/err.h"
#include "proto/field.h"
#include "proto/frame.h"

#define AT(S, M) .at = offsetof(S, M), .size = sizeof(((S *)0)->M)
#define TEXT     PROTO_TEXT_MAX + 1

static const struct field hello_fields[] = {
	{ 1, FIELD_LIST, 1, "versions", offsetof(struct proto_hello, versions),
	    sizeof(uint16_t), offsetof(struct proto_hello, version_count),
	    .lo = 1, .max = PROTO_VERSIONS_MAX, .each = 2 },
	{ 2, FIELD_BYTES, 1, "token", AT(struct proto_hello, token) },
	{ 3, FIELD_BYTES, 0, "session key", AT(struct proto_hello, key),
	    .has_at = offsetof(struct proto_hello, has_key) },
	{ 4, FIELD_LIST, 0, "links", offsetof(struct proto_hello, links),
	    sizeof(uint8_t), offsetof(struct proto_hello, link_count), .lo = 1,
	    .max = PROTO_LINKS_MAX, .each = 1 },
	{ 5, FIELD_BYTES, 1, "instance", AT(struct proto_hello, instance) },
	{ 6, FIELD_TEXT, 0, "program", AT(struct proto_hello, program) },
	{ 7, FIELD_TEXT, 0, "system", AT(struct proto_hello, system) },
	{ 8, FIELD_TEXT, 0, "computer", AT(struct proto_hello, computer) },
	{ 9, FIELD_TEXTS, 0, "allow", offsetof(struct proto_hello, allow), TEXT,
	    offsetof(struct proto_hello, allow_count), .max = PROTO_ALLOW_MAX },
	{ 10, FIELD_NUMBER, 0, "asks", AT(struct proto_hello, asks), .hi = 1 },
};

static const struct field welcome_fields[] = {
	{ 1, FIELD_NUMBER, 1, "version", AT(struct proto_welcome, version),
	    .lo = 1 },
	{ 2, FIELD_BYTES, 1, "session key", AT(struct proto_welcome, key) },
	{ 3, FIELD_NUMBER, 1, "link", AT(struct proto_welcome, link), .lo = 1 },
	{ 4, FIELD_NUMBER, 1, "resumed", AT(struct proto_welcome, resumed),
	    .hi = 1 },
	{ 5, FIELD_NUMBER, 1, "round", AT(struct proto_welcome, round) },
	{ 6, FIELD_NUMBER, 1, "heartbeat",
	    AT(struct proto_welcome, heartbeat_ms) },
	{ 7, FIELD_NUMBER, 1, "grace", AT(struct proto_welcome, grace_ms) },
	{ 8, FIELD_NUMBER, 1, "streams",
	    AT(struct proto_welcome, streams_max) },
	{ 9, FIELD_NUMBER, 1, "window", AT(struct proto_welcome, window) },
	{ 10, FIELD_TEXTS, 0, "doors", offsetof(struct proto_welcome, doors),
	    TEXT, offsetof(struct proto_welcome, door_count),
	    .max = PROTO_DOORS_MAX },
};

static const struct field reject_fields[] = {
	{ 1, FIELD_NUMBER, 1, "code", AT(struct proto_reject, code), .lo = 1 },
	{ 2, FIELD_NUMBER, 0, "retry", AT(struct proto_reject, retry_ms),
	    .has_at = offsetof(struct proto_reject, retry) },
	{ 3, FIELD_TEXT, 0, "sentence", AT(struct proto_reject, sentence) },
	{ 4, FIELD_TEXT, 0, "url", AT(struct proto_reject, url) },
	{ 5, FIELD_TEXT, 0, "other's name",
	    AT(struct proto_reject, other_name) },
	{ 6, FIELD_TEXT, 0, "other's address",
	    AT(struct proto_reject, other_addr) },
};

static const struct field_table hello_table =
    FIELD_TABLE(FRAME_HELLO, struct proto_hello, hello_fields);
static const struct field_table welcome_table =
    FIELD_TABLE(FRAME_WELCOME, struct proto_welcome, welcome_fields);
static const struct field_table reject_table =
    FIELD_TABLE(FRAME_REJECT, struct proto_reject, reject_fields);

/* Each range of versions begins with its lowest. */
static int
check_versions(const struct proto_hello *h, struct err *e)
{
	unsigned i;

	for (i = 0; i < h->version_count; i++)
		if (h->versions[i][0] > h->versions[i][1])
			return err_set(e, "HELLO: versions from %d to %d",
			    h->versions[i][0], h->versions[i][1]);
	return 0;
}

/* What the allow list takes of the frame. */
static size_t
allow_bytes(const struct proto_hello *h)
{
	size_t n = 0;
	unsigned i;

	for (i = 0; i < h->allow_count && i < PROTO_ALLOW_MAX; i++)
		n += FIELD_HEAD + strnlen(h->allow[i], PROTO_TEXT_MAX);
	return n;
}

int
hello_encode(
    uint8_t *to, size_t cap, const struct proto_hello *h, struct err *e)
{
	struct frame head = { 0 };
	int n;

	if (cap > FRAME_HELLO_MAX)
		cap = FRAME_HELLO_MAX;
	n = field_encode(to, cap, &head, &hello_table, h, e);
	if (n < 0 && allow_bytes(h) > FRAME_HELLO_MAX / 2)
		return err_prefix(e, "the allow list is too long (%zu bytes)",
		    allow_bytes(h));
	if (n < 0 || check_versions(h, e) < 0)
		return -1;
	return n;
}

int
hello_decode(struct proto_hello *h_out, const struct frame *f, struct err *e)
{
	if (field_decode(h_out, &hello_table, f, e) < 0)
		return -1;
	return check_versions(h_out, e);
}

int
welcome_encode(
    uint8_t *to, size_t cap, const struct proto_welcome *w, struct err *e)
{
	struct frame head = { .offset = w->session };

	return field_encode(to, cap, &head, &welcome_table, w, e);
}

int
welcome_decode(
    struct proto_welcome *w_out, const struct frame *f, struct err *e)
{
	if (field_decode(w_out, &welcome_table, f, e) < 0)
		return -1;
	w_out->session = f->offset;
	return 0;
}

int
reject_encode(
    uint8_t *to, size_t cap, const struct proto_reject *r, struct err *e)
{
	struct frame head = { 0 };

	return field_encode(to, cap, &head, &reject_table, r, e);
}

int
reject_decode(struct proto_reject *r_out, const struct frame *f, struct err *e)
{
	return field_decode(r_out, &reject_table, f, e);
}

uint16_t
hello_version(const struct proto_hello *h)
{
	unsigned i;

	for (i = 0; i < h->version_count; i++)
		if (h->versions[i][0] <= PROTO_VERSION &&
		    h->versions[i][1] >= PROTO_VERSION)
			return PROTO_VERSION;
	return 0;
}
