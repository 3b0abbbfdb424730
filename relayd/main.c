/*
 * relayd: the relay of Adit.  Starts in the open: options, settings, log, files,
 * certificate, database, sockets, threads; then turns until a signal ends it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/version.h"
#include "log/log.h"
#include "net/listen.h"
#include "net/loop.h"
#include "plat/confine.h"
#include "plat/plat.h"
#include "store/store.h"
#include "store/store_session.h"
#include "store/store_snapshot.h"
#include "tls/tls_cert.h"
#include "tls/tls_ctx.h"

#include "ctl_server.h"
#include "feed.h"
#include "http_server.h"
#include "keeper.h"
#include "notify.h"
#include "registry.h"
#include "relay.h"
#include "reload.h"
#include "worker.h"

enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_SETTINGS = 20, /* the client's code for the same */
	FILES_OWN = 32,     /* database, log, loops, and the like */
	FILES_MIN = 64,
	KEEPER_WAIT_MS = 5000, /* for the last batch */
};

struct options {
	const char *path;
	bool checks;
	bool verbose;
};

/* The whole process. */
struct whole {
	struct relay relay;
	struct options options;
	struct store *store;       /* until the keeper has it */
	struct snapshot *snapshot; /* until the registry has it */
	int64_t change;
	int64_t next_session;
	struct feed *feed;
	struct ctl_server *ctl;
	int signals;
	struct watch *watch;
	unsigned ends;    /* SIGTERMs */
	bool is_stopping; /* the workers have been told */
	bool kept;        /* the keeper has stopped */
};

/* --- options and settings -------------------------------------------------- */

static int
usage(FILE *to)
{
	fprintf(to,
	    "usage: relayd [-n [-v]] [-c FILE]\n"
	    "  -c FILE  the settings, adit.yaml(5)\n"
	    "  -n       check the settings and end\n"
	    "  -v       with -n: print every key\n"
	    "  -h       this\n");
	return to == stdout ? 0 : EXIT_USAGE;
}

/* -1: go on, else the exit status. */
static int
read_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:hnv")) != -1) {
		switch (c) {
		case 'c':
			o->path = optarg;
			break;
		case 'h':
			return usage(stdout);
		case 'n':
			o->checks = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		default:
			return usage(stderr);
		}
	}
	if (optind != argc || (o->verbose && !o->checks))
		return usage(stderr);
	return -1;
}

/* The addresses of relay.listen. */
static int
parse_listen(
    const struct adit_conf *c, struct addr *out, unsigned *n_out, struct err *e)
{
	const struct conf_list *l = &c->relay.listen;
	size_t i;

	if (l->n == 0 || l->n > RELAY_LISTEN_MAX)
		return err_set(
		    e, "relay.listen: 1 to %d addresses", RELAY_LISTEN_MAX);
	for (i = 0; i < l->n; i++)
		if (addr_parse(&out[i], l->at[i], e) == -1)
			return err_prefix(e, "relay.listen");
	*n_out = (unsigned)l->n;
	return 0;
}

/* -1: go on, else the exit status. */
static int
read_settings(struct whole *a)
{
	struct adit_conf *c = &a->relay.conf;
	struct addr at[RELAY_LISTEN_MAX];
	unsigned n;
	struct err e;

	if (adit_conf_load(c, a->options.path, &e) == -1 ||
	    parse_listen(c, at, &n, &e) == -1) {
		fprintf(stderr, "relayd: %s\n", e.text);
		return EXIT_SETTINGS;
	}
	if (!a->options.checks)
		return -1;
	if (a->options.verbose)
		adit_conf_print(stdout, c);
	fprintf(stderr, "relayd: the settings are good (%s)\n",
	    c->path != NULL ? c->path : "no file: all as they come");
	return EXIT_OK;
}

/* --- what is taken before the threads run ---------------------------------- */

/* How many open files there may be, and what that means. */
static int
count_files(struct relay *r, struct err *e)
{
	const struct adit_conf *c = &r->conf;
	uint64_t files, own, least;

	if (plat_raise_files(&files, e) == -1)
		return -1;
	own = FILES_OWN + r->worker_n * 4 + c->http.connections +
	    c->limits.control_connections + c->limits.files_reserve;
	least = own + FILES_MIN;
	if (files < least)
		return err_set(e,
		    "%llu open files are allowed and %llu needed at least: "
		    "raise the limit (ulimit -n, LimitNOFILE) or lower "
		    "http.connections",
		    (unsigned long long)files, (unsigned long long)least);
	r->files_max = files - own;
	log_info("relayd: %llu open files allowed, %llu kept for itself: %llu "
		 "for links, TCP visitors and public ports",
	    (unsigned long long)files, (unsigned long long)own,
	    (unsigned long long)r->files_max);
	if (r->files_max < c->limits.streams)
		log_warn("relayd: limits.streams is %u, but only %llu files "
			 "may be open: accepting pauses before",
		    c->limits.streams, (unsigned long long)r->files_max);
	return 0;
}

