/* http_chunk: what was taken, what of it is data, and where it ends. */
#include "base/err.h"
#include "http/http_chunk.h"
#include "tap.h"

static struct err e;

/* Reads n bytes in pieces; data goes to to.  Its length, or below 0. */
static int
chunks(const char *p, size_t n, size_t step, char *to, size_t *used_out)
{
	struct http_chunks c = { .trailers_max = 20 };
	size_t i = 0, len = 0, data, piece;
	unsigned status = 0;
	long took;

	while (i < n && c.state != CHUNK_DONE) {
		piece = n - i < step ? n - i : step;
		took = http_chunks_feed(&c, p + i, piece, &data, &status, &e);
		if (took < 0)
			return -(int)status;
		memcpy(to + len, p + i, data);
		len += data;
		i += (size_t)took;
	}
	*used_out = i;
	return c.state == CHUNK_DONE ? (int)len : -1;
}

int
main(void)
{
	static const char text[] = "3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
				   "0\r\nT: 1\r\nU: 2\r\n\r\nnext";
	static const char long_trailers[] = "0\r\nT: 0123456789\r\n"
					    "U: 0123456789\r\n\r\n";
	char to[64];
	size_t step, used;

	for (step = 1; step < sizeof(text); step++) {
		is_int(chunks(text, sizeof(text) - 1, step, to, &used), 13,
		    "the data of both chunks");
		is_mem(to, "abc0123456789", 13, "byte for byte");
		is_int(used, sizeof(text) - 5, "the rest is not touched");
	}
	for (step = 0; step < sizeof(text) - 5; step++)
		is_int(chunks(text, step, 64, to, &used), -1, "cut it waits");
	is_int(chunks(long_trailers, sizeof(long_trailers) - 1, 64, to, &used),
	    -431, "trailers beyond their limit");
	is_int(chunks("g\r\n", 3, 64, to, &used), -400, "no digit");
	is_int(chunks("1\n", 2, 64, to, &used), -400, "a bare LF");
	is_int(chunks("1\r\nxx", 5, 64, to, &used), -400, "a longer chunk");
	return tap_done();
}
