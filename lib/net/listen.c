#include "net/listen.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "net/addr.h"
#include "plat/plat.h"

enum {
	BACKLOG = 4096,
	KEEP_IDLE_S = 60,
	KEEP_EVERY_S = 15,
	KEEP_COUNT = 4,
};

struct listen_port {
	enum listen_kind kind;
	uint16_t port;
	bool serving;
	unsigned count;
	struct {
		int fd;
		int family;
	} at[LISTEN_BINDS_MAX];
};

/* Sets an option that is a number. */
static int
set(int fd, int level, int option, int value, const char *name, struct err *e)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		return err_sys(e, "%s", name);
	return 0;
}

static int
set_reuse(int fd, bool on, struct err *e)
{
	return set(fd, SOL_SOCKET, SO_REUSEADDR, on, "SO_REUSEADDR", e);
}

/* What the sockets of visitors inherit from the one that listens. */
static int
set_tcp(int fd, struct err *e)
{
	if (set(fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY", e) < 0 ||
	    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE", e) < 0)
		return -1;
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S, "", NULL);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEP_EVERY_S, "", NULL);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT, "", NULL);
	return 0;
}

/* A large queue, and the address to which each datagram came. */
static int
set_udp(int fd, int family, struct err *e)
{
	int size = LISTEN_UDP_RCVBUF;

	/* The first needs a right; without it the host's limit holds. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, size, "", NULL);
	if (family == AF_INET6)
		return set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1,
		    "IPV6_RECVPKTINFO", e);
	return set(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO", e);
}

/* A socket drops all that arrives from now on, or takes it again. */
static int
set_deaf(int fd, bool deaf, struct err *e)
{
	struct sock_filter nothing = { .code = BPF_RET | BPF_K, .k = 0 };
	struct sock_fprog program = { .len = 1, .filter = &nothing };
	int none = 0;

	if (deaf &&
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
		sizeof(program)) < 0)
		return err_sys(e, "SO_ATTACH_FILTER");
	if (!deaf &&
	    setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)) <
		0 &&
	    errno != ENOENT)
		return err_sys(e, "SO_DETACH_FILTER");
	return 0;
}

/* Binds, once; errno tells. */
static int
bind_once(int fd, const struct addr *at, int family)
{
	struct sockaddr_storage ss;
	socklen_t n = addr_to_sockaddr(at, family, &ss);

	return bind(fd, (struct sockaddr *)&ss, n);
}

/*
 * Takes a TCP port without SO_REUSEADDR, which closes it to every other
 * program from the first moment.  When that fails it may be because old
 * connections linger (TIME_WAIT): SO_REUSEADDR passes over those, and over
 * no socket that listens.
 */
static int
bind_tcp(int fd, const struct addr *at, int family)
{
	if (bind_once(fd, at, family) == 0)
		return 0;
	if (errno != EADDRINUSE || set_reuse(fd, true, NULL) < 0)
		return -1;
	if (bind_once(fd, at, family) < 0)
		return -1;
	return set_reuse(fd, false, NULL);
}

/* Says why a port cannot be had. */
static int
fail_bind(const struct addr *at, const char *kind, bool *taken, struct err *e)
{
	char text[ADDR_TEXT];

	*taken = errno == EADDRINUSE;
	if (*taken)
		return err_set(e,
		    "%s port %u is taken by another program "
		    "(at %s)",
		    kind, (unsigned)at->port, addr_text(text, at));
	return err_sys(e, "%s port %u (at %s)", kind, (unsigned)at->port,
	    addr_text(text, at));
}

/* True when errno says that this host has no such address family. */
static bool
lacks_family(void)
{
	return errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
}

/*
 * A socket for at.  *lacks_out tells whether a failure means that the host
 * has no IPv6.
 */
static int
open_socket(const struct addr *at, int type, bool *lacks_out, struct err *e)
{
	int fd, family = addr_family(at);

	*lacks_out = false;
	fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		*lacks_out = lacks_family();
		return err_sys(e, "socket");
	}
	if (family == AF_INET6 &&
	    set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !addr_is_any(at), "IPV6_V6ONLY",
		e) < 0)
		plat_close(&fd);
	return fd;
}

