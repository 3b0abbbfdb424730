/*
 * vectors: docs/PROTOCOL.md and lib/proto say the same.  The test vectors of
 * the document are made here, compared, read and written again; its refused
 * frames are refused; its table of codes is code.c's.  `vectors.t print` prints
 * the vectors as the document has them.
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "proto/code.h"
#include "proto/ctl.h"
#include "proto/frame.h"
#include "proto/hello.h"
#include "tap.h"

enum { LINE_BYTES = 24, NAME_MAX_LEN = 100 };

static struct err e;

static int
make_hello(uint8_t *to)
{
	static struct proto_hello h;

	memset(&h, 0, sizeof(h));
	h.versions[0][0] = h.versions[0][1] = 1;
	h.version_count = 1;
	memset(h.token, 0x11, sizeof(h.token));
	memset(h.instance, 0x33, sizeof(h.instance));
	strcpy(h.program, "adit 1.0.0");
	strcpy(h.system, "Debian GNU/Linux 12");
	strcpy(h.computer, "DESKTOP-4711");
	strcpy(h.allow[0], "127.0.0.1:22");
	strcpy(h.allow[1], "127.0.0.1:8000-8080");
	h.allow_count = 2;
	return hello_encode(to, FRAME_MAX, &h, &e);
}

static int
make_return(uint8_t *to)
{
	static struct proto_hello h;

	memset(&h, 0, sizeof(h));
	h.versions[0][0] = h.versions[0][1] = 1;
	h.versions[1][0] = 3;
	h.versions[1][1] = 5;
	h.version_count = 2;
	memset(h.token, 0x11, sizeof(h.token));
	h.has_key = true;
	memset(h.key, 0x22, sizeof(h.key));
	h.links[0] = 1;
	h.links[1] = 3;
	h.link_count = 2;
	memset(h.instance, 0x33, sizeof(h.instance));
	return hello_encode(to, FRAME_MAX, &h, &e);
}

static int
make_welcome(uint8_t *to)
{
	struct proto_welcome w = {
		.version = 1,
		.link = 4,
		.resumed = true,
		.round = 7,
		.heartbeat_ms = 30000,
		.grace_ms = 60000,
		.streams_max = 16384,
		.window = 65536,
		.session = 42,
		.doors = { "example.org:7000" },
		.door_count = 1,
	};

	memset(w.key, 0x22, sizeof(w.key));
	return welcome_encode(to, FRAME_MAX, &w, &e);
}

static int
make_reject(uint8_t *to)
{
	struct proto_reject r = {
		.code = CODE_REPLACED,
		.other_name = "LAPTOP",
		.other_addr = "192.0.2.7",
	};

	str_copy(r.sentence, sizeof(r.sentence), code_sentence(r.code));
	return reject_encode(to, FRAME_MAX, &r, &e);
}

static int
make_busy(uint8_t *to)
{
	struct proto_reject r = {
		.code = CODE_BUSY, .retry = true, .retry_ms = 5000
	};

	return reject_encode(to, FRAME_MAX, &r, &e);
}

/* A frame without fields. */
static int
make_frame(uint8_t *to, const struct frame *f)
{
	frame_head(to, f);
	if (f->len > 0)
		memcpy(to + FRAME_HEAD, f->body, f->len);
	return FRAME_HEAD + f->len;
}

static int
make_ping(uint8_t *to)
{
	return make_frame(to,
	    &(struct frame){
		.type = FRAME_PING, .offset = 0x0102030405060708 });
}

static int
make_pong(uint8_t *to)
{
	return make_frame(to,
	    &(struct frame){
		.type = FRAME_PONG, .offset = 0x0102030405060708 });
}

static int
make_config(uint8_t *to)
{
	struct proto_config c = {
		.tunnel = 9,
		.revision = 3,
		.last = true,
		.kind = PROTO_TCP,
		.state = PROTO_ACTIVE,
		.proxy = PROTO_PROXY_V2,
		.target_port = 22,
		.has_nonce = true,
		.name = "ssh",
		.target_host = "127.0.0.1",
		.public_addr = "example.org:23456",
	};

	memset(c.nonce, 0x55, sizeof(c.nonce));
	return config_encode(to, FRAME_MAX, &c, &e);
}

static int
make_gone(uint8_t *to)
{
	struct proto_config c = { .tunnel = 9, .revision = 4, .gone = true };

	return config_encode(to, FRAME_MAX, &c, &e);
}

