#include "proto/ctl.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "proto/field.h"
#include "proto/frame.h"

#define AT(S, M) .at = offsetof(S, M), .size = sizeof(((S *)0)->M)

enum { RESET_CODE = 2 }; /* bytes of RESET before the sentence */

static const struct field config_fields[] = {
	{ 1, FIELD_NUMBER, 0, "kind", AT(struct proto_config, kind),
	    .lo = PROTO_TCP, .hi = PROTO_HTTP },
	{ 2, FIELD_TEXT, 0, "name", AT(struct proto_config, name) },
	{ 3, FIELD_NUMBER, 0, "state", AT(struct proto_config, state),
	    .lo = PROTO_PENDING, .hi = PROTO_FAULT },
	{ 4, FIELD_TEXT, 0, "target host",
	    AT(struct proto_config, target_host) },
	{ 5, FIELD_NUMBER, 0, "target port",
	    AT(struct proto_config, target_port) },
	{ 6, FIELD_TEXT, 0, "public address",
	    AT(struct proto_config, public_addr) },
	{ 7, FIELD_TEXT, 0, "verify url", AT(struct proto_config, verify_url) },
	{ 8, FIELD_TEXT, 0, "sentence", AT(struct proto_config, sentence) },
	{ 9, FIELD_NUMBER, 0, "proxy", AT(struct proto_config, proxy),
	    .hi = PROTO_PROXY_V2 },
	{ 10, FIELD_BYTES, 0, "nonce", AT(struct proto_config, nonce),
	    .has_at = offsetof(struct proto_config, has_nonce) },
};

static const struct field report_fields[] = {
	{ 1, FIELD_NUMBER, 1, "lamp", AT(struct proto_report, lamp),
	    .lo = PROTO_LAMP_SERVICE, .hi = PROTO_LAMP_REACH },
	{ 2, FIELD_NUMBER, 1, "light", AT(struct proto_report, light),
	    .hi = PROTO_RED },
	{ 3, FIELD_NUMBER, 0, "code", AT(struct proto_report, code) },
	{ 4, FIELD_TEXT, 0, "sentence", AT(struct proto_report, sentence) },
};

static const struct field open_fields[] = {
	{ 1, FIELD_NUMBER, 1, "kind", AT(struct proto_open, kind),
	    .lo = PROTO_TCP, .hi = PROTO_UDP },
	{ 2, FIELD_NUMBER, 1, "tunnel", AT(struct proto_open, tunnel),
	    .lo = 1 },
	{ 3, FIELD_BYTES, 1, "visitor", AT(struct proto_open, visitor) },
	{ 4, FIELD_BYTES, 1, "public address", AT(struct proto_open, local) },
};

static const struct field goaway_fields[] = {
	{ 1, FIELD_NUMBER, 1, "code", AT(struct proto_goaway, code), .lo = 1 },
	{ 2, FIELD_NUMBER, 0, "deadline",
	    AT(struct proto_goaway, deadline_ms) },
	{ 3, FIELD_TEXT, 0, "sentence", AT(struct proto_goaway, sentence) },
};

static const struct field_table config_table =
    FIELD_TABLE(FRAME_CONFIG, struct proto_config, config_fields);
static const struct field_table report_table =
    FIELD_TABLE(FRAME_REPORT, struct proto_report, report_fields);
static const struct field_table open_table =
    FIELD_TABLE(FRAME_OPEN, struct proto_open, open_fields);
static const struct field_table goaway_table =
    FIELD_TABLE(FRAME_GOAWAY, struct proto_goaway, goaway_fields);

/*
 * Tunnel 0 is no tunnel: a CONFIG without fields, with LAST, for a machine
 * that has none.  A tunnel that is not gone has a kind and a state.
 */
static int
check_config(const struct proto_config *c, struct err *e)
{
	if (c->tunnel == 0 && (!c->last || c->gone || c->kind != 0))
		return err_set(e, "CONFIG of tunnel 0");
	if (c->tunnel != 0 && !c->gone && (c->kind == 0 || c->state == 0))
		return err_set(e, "CONFIG: %s is missing",
		    c->kind == 0 ? "kind" : "state");
	return 0;
}

