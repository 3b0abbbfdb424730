/*
 * qr: a QR code as the path of an SVG.
 */
#ifndef WEBAPP_QR_H
#define WEBAPP_QR_H

struct req;

/*
 * The path of the dark squares, one unit each, and how many units the code is
 * wide; NULL when text is too long for a code.
 */
const char *qr_path(struct req *r, const char *text, int *width_out);

#endif