static int
make_none(uint8_t *to)
{
	struct proto_config c = { .last = true };

	return config_encode(to, FRAME_MAX, &c, &e);
}

static int
make_report(uint8_t *to)
{
	struct proto_report r = {
		.tunnel = 9,
		.revision = 3,
		.lamp = PROTO_LAMP_SERVICE,
		.light = PROTO_RED,
		.code = CODE_REFUSED,
		.sentence = "127.0.0.1:22 refused the connection",
	};

	return report_encode(to, FRAME_MAX, &r, &e);
}

static int
make_open(uint8_t *to)
{
	static const uint8_t visitor[PROTO_ADDR] = { 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0xff, 0xff, 192, 0, 2, 7, 0xc0, 0x01 };
	static const uint8_t local[PROTO_ADDR] = { 0x20, 0x01, 0x0d,
		0xb8, [15] = 1, 0x5b, 0xa0 };
	struct proto_open o = { .stream = 1, .kind = PROTO_TCP, .tunnel = 9 };

	memcpy(o.visitor, visitor, sizeof(visitor));
	memcpy(o.local, local, sizeof(local));
	return open_encode(to, FRAME_MAX, &o, &e);
}

static int
make_data(uint8_t *to)
{
	return make_frame(to,
	    &(struct frame){ .type = FRAME_DATA,
		.len = 5,
		.stream = 1,
		.offset = 65536,
		.body = (const uint8_t *)"hello" });
}

static int
make_ack(uint8_t *to)
{
	uint8_t limit[8];

	put64(limit, 131077);
	return make_frame(to,
	    &(struct frame){ .type = FRAME_ACK,
		.flags = FRAME_END,
		.len = 8,
		.stream = 1,
		.offset = 65541,
		.body = limit });
}

static int
make_fin(uint8_t *to)
{
	return make_frame(to,
	    &(struct frame){ .type = FRAME_FIN, .stream = 1, .offset = 65541 });
}

static int
make_reset(uint8_t *to)
{
	return reset_encode(to, FRAME_MAX, 1, CODE_NOT_ALLOWED,
	    "127.0.0.1:3389 is not in the allow list", false, &e);
}

static int
make_answer(uint8_t *to)
{
	return reset_encode(to, FRAME_MAX, 1, CODE_NOT_ALLOWED, NULL, true, &e);
}

static int
make_dgram(uint8_t *to)
{
	return make_frame(to,
	    &(struct frame){ .type = FRAME_DGRAM,
		.flags = FRAME_MORE,
		.len = 4,
		.stream = 3,
		.body = (const uint8_t *)"half" });
}

static int
make_dgram_end(uint8_t *to)
{
	return make_frame(to,
	    &(struct frame){ .type = FRAME_DGRAM,
		.len = 4,
		.stream = 3,
		.offset = 4,
		.body = (const uint8_t *)"rest" });
}

static int
make_resume(uint8_t *to)
{
	static const struct resume_entry list[] = {
		{ 1, RESUME_END, 0, 65541, 131077 },
		{ 2, RESUME_RESET, CODE_RESET, 0, 0 },
		{ 3, RESUME_UDP, 0, 0, 0 },
	};
	uint8_t body[3 * RESUME_ENTRY];
	int i;

	for (i = 0; i < 3; i++)
		resume_put(body + i * RESUME_ENTRY, &list[i]);
	return make_frame(to,
	    &(struct frame){ .type = FRAME_RESUME,
		.flags = FRAME_LAST,
		.len = sizeof(body),
		.stream = 0x00000304,
		.offset = 7,
		.body = body });
}

static int
make_resume_none(uint8_t *to)
{
	return make_frame(to,
	    &(struct frame){ .type = FRAME_RESUME,
		.flags = FRAME_LAST,
		.stream = 0x00000304,
		.offset = 7 });
}

static int
make_lost(uint8_t *to)
{
	return make_frame(
	    to, &(struct frame){ .type = FRAME_LOST, .stream = 3 });
}

static int
make_links(uint8_t *to)
{
	return make_frame(
	    to, &(struct frame){ .type = FRAME_LINKS, .offset = 2 });
}

static int
make_goaway(uint8_t *to)
{
	struct proto_goaway g = { .code = CODE_CLOSING,
		.deadline_ms = 30000,
		.sentence = "The relay restarts." };

	return goaway_encode(to, FRAME_MAX, &g, &e);
}

