#include "plat/dgram.h"

#include <string.h>

#include "plat/socket_win32.h"

enum { PARTS_MAX = 128 };

/* What says that nobody listens there, in POSIX' words. */
static int
fail(void)
{
	win_fail();
	if (errno == ECONNRESET || errno == ENETRESET)
		errno = ECONNREFUSED;
	return -1;
}

int
dgram_recv(int fd, struct span *v, int n)
{
	WSABUF b;
	DWORD got, flags;
	int i;

	for (i = 0; i < n; i++) {
		b.buf = v[i].p;
		b.len = (ULONG)v[i].n;
		flags = 0;
		if (WSARecv((SOCKET)fd, &b, 1, &got, &flags, NULL, NULL) != 0)
			break;
		v[i].n = got;
	}
	if (i > 0 || n == 0)
		return i;
	return WSAGetLastError() == WSAEWOULDBLOCK ? 0 : fail();
}

int
dgram_send(int fd, const struct span *v, int n)
{
	WSABUF b[PARTS_MAX];
	DWORD put;
	int i;

	if (n > PARTS_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	for (i = 0; i < n; i++) {
		b[i].buf = v[i].p;
		b[i].len = (ULONG)v[i].n;
	}
	if (WSASend((SOCKET)fd, b, (DWORD)n, &put, 0, NULL, NULL) != 0)
		return fail();
	return 0;
}