/* Opens one held socket of p, at this address. */
static int
open_at(struct listen_port *p, const struct addr *bind_at, bool *taken,
    bool *lacks, struct err *e)
{
	struct addr at = *bind_at;
	int fd, rc, family = addr_family(&at);
	bool tcp = p->kind == LISTEN_TCP;

	at.port = p->port;
	fd = open_socket(&at, tcp ? SOCK_STREAM : SOCK_DGRAM, lacks, e);
	if (fd < 0)
		return -1;
	rc = tcp ? set_tcp(fd, e) : set_udp(fd, family, e);
	if (rc == 0 && !tcp)
		rc = set_deaf(fd, true, e);
	if (rc == 0 &&
	    (tcp ? bind_tcp(fd, &at, family) : bind_once(fd, &at, family)) <
		0) {
		*lacks = lacks_family();
		rc = fail_bind(&at, tcp ? "TCP" : "UDP", taken, e);
	}
	if (rc < 0) {
		plat_close(&fd);
		return -1;
	}
	p->at[p->count].fd = fd;
	p->at[p->count++].family = family;
	return 0;
}

/* Opens p at every address of the host. */
static int
open_everywhere(struct listen_port *p, bool *taken, struct err *e)
{
	struct addr any = { 0 };
	bool lacks = false;

	if (open_at(p, &any, taken, &lacks, e) == 0)
		return 0;
	if (!lacks || addr_parse_ip(&any, "0.0.0.0", e) < 0)
		return -1;
	return open_at(p, &any, taken, &lacks, e);
}

struct listen_port *
listen_open(const struct listen_want *want, bool *taken_out, struct err *e)
{
	struct listen_port *p;
	bool taken = false, lacks = false;
	unsigned i;
	int rc = 0;

	assert(want->bind_count <= LISTEN_BINDS_MAX);
	if (taken_out != NULL)
		*taken_out = false;
	if ((p = calloc(1, sizeof(*p))) == NULL) {
		err_sys(e, "port");
		return NULL;
	}
	p->kind = want->kind;
	p->port = want->port;
	if (want->bind_count == 0)
		rc = open_everywhere(p, &taken, e);
	for (i = 0; rc == 0 && i < want->bind_count; i++)
		rc = open_at(p, &want->bind[i], &taken, &lacks, e);
	if (rc < 0)
		listen_close(&p);
	if (taken_out != NULL)
		*taken_out = taken;
	return p;
}

void
listen_close(struct listen_port **pp)
{
	struct listen_port *p = *pp;
	unsigned i;

	if (p == NULL)
		return;
	for (i = 0; i < p->count; i++)
		plat_close(&p->at[i].fd);
	free(p);
	*pp = NULL;
}

/*
 * Begins to listen.  SO_REUSEADDR must be on while it listens: the sockets of
 * visitors inherit it, and one that lacks it would forbid the next listen()
 * for as long as it is open.  Before, it would let another program bind; so it
 * is put on afterwards, unless visitors of an earlier time are still there.
 */
static int
begin_to_listen(int fd)
{
	int why;

	if (listen(fd, BACKLOG) == 0)
		return set_reuse(fd, true, NULL);
	if (errno != EADDRINUSE || set_reuse(fd, true, NULL) < 0)
		return -1;
	if (listen(fd, BACKLOG) == 0)
		return 0;
	why = errno;
	set_reuse(fd, false, NULL);
	errno = why;
	return -1;
}

/* Makes one socket welcome visitors. */
static int
serve_fd(const struct listen_port *p, int fd, bool *taken, struct err *e)
{
	int rc, why;

	if (p->kind == LISTEN_UDP)
		return set_deaf(fd, false, e);
	/* Nobody comes in before the option is on; a SYN is sent again. */
	if (set_deaf(fd, true, e) < 0)
		return -1;
	rc = begin_to_listen(fd);
	why = errno;
	if (set_deaf(fd, false, e) < 0)
		return -1;
	if (rc == 0)
		return 0;
	errno = why;
	*taken = errno == EADDRINUSE;
	if (*taken)
		return err_set(e, "TCP port %u is taken by another program",
		    (unsigned)p->port);
	return err_sys(e, "TCP port %u: listen", (unsigned)p->port);
}