static const struct vector {
	const char *name;
	int (*make)(uint8_t *to);
} vectors[] = {
	{ "HELLO: a first start", make_hello },
	{ "HELLO: a return that holds links 1 and 3, versions 1 and 3-5",
	    make_return },
	{ "WELCOME: session 42, link 4, resumed, round 7", make_welcome },
	{ "REJECT: replaced, by LAPTOP", make_reject },
	{ "REJECT: busy, again in 5 s", make_busy },
	{ "PING: offset 0x0102030405060708", make_ping },
	{ "PONG: its answer", make_pong },
	{ "CONFIG: tunnel 9, revision 3, active, with a nonce, the last",
	    make_config },
	{ "CONFIG: tunnel 9 is gone", make_gone },
	{ "CONFIG: no tunnel at all", make_none },
	{ "REPORT: the service of tunnel 9 is red", make_report },
	{ "OPEN: stream 1, from 192.0.2.7 port 49153 to 2001:db8::1 port 23456",
	    make_open },
	{ "DATA: stream 1, bytes 65536 to 65540", make_data },
	{ "ACK: stream 1, received 65541 and the end, limit 131077", make_ack },
	{ "FIN: stream 1, 65541 bytes in all", make_fin },
	{ "RESET: stream 1, not allowed", make_reset },
	{ "RESET: its answer", make_answer },
	{ "DGRAM: flow 3, the first half", make_dgram },
	{ "DGRAM: flow 3, the second half", make_dgram_end },
	{ "RESUME: round 7, links 3 and 4 live, three entries", make_resume },
	{ "RESUME: round 7, an empty list", make_resume_none },
	{ "LOST: link 3", make_lost },
	{ "LINKS: two are wanted", make_links },
	{ "GOAWAY: closing, in 30 s", make_goaway },
};

enum { VECTORS = sizeof(vectors) / sizeof(vectors[0]) };

static void
print_bytes(const uint8_t *p, int n)
{
	int i;

	for (i = 0; i < n; i++)
		printf("%02x%s", p[i],
		    i == n - 1 || i % LINE_BYTES == LINE_BYTES - 1 ? "\n"
								   : " ");
}

static int
print_all(void)
{
	static uint8_t wire[FRAME_MAX];
	int i, n;

	for (i = 0; i < VECTORS; i++) {
		n = vectors[i].make(wire);
		printf("%s%s\n", i > 0 ? "\n" : "", vectors[i].name);
		print_bytes(wire, FRAME_HEAD);
		print_bytes(wire + FRAME_HEAD, n - FRAME_HEAD);
	}
	return 0;
}

