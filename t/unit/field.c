/* field: one table against every fault that a body can have. */
#include <stdbool.h>

#include "base/err.h"
#include "proto/field.h"
#include "proto/frame.h"
#include "tap.h"

struct thing {
	uint32_t first; /* nothing that is counted may stand at 0 */
	uint8_t small;
	uint16_t two;
	uint64_t eight;
	bool has;
	uint32_t maybe;
	uint8_t bytes[4];
	char text[6];
	char texts[2][4];
	unsigned text_count;
	uint16_t pairs[3][2];
	unsigned pair_count;
};

#define AT(M) \
	.at = offsetof(struct thing, M), .size = sizeof(((struct thing *)0)->M)

static const struct field fields[] = {
	{ 1, FIELD_NUMBER, 1, "first", AT(first) },
	{ 2, FIELD_NUMBER, 0, "small", AT(small), .lo = 2, .hi = 4 },
	{ 3, FIELD_NUMBER, 0, "two", AT(two) },
	{ 4, FIELD_NUMBER, 0, "eight", AT(eight) },
	{ 5, FIELD_NUMBER, 0, "maybe", AT(maybe),
	    .has_at = offsetof(struct thing, has) },
	{ 6, FIELD_BYTES, 1, "bytes", AT(bytes) },
	{ 7, FIELD_TEXT, 0, "text", AT(text) },
	{ 8, FIELD_TEXTS, 0, "texts", offsetof(struct thing, texts), 4,
	    offsetof(struct thing, text_count), .max = 2 },
	{ 9, FIELD_LIST, 0, "pairs", offsetof(struct thing, pairs), 2,
	    offsetof(struct thing, pair_count), .lo = 1, .max = 3, .each = 2 },
};
static const struct field_table table =
    FIELD_TABLE(FRAME_GOAWAY, struct thing, fields);

static struct err e;

/* first and bytes, which must be there. */
#define MUST "\1\0\4\0\0\0\7\6\0\4abcd"

static int
decode(struct thing *t, const void *p, size_t n)
{
	struct frame f = { .type = FRAME_GOAWAY, .body = p };

	f.len = (uint16_t)n;
	e.text[0] = '\0';
	return field_decode(t, &table, &f, &e);
}

struct body {
	int rc;
	const char *claim;
	const char *p;
	size_t n;
};

#define B(rc, claim, s)                     \
	{                                   \
		rc, claim, s, sizeof(s) - 1 \
	}

static const struct body bodies[] = {
	B(0, "the least", MUST),
	B(-1, "nothing at all", ""),
	B(-1, "bytes are missing", "\1\0\4\0\0\0\7"),
	B(-1, "a key twice", MUST "\1\0\4\0\0\0\7"),
	B(-1, "a text twice", MUST "\7\0\1a\7\0\1b"),
	B(-1, "a list twice", MUST "\11\0\0\11\0\0"),
	B(0, "texts twice", MUST "\10\0\1a\10\0\1b"),
	B(-1, "texts more often", MUST "\10\0\1a\10\0\1b\10\0\1c"),
	B(0, "an unknown key", MUST "\143\0\1a"),
	B(0, "an unknown key twice", MUST "\143\0\1a\143\0\0"),
	B(0, "keys in another order", "\7\0\1a" MUST),
	B(-1, "cut in its head", MUST "\7\0"),
	B(-1, "cut in its bytes", MUST "\7\0\2a"),
	B(-1, "an unknown one cut", MUST "\143\0\2a"),
	B(-1, "a number too short", MUST "\3\0\1a"),
	B(-1, "a number too long", MUST "\3\0\3abc"),
	B(-1, "a number without bytes", MUST "\3\0\0"),
	B(-1, "bytes too long", "\1\0\4\0\0\0\7\6\0\5abcde"),
	B(-1, "a number too low", MUST "\2\0\1\1"),
	B(0, "the lowest number", MUST "\2\0\1\2"),
	B(0, "the highest number", MUST "\2\0\1\4"),
	B(-1, "a number too high", MUST "\2\0\1\5"),
	B(0, "the longest text", MUST "\7\0\5abcde"),
	B(-1, "a text too long", MUST "\7\0\6abcdef"),
	B(0, "an empty text", MUST "\7\0\0"),
	B(-1, "a control character", MUST "\7\0\1\n"),
	B(-1, "a NUL", MUST "\7\0\3a\0b"),
	B(-1, "DEL", MUST "\7\0\1\177"),
	B(-1, "C1", MUST "\7\0\2\302\205"),
	B(0, "UTF-8", MUST "\7\0\2\303\244"),
	B(-1, "half of it", MUST "\7\0\1\303"),
	B(-1, "overlong", MUST "\7\0\2\300\257"),
	B(-1, "a surrogate", MUST "\7\0\3\355\240\200"),
	B(0, "an empty list", MUST "\11\0\0"),
	B(0, "a pair", MUST "\11\0\4\0\1\0\2"),
	B(-1, "half a pair", MUST "\11\0\2\0\1"),
	B(-1, "four pairs", MUST "\11\0\20\0\1\0\1\0\1\0\1\0\1\0\1\0\1\0\1"),
	B(-1, "a pair with 0", MUST "\11\0\4\0\1\0\0"),
};

