#include "connect.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "client_conf.h"
#include "console.h"
#include "install.h"
#include "log/log.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "plat/stop.h"
#include "plat/term.h"
#include "say.h"
#include "session.h"
#include "startup.h"
#include "state.h"

struct connect {
	const struct client_conf *conf;
	struct loop *loop;
	struct session session;
	_Atomic(struct console *) console; /* also seen by the stop thread */
	uint64_t stop_ms; /* the stop thread's: when it was first asked */
	struct console_offer offer;
	struct install *installed; /* what goes on when this has ended */
	struct state *state;
};

enum { TWICE_MS = 300 }; /* timeout(1) and the like signal twice at once */

static void
on_stop_here(void *arg)
{
	struct connect *c = arg;

	say_info("session: stopping");
	session_stop(&c->session);
}

/* Called by a thread of its own. */
static void
on_stop(void *arg, unsigned nth)
{
	struct connect *c = arg;

	if (nth == 1) {
		c->stop_ms = clock_ms();
		if (loop_post(c->loop, on_stop_here, c, NULL) == 0)
			return;
	}
	if (nth > 1 && clock_ms() < c->stop_ms + TWICE_MS)
		return;
	console_restore(atomic_load(&c->console));
	_Exit(EXIT_STOPPED); /* asked twice: at once */
}

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

/* The console's question was answered with yes. */
static void
on_install(void *arg)
{
	struct connect *c = arg;
	struct err e;

	if ((c->installed = install_file(c->conf->file, &e)) == NULL) {
		say_warn("install: %s", e.text);
		return;
	}
	say_info("install: done; it goes on without this window");
	session_stop(&c->session);
}

static const struct console_offer *
make_offer(struct connect *c)
{
	struct err e;

	if (c->conf->file == NULL || startup_check(false, &e) != 0)
		return NULL;
	c->offer = (struct console_offer){ 'i',
		"I: start it by itself from now on",
		"Start it by itself whenever you sign in, without this window?"
		" (y/n)",
		on_install, c };
	return &c->offer;
}

static void
open_console(struct connect *c)
{
	bool color = !c->conf->no_color && !is_set("NO_COLOR");
	struct err e;

	if (c->conf->plain || !term_can_draw(1))
		return;
	atomic_store(&c->console,
	    console_open(
		&c->session, color, !plat_is_terminal(2), make_offer(c), &e));
	if (atomic_load(&c->console) == NULL)
		say_warn("console: %s; telling events in lines", e.text);
}

static void
close_console(struct connect *c)
{
	struct console *console = atomic_exchange(&c->console, NULL);

	console_close(&console);
}

static int
serve(struct connect *c, struct err *e)
{
	uint64_t files;
	int rc = -1;

	if (plat_raise_files(&files, e) != 0)
		say_debug("files: %s", e->text);
	if ((c->loop = loop_new(e)) == NULL)
		return -1;
	if (stop_watch(on_stop, c, e) == 0 &&
	    session_open(&c->session, c->conf, c->loop, e) == 0) {
		c->state = state_open(&c->session, c->conf->state, e);
		open_console(c);
		rc = loop_run(c->loop, e);
	}
	stop_unwatch();
	close_console(c);
	state_close(&c->state);
	session_close(&c->session);
	loop_free(&c->loop);
	return rc;
}

int
connect_serve(const struct client_conf *conf)
{
	struct log_options log = { .level = LOG_INFO, .alike_per_s = 20 };
	struct connect *c;
	struct err e;
	int rc = EXIT_UNEXPECTED;

	if ((c = calloc(1, sizeof(*c))) == NULL) {
		perror("adit");
		return EXIT_UNEXPECTED;
	}
	c->conf = conf;
	if (conf->verbose)
		log.level = LOG_DEBUG;
	if (log_open(&log, &e) != 0 || serve(c, &e) != 0)
		fprintf(stderr, "adit: %s\n", e.text);
	else if ((rc = c->session.exit) != EXIT_STOPPED)
		fprintf(stderr, "adit: %s\n", c->session.why);
	if (c->installed != NULL)
		rc = install_go(&c->installed);
	free(c);
	log_close();
	return rc;
}

int
connect_run(int argc, char *const *argv)
{
	struct client_conf *conf;
	struct err e;
	int rc;

	if ((conf = calloc(1, sizeof(*conf))) == NULL) {
		perror("adit connect");
		return EXIT_UNEXPECTED;
	}
	if ((rc = client_conf_read(conf, argc, argv, &e)) == 0 &&
	    plat_no_core(&e) != 0)
		rc = EXIT_UNEXPECTED;
	if (rc == 0)
		rc = client_conf_token(conf, &e);
	if (rc == 0) {
		rc = connect_serve(conf);
	} else {
		fprintf(stderr, "adit connect: %s\n", e.text);
		if (rc == EXIT_USAGE)
			fprintf(stderr, "See: adit help connect\n");
	}
	client_conf_close(conf);
	free(conf);
	return rc;
}