static int
load_certificate(struct relay *r, struct err *e)
{
	const struct adit_conf_relay *c = &r->conf.relay;
	char pin[TLS_PIN_TEXT];
	struct tls_pin p;
	int made;

	made = tls_cert_make_missing(c->cert, c->key, r->conf.public_host, e);
	if (made == -1)
		return -1;
	if (c->next_key != NULL && tls_key_make_missing(c->next_key, e) == -1)
		return -1;
	r->tls = tls_ctx_server(c->cert, c->key, c->tls_min == ADIT_TLS_1_2, e);
	if (r->tls == NULL || tls_pin_of_cert_file(&p, c->cert, e) == -1)
		return -1;
	log_info("certificate: %s%s, pin %s", c->cert, made ? " (made)" : "",
	    tls_pin_text(pin, &p));
	return 0;
}

/* The first look at the database: without one there is nothing to serve. */
static int
open_store(struct whole *a, struct err *e)
{
	const char *path = a->relay.conf.database;

	if ((a->store = store_open(path, 0, NULL, e)) == NULL ||
	    store_session_start(a->store, KEEPER_RELAY, &a->next_session, e) ==
		-1 ||
	    (a->snapshot = store_snapshot(a->store, e)) == NULL)
		return -1;
	a->change = a->snapshot->change;
	return 0;
}

static int
listen_all(struct relay *r, struct err *e)
{
	struct addr at[RELAY_LISTEN_MAX];
	unsigned n = 0, i;
	long gid;

	if (parse_listen(&r->conf, at, &n, e) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		r->listen_fd[i] = listen_tcp(&at[i], NULL, e);
		if (r->listen_fd[i] == -1)
			return err_prefix(e, "relay.listen");
		r->listen_n = i + 1;
	}
	if (http_server_group(r->conf.socket_group, &gid, e) == -1)
		return -1;
	r->link_fd = listen_unix(r->conf.relay.link, 0660, gid, NULL, e);
	return r->link_fd == -1 ? -1 : 0;
}

static unsigned
processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1                ? 1
	    : n > RELAY_WORKERS_MAX ? RELAY_WORKERS_MAX
				    : (unsigned)n;
}

/* --- signals --------------------------------------------------------------- */

static void
stop_now(void *arg)
{
	struct whole *a = arg;
	unsigned i;

	if (a->is_stopping)
		return;
	a->is_stopping = true;
	for (i = 0; i < a->relay.worker_n; i++)
		worker_stop(a->relay.workers[i]);
}

static void
on_end(struct whole *a)
{
	uint64_t ms = (uint64_t)a->relay.conf.relay.drain_s * 1000;

	if (a->ends++ > 0) {
		log_info("relayd: told again to end, now");
		stop_now(a);
		return;
	}
	log_info("relayd: told to end; streams have %u s",
	    a->relay.conf.relay.drain_s);
	notify_stopping((unsigned long)ms + KEEPER_WAIT_MS);
	registry_drain(a->relay.registry, ms, stop_now, a);
}

static void
on_hup(struct whole *a)
{
	notify_reloading();
	reload(&a->relay, a->options.path);
	feed_retune(a->feed);
	ctl_server_retune(a->ctl);
	notify_ready();
}

static void
on_signal(void *arg, unsigned what)
{
	struct whole *a = arg;
	struct signalfd_siginfo s;

	(void)what;
	while (read(a->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			on_hup(a);
		else
			on_end(a);
	}
	loop_again(a->watch, LOOP_READ);
}

/* Before any thread: all of them inherit the mask. */
static int
catch_signals(struct whole *a, struct err *e)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if ((errno = pthread_sigmask(SIG_BLOCK, &set, NULL)) != 0 ||
	    (a->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)) == -1)
		return err_sys(e, "signals");
	a->watch =
	    loop_watch(a->relay.loop, a->signals, LOOP_READ, on_signal, a, e);
	return a->watch == NULL ? -1 : 0;
}

/* --- the keeper's words ---------------------------------------------------- */

static void
on_snapshot(void *arg, struct snapshot *s)
{
	struct whole *a = arg;

	registry_take(a->relay.registry, s);
}

static void
on_health(void *arg, const char *sentence)
{
	struct whole *a = arg;

	registry_health(a->relay.registry, sentence);
}

static void
on_looked(void *arg)
{
	struct whole *a = arg;

	registry_looked(a->relay.registry);
}

static void
on_written(void *arg)
{
	struct whole *a = arg;

	registry_written(a->relay.registry);
}

static void
on_kept(void *arg)
{
	struct whole *a = arg;

	a->kept = true;
}

static const struct keeper_ops keeper_ops = {
	.snapshot = on_snapshot,
	.health = on_health,
	.looked = on_looked,
	.written = on_written,
	.stopped = on_kept,
};

/* --- start and end --------------------------------------------------------- */

/*
 * It never dials: that is given up before any thread runs, but after groups of
 * the system were looked up, which may be a matter of the network.
 */
static void
confine(void)
{
	struct err e;
	int rc = confine_dialling(&e);

	if (rc == 1)
		log_info("relayd: gives up dialling for good");
	else if (rc == 0)
		log_info("relayd: this kernel cannot forbid it to dial");
	else
		log_warn("relayd: could dial, %s", e.text);
}

