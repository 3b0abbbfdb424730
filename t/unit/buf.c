#include "base/buf.h"

#include "base/err.h"
#include "tap.h"

/* A byte stream through a small buf, checked against what went in. */
static void
test_stream(void)
{
	struct buf b;
	uint8_t in = 0, out = 0;
	bool good = true;
	uint8_t piece[37];

	buf_init(&b, 1000);
	for (unsigned i = 0; i < 20000 && good; i++) {
		size_t n = i * 7 % sizeof(piece);
		size_t drop = i * 11 % 40;

		if (n <= b.max - buf_len(&b)) {
			for (size_t k = 0; k < n; k++)
				piece[k] = in++;
			good = buf_add(&b, piece, n, NULL) == 0;
		}
		if (drop > buf_len(&b))
			drop = buf_len(&b);
		for (size_t k = 0; k < drop; k++)
			good = good && buf_data(&b)[k] == out++;
		buf_drop(&b, drop);
		good = good && b.cap <= b.max;
	}
	ok(good, "what goes in comes out, in order, within the limit");
	buf_free(&b);
}

int
main(void)
{
	struct buf b;
	struct err e = { "" };
	static uint8_t many[100000];
	uint8_t *room;

	buf_init(&b, 10);
	ok(b.mem == NULL && buf_len(&b) == 0, "a new one holds no memory");
	is_int(buf_add(&b, "", 0, &e), 0, "nothing may be added");
	ok(b.mem == NULL, "and takes no memory");
	is_int(buf_add(&b, "0123456789", 10, &e), 0, "up to the limit");
	is_int(buf_add(&b, "x", 1, &e), -1, "not beyond");
	is_str(e.text, "1 bytes more than the 10 that may wait here",
	    "the reason is told");
	is_mem(buf_data(&b), "0123456789", 10, "what was there stays");
	buf_drop(&b, 4);
	is_mem(buf_data(&b), "456789", 6, "bytes leave at the front");
	is_int(buf_add(&b, "abcd", 4, &e), 0, "and make room at the end");
	is_mem(buf_data(&b), "456789abcd", 10, "all in order");
	buf_drop(&b, 10);
	is_int(buf_len(&b), 0, "empty");
	buf_free(&b);
	is_int(buf_add(&b, "again", 5, &e), 0, "a freed one may be used again");
	buf_free(&b);

	buf_init(&b, sizeof(many));
	room = buf_room(&b, 5, &e);
	ok(room != NULL, "room may be asked for");
	memcpy(room, "hello", 5);
	is_int(buf_len(&b), 0, "and is not there before it is told");
	buf_added(&b, 3);
	is_mem(buf_data(&b), "hel", 3, "less than asked may be used");
	is_int(buf_add(&b, many, sizeof(many) - 3, &e), 0, "it grows");
	buf_drop(&b, sizeof(many));
	ok(b.mem == NULL, "a large block is given back when empty");
	buf_free(&b);
	test_stream();
	return tap_done();
}