/* Makes one socket refuse visitors. */
static int
hold_fd(const struct listen_port *p, int fd, struct err *e)
{
	char byte;

	if (p->kind == LISTEN_UDP) {
		if (set_deaf(fd, true, e) < 0)
			return -1;
		/* What had arrived is too old by the time it would be read. */
		while (recv(fd, &byte, 1, MSG_DONTWAIT) >= 0)
			continue;
		return 0;
	}
	/*
	 * Off while it still listens, so that there is no moment in which
	 * another program could bind; a visitor who comes in between is reset
	 * with the others in the queue, and leaves no socket behind.
	 */
	if (set_reuse(fd, false, e) < 0)
		return -1;
	if (shutdown(fd, SHUT_RD) < 0 && errno != ENOTCONN)
		return err_sys(e, "TCP port %u: shutdown", (unsigned)p->port);
	return 0;
}

int
listen_serve(struct listen_port *p, bool *taken_out, struct err *e)
{
	bool taken = false;
	unsigned i;

	if (taken_out != NULL)
		*taken_out = false;
	if (p->serving)
		return 0;
	for (i = 0; i < p->count; i++)
		if (serve_fd(p, p->at[i].fd, &taken, e) < 0)
			break;
	if (taken_out != NULL)
		*taken_out = taken;
	p->serving = i == p->count;
	while (!p->serving && i-- > 0)
		hold_fd(p, p->at[i].fd, NULL);
	return p->serving ? 0 : -1;
}

int
listen_hold(struct listen_port *p, struct err *e)
{
	unsigned i;

	if (!p->serving)
		return 0;
	for (i = 0; i < p->count; i++)
		if (hold_fd(p, p->at[i].fd, e) < 0)
			return -1;
	p->serving = false;
	return 0;
}

bool
listen_is_serving(const struct listen_port *p)
{
	return p->serving;
}

enum listen_kind
listen_kind_of(const struct listen_port *p)
{
	return p->kind;
}

uint16_t
listen_port_number(const struct listen_port *p)
{
	return p->port;
}

unsigned
listen_count(const struct listen_port *p)
{
	return p->count;
}

int
listen_fd(const struct listen_port *p, unsigned i)
{
	assert(i < p->count);
	return p->at[i].fd;
}

int
listen_family(const struct listen_port *p, unsigned i)
{
	assert(i < p->count);
	return p->at[i].family;
}

/* What errno means for one who accepts. */
static int
why_no_visitor(struct err *e)
{
	switch (errno) {
	case EAGAIN:
		return LISTEN_NOBODY;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		err_sys(e, "accept");
		return LISTEN_FULL;
	default:
		err_sys(e, "accept");
		return LISTEN_BROKEN;
	}
}

/* True when errno is the visitor's trouble and the next may do better. */
static bool
visitor_left(void)
{
	switch (errno) {
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM: /* a firewall's word */
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case ENOPROTOOPT:
		return true;
	default:
		return false;
	}
}

/* accept4() until somebody is there who stays. */
static int
accept_one(int fd, struct sockaddr_storage *ss, struct err *e)
{
	socklen_t n = sizeof(*ss);
	int got;

	do {
		n = sizeof(*ss);
		got = accept4(fd, (struct sockaddr *)ss, &n,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
	} while (got < 0 && visitor_left());
	return got >= 0 ? got : why_no_visitor(e);
}

int
listen_accept(
    int fd, struct addr *peer_out, struct addr *own_out, struct err *e)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof(ss);
	int got;

	if ((got = accept_one(fd, &ss, e)) < 0)
		return got;
	if (peer_out != NULL &&
	    addr_from_sockaddr(peer_out, (struct sockaddr *)&ss, e) < 0) {
		plat_close(&got);
		return LISTEN_BROKEN;
	}
	if (own_out == NULL)
		return got;
	if (getsockname(got, (struct sockaddr *)&ss, &n) < 0 ||
	    addr_from_sockaddr(own_out, (struct sockaddr *)&ss, NULL) < 0)
		*own_out = (struct addr){ 0 };
	return got;
}

/*
 * A TCP socket that listens at this address; *lacks_out as in open_socket().
 */
