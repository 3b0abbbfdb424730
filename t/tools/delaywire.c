/*
 * delaywire: a long, thin, leaky wire between two network namespaces.
 *
 *	delaywire PID IF PID IF DELAY_MS LOSS_PERMILLE
 *
 * Makes a TUN device in the network namespace of each process and carries
 * packets between them, each DELAY_MS later, but for the lost ones.  Says
 * "ready" when both devices are there; ends with standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

enum { PACKETS = 4096, PACKET = 1600, BURST = 64 };

struct packet {
	uint64_t due;
	size_t len;
	unsigned char data[PACKET];
};

/* One direction: packets on their way, the oldest at first. */
struct way {
	int from, to;
	struct packet *ring;
	unsigned first, end;
};

static int
open_tun(const char *pid, const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[64];
	int ns, fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET) != 0)
		die("%s: %s", path, strerror(errno));
	close(ns);
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) != 0)
		die("%s: %s", name, strerror(errno));
	return fd;
}

/* Sends what is due; returns when the next one is. */
static uint64_t
deliver(struct way *w, uint64_t now)
{
	struct packet *p;

	while (w->first != w->end) {
		p = &w->ring[w->first % PACKETS];
		if (p->due > now)
			return p->due;
		if (write(w->to, p->data, p->len) < 0 && errno == EBADF)
			die("write: %s", strerror(errno));
		w->first++;
	}
	return UINT64_MAX;
}

static void
collect(struct way *w, uint64_t due, long loss)
{
	unsigned char scrap[PACKET];
	bool is_full;
	ssize_t n;

	for (int i = 0; i < BURST; i++) {
		struct packet *p = &w->ring[w->end % PACKETS];

		is_full = w->end - w->first == PACKETS;
		n = read(w->from, is_full ? scrap : p->data, PACKET);
		if (n <= 0)
			return;
		if (is_full || random() % 1000 < loss)
			continue;
		p->len = (size_t)n;
		p->due = due;
		w->end++;
	}
}

static void
way_init(struct way *w, int from, int to)
{
	w->from = from;
	w->to = to;
	if ((w->ring = calloc(PACKETS, sizeof(*w->ring))) == NULL)
		die("no memory");
}

int
main(int argc, char **argv)
{
	struct way w[2] = { { .first = 0 } };
	struct pollfd p[3];
	uint64_t delay, now, next, other;
	char line[64];
	long loss;
	int a, b;

	if (argc != 7)
		die("delaywire PID IF PID IF DELAY_MS LOSS_PERMILLE");
	delay = number(argv[5]) * 1000;
	loss = (long)number(argv[6]);
	a = open_tun(argv[1], argv[2]);
	b = open_tun(argv[3], argv[4]);
	way_init(&w[0], a, b);
	way_init(&w[1], b, a);
	say("ready");
	for (;;) {
		struct timespec t = { 1, 0 };

		now = now_us();
		next = deliver(&w[0], now);
		other = deliver(&w[1], now);
		next = other < next ? other : next;
		if (next != UINT64_MAX) {
			next = next > now ? next - now : 0;
			t.tv_sec = (time_t)(next / 1000000);
			t.tv_nsec = (long)(next % 1000000 * 1000);
		}
		p[0] = (struct pollfd){ .fd = a, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = b, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = 0, .events = POLLIN };
		if (ppoll(p, 3, &t, NULL) < 0)
			continue;
		now = now_us();
		for (int i = 0; i < 2; i++)
			if (p[i].revents != 0)
				collect(&w[i], now + delay, loss);
		if (p[2].revents != 0 && stdin_line(line, sizeof(line)) < 0)
			return 0;
	}
}
