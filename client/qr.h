/*
 * qr: text as a QR code for a terminal: two squares in one character, black on
 * white whatever the terminal's own colours are.
 */
#ifndef CLIENT_QR_H
#define CLIENT_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QR_WIDTH_MAX = 57, /* squares: version 10 */
	QR_TEXT_MAX = 300,
	QR_QUIET = 4,     /* white squares around it, as the standard wants */
	QR_QUIET_MIN = 2, /* ... and as many as telephones can do with */
};

struct qr {
	char text[QR_TEXT_MAX];
	unsigned width; /* squares; 0: the text has no code */
	bool dark[QR_WIDTH_MAX * QR_WIDTH_MAX];
};

/* Makes it of text, unless it is so already. */
void qr_of(struct qr *q, const char *text);

/* Columns and lines that it takes with so much white around it. */
unsigned qr_columns(const struct qr *q, unsigned quiet);
unsigned qr_lines(const struct qr *q, unsigned quiet);

/*
 * One line of it (0 to qr_lines() - 1) as UTF-8, without colours: at most
 * 3 * qr_columns() bytes and a NUL.
 */
void qr_line(char *to, const struct qr *q, unsigned quiet, unsigned line);

#endif
