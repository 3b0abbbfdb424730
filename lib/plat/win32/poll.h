#ifndef PLAT_WIN32_POLL_H
#define PLAT_WIN32_POLL_H

#pragma GCC system_header

#include "plat/socket_win32.h"

struct pollfd {
	int fd;
	short events;
	short revents;
};

/* The other side has said its end; POLLHUP: the connection is broken. */
#define POLLRDHUP 0x2000

/* Of sockets only; without any it fails. */
int win_poll(struct pollfd *fds, unsigned long n, int ms);

#define poll win_poll

#endif
