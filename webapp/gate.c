#include "gate.h"

#include <pthread.h>
#include <unistd.h>

#include "store/password.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	unsigned places, waiting;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 1, 0 };

void
gate_init(unsigned at_once)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	gate.places = at_once > 0 ? at_once : cores > 1 ? (unsigned)cores : 1;
}

/* Who is inside is done in milliseconds, so that the wait is bounded. */
bool
gate_enter(void)
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

void
gate_leave(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.places++;
	pthread_cond_signal(&gate.freed);
	pthread_mutex_unlock(&gate.lock);
}

int
gate_matches(const char *hash, const char *password)
{
	bool same;

	if (!gate_enter())
		return -1;
	same = password_matches(hash, password);
	gate_leave();
	return same;
}

int
gate_hash(char *hash_out, const char *password, struct err *e)
{
	int rc;

	if (!gate_enter())
		return 0;
	rc = password_hash(hash_out, password, e);
	gate_leave();
	return rc == -1 ? -1 : 1;
}
