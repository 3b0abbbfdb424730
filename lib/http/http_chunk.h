/*
 * http_chunk: a chunked body (RFC 9112, 7.1), read exactly: every line ends in
 * CR LF, a size is hex digits and nothing else.
 */
#ifndef HTTP_HTTP_CHUNK_H
#define HTTP_HTTP_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum http_chunk_state {
	CHUNK_SIZE,
	CHUNK_EXT,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LF,
	CHUNK_DONE,
};

/* All 0 but trailers_max at first. */
struct http_chunks {
	enum http_chunk_state state;
	size_t trailers_max; /* bytes of all trailers, which are thrown away */
	uint64_t left;       /* bytes of the chunk that are to come */
	unsigned digits;
	size_t line; /* bytes of the size line, or of all trailers */
	bool some;   /* the trailer line has bytes */
};

/*
 * Reads on: how many of the n > 0 bytes were taken, at least 1.  Either all of
 * those are data, and *data_out says so, or none, and it is 0.  -1 with the
 * reason, and in *status_out the status that answers it, when it is malformed.
 * It is not to be called when state is CHUNK_DONE.
 */
long http_chunks_feed(struct http_chunks *c, const char *p, size_t n,
    size_t *data_out, unsigned *status_out, struct err *e);

#endif
