#define T_WIN32_PLAIN
#include "posix.h"

#include <direct.h>
#include <errno.h>
#include <stdio.h>

#include "base/random.h"
#include "plat/plat.h"

static int
unwait(int fd, int flags)
{
	if (fd >= 0 && (flags & SOCK_NONBLOCK) != 0)
		(void)plat_unwait(fd, NULL);
	return fd;
}

static int
plain_socket(int family, int type, int protocol)
{
	SOCKET s = WSASocketW(
	    family, type & 0xffff, protocol, NULL, 0, WSA_FLAG_OVERLAPPED);

	return s == INVALID_SOCKET ? win_fail() : unwait((int)s, type);
}

int
posix_socket(int family, int type, int protocol)
{
	return plain_socket(family, type, protocol);
}

int
posix_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags)
{
	return unwait(accept(fd, from, n), flags);
}

int
posix_socketpair(int family, int type, int protocol, int pair[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t n = sizeof(at);
	int server = plain_socket(AF_INET, SOCK_STREAM, 0);

	(void)family;
	(void)protocol;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(server, (struct sockaddr *)&at, n) != 0 ||
	    listen(server, 1) != 0 ||
	    getsockname(server, (struct sockaddr *)&at, &n) != 0)
		return -1;
	pair[0] = plain_socket(AF_INET, SOCK_STREAM, 0);
	if (connect(pair[0], (struct sockaddr *)&at, n) != 0)
		return -1;
	pair[1] = accept(server, NULL, NULL);
	unwait(pair[0], type);
	unwait(pair[1], type);
	return posix_close(server);
}

int
posix_fcntl(int fd, int what, int flags)
{
	u_long no = 0;

	/* Ours never wait; what a test made itself it knows. */
	if (what == F_GETFL)
		return O_NONBLOCK;
	if ((flags & O_NONBLOCK) == 0)
		return ioctlsocket((SOCKET)fd, (long)FIONBIO, &no);
	return plat_unwait(fd, NULL);
}

int
posix_close(int fd)
{
	if (closesocket((SOCKET)fd) == 0)
		return 0;
	return WSAGetLastError() == WSAENOTSOCK ? _close(fd) : -1;
}

ptrdiff_t
posix_read(int fd, void *to, size_t n)
{
	ptrdiff_t got = recv(fd, to, n, 0);

	return got < 0 && errno == ENOTSOCK ? _read(fd, to, (unsigned)n) : got;
}

ptrdiff_t
posix_write(int fd, const void *p, size_t n)
{
	ptrdiff_t put = send(fd, p, n, 0);

	return put < 0 && errno == ENOTSOCK ? _write(fd, p, (unsigned)n) : put;
}

char *
posix_mkdtemp(char *name)
{
	char *x = strstr(name, "XXXXXX");

	snprintf(x, 7, "%06x", (unsigned)random_below(1 << 24));
	return _mkdir(name) == 0 ? name : NULL;
}
