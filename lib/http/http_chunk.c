#include "http/http_chunk.h"

#include "base/err.h"

enum {
	LINE_MAX_LEN = 256, /* a chunk's size and its extensions */
	DIGITS_MAX = 15,    /* hex digits of a chunk's size */
};

static int
refuse(unsigned *status_out, unsigned status, const char *why, struct err *e)
{
	*status_out = status;
	return err_set(e, "%s", why);
}

static bool
is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The first line of a chunk: digits, and perhaps ";" and words. */
static int
size_byte(struct http_chunks *c, char b, unsigned *status, struct err *e)
{
	int digit = hex_digit(b);

	if (++c->line > LINE_MAX_LEN)
		return refuse(status, 400, "a chunk's line is too long", e);
	if (c->state == CHUNK_SIZE && digit >= 0) {
		if (++c->digits > DIGITS_MAX)
			return refuse(status, 413, "the body is too long", e);
		c->left = c->left << 4 | (uint64_t)digit;
		return 0;
	}
	if (c->digits > 0 && b == '\r')
		c->state = CHUNK_SIZE_LF;
	else if (c->digits > 0 && b == ';')
		c->state = CHUNK_EXT;
	else if (c->state == CHUNK_SIZE || is_control(b))
		return refuse(status, 400, "a chunk's size is malformed", e);
	return 0;
}

/* LF behind the size: data follows, or after size 0 the trailers. */
static void
size_end(struct http_chunks *c)
{
	c->state = c->left > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	c->digits = 0;
	c->line = 0;
	c->some = false;
}

/* Trailers are measured and thrown away. */
static int
trailer_byte(struct http_chunks *c, char b, unsigned *status, struct err *e)
{
	if (++c->line > c->trailers_max)
		return refuse(status, 431, "the trailers are too long", e);
	if (b == '\r')
		c->state = CHUNK_TRAILER_LF;
	else if (is_control(b))
		return refuse(status, 400, "a trailer is malformed", e);
	else
		c->some = true;
	return 0;
}

/* One byte between the chunks' data. */
static int
chunk_byte(struct http_chunks *c, char b, unsigned *status, struct err *e)
{
	bool lf = c->state == CHUNK_SIZE_LF || c->state == CHUNK_DATA_LF ||
	    c->state == CHUNK_TRAILER_LF;

	if ((lf && b != '\n') || (c->state == CHUNK_DATA_CR && b != '\r'))
		return refuse(status, 400, "a chunk does not end in CR LF", e);
	switch (c->state) {
	case CHUNK_SIZE:
	case CHUNK_EXT:
		return size_byte(c, b, status, e);
	case CHUNK_SIZE_LF:
		size_end(c);
		return 0;
	case CHUNK_DATA_CR:
		c->state = CHUNK_DATA_LF;
		return 0;
	case CHUNK_DATA_LF:
		c->state = CHUNK_SIZE;
		return 0;
	case CHUNK_TRAILER:
		return trailer_byte(c, b, status, e);
	case CHUNK_TRAILER_LF:
		c->state = c->some ? CHUNK_TRAILER : CHUNK_DONE;
		c->some = false;
		return 0;
	case CHUNK_DATA:
	case CHUNK_DONE:
		break;
	}
	return 0;
}

long
http_chunks_feed(struct http_chunks *c, const char *p, size_t n,
    size_t *data_out, unsigned *status_out, struct err *e)
{
	*data_out = 0;
	if (c->state != CHUNK_DATA)
		return chunk_byte(c, *p, status_out, e) < 0 ? -1 : 1;
	if (n > c->left)
		n = (size_t)c->left;
	c->left -= n;
	if (c->left == 0)
		c->state = CHUNK_DATA_CR;
	*data_out = n;
	return (long)n;
}
