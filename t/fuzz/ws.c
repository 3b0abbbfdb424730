/*
 * ws: any bytes as frames of a WebSocket, in pieces of any size: they are read
 * alike however they are cut, and what was read, written anew, reads the same.
 * The first byte chooses the side, the pieces and the room.
 */
#include "http/ws.h"

#include <string.h>

#include "base/err.h"
#include "must.h"

enum { PLAIN_MAX = 1 << 16 };

struct fed {
	struct ws_reader r;
	uint8_t *plain;
	size_t len;
	bool failed;
};

static struct fed
feed(enum ws_side side, const uint8_t *p, size_t n, size_t step, size_t cap)
{
	struct fed f = { .plain = malloc(PLAIN_MAX) };
	size_t used, piece;
	uint8_t *copy;
	struct err e;
	ssize_t k;

	MUST(f.plain != NULL);
	ws_reader_init(&f.r, side);
	while (n > 0 && !f.failed) {
		piece = n < step ? n : step;
		MUST((copy = malloc(piece)) != NULL);
		memcpy(copy, p, piece);
		k = ws_read(&f.r, copy, piece, &used, f.plain + f.len, cap, &e);
		free(copy);
		MUST(used <= piece && k >= -1 && k <= (ssize_t)cap);
		MUST(used > 0 || k != 0);
		f.failed = k < 0;
		if (f.failed)
			break;
		f.len += (size_t)k;
		p += used;
		n -= used;
	}
	MUST(!f.failed || f.r.code != 0);
	return f;
}

/* As the other side would write it. */
static void
write_again(enum ws_side side, const struct fed *f)
{
	size_t at, n, len;
	struct ws_writer w;
	uint8_t *frame;
	struct fed g;
	struct err e;

	ws_writer_init(&w, side == WS_CLIENT ? WS_SERVER : WS_CLIENT);
	for (at = 0; at < f->len; at += n) {
		n = f->len - at < 200 ? f->len - at : 200;
		len = ws_frame_len(&w, n);
		MUST((frame = malloc(len)) != NULL);
		MUST(ws_write(&w, frame, WS_BINARY, f->plain + at, n, &e) == 0);
		g = feed(side, frame, len, SIZE_MAX, PLAIN_MAX);
		MUST(!g.failed && g.len == n && ws_is_between(&g.r));
		MUST(memcmp(g.plain, f->plain + at, n) == 0);
		free(g.plain);
		free(frame);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum ws_side side;
	struct fed a, b;

	if (n < 1 || n > PLAIN_MAX / 2)
		return 0;
	side = (p[0] & 1) != 0 ? WS_SERVER : WS_CLIENT;
	a = feed(side, p + 1, n - 1, SIZE_MAX, PLAIN_MAX / 2);
	b = feed(side, p + 1, n - 1, (size_t)(p[0] >> 4) + 1,
	    (size_t)(p[0] >> 1 & 7) + 1);
	MUST(a.failed == b.failed);
	MUST(a.len == b.len && memcmp(a.plain, b.plain, a.len) == 0);
	MUST(a.r.closed == b.r.closed && a.r.code == b.r.code);
	MUST(a.r.pinged == b.r.pinged && a.r.ping_len == b.r.ping_len);
	if (!a.failed && a.len < 4096)
		write_again(side, &a);
	free(a.plain);
	free(b.plain);
	return 0;
}
