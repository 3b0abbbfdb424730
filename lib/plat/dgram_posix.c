#include "plat/dgram.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { PARTS_MAX = 512 }; /* below IOV_MAX */

#ifdef __linux__

static int
recv_many(int fd, struct span *v, int n)
{
	struct mmsghdr m[DGRAM_BATCH] = { 0 };
	int i, got;

	for (i = 0; i < n; i++) {
		m[i].msg_hdr.msg_iov = (struct iovec *)(void *)&v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	if ((got = recvmmsg(fd, m, (unsigned)n, MSG_DONTWAIT, NULL)) < 0)
		return -1;
	for (i = 0; i < got; i++)
		v[i].n = m[i].msg_len;
	return got;
}

#else

static int
recv_many(int fd, struct span *v, int n)
{
	ssize_t got = 0;
	int i;

	for (i = 0; i < n; i++) {
		if ((got = recv(fd, v[i].p, v[i].n, 0)) < 0)
			break;
		v[i].n = (size_t)got;
	}
	return i > 0 ? i : -1;
}

#endif

int
dgram_recv(int fd, struct span *v, int n)
{
	int got;

	do
		got = recv_many(fd, v, n);
	while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return got;
}

int
dgram_send(int fd, const struct span *v, int n)
{
	struct msghdr m = { 0 };
	ssize_t put;

	if (n > PARTS_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	m.msg_iov = (struct iovec *)(void *)(uintptr_t)v;
	m.msg_iovlen = (size_t)n;
	do
		put = sendmsg(fd, &m, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put < 0 ? -1 : 0;
}
