#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/random.h"
#include "store/password.h"

/* Bytes of the file that are locked; it holds nothing. */
enum {
	SEATS_AT = 0,
	QUEUE_AT = 4096,
	SEATS_MAX = 4096,
	NAP_US = 2000, /* and up to twice as much */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	unsigned places, waiting;
	unsigned seats; /* places of all processes */
	const char *path;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 1, 0, 1, NULL };

void
gate_init(unsigned at_once, const char *path)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	gate.places = at_once > 0 ? at_once : cores > 1 ? (unsigned)cores : 1;
	gate.seats = gate.places < SEATS_MAX ? gate.places : SEATS_MAX;
	gate.path = path;
}

/* --- among processes --------------------------------------------------------- */

/* 1 locked, 0 somebody has it, -1 there are no locks. */
static int
lock_byte(int fd, off_t at, short type)
{
	struct flock l = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1
	};

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 1;
	return errno == EAGAIN || errno == EACCES ? 0 : -1;
}

/* The first of n bytes that is free; the same results. */
static int
lock_any(int fd, off_t at, unsigned n, off_t *which_out)
{
	int rc = 0;

	for (unsigned i = 0; i < n && rc == 0; i++) {
		*which_out = at + i;
		rc = lock_byte(fd, *which_out, F_WRLCK);
	}
	return rc;
}

static void
nap(void)
{
	struct timespec t = { 0, 0 };

	t.tv_nsec = 1000L * (NAP_US + (long)random_below(NAP_US));
	nanosleep(&t, NULL);
}

/* Who holds a seat is done in milliseconds, unless it was stopped. */
static int
wait_for_seat(int fd)
{
	uint64_t end = clock_ms() + GATE_WAIT_MS;
	off_t place, seat;
	int rc = lock_any(fd, QUEUE_AT, GATE_QUEUE, &place);

	if (rc != 1)
		return rc;
	do {
		nap();
		rc = lock_any(fd, SEATS_AT, gate.seats, &seat);
	} while (rc == 0 && clock_ms() < end);
	lock_byte(fd, place, F_UNLCK);
	return rc;
}

static bool
take_seat(struct gate_place *p)
{
	off_t seat;
	int rc;

	p->fd = gate.path == NULL
	    ? -1
	    : open(gate.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (p->fd == -1)
		return true;
	if ((rc = lock_any(p->fd, SEATS_AT, gate.seats, &seat)) == 0)
		rc = wait_for_seat(p->fd);
	if (rc == 1)
		return true;
	close(p->fd);
	p->fd = -1;
	return rc == -1;
}

/* --- among threads ------------------------------------------------------------ */

/* Who is inside is done soon, so that the wait is bounded. */
static bool
take_place(void)
{
	bool in = false;

	pthread_mutex_lock(&gate.lock);
	if (gate.places > 0 || gate.waiting < GATE_QUEUE) {
		gate.waiting++;
		while (gate.places == 0)
			pthread_cond_wait(&gate.freed, &gate.lock);
		gate.waiting--;
		gate.places--;
		in = true;
	}
	pthread_mutex_unlock(&gate.lock);
	return in;
}

static void
give_place(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.places++;
	pthread_cond_signal(&gate.freed);
	pthread_mutex_unlock(&gate.lock);
}

bool
gate_enter(struct gate_place *p)
{
	p->fd = -1;
	if (!take_place())
		return false;
	if (take_seat(p))
		return true;
	give_place();
	return false;
}

void
gate_leave(struct gate_place *p)
{
	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
	give_place();
}

int
gate_matches(const char *hash, const char *password)
{
	struct gate_place p;
	bool same;

	if (!gate_enter(&p))
		return -1;
	same = password_matches(hash, password);
	gate_leave(&p);
	return same;
}

int
gate_hash(char *hash_out, const char *password, struct err *e)
{
	struct gate_place p;
	int rc;

	if (!gate_enter(&p))
		return 0;
	rc = password_hash(hash_out, password, e);
	gate_leave(&p);
	return rc == -1 ? -1 : 1;
}
