#include "qr.h"

#include <qrencode.h>

#include <string.h>

#include "base/str.h"

void
qr_of(struct qr *q, const char *text)
{
	QRcode *code;
	size_t i, n;

	if (strcmp(q->text, text) == 0)
		return;
	q->width = 0;
	if (!str_copy(q->text, sizeof(q->text), text) || text[0] == '\0' ||
	    (code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L)) == NULL)
		return;
	if (code->width > 0 && code->width <= QR_WIDTH_MAX) {
		q->width = (unsigned)code->width;
		n = (size_t)q->width * q->width;
		for (i = 0; i < n; i++)
			q->dark[i] = (code->data[i] & 1) != 0;
	}
	QRcode_free(code);
}

unsigned
qr_columns(const struct qr *q, unsigned quiet)
{
	return q->width + 2 * quiet;
}

unsigned
qr_lines(const struct qr *q, unsigned quiet)
{
	return (q->width + 2 * quiet + 1) / 2;
}

/* White is all that lies around it. */
static bool
is_dark(const struct qr *q, unsigned quiet, unsigned x, unsigned y)
{
	if (x < quiet || y < quiet || x - quiet >= q->width ||
	    y - quiet >= q->width)
		return false;
	return q->dark[(y - quiet) * q->width + x - quiet];
}

void
qr_line(char *to, const struct qr *q, unsigned quiet, unsigned line)
{
	/* neither, the upper half, the lower half, both */
	static const char *const halves[] = { " ", "\xe2\x96\x80",
		"\xe2\x96\x84", "\xe2\x96\x88" };
	unsigned x, y = 2 * line, end = qr_columns(q, quiet), both;
	size_t n;

	for (x = 0; x < end; x++) {
		both = is_dark(q, quiet, x, y) ? 1 : 0;
		both += is_dark(q, quiet, x, y + 1) ? 2 : 0;
		n = strlen(halves[both]);
		memcpy(to, halves[both], n);
		to += n;
	}
	*to = '\0';
}