int
config_encode(
    uint8_t *to, size_t cap, const struct proto_config *c, struct err *e)
{
	struct frame head = {
		.flags = (uint8_t)((c->last ? FRAME_LAST : 0) |
		    (c->gone ? FRAME_GONE : 0)),
		.stream = c->tunnel,
		.offset = c->revision,
	};

	if (check_config(c, e) < 0)
		return -1;
	return field_encode(to, cap, &head, &config_table, c, e);
}

int
config_decode(struct proto_config *c_out, const struct frame *f, struct err *e)
{
	if (field_decode(c_out, &config_table, f, e) < 0)
		return -1;
	c_out->tunnel = f->stream;
	c_out->revision = f->offset;
	c_out->last = (f->flags & FRAME_LAST) != 0;
	c_out->gone = (f->flags & FRAME_GONE) != 0;
	return check_config(c_out, e);
}

int
report_encode(
    uint8_t *to, size_t cap, const struct proto_report *r, struct err *e)
{
	struct frame head = { .stream = r->tunnel, .offset = r->revision };

	return field_encode(to, cap, &head, &report_table, r, e);
}

int
report_decode(struct proto_report *r_out, const struct frame *f, struct err *e)
{
	if (field_decode(r_out, &report_table, f, e) < 0)
		return -1;
	r_out->tunnel = f->stream;
	r_out->revision = f->offset;
	return 0;
}

int
open_encode(uint8_t *to, size_t cap, const struct proto_open *o, struct err *e)
{
	struct frame head = { .stream = o->stream };

	return field_encode(to, cap, &head, &open_table, o, e);
}

int
open_decode(struct proto_open *o_out, const struct frame *f, struct err *e)
{
	if (field_decode(o_out, &open_table, f, e) < 0)
		return -1;
	o_out->stream = f->stream;
	return 0;
}

int
goaway_encode(
    uint8_t *to, size_t cap, const struct proto_goaway *g, struct err *e)
{
	struct frame head = { 0 };

	return field_encode(to, cap, &head, &goaway_table, g, e);
}

int
goaway_decode(struct proto_goaway *g_out, const struct frame *f, struct err *e)
{
	return field_decode(g_out, &goaway_table, f, e);
}

int
reset_encode(uint8_t *to, size_t cap, uint32_t stream, uint16_t code,
    const char *sentence, bool answer, struct err *e)
{
	size_t n = sentence == NULL ? 0 : strlen(sentence);
	struct frame f = {
		.type = FRAME_RESET,
		.flags = answer ? FRAME_ANSWER : 0,
		.stream = stream,
	};

	if (n > PROTO_TEXT_MAX || !str_is_text(sentence, n))
		return err_set(e, "RESET: sentence is not text");
	if (cap < FRAME_HEAD + RESET_CODE + n)
		return err_set(e, "RESET: no room for %zu bytes",
		    FRAME_HEAD + RESET_CODE + n);
	f.len = (uint16_t)(RESET_CODE + n);
	frame_head(to, &f);
	put16(to + FRAME_HEAD, code);
	if (n > 0)
		memcpy(to + FRAME_HEAD + RESET_CODE, sentence, n);
	return (int)(FRAME_HEAD + RESET_CODE + n);
}

int
reset_decode(uint16_t *code_out, char sentence_out[PROTO_TEXT_MAX + 1],
    const struct frame *f, struct err *e)
{
	size_t n;

	if (f->len < RESET_CODE || f->len - RESET_CODE > PROTO_TEXT_MAX)
		return err_set(e, "RESET with a body of %d bytes", f->len);
	n = f->len - RESET_CODE;
	if (!str_is_text(f->body + RESET_CODE, n))
		return err_set(e, "RESET: sentence is not text");
	*code_out = get16(f->body);
	memcpy(sentence_out, f->body + RESET_CODE, n);
	sentence_out[n] = '\0';
	return 0;
}

void
resume_put(uint8_t to[RESUME_ENTRY], const struct resume_entry *r)
{
	put32(to, r->stream);
	put16(to + 4, r->flags);
	put16(to + 6, r->code);
	put64(to + 8, r->received);
	put64(to + 16, r->limit);
}

void
resume_get(struct resume_entry *r_out, const uint8_t p[RESUME_ENTRY])
{
	r_out->stream = get32(p);
	r_out->flags = get16(p + 4);
	r_out->code = get16(p + 6);
	r_out->received = get64(p + 8);
	r_out->limit = get64(p + 16);
}