static int
listen_at(const struct addr *at, bool *taken, bool *lacks_out, struct err *e)
{
	int fd;

	if ((fd = open_socket(at, SOCK_STREAM, lacks_out, e)) < 0)
		return -1;
	if (set_tcp(fd, e) < 0 || set_reuse(fd, true, e) < 0) {
		plat_close(&fd);
		return -1;
	}
	if (bind_once(fd, at, addr_family(at)) < 0 || listen(fd, BACKLOG) < 0) {
		*lacks_out = lacks_family();
		fail_bind(at, "TCP", taken, e);
		plat_close(&fd);
	}
	return fd;
}

int
listen_tcp(const struct addr *at, bool *taken_out, struct err *e)
{
	bool taken = false, lacks;
	struct addr v4;
	int fd;

	fd = listen_at(at, &taken, &lacks, e);
	if (fd < 0 && lacks && addr_is_any(at) && !addr_is_v4(at) &&
	    addr_parse_ip(&v4, "0.0.0.0", e) == 0) {
		v4.port = at->port;
		fd = listen_at(&v4, &taken, &lacks, e);
	}
	if (taken_out != NULL)
		*taken_out = taken;
	return fd;
}

/* Fills a sockaddr_un; -1 when the path is too long for one. */
static int
unix_addr(struct sockaddr_un *un, const char *path, struct err *e)
{
	size_t n = strlen(path);

	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n >= sizeof(un->sun_path))
		return err_set(e,
		    "%s: the path of a socket has at most %zu "
		    "bytes",
		    path, sizeof(un->sun_path) - 1);
	memcpy(un->sun_path, path, n);
	return 0;
}

/*
 * The process that answers at path: its number, or 0 when nobody does (no
 * such file, or left behind).
 */
static pid_t
answering(const char *path)
{
	struct ucred who = { 0 };
	struct sockaddr_un un;
	socklen_t n = sizeof(who);
	pid_t pid = 0;
	int fd;

	if (unix_addr(&un, path, NULL) < 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	/* EAGAIN: somebody is there whose queue is full. */
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		pid = errno == EAGAIN ? -1 : 0;
	else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) < 0)
		pid = -1;
	else
		pid = who.pid != 0 ? who.pid : -1;
	plat_close(&fd);
	return pid;
}

/* Checks that path may be replaced. */
static int
may_replace(const char *path, bool *taken, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, "%s is there and is no socket", path);
	*taken = answering(path) != 0;
	if (*taken)
		return err_set(e, "%s is served by another program", path);
	return 0;
}

/* Binds at a name of its own, sets the rights, listens, takes the name. */
static int
bind_unix(int fd, const char *path, unsigned mode, long group, struct err *e)
{
	struct sockaddr_un un;
	char own[sizeof(un.sun_path)];
	int n;

	n = snprintf(own, sizeof(own), "%s.%ld", path, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(own))
		return err_set(e, "%s: the path of a socket is too long", path);
	if (unix_addr(&un, own, e) < 0)
		return -1;
	unlink(own);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0)
		return err_sys(e, "%s", own);
	/* in a folder of somebody else's it may be a link by now */
	if (fchmodat(AT_FDCWD, own, mode, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (group >= 0 && lchown(own, (uid_t)-1, (gid_t)group) < 0) ||
	    listen(fd, BACKLOG) < 0 || rename(own, path) < 0) {
		err_sys(e, "%s", path);
		unlink(own);
		return -1;
	}
	return 0;
}

int
listen_unix(
    const char *path, unsigned mode, long group, bool *taken_out, struct err *e)
{
	bool taken = false;
	int fd, rc;

	rc = may_replace(path, &taken, e);
	if (taken_out != NULL)
		*taken_out = taken;
	if (rc < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(e, "socket");
	if (bind_unix(fd, path, mode, group, e) < 0)
		plat_close(&fd);
	return fd;
}

void
listen_unix_close(int *fd, const char *path)
{
	if (*fd < 0)
		return;
	/* A successor may have taken the name over. */
	if (answering(path) == getpid())
		unlink(path);
	plat_close(fd);
}

int
listen_unix_accept(int fd, struct err *e)
{
	struct sockaddr_storage ss;

	return accept_one(fd, &ss, e);
}
