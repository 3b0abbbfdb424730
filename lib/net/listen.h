/*
 * listen: the sockets to which others come: public ports, which are served or
 * held; the relay's own port; and sockets in the file system.
 *
 * A public port is taken once and kept.  Held, it refuses visitors (TCP) or
 * drops what arrives (UDP), connections that are open go on, and no other
 * process can take it.  Never SO_REUSEPORT.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct err;
struct listen_port;

enum listen_kind {
	LISTEN_TCP,
	LISTEN_UDP,
};

enum {
	LISTEN_BINDS_MAX = 8,
	LISTEN_UDP_RCVBUF = 4 << 20,
};

/* What a public port asks for. */
struct listen_want {
	enum listen_kind kind;
	uint16_t port;
	/* none: [::] for both families, 0.0.0.0 where there is no IPv6 */
	const struct addr *bind;
	unsigned bind_count;
};

/*
 * Takes the port, held.  NULL with the reason; *taken_out tells whether that
 * is another program holding it (worth another try), and may be NULL.
 */
struct listen_port *listen_open(
    const struct listen_want *want, bool *taken_out, struct err *e);

/* Gives the port up.  Unwatch its sockets first. */
void listen_close(struct listen_port **p);

/*
 * Visitors are welcome.  -1 leaves it held; *taken_out as above.  Doing it
 * twice is harmless.
 */
int listen_serve(struct listen_port *p, bool *taken_out, struct err *e);

/*
 * Visitors are refused, those who wait in the kernel's queue too.  Pause the
 * watches (loop_pause) before.  Doing it twice is harmless.
 */
int listen_hold(struct listen_port *p, struct err *e);

bool listen_is_serving(const struct listen_port *p);
enum listen_kind listen_kind_of(const struct listen_port *p);
uint16_t listen_port_number(const struct listen_port *p);

/*
 * Its sockets, one for each bind address: count of them, number i, and the
 * family of number i.  UDP sockets give IPV6_PKTINFO (AF_INET6, for IPv4
 * visitors as ::ffff:a.b.c.d too) or IP_PKTINFO (AF_INET) with each datagram.
 */
unsigned listen_count(const struct listen_port *p);
int listen_fd(const struct listen_port *p, unsigned i);
int listen_family(const struct listen_port *p, unsigned i);

enum {
	LISTEN_NOBODY = -1, /* nobody waits */
	LISTEN_FULL = -2,   /* no descriptor or memory is left: pause a while */
	LISTEN_BROKEN = -3, /* this socket cannot accept any more */
};

/*
 * The next visitor's socket: non-blocking, TCP_NODELAY; or one of the three
 * above.  peer_out (who) and own_out (the address they came to) may be NULL;
 * own_out costs a system call.  Visitors who left already are passed over.
 */
int listen_accept(
    int fd, struct addr *peer_out, struct addr *own_out, struct err *e);

/*
 * The relay's own TCP port: bound and listening; [::] takes IPv4 visitors
 * too.  Returns the descriptor; *taken_out as in listen_open().
 */
int listen_tcp(const struct addr *at, bool *taken_out, struct err *e);

/*
 * A listening socket in the file system with these permissions (0600, 0660)
 * and, unless group is -1, this group.  A socket left behind by a program
 * that ended is replaced, one that is answered is not (*taken_out).
 * listen_unix_close() closes it and takes the name away.
 */
int listen_unix(const char *path, unsigned mode, long group, bool *taken_out,
    struct err *e);
void listen_unix_close(int *fd, const char *path);

/* The next one at a socket in the file system; as listen_accept(). */
int listen_unix_accept(int fd, struct err *e);

#endif
