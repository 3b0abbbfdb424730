#include "plat/dgram.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plat/plat.h"
#include "tap.h"

enum { BIG = 65507, ROOM = 65536 };

static int a, b; /* connected to each other */

static int
bound(struct sockaddr_in *at)
{
	socklen_t n = sizeof(*at);
	int fd = plat_socket(AF_INET, SOCK_DGRAM, 0, NULL);

	*at = (struct sockaddr_in){ .sin_family = AF_INET };
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)at, sizeof(*at)) != 0 ||
	    getsockname(fd, (struct sockaddr *)at, &n) != 0)
		plat_close(&fd);
	return fd;
}

static bool
is_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 5000) == 1;
}

static void
test_sizes(void)
{
	static const size_t sizes[] = { 0, 1, 1472, BIG };
	char *out = calloc(1, BIG), *in = malloc(ROOM);
	struct span v;
	size_t i;

	out[BIG - 1] = 'z';
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		v = (struct span){ out, sizes[i] };
		is_int(dgram_send(a, &v, 1), 0, "a datagram goes out");
		v = (struct span){ in, ROOM };
		is_int(is_readable(b) ? dgram_recv(b, &v, 1) : -2, 1,
		    "and arrives");
		is_int(v.n, sizes[i], "as long as it was");
	}
	is_int(in[BIG - 1], 'z', "and to its last byte");
	v.n = ROOM;
	is_int(dgram_recv(b, &v, 1), 0, "then there is none");
	free(out);
	free(in);
}

static void
test_batch(void)
{
	char in[DGRAM_BATCH][8], one[2] = { 'x', 0 };
	struct span v[DGRAM_BATCH], parts[2] = { { one, 1 }, { one + 1, 1 } };
	int i, n, sum = 0;
	bool order = true;

	for (i = 0; i < 40; i++) {
		one[1] = (char)i;
		dgram_send(a, parts, 2);
	}
	while (sum < 40 && is_readable(b)) {
		for (i = 0; i < DGRAM_BATCH; i++)
			v[i] = (struct span){ in[i], sizeof(in[i]) };
		if ((n = dgram_recv(b, v, DGRAM_BATCH)) <= 0)
			break;
		for (i = 0; i < n; i++)
			order = order && v[i].n == 2 && in[i][0] == 'x' &&
			    in[i][1] == sum + i;
		sum += n;
	}
	is_int(sum, 40, "many are read in few calls");
	ok(order, "in their order, made of their parts");
}

static void
test_refused(void)
{
	struct span v = { "x", 1 };
	char in[8];
	int i, n = 0;

	plat_close(&b);
	dgram_send(a, &v, 1);
	for (i = 0; i < 50 && n == 0 && is_readable(a); i++) {
		v = (struct span){ in, sizeof(in) };
		n = dgram_recv(a, &v, 1);
	}
	ok(n == -1 && errno == ECONNREFUSED, "nobody listens: it is told");
}

int
main(void)
{
	struct sockaddr_in at_a, at_b;

	a = bound(&at_a);
	b = bound(&at_b);
	ok(a >= 0 && b >= 0 &&
		connect(a, (struct sockaddr *)&at_b, sizeof(at_b)) == 0 &&
		connect(b, (struct sockaddr *)&at_a, sizeof(at_a)) == 0,
	    "two sockets");
	test_sizes();
	test_batch();
	test_refused();
	plat_close(&a);
	return tap_done();
}
