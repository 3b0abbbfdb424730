#include "keeper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "log/log.h"
#include "move.h"
#include "net/loop.h"
#include "relay.h"
#include "store/store.h"
#include "store/store_snapshot.h"

enum {
	LOOK_MS = 100,
	CHECK_MS = 5000,
	WRITE_MS = 1000,
	REOPEN_MS = 2000,
	PURGE_MS = 3600000,
};

struct keeper {
	struct relay *relay;
	struct keeper_ops ops;
	void *arg;
	pthread_t thread;
	bool running;
	_Atomic uint64_t looked_at; /* with success, clock_ms() */
	struct mail stop;
	char *path;

	/* the keeper's thread alone: */
	struct loop *loop;
	struct store *store;
	struct keeper_batch *batch;
	int64_t version;
	int64_t change;
	bool was_filled; /* something had been in it */
	unsigned asks;   /* for a look, not yet answered */
	uint64_t check_at;
	uint64_t write_at;
	uint64_t reopen_at;
	uint64_t purge_at;
	bool stopping;
	char health[256];
};

/* What it says to control. */
struct note {
	struct mail mail;
	struct snapshot *snapshot;
	char text[256];
};

/* --- to control ------------------------------------------------------------ */

static void
on_snapshot(void *to, struct mail *m)
{
	struct keeper *k = to;
	struct note *n = (struct note *)m;

	k->ops.snapshot(k->arg, n->snapshot);
	free(n);
}

static void
on_health(void *to, struct mail *m)
{
	struct keeper *k = to;
	struct note *n = (struct note *)m;

	k->ops.health(k->arg, n->text[0] != '\0' ? n->text : NULL);
	free(n);
}

static void
on_looked(void *to, struct mail *m)
{
	struct keeper *k = to;

	free(m);
	k->ops.looked(k->arg);
}

static void
on_written(void *to, struct mail *m)
{
	struct keeper *k = to;
	struct keeper_batch *b = (struct keeper_batch *)m;

	keeper_batch_free(&b);
	k->ops.written(k->arg);
}

static void
on_stopped(void *to, struct mail *m)
{
	struct keeper *k = to;

	(void)m;
	k->ops.stopped(k->arg);
}

static void
say(struct keeper *k, mail_fn *open, struct snapshot *s, const char *text)
{
	struct note *n = mail_new(sizeof(*n));

	n->snapshot = s;
	snprintf(n->text, sizeof(n->text), "%s", text);
	mail_send(k->relay->loop, k, open, &n->mail);
}

/* Told when it changes; "" is well. */
static void
say_health(struct keeper *k, const char *text)
{
	if (strcmp(k->health, text) == 0)
		return;
	snprintf(k->health, sizeof(k->health), "%s", text);
	say(k, on_health, NULL, k->health);
}

void
keeper_batch_free(struct keeper_batch **bp)
{
	struct keeper_batch *b = *bp;

	if (b == NULL)
		return;
	while (b->memory_n > 0)
		free(b->memory[--b->memory_n]);
	free(b);
	*bp = NULL;
}

/* --- the thread's work ----------------------------------------------------- */

/*
 * The database cannot be used: what is known stays in force.  Opened again
 * from the start, since nobody can say what a connection that has seen this
 * still knows.
 */
static void
fail(struct keeper *k, const char *why)
{
	char text[256];

	if (k->store != NULL && store_why(k->store) == STORE_BUSY)
		return;
	snprintf(text, sizeof(text), "database: %s", why);
	say_health(k, text);
	if (k->store == NULL || store_why(k->store) == STORE_FULL)
		return;
	store_close(&k->store);
	k->reopen_at = loop_now(k->loop) + REOPEN_MS;
}

/*
 * Tries again.  An empty database that appeared in the place of ours is not
 * believed: it would tell us to delete all.
 */
