/* web_gate: places for hashing passwords, of threads and processes. */
#include "../../webapp/gate.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

enum { PLACES = 2, MANY = GATE_QUEUE + 4 };

static char path[] = "/tmp/adit-gate-XXXXXX";

/* What all processes see. */
static struct shared {
	atomic_int inside, most, entered, refused;
} * all;

static void
moment(void)
{
	struct timespec t = { 0, 1000000 };

	nanosleep(&t, NULL);
}

/* Until it has the value, a minute at most. */
static bool
becomes(atomic_int *n, int value)
{
	for (int i = 0; i < 60000 && atomic_load(n) != value; i++)
		moment();
	return atomic_load(n) == value;
}

/* Enters, is inside for a moment, and leaves. */
static void
visit(void)
{
	struct gate_place p;
	int n, most;

	if (!gate_enter(&p)) {
		atomic_fetch_add(&all->refused, 1);
		return;
	}
	n = atomic_fetch_add(&all->inside, 1) + 1;
	most = atomic_load(&all->most);
	while (n > most && !atomic_compare_exchange_weak(&all->most, &most, n))
		continue;
	moment();
	atomic_fetch_add(&all->entered, 1);
	atomic_fetch_sub(&all->inside, 1);
	gate_leave(&p);
}

/* A process of its own, as a CGI program is one, that inherits nothing. */
static pid_t
visitor(const struct gate_place held[PLACES])
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	for (int i = 0; i < PLACES; i++)
		close(held[i].fd);
	gate_init(PLACES, path);
	visit();
	_exit(0);
}

static void
processes(void)
{
	struct gate_place held[PLACES];
	pid_t pids[MANY];
	int i, well = 0, status;

	for (i = 0; i < PLACES; i++)
		ok(gate_enter(&held[i]), "a place is taken");
	for (i = 0; i < MANY; i++)
		pids[i] = visitor(held);
	ok(becomes(&all->refused, MANY - GATE_QUEUE),
	    "beyond the queue others are refused at once");
	is_int(atomic_load(&all->entered), 0, "nobody is inside");
	for (i = 0; i < PLACES; i++)
		gate_leave(&held[i]);
	for (i = 0; i < MANY; i++)
		if (waitpid(pids[i], &status, 0) == pids[i] && status == 0)
			well++;
	is_int(well, MANY, "all have ended well");
	is_int(atomic_load(&all->entered), GATE_QUEUE,
	    "who stood in the queue came in");
	is_int(
	    atomic_load(&all->refused), MANY - GATE_QUEUE, "and nobody else");
	ok(atomic_load(&all->most) <= PLACES,
	    "never more than there are places");
}

/* What a process held that was killed is free again. */
static void
killed(void)
{
	struct gate_place p[PLACES];
	pid_t pid = fork();
	int i;

	if (pid == 0) {
		gate_init(PLACES, path);
		for (i = 0; i < PLACES; i++)
			gate_enter(&p[i]);
		atomic_store(&all->inside, PLACES);
		for (;;)
			pause();
	}
	ok(becomes(&all->inside, PLACES), "another process holds all places");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (i = 0; i < PLACES; i++)
		ok(gate_enter(&p[i]), "it died, and they are free");
	for (i = 0; i < PLACES; i++)
		gate_leave(&p[i]);
	atomic_store(&all->inside, 0);
}

static void *
run(void *arg)
{
	(void)arg;
	visit();
	return NULL;
}

/* Threads of one process. */
static void
threads(const char *says)
{
	pthread_t t[MANY];
	int i;

	atomic_store(&all->most, 0);
	atomic_store(&all->entered, 0);
	atomic_store(&all->refused, 0);
	for (i = 0; i < MANY; i++)
		if (pthread_create(&t[i], NULL, run, NULL) != 0)
			break;
	is_int(i, MANY, "threads");
	while (i > 0)
		pthread_join(t[--i], NULL);
	is_int(atomic_load(&all->entered) + atomic_load(&all->refused), MANY,
	    says);
	ok(atomic_load(&all->entered) >= GATE_QUEUE, "most come in");
	ok(atomic_load(&all->most) <= PLACES, "but not more at once");
}

int
main(void)
{
	int fd = mkstemp(path);

	all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fd == -1 || all == MAP_FAILED)
		return tap_skip_all("no file and no memory to share");
	close(fd);
	gate_init(PLACES, path);
	processes();
	killed();
	threads("threads share the file");
	gate_init(PLACES, NULL);
	threads("and do without");
	gate_init(PLACES, "/nowhere/adit.gate");
	threads("also where none can be had");
	unlink(path);
	return tap_done();
}