static void
test_bodies(void)
{
	struct thing t;
	size_t i;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		is_int(decode(&t, bodies[i].p, bodies[i].n), bodies[i].rc,
		    bodies[i].claim);
		ok((bodies[i].rc < 0) == (e.text[0] != '\0'),
		    "a reason when it is refused");
	}
}

static void
fill(struct thing *t)
{
	memset(t, 0, sizeof(*t));
	t->first = 0x01020304;
	t->small = 3;
	t->two = 0x0506;
	t->eight = 0x1112131415161718;
	t->has = true;
	memcpy(t->bytes, "abcd", 4);
	strcpy(t->text, "t\xc3\xa4xt");
	strcpy(t->texts[0], "abc");
	strcpy(t->texts[1], "d");
	t->text_count = 2;
	t->pairs[0][0] = 1;
	t->pairs[0][1] = 2;
	t->pairs[1][0] = t->pairs[1][1] = 0xffff;
	t->pair_count = 2;
}

static const char full[] = "\x11\0\0\x46\0\0\0\0\0\0\0\0\0\0\0\0"
			   "\1\0\4\1\2\3\4"
			   "\2\0\1\3"
			   "\3\0\2\5\6"
			   "\4\0\10\x11\x12\x13\x14\x15\x16\x17\x18"
			   "\5\0\4\0\0\0\0"
			   "\6\0\4abcd"
			   "\7\0\5t\xc3\xa4xt"
			   "\10\0\3abc"
			   "\10\0\1d"
			   "\11\0\10\0\1\0\2\xff\xff\xff\xff";

static void
test_round(void)
{
	struct frame head = { 0 };
	struct thing a, b;
	uint8_t wire[128];
	size_t n, len = sizeof(full) - 1;
	int whole = 0;

	fill(&a);
	is_int(field_encode(wire, sizeof(wire), &head, &table, &a, &e), len,
	    "a full thing");
	is_mem(wire, full, len, "byte for byte");
	is_int(decode(&b, wire + FRAME_HEAD, len - FRAME_HEAD), 0, "is read");
	is_mem(&a, &b, sizeof(a), "and is the same");
	for (n = 0; n < len; n++)
		is_int(field_encode(wire, n, &head, &table, &a, &e), -1,
		    "no room");
	/* cut between two fields it may be whole, if no more must come */
	for (n = 0; n < len - FRAME_HEAD; n++)
		whole += decode(&b, full + FRAME_HEAD, n) == 0;
	is_int(whole, 4, "a cut body is whole behind keys 6, 7 and 8 only");
}

static void
test_unsent(void)
{
	struct frame head = { 0 };
	uint8_t wire[128];
	struct thing a;

#define NOT_SENT(change, claim)                                             \
	fill(&a);                                                           \
	change;                                                             \
	is_int(field_encode(wire, sizeof(wire), &head, &table, &a, &e), -1, \
	    claim)

	NOT_SENT(a.small = 1, "a number too low is not sent");
	NOT_SENT(a.small = 5, "nor one too high");
	NOT_SENT(memset(a.text, 'x', sizeof(a.text)), "nor a text without end");
	NOT_SENT(strcpy(a.text, "\n"), "nor a control character");
	NOT_SENT(a.text_count = 3, "nor too many texts");
	NOT_SENT(a.pair_count = 4, "nor too many pairs");
	NOT_SENT(a.pairs[1][0] = 0, "nor a pair with 0");
	memset(&a, 0, sizeof(a));
	is_int(field_encode(wire, sizeof(wire), &head, &table, &a, &e),
	    FRAME_HEAD + 14, "what is absent takes no room");
}

static void
test_next(void)
{
	struct field_reader r = { (const uint8_t *)"\1\0\2ab\2\0\0", 8 };
	const uint8_t *p;
	uint8_t key;
	size_t n;

	is_int(field_next(&r, &key, &p, &n, &e), 1, "a field");
	ok(key == 1 && n == 2 && memcmp(p, "ab", 2) == 0, "key and bytes");
	is_int(field_next(&r, &key, &p, &n, &e), 1, "one without bytes");
	ok(key == 2 && n == 0, "its key");
	is_int(field_next(&r, &key, &p, &n, &e), 0, "the end");
}

int
main(void)
{
	test_bodies();
	test_round();
	test_unsent();
	test_next();
	return tap_done();
}
