/*
 * pack: the files of templates/ and static/, compiled into the program, so
 * that pages and program are always of one make.
 */
#ifndef WEBAPP_PACK_H
#define WEBAPP_PACK_H

#include <stddef.h>

struct pack {
	const char *name;           /* "static/look.css" */
	const unsigned char *bytes; /* a NUL stands behind them */
	size_t n;
	const char *hash; /* 12 hex digits of its SHA-256 */
};

/* The i-th file, or NULL behind the last. */
const struct pack *pack_at(size_t i);

/* The file of this name, or NULL. */
const struct pack *pack_find(const char *name);

#endif