static void
reopen(struct keeper *k)
{
	enum store_why why;
	int64_t change;
	struct err e;

	if (loop_now(k->loop) < k->reopen_at)
		return;
	k->reopen_at = loop_now(k->loop) + REOPEN_MS;
	if (access(k->path, F_OK) == -1) {
		err_sys(&e, "%s", k->path);
		fail(k, e.text);
		return;
	}
	k->store = store_open(k->path, STORE_NEVER_WAIT, &why, &e);
	if (k->store == NULL) {
		fail(k, e.text);
		return;
	}
	if (store_change_max(k->store, &change, &e) == -1) {
		fail(k, e.text);
		return;
	}
	if (change == 0 && k->was_filled) {
		store_close(&k->store);
		fail(k, "it is empty; tunnels go on as they were known");
		return;
	}
	k->version = -1;
	k->change = -1;
}

static int
take_snapshot(struct keeper *k, struct err *e)
{
	struct snapshot *s;

	if ((s = store_snapshot(k->store, e)) == NULL)
		return -1;
	k->change = s->change;
	k->was_filled = k->was_filled || s->change > 0;
	say(k, on_snapshot, s, "");
	return 0;
}

/*
 * Has another program changed something that we serve from?  A later Adit may
 * also have changed what the tables mean.
 */
static int
take_changes(struct keeper *k, struct err *e)
{
	int64_t version, change;

	if (store_data_version(k->store, &version, e) == -1)
		return -1;
	atomic_store(&k->looked_at, clock_ms());
	if (version == k->version)
		return 0;
	if (store_schema_check(k->store, e) == -1 ||
	    store_change_max(k->store, &change, e) == -1 ||
	    (change != k->change && take_snapshot(k, e) == -1))
		return -1;
	k->version = version;
	return 0;
}

/* Whoever asked for this look hears that it is done. */
static void
look(struct keeper *k)
{
	struct err e;

	if (take_changes(k, &e) == -1) {
		fail(k, e.text);
		return;
	}
	for (; k->asks > 0; k->asks--)
		mail_send(k->relay->loop, k, on_looked,
		    mail_new(sizeof(struct mail)));
}

/* Is the file still the file? */
static void
check(struct keeper *k)
{
	struct err e;

	if (loop_now(k->loop) < k->check_at)
		return;
	k->check_at = loop_now(k->loop) + CHECK_MS;
	if (store_file_check(k->store, &e) == -1)
		fail(k, e.text);
}

/* 1 written or nothing there, 0 not now. */
static int
write_batch(struct keeper *k)
{
	struct keeper_batch *b = k->batch;
	struct err e;
	int rc;

	if (b == NULL)
		return 1;
	if (k->store == NULL || loop_now(k->loop) < k->write_at)
		return 0;
	rc = store_session_write(k->store, &b->rows, &e);
	if (rc == -1)
		fail(k, e.text);
	if (rc != 1) {
		k->write_at = loop_now(k->loop) + WRITE_MS;
		return 0;
	}
	if (k->store != NULL)
		say_health(k, "");
	k->batch = NULL;
	mail_send(k->relay->loop, k, on_written, &b->mail);
	return 1;
}

static void
purge(struct keeper *k)
{
	struct err e;

	if (k->store == NULL || loop_now(k->loop) < k->purge_at)
		return;
	k->purge_at = loop_now(k->loop) + PURGE_MS;
	if (store_purge(k->store, &e) == -1)
		fail(k, e.text);
}

/* The full disk of a moment ago is no reason to say so for ever. */
static void
say_well(struct keeper *k)
{
	if (k->store != NULL && k->batch == NULL)
		say_health(k, "");
}

static void
on_look(void *arg)
{
	struct keeper *k = arg;

	if (k->store == NULL)
		reopen(k);
	if (k->store != NULL)
		check(k);
	if (k->store != NULL)
		look(k);
	write_batch(k);
	purge(k);
	say_well(k);
	if (k->stopping) {
		if (k->batch != NULL) {
			mail_send(
			    k->relay->loop, k, on_written, &k->batch->mail);
			k->batch = NULL;
		}
		store_close(&k->store);
		mail_send(k->relay->loop, k, on_stopped, &k->stop);
		loop_stop(k->loop);
		return;
	}
	while (loop_after(k->loop, LOOK_MS, on_look, k, NULL) == NULL)
		continue;
}