/* Reads the frame by its type's decoder and writes it into to: -1 or length. */
static int
read_and_write(const struct frame *f, uint8_t *to)
{
	static union {
		struct proto_hello hello;
		struct proto_welcome welcome;
		struct proto_reject reject;
		struct proto_config config;
		struct proto_report report;
		struct proto_open open;
		struct proto_goaway goaway;
	} u;
	char sentence[PROTO_TEXT_MAX + 1];
	uint16_t code;

	switch (f->type) {
#define CASE(T, M)                               \
	case FRAME_##T:                          \
		if (M##_decode(&u.M, f, &e) < 0) \
			return -1;               \
		return M##_encode(to, FRAME_MAX, &u.M, &e)
		CASE(HELLO, hello);
		CASE(WELCOME, welcome);
		CASE(REJECT, reject);
		CASE(CONFIG, config);
		CASE(REPORT, report);
		CASE(OPEN, open);
		CASE(GOAWAY, goaway);
	case FRAME_RESET:
		if (reset_decode(&code, sentence, f, &e) < 0)
			return -1;
		return reset_encode(to, FRAME_MAX, f->stream, code, sentence,
		    (f->flags & FRAME_ANSWER) != 0, &e);
	default:
		return make_frame(to, f);
	}
}

/* The document, a line at a time. */
struct doc {
	FILE *file;
	char line[2048];
};

static bool
next_line(struct doc *d)
{
	if (fgets(d->line, sizeof(d->line), d->file) == NULL)
		return false;
	d->line[strcspn(d->line, "\n")] = '\0';
	return true;
}

/* To the line behind this one. */
static bool
find_line(struct doc *d, const char *text)
{
	rewind(d->file);
	while (next_line(d))
		if (strcmp(d->line, text) == 0)
			return true;
	return false;
}

/* Appends a line of hex; -1 when it is none. */
static int
add_hex(uint8_t *to, int n, const char *line)
{
	char pair[3] = { 0 };

	while (*line != '\0' && n < FRAME_MAX) {
		pair[0] = line[0];
		pair[1] = line[1];
		if (!str_unhex(to + n, 1, pair))
			return -1;
		n++;
		line += 2;
		if (*line == ' ')
			line++;
	}
	return n;
}

/*
 * The next entry of a block: a line that names it, then hex up to an empty
 * line or the end of the block.  Returns its length, 0 at the end.
 */
static int
next_entry(struct doc *d, char name[NAME_MAX_LEN], uint8_t *to)
{
	int n = 0;

	if (!next_line(d) || strcmp(d->line, "```") == 0)
		return 0;
	str_copy(name, NAME_MAX_LEN, d->line);
	while (n >= 0 && next_line(d) && d->line[0] != '\0' &&
	    strcmp(d->line, "```") != 0)
		n = add_hex(to, n, d->line);
	if (strcmp(d->line, "```") == 0)
		fseek(d->file, -4, SEEK_CUR);
	return n;
}

static void
check_vector(const struct vector *v, const char *name, const uint8_t *p, int n)
{
	static uint8_t wire[FRAME_MAX];
	struct frame f = { 0 };

	is_str(name, v->name, name);
	is_int(v->make(wire), n, "is as long as the document says");
	is_mem(wire, p, (size_t)(n > 0 ? n : 0), "byte for byte");
	is_int(frame_decode(&f, p, (size_t)(n > 0 ? n : 0), &e), n, "is read");
	if (f.body == NULL)
		return;
	ok(strncmp(frame_name(f.type), name, strlen(frame_name(f.type))) == 0,
	    "is of the type that it is named after");
	is_int(read_and_write(&f, wire), n, "written again it is as long");
	is_mem(wire, p, (size_t)(n > 0 ? n : 0), "and the same");
}

static void
test_vectors(struct doc *d)
{
	static uint8_t wire[FRAME_MAX];
	bool seen[256] = { false };
	char name[NAME_MAX_LEN];
	int i, n, missing = 0;

	ok(find_line(d, "```vectors"), "the document has vectors");
	for (i = 0; i < VECTORS && (n = next_entry(d, name, wire)) != 0; i++) {
		check_vector(&vectors[i], name, wire, n);
		seen[wire[0]] = true;
	}
	is_int(i, VECTORS, "all of them");
	is_int(next_entry(d, name, wire), 0, "and no more");
	for (i = FRAME_HELLO; i <= FRAME_GOAWAY; i++)
		missing += !seen[i];
	is_int(missing, 0, "each type has one");
}

static void
test_refused(struct doc *d)
{
	static uint8_t wire[FRAME_MAX], again[FRAME_MAX];
	char name[NAME_MAX_LEN];
	struct frame f;
	int i, n, rc;

	ok(find_line(d, "```refused"), "the document has refused frames");
	for (i = 0; i < 100 && (n = next_entry(d, name, wire)) != 0; i++) {
		ok(n > 0, name);
		rc = frame_decode(&f, wire, (size_t)(n > 0 ? n : 0), &e);
		rc = rc == n ? read_and_write(&f, again) : rc;
		ok(rc < 0, rc < 0 ? e.text : "is refused");
	}
	ok(i > 10, "more than ten of them");
}

/* The lines "| 1 | broken | sentence | 1 |" below the heading. */
static void
test_codes(struct doc *d)
{
	char want[512];
	uint16_t code;

	ok(find_line(d, "| number | name | sentence | exit code |"),
	    "the document has the codes");
	next_line(d); /* the rule below the head */
	for (code = CODE_BROKEN; code <= CODE_KNOWN && next_line(d); code++) {
		snprintf(want, sizeof(want), "| %d | %s | %s | %d |", code,
		    code_name(code), code_sentence(code), code_exit(code));
		is_str(d->line, want, code_name(code));
	}
	ok(next_line(d) && d->line[0] == '\0', "and no more");
}

int
main(int argc, char **argv)
{
	struct doc d = { 0 };

	if (argc == 2 && strcmp(argv[1], "print") == 0)
		return print_all();
	if ((d.file = fopen("docs/PROTOCOL.md", "r")) == NULL) {
		printf("Bail out! docs/PROTOCOL.md cannot be read\n");
		return 1;
	}
	test_vectors(&d);
	test_refused(&d);
	test_codes(&d);
	fclose(d.file);
	return tap_done();
}
