#define PLAT_WIN32_PLAIN
#include "plat/socket_win32.h"

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plat/wide_win32.h"

#undef strerror
#undef write

static const struct {
	int wsa;
	int number;
	const char *words;
} errors[] = {
	{ WSAEWOULDBLOCK, EAGAIN, "not now" },
	{ WSAEINTR, EINTR, "interrupted" },
	{ WSAEACCES, EACCES, "access is denied (a firewall?)" },
	{ WSAEFAULT, EFAULT, "bad address" },
	{ WSAEINVAL, EINVAL, "invalid argument" },
	{ WSAEMFILE, EMFILE, "too many open sockets" },
	{ WSAENOTSOCK, ENOTSOCK, "not a socket" },
	{ WSAEMSGSIZE, EMSGSIZE, "message too long" },
	{ WSAEINPROGRESS, EINPROGRESS, "in progress" },
	{ WSAEALREADY, EALREADY, "under way already" },
	{ WSAEAFNOSUPPORT, EAFNOSUPPORT, "address family is not supported" },
	{ WSAEADDRINUSE, EADDRINUSE, "address already in use" },
	{ WSAEADDRNOTAVAIL, EADDRNOTAVAIL, "address is not ours" },
	{ WSAENETDOWN, ENETDOWN, "the network is down" },
	{ WSAENETUNREACH, ENETUNREACH, "the network cannot be reached" },
	{ WSAENETRESET, ENETRESET, "connection broken by the network" },
	{ WSAECONNABORTED, ECONNABORTED, "connection aborted" },
	{ WSAECONNRESET, ECONNRESET, "connection reset by the other side" },
	{ WSAENOBUFS, ENOBUFS, "no buffer space" },
	{ WSAEISCONN, EISCONN, "connected already" },
	{ WSAENOTCONN, ENOTCONN, "not connected" },
	{ WSAESHUTDOWN, EPIPE, "the connection's end was said" },
	{ WSAETIMEDOUT, ETIMEDOUT, "no answer in time" },
	{ WSAECONNREFUSED, ECONNREFUSED, "connection refused" },
	{ WSAEHOSTDOWN, EHOSTUNREACH, "the host is down" },
	{ WSAEHOSTUNREACH, EHOSTUNREACH, "the host cannot be reached" },
};

enum { ERRORS = sizeof(errors) / sizeof(errors[0]) };

/* Before main(), so that whatever comes first finds Winsock ready. */
__attribute__((constructor)) static void
start_winsock(void)
{
	WSADATA data;

	(void)WSAStartup(MAKEWORD(2, 2), &data);
}

static int
number_of(int wsa)
{
	for (size_t i = 0; i < ERRORS; i++)
		if (errors[i].wsa == wsa)
			return errors[i].number;
	return wsa == 0 ? 0 : EIO;
}

int
win_fail(void)
{
	errno = number_of(WSAGetLastError());
	return -1;
}

const char *
win_strerror(int error)
{
	for (size_t i = 0; i < ERRORS; i++)
		if (errors[i].number == error)
			return errors[i].words;
	return strerror(error);
}

const char *
win_gai_strerror(int error)
{
	switch (error) {
	case WSAHOST_NOT_FOUND:
	case WSANO_DATA:
		return "no such host is known";
	case WSATRY_AGAIN:
		return "the name servers do not answer";
	default:
		return "the system finds no address";
	}
}

static int
part(size_t n)
{
	return n > INT_MAX ? INT_MAX : (int)n;
}

/* What is wrong with a socket, as an errno; 0 when nothing is. */
static int
fault_of(SOCKET s)
{
	WSAPOLLFD p = { .fd = s, .events = POLLOUT };
	int error = 0, n = sizeof(error);

	if (getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &n) != 0)
		return number_of(WSAGetLastError());
	if (error != 0)
		return number_of(error);
	/* A reset shows here alone. */
	if (WSAPoll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0)
		return ECONNRESET;
	return 0;
}

