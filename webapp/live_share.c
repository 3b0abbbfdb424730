#include "live_share.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

enum {
	PLACES = 16,
	FRESH_MS = 250,
	STALE_MS = 1000, /* while somebody is asking again */
};

/* An answer and how many hold it, its place among the shared being one. */
struct shared {
	struct live_said said; /* first: what is handed out */
	unsigned holders;
};

/* A question, and what was said last. */
struct place {
	char *question; /* NULL: free */
	struct shared *last;
	uint64_t asked_ms; /* when last was asked for */
	bool is_asked;     /* by some thread, now */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t said = PTHREAD_COND_INITIALIZER;
static struct place places[PLACES];
static unsigned forgets; /* how often all was forgotten */

static void
let_go(struct shared *s)
{
	if (s == NULL || --s->holders > 0)
		return;
	json_decref(s->said.list);
	free(s->said.at);
	free(s);
}

static void
clear(struct place *p)
{
	let_go(p->last);
	free(p->question);
	memset(p, 0, sizeof(*p));
}

/* Makes room of what nobody will want any more. */
static void
clear_old(uint64_t now)
{
	for (size_t i = 0; i < PLACES; i++)
		if (!places[i].is_asked && now - places[i].asked_ms > STALE_MS)
			clear(&places[i]);
}

/* Where this question stands, or shall stand; NULL when all are taken. */
static struct place *
find(const char *question)
{
	struct place *free_one = NULL;

	for (size_t i = 0; i < PLACES; i++) {
		if (places[i].question == NULL)
			free_one = &places[i];
		else if (strcmp(places[i].question, question) == 0)
			return &places[i];
	}
	if (free_one != NULL)
		free_one->question = strdup(question);
	return free_one == NULL || free_one->question == NULL ? NULL : free_one;
}

/* Puts an answer in the place of the last one. */
static void
keep(struct place *p, struct shared *s, uint64_t asked_ms)
{
	let_go(p->last);
	p->last = s;
	p->asked_ms = asked_ms;
	p->is_asked = false;
	if (s != NULL)
		s->holders++;
	pthread_cond_broadcast(&said);
}

/* Will the last answer do? */
static bool
is_good(const struct place *p)
{
	uint64_t age = clock_ms() - p->asked_ms;

	return p->last != NULL &&
	    age < (uint64_t)(p->is_asked ? STALE_MS : FRESH_MS);
}

/* The place of a question that has a good answer or that nobody asks now. */
static struct place *
wait_for(const char *question)
{
	struct place *p;

	for (;;) {
		p = find(question);
		if (p == NULL || is_good(p) || !p->is_asked)
			return p;
		/* what p is must be found again afterwards */
		pthread_cond_wait(&said, &lock);
	}
}

const struct live_said *
live_share_take(const char *question,
    void (*fill)(struct live_said *, const char *, void *), void *arg)
{
	unsigned forgotten;
	struct shared *s;
	struct place *p;
	uint64_t now;

	pthread_mutex_lock(&lock);
	clear_old(clock_ms());
	p = wait_for(question);
	if (p != NULL && is_good(p)) {
		s = p->last;
		s->holders++;
		pthread_mutex_unlock(&lock);
		return &s->said;
	}
	if (p != NULL)
		p->is_asked = true;
	forgotten = forgets;
	now = clock_ms();
	pthread_mutex_unlock(&lock);

	if ((s = calloc(1, sizeof(*s))) != NULL) {
		s->holders = 1;
		fill(&s->said, question, arg);
	}
	pthread_mutex_lock(&lock);
	if (p != NULL)
		keep(p, forgotten == forgets ? s : NULL, now);
	pthread_mutex_unlock(&lock);
	return s == NULL ? NULL : &s->said;
}

void
live_share_done(void *held)
{
	pthread_mutex_lock(&lock);
	let_go(held);
	pthread_mutex_unlock(&lock);
}

void
live_share_forget(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < PLACES; i++) {
		let_go(places[i].last);
		places[i].last = NULL;
	}
	forgets++;
	pthread_mutex_unlock(&lock);
}
