/*
 * socket_win32: Winsock, with the names, the errno and the manners that the
 * rest of the code knows.  A socket is an int here too: Windows promises that
 * handles have no more than 32 bits that count.
 *
 * The headers in win32/ stand before the system's in the Windows build only.
 * Each gives what POSIX keeps under its name, as far as Adit uses it.
 */
#ifndef PLAT_SOCKET_WIN32_H
#define PLAT_SOCKET_WIN32_H

#pragma GCC system_header

#define pollfd win_native_pollfd /* whose fd is a pointer's size */
#include <winsock2.h>
#include <ws2tcpip.h>
#undef pollfd

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

typedef unsigned win_socklen;
#define socklen_t win_socklen

#define MSG_DONTWAIT 0 /* none of our sockets ever waits */
#define MSG_NOSIGNAL 0
#define SHUT_RD      SD_RECEIVE
#define SHUT_WR      SD_SEND
#define SHUT_RDWR    SD_BOTH

/* Windows 10 knows them; older headers do not. */
#ifndef TCP_KEEPIDLE
#define TCP_KEEPIDLE 3
#endif
#ifndef TCP_KEEPINTVL
#define TCP_KEEPINTVL 17
#endif

/* Each sets errno as its namesake does; SO_ERROR answers with an errno. */
ptrdiff_t win_recv(int fd, void *to, size_t n, int flags);
ptrdiff_t win_send(int fd, const void *p, size_t n, int flags);
int win_connect(int fd, const struct sockaddr *to, socklen_t n);
int win_bind(int fd, const struct sockaddr *to, socklen_t n);
int win_listen(int fd, int backlog);
int win_accept(int fd, struct sockaddr *from_out, socklen_t *n);
int win_shutdown(int fd, int how);
int win_getsockname(int fd, struct sockaddr *out, socklen_t *n);
int win_getpeername(int fd, struct sockaddr *out, socklen_t *n);
int win_getsockopt(int fd, int level, int name, void *out, socklen_t *n);
int win_setsockopt(int fd, int level, int name, const void *p, socklen_t n);

#ifndef PLAT_WIN32_PLAIN /* the file that makes them of Winsock's */
#define recv        win_recv
#define send        win_send
#define connect     win_connect
#define bind        win_bind
#define listen      win_listen
#define accept      win_accept
#define shutdown    win_shutdown
#define getsockname win_getsockname
#define getpeername win_getpeername
#define getsockopt  win_getsockopt
#define setsockopt  win_setsockopt
#undef gai_strerror
#define gai_strerror win_gai_strerror
#endif

/* In UTF-8. */
const char *win_gai_strerror(int error);

/* The errno of Winsock's last error on this thread; returns -1. */
int win_fail(void);

#endif