static void
on_ask(void *to, struct mail *m)
{
	struct keeper *k = to;

	free(m);
	k->asks++;
	if (k->store != NULL)
		look(k);
}

/* What cannot be done now control asks for again. */
static void
on_move(void *to, struct mail *mail)
{
	struct keeper *k = to;
	struct move *m = (struct move *)mail;
	uint16_t port;
	struct err e;
	int rc = 0;

	if (k->store != NULL && take_changes(k, &e) == 0)
		rc = move_do(m, k->store, &port, &e);
	if (rc == 1) {
		log_info("tunnel %lld: nobody has used port %u yet, and "
			 "another program has it: port %u from now on",
		    (long long)m->tunnel, m->port, port);
		k->version = -1; /* our own changes do not move it */
		look(k);
	} else if (rc == -1 && store_why(k->store) != STORE_BUSY) {
		log_error("tunnel %lld: no other port, %s",
		    (long long)m->tunnel, e.text);
	}
	free(m);
}

void
keeper_move(struct keeper *k, struct move *m)
{
	mail_send(k->loop, k, on_move, &m->mail);
}

static void
on_batch(void *to, struct mail *m)
{
	struct keeper *k = to;

	k->batch = (struct keeper_batch *)m;
	write_batch(k);
}

static void
on_stop(void *to, struct mail *m)
{
	struct keeper *k = to;

	free(m);
	k->stopping = true;
	k->write_at = 0;
}

static void *
run(void *arg)
{
	struct keeper *k = arg;

	/* Only a loop that cannot wait ends otherwise; then nothing is known. */
	if (loop_run(k->loop, NULL) == -1)
		say_health(k, "database: its thread has ended");
	return NULL;
}

/* --- for control ----------------------------------------------------------- */

uint64_t
keeper_lag_ms(const struct keeper *k)
{
	uint64_t at = atomic_load(&k->looked_at);

	return clock_ms() - at;
}

struct keeper *
keeper_new(struct relay *r, struct store *s, int64_t change,
    const struct keeper_ops *ops, void *arg, struct err *e)
{
	struct keeper *k;
	int rc;

	if ((k = calloc(1, sizeof(*k))) == NULL) {
		err_sys(e, "keeper");
		store_close(&s);
		return NULL;
	}
	k->relay = r;
	k->ops = *ops;
	k->arg = arg;
	k->store = s;
	k->version = -1;
	k->change = change;
	atomic_init(&k->looked_at, clock_ms());
	store_set_waiting(s, false);
	if ((k->path = strdup(store_path(s))) == NULL) {
		err_sys(e, "keeper");
		keeper_free(&k);
		return NULL;
	}
	if ((k->loop = loop_new(e)) == NULL ||
	    loop_after(k->loop, LOOK_MS, on_look, k, e) == NULL) {
		keeper_free(&k);
		return NULL;
	}
	k->purge_at = loop_now(k->loop) + (uint64_t)LOOK_MS * 100;
	if ((rc = pthread_create(&k->thread, NULL, run, k)) != 0) {
		err_set(e, "keeper: %s", strerror(rc));
		keeper_free(&k);
		return NULL;
	}
	k->running = true;
	return k;
}

void
keeper_look(struct keeper *k)
{
	mail_send(k->loop, k, on_ask, mail_new(sizeof(struct mail)));
}

void
keeper_write(struct keeper *k, struct keeper_batch *b)
{
	mail_send(k->loop, k, on_batch, &b->mail);
}

void
keeper_stop(struct keeper *k)
{
	mail_send(k->loop, k, on_stop, mail_new(sizeof(struct mail)));
}

void
keeper_free(struct keeper **kp)
{
	struct keeper *k = *kp;

	if (k == NULL)
		return;
	if (k->running)
		pthread_join(k->thread, NULL);
	keeper_batch_free(&k->batch);
	store_close(&k->store);
	loop_free(&k->loop);
	free(k->path);
	free(k);
	*kp = NULL;
}
