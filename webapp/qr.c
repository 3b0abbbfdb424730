#include "qr.h"

#include <qrencode.h>

#include <stdio.h>

#include "req.h"

enum { RUN_MAX = 40 }; /* bytes of one run of squares */

/* Runs of dark squares become one rectangle each. */
static const char *
draw(struct req *r, const QRcode *q)
{
	int w = q->width, x, y, from;
	size_t cap = (size_t)(w * (w / 2 + 1)) * RUN_MAX, len = 0;
	char *to = req_alloc(r, cap);

	for (y = 0; to != NULL && y < w; y++) {
		for (x = 0; x < w; x++) {
			if (!(q->data[y * w + x] & 1))
				continue;
			from = x;
			while (x < w && (q->data[y * w + x] & 1))
				x++;
			len += (size_t)snprintf(to + len, cap - len,
			    "M%d %dh%dv1h-%dz", from, y, x - from, x - from);
		}
	}
	return to;
}

const char *
qr_path(struct req *r, const char *text, int *width_out)
{
	QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	const char *path;

	if (q == NULL)
		return NULL;
	*width_out = q->width;
	path = draw(r, q);
	QRcode_free(q);
	return path;
}
