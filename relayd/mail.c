#include "mail.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "log/log.h"
#include "net/loop.h"

enum { TRIES = 200, TRY_MS = 5 };

/* Waits for memory; true when it is worth another try. */
static bool
wait_for_memory(int tries)
{
	struct timespec t = { .tv_nsec = TRY_MS * 1000000L };

	if (tries >= TRIES)
		return false;
	nanosleep(&t, NULL);
	return true;
}

static void
give_up(void)
{
	log_error("relayd: out of memory between its threads, it ends");
	abort();
}

static void
on_post(void *arg)
{
	struct mail *m = arg;

	m->open(m->to, m);
}

void
mail_send(struct loop *l, void *to, mail_fn *open, struct mail *m)
{
	int tries = 0;

	m->to = to;
	m->open = open;
	while (loop_post(l, on_post, m, NULL) == -1)
		if (!wait_for_memory(tries++))
			give_up();
}

void *
mail_new(unsigned long n)
{
	int tries = 0;
	void *m;

	while ((m = calloc(1, n)) == NULL)
		if (!wait_for_memory(tries++))
			give_up();
	return m;
}
