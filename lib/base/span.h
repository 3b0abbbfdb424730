/*
 * span: a piece of somebody else's memory.  The rooms that know no system
 * pass these; plat turns them into what readv() and WSARecv() want.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stddef.h>

struct span {
	void *p;
	size_t n;
};

#endif