/* A connection that was reset may read as one that ended well. */
static int
really_ended(SOCKET s)
{
	int error = fault_of(s);

	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

ptrdiff_t
win_recv(int fd, void *to, size_t n, int flags)
{
	int got = recv((SOCKET)fd, to, part(n), flags);

	if (got == SOCKET_ERROR)
		return win_fail();
	return got == 0 && n > 0 ? really_ended((SOCKET)fd) : got;
}

ptrdiff_t
win_send(int fd, const void *p, size_t n, int flags)
{
	int put = send((SOCKET)fd, p, part(n), flags);

	return put == SOCKET_ERROR ? win_fail() : put;
}

int
win_connect(int fd, const struct sockaddr *to, socklen_t n)
{
	if (connect((SOCKET)fd, to, (int)n) == 0)
		return 0;
	switch (WSAGetLastError()) {
	case WSAEWOULDBLOCK:
		errno = EINPROGRESS;
		return -1;
	case WSAEINVAL: /* asked again while it is under way */
		errno = EALREADY;
		return -1;
	case WSAECONNABORTED: /* asked again when it has failed: Wine */
		errno = ECONNREFUSED;
		return -1;
	default:
		return win_fail();
	}
}

int
win_bind(int fd, const struct sockaddr *to, socklen_t n)
{
	return bind((SOCKET)fd, to, (int)n) == 0 ? 0 : win_fail();
}

int
win_listen(int fd, int backlog)
{
	return listen((SOCKET)fd, backlog) == 0 ? 0 : win_fail();
}

int
win_accept(int fd, struct sockaddr *from_out, socklen_t *n)
{
	SOCKET s = accept((SOCKET)fd, from_out, (int *)n);

	return s == INVALID_SOCKET ? win_fail() : (int)s;
}

int
win_shutdown(int fd, int how)
{
	return shutdown((SOCKET)fd, how) == 0 ? 0 : win_fail();
}

int
win_getsockname(int fd, struct sockaddr *out, socklen_t *n)
{
	return getsockname((SOCKET)fd, out, (int *)n) == 0 ? 0 : win_fail();
}

int
win_getpeername(int fd, struct sockaddr *out, socklen_t *n)
{
	return getpeername((SOCKET)fd, out, (int *)n) == 0 ? 0 : win_fail();
}

int
win_getsockopt(int fd, int level, int name, void *out, socklen_t *n)
{
	if (level == SOL_SOCKET && name == SO_ERROR) {
		*(int *)out = fault_of((SOCKET)fd);
		return 0;
	}
	if (getsockopt((SOCKET)fd, level, name, out, (int *)n) != 0)
		return win_fail();
	return 0;
}

int
win_setsockopt(int fd, int level, int name, const void *p, socklen_t n)
{
	return setsockopt((SOCKET)fd, level, name, p, (int)n) == 0 ? 0
								   : win_fail();
}

/* Windows says POLLHUP when the other side has said its end. */
static short
ours(short revents)
{
	if ((revents & (POLLHUP | POLLERR | POLLNVAL)) == POLLHUP)
		return (short)((revents & ~POLLHUP) | POLLRDHUP);
	return revents;
}

int
win_poll(struct pollfd *fds, unsigned long n, int ms)
{
	static _Thread_local WSAPOLLFD *all;
	static _Thread_local unsigned long cap;
	unsigned long i;
	int rc;

	if (n > cap) {
		WSAPOLLFD *more = realloc(all, 2 * n * sizeof(*more));

		if (more == NULL)
			return -1;
		all = more;
		cap = 2 * n;
	}
	for (i = 0; i < n; i++)
		all[i] = (WSAPOLLFD){ .fd = (SOCKET)fds[i].fd,
			.events = (short)(fds[i].events & ~POLLRDHUP) };
	if ((rc = WSAPoll(all, n, ms)) == SOCKET_ERROR)
		return win_fail();
	for (i = 0; i < n; i++)
		fds[i].revents = ours(all[i].revents);
	return rc;
}

ssize_t
win_write(int fd, const void *p, size_t n)
{
	return write(fd, p, n > INT_MAX ? INT_MAX : (unsigned)n);
}

int
win_rename(const char *from, const char *to)
{
	wchar_t *wide_from = wide_of(from), *wide_to = wide_of(to);
	bool done = wide_from != NULL && wide_to != NULL &&
	    MoveFileExW(wide_from, wide_to, MOVEFILE_REPLACE_EXISTING);

	errno = done                                 ? 0
	    : GetLastError() == ERROR_FILE_NOT_FOUND ? ENOENT
						     : EACCES;
	free(wide_from);
	free(wide_to);
	return done ? 0 : -1;
}

int
win_link(const char *from, const char *to)
{
	wchar_t *wide_from = wide_of(from), *wide_to = wide_of(to);
	bool done = wide_from != NULL && wide_to != NULL &&
	    CreateHardLinkW(wide_to, wide_from, NULL);

	errno = done                                 ? 0
	    : GetLastError() == ERROR_ALREADY_EXISTS ? EEXIST
						     : EIO;
	free(wide_from);
	free(wide_to);
	return done ? 0 : -1;
}