static int
make_parts(struct whole *a, struct err *e)
{
	struct relay *r = &a->relay;
	struct snapshot *first = a->snapshot;
	struct store *s = a->store;
	unsigned i;

	a->snapshot = NULL;
	r->registry = registry_new(r, first, a->next_session, e);
	if (r->registry == NULL || listen_all(r, e) == -1)
		return -1;
	for (i = 0; i < r->worker_n; i++)
		if ((r->workers[i] = worker_new(r, i, e)) == NULL)
			return -1;
	if ((a->feed = feed_open(r, e)) == NULL ||
	    (a->ctl = ctl_server_open(r, e)) == NULL)
		return -1;
	confine();
	a->store = NULL;
	r->keeper = keeper_new(r, s, a->change, &keeper_ops, a, e);
	if (r->keeper == NULL)
		return -1;
	for (i = 0; i < r->worker_n; i++)
		if (worker_start(r->workers[i], e) == -1)
			return -1;
	return 0;
}

static int
start(struct whole *a, struct err *e)
{
	struct relay *r = &a->relay;

	r->started_ms = clock_ms();
	r->started_at = clock_wall_ms();
	r->worker_n =
	    r->conf.relay.workers != 0 ? r->conf.relay.workers : processors();
	r->budget.max = (uint64_t)r->conf.relay.memory_mb << 20;
	reload_tune(r);
	if (reload_log(&r->conf, e) == -1)
		return -1;
	log_info("relayd %s: starts", ADIT_VERSION);
	if (geteuid() == 0)
		log_warn("relayd: runs as root, which it does not need");
	/* Neither is vital: a kernel may not know them. */
	plat_no_core(NULL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if ((r->loop = loop_new(e)) == NULL || catch_signals(a, e) == -1 ||
	    (r->doors = limit_doors_new(e)) == NULL ||
	    (r->dialling = limit_doors_new(e)) == NULL ||
	    count_files(r, e) == -1 || load_certificate(r, e) == -1 ||
	    open_store(a, e) == -1)
		return -1;
	return make_parts(a, e);
}

static bool
has_written(const struct whole *a)
{
	return !registry_is_writing(a->relay.registry);
}

static bool
has_kept(const struct whole *a)
{
	return a->kept;
}

/* Turns until it is so, or takes too long. */
static void
turn_until(struct whole *a, bool (*is_so)(const struct whole *a))
{
	uint64_t by = clock_ms() + KEEPER_WAIT_MS;

	while (!is_so(a) && clock_ms() < by)
		loop_turn(a->relay.loop, 10, NULL);
}

/* The last numbers go into the database, if it takes them. */
static void
end_keeper(struct whole *a)
{
	struct relay *r = &a->relay;

	if (r->keeper == NULL)
		return;
	turn_until(a, has_written);
	registry_flush(r->registry);
	keeper_stop(r->keeper);
	turn_until(a, has_kept);
	if (!a->kept) {
		log_error("database: it hangs; what was counted last is lost");
		log_close();
		_exit(EXIT_OK); /* its thread cannot be joined */
	}
	keeper_free(&r->keeper);
}

static void
close_all(struct whole *a)
{
	struct relay *r = &a->relay;
	unsigned i;

	for (i = 0; i < r->worker_n; i++)
		worker_free(&r->workers[i]);
	if (r->loop != NULL)
		loop_turn(r->loop, 0, NULL); /* their last words */
	end_keeper(a);
	ctl_server_close(&a->ctl);
	feed_close(&a->feed);
	registry_free(&r->registry);
	snapshot_free(&a->snapshot);
	if (a->store != NULL)
		store_close(&a->store);
	while (r->listen_n > 0)
		plat_close(&r->listen_fd[--r->listen_n]);
	if (r->link_fd != -1)
		listen_unix_close(&r->link_fd, r->conf.relay.link);
	limit_doors_free(&r->doors);
	limit_doors_free(&r->dialling);
	if (r->tls != NULL)
		tls_ctx_unref(&r->tls);
	if (r->loop != NULL) {
		loop_unwatch(&a->watch);
		loop_free(&r->loop);
	}
	plat_close(&a->signals);
	adit_conf_free(&r->conf);
	log_close();
}

int
main(int argc, char **argv)
{
	static struct whole a = { .signals = -1, .relay.link_fd = -1 };
	struct err e;
	int rc;

	if ((rc = read_options(&a.options, argc, argv)) != -1 ||
	    (rc = read_settings(&a)) != -1) {
		adit_conf_free(&a.relay.conf);
		return rc;
	}
	rc = start(&a, &e);
	if (rc == 0) {
		registry_start(a.relay.registry);
		notify_ready();
		log_info("relayd %s: ready, %u workers", ADIT_VERSION,
		    a.relay.worker_n);
		rc = loop_run(a.relay.loop, &e);
	}
	if (rc == -1)
		log_error("relayd: %s", e.text);
	else
		log_info("relayd: ended");
	close_all(&a);
	return rc == -1 ? EXIT_FAILED : EXIT_OK;
}
