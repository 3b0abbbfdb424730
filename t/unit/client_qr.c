/* client_qr: what is drawn is the code that qrencode makes. */
#include "../../client/qr.h"

#include <qrencode.h>

#include <stdio.h>
#include <string.h>

#include "tap.h"

static struct qr q;

/* The square at x, y of the text that is drawn. */
static int
drawn(unsigned quiet, unsigned x, unsigned y)
{
	char line[3 * (QR_WIDTH_MAX + 2 * QR_QUIET) + 1], *p = line;

	qr_line(line, &q, quiet, y / 2);
	for (; x > 0; x--)
		p += *p == ' ' ? 1 : 3;
	if (*p == ' ')
		return 0;
	switch ((unsigned char)p[2]) {
	case 0x80:
		return y % 2 == 0;
	case 0x84:
		return y % 2 == 1;
	default:
		return 1;
	}
}

static void
same(const char *text, unsigned quiet)
{
	QRcode *want = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	unsigned x, y, w, all, bad = 0;

	ok(want != NULL, "qrencode makes one");
	if (want == NULL)
		return;
	w = (unsigned)want->width;
	qr_of(&q, text);
	is_int(q.width, w, text);
	all = qr_columns(&q, quiet);
	is_int(all, w + 2 * quiet, "its columns");
	is_int(qr_lines(&q, quiet), (all + 1) / 2, "its lines");
	for (y = 0; y < 2 * qr_lines(&q, quiet); y++)
		for (x = 0; x < all; x++)
			bad += drawn(quiet, x, y) !=
			    (x >= quiet && y >= quiet && x < w + quiet &&
				y < w + quiet &&
				(want->data[(y - quiet) * w + x - quiet] & 1));
	is_int(bad, 0, "every square is that of the library, white around it");
	QRcode_free(want);
}

int
main(void)
{
	char text[QR_TEXT_MAX + 10];

	same("https://tunnel.example.org/verify/abcdefghijklmnop", QR_QUIET);
	same(
	    "https://tunnel.example.org/verify/abcdefghijklmnop", QR_QUIET_MIN);
	same("x", 3);
	qr_of(&q, "");
	is_int(q.width, 0, "no text, no code");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	qr_of(&q, text);
	is_int(q.width, 0, "nor of one that is too long");
	same("y", 4);
	text[271] = '\0';
	same(text, 4);
	is_int(q.width, QR_WIDTH_MAX, "which is the largest");
	text[271] = 'a';
	text[272] = '\0';
	qr_of(&q, text);
	is_int(q.width, 0, "a larger one is none");
	return tap_done();
}
