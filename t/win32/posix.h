/*
 * posix: what the unit tests, written for POSIX, call beyond what
 * lib/plat/win32 gives the client.  Stands before each of them in the Windows
 * build.  A number is a socket here if it can be one, else a file.
 */
#ifndef T_WIN32_POSIX_H
#define T_WIN32_POSIX_H

#pragma GCC system_header

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCK_NONBLOCK 0x10000
#define SOCK_CLOEXEC  0x20000
#define O_NONBLOCK    0x4000
#define F_GETFL       3
#define F_SETFL       4

int posix_socket(int family, int type, int protocol);
int posix_accept4(int fd, struct sockaddr *from, socklen_t *n, int flags);
/* Two ends of a connection, by TCP whatever the family. */
int posix_socketpair(int family, int type, int protocol, int pair[2]);
int posix_fcntl(int fd, int what, int flags);
int posix_close(int fd);
ptrdiff_t posix_read(int fd, void *to, size_t n);
ptrdiff_t posix_write(int fd, const void *p, size_t n);
char *posix_mkdtemp(char *name);

#ifndef T_WIN32_PLAIN
#undef write
#define socket(f, t, p)        posix_socket((f), (t), (p))
#define accept4(s, a, n, f)    posix_accept4((s), (a), (n), (f))
#define socketpair(f, t, p, v) posix_socketpair((f), (t), (p), (v))
#define fcntl(fd, what, ...)   posix_fcntl((fd), (what), __VA_ARGS__ + 0)
#define close(fd)              posix_close(fd)
#define read(fd, to, n)        posix_read((fd), (to), (n))
#define write(fd, p, n)        posix_write((fd), (p), (n))
#define mkdtemp(name)          posix_mkdtemp(name)
#endif

/* No program is started from a test, and rights are not bits of a mode. */
#define T_ALONE 1

#define _SC_PAGESIZE  1
#define sysconf(what) ((void)(what), 4096L)

/* The C library of Windows does not tell what its heap holds. */
struct mallinfo2 {
	size_t uordblks, hblkhd;
};
#define mallinfo2() ((struct mallinfo2){ 0, 0 })

#endif
