/* webapp: the pages and the API, behind a web server. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app.h"
#include "base/err.h"
#include "base/str.h"
#include "base/version.h"
#include "gate.h"
#include "log/log.h"
#include "plat/plat.h"
#include "setup.h"
#include "store/store.h"
#include "tpl.h"
#include "way.h"

enum { LISTEN_FD = 3 };

struct options {
	const char *conf;
	const char *socket;
	bool only_check;
};

static int
usage(void)
{
	fprintf(stderr,
	    "webapp.fcgi " ADIT_VERSION "\n"
	    "usage: webapp.fcgi [-n] [-c FILE] [--socket PATH]\n"
	    "\n"
	    "Started by a web server it speaks FastCGI (standard input is a\n"
	    "socket, or LISTEN_FDS) or CGI (GATEWAY_INTERFACE is set).\n"
	    "  -c FILE        the settings; else $ADIT_CONFIG, "
	    "else " ADIT_CONF_PATH "\n"
	    "  -n             checks the settings and the templates, and ends\n"
	    "  --socket PATH  speaks FastCGI on a socket that it makes\n");
	return 2;
}

/* 0, or 2 when they make no sense. */
static int
read_options(int argc, char **argv, struct options *o)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-n") == 0)
			o->only_check = true;
		else if (strcmp(argv[i], "-c") == 0 && i + 1 < argc)
			o->conf = argv[++i];
		else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
			o->socket = argv[++i];
		else
			return usage();
	}
	return 0;
}

/* --- what all requests share ------------------------------------------------ */

/* The port behind the last colon, or 0. */
static uint16_t
port_of(const char *text)
{
	const char *colon = strrchr(text, ':');
	char digits[8] = "";
	uint64_t port;

	if (colon == NULL)
		return 0;
	snprintf(digits, sizeof(digits), "%.*s",
	    (int)strspn(colon + 1, "0123456789"), colon + 1);
	return str_number(digits, 1, 65535, &port) ? (uint16_t)port : 0;
}

/* Ports that are never given: the relay's and the pages' own. */
static void
read_ports(struct app *app)
{
	const struct conf_list *listen = &app->conf.relay.listen;
	struct tunnel_ports *p = &app->ports;
	size_t i;

	p->from = (uint16_t)app->conf.ports.from;
	p->to = (uint16_t)app->conf.ports.to;
	p->bind = app->conf.public_bind.at;
	p->bind_n = app->conf.public_bind.n;
	p->reserved = app->reserved;
	for (i = 0; i < listen->n && i < APP_RESERVED_MAX - 1; i++)
		app->reserved[p->reserved_n++] = port_of(listen->at[i]);
	app->reserved[p->reserved_n++] = port_of(app->conf.dashboard_url);
	app->relay_port = listen->n > 0 ? port_of(listen->at[0]) : 0;
}

/* Takes dashboard_url apart; a browser leaves the usual port away. */
static void
read_url(struct app *app)
{
	const char *url = app->conf.dashboard_url;
	const char *rest = strstr(url, "://") + 3;
	size_t n = strcspn(rest, "/"), usual;

	app->secure = strncmp(url, "https:", 6) == 0;
	app->base = rest + n;
	snprintf(app->host, sizeof(app->host), "%.*s", (int)n, rest);
	usual = app->secure ? 4 : 3;
	n = strlen(app->host);
	if (n > usual &&
	    strcmp(app->host + n - usual, app->secure ? ":443" : ":80") == 0)
		app->host[n - usual] = '\0';
}

/* What lies beside the database. */
static int
read_paths(struct app *app, struct err *e)
{
	const char *db = app->conf.database, *slash = strrchr(db, '/');
	int folder = slash == NULL ? 0 : (int)(slash - db) + 1;

	if (asprintf(&app->setup_path, "%.*ssetup.code", folder, db) == -1)
		app->setup_path = NULL;
	if (asprintf(&app->gate_path, "%s.gate", db) == -1)
		app->gate_path = NULL;
	if (app->setup_path != NULL && app->gate_path != NULL)
		return 0;
	return err_set(e, "out of memory");
}

static int
read_conf(struct app *app, const char *path, struct err *e)
{
	if (adit_conf_load(&app->conf, path, e) == -1)
		return -1;
	read_url(app);
	read_ports(app);
	return read_paths(app, e);
}

static int
open_log(const struct app *app, struct err *e)
{
	struct log_options o = { .level = (enum log_level)app->conf.log.level,
		.alike_per_s = app->conf.log.alike_per_s };

	/* relayd has log.file; standard error is the web server's to keep */
	return log_open(&o, e);
}

/* --- starting -------------------------------------------------------------- */

static bool
is_socket(int fd)
{
	int accepts = 0;
	socklen_t n = sizeof(accepts);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &n) == 0 &&
	    accepts != 0;
}

/* The first socket that systemd hands over, or -1. */
static int
handed_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t n;

	if (pid == NULL || fds == NULL || !str_number(pid, 1, INT32_MAX, &n) ||
	    (pid_t)n != getpid() || !str_number(fds, 1, 16, &n))
		return -1;
	return is_socket(LISTEN_FD) ? LISTEN_FD : -1;
}

/* Says where the first account is made, as long as there is none. */
static int
begin(const struct app *app, struct err *e)
{
	struct store *s;
	int rc;

	if ((s = store_open(app->conf.database, 0, NULL, e)) == NULL)
		return -1;
	rc = setup_start(app, s, app->is_cgi, e);
	store_close(&s);
	if (rc == 1 && !app->is_cgi)
		log_info("setup: make the first account at %s/setup with the "
			 "code in %s",
		    app->conf.dashboard_url, app->setup_path);
	return rc;
}

static int
run_fcgi(const struct app *app, const struct options *o, struct err *e)
{
	int fd, rc;

	if (o->socket != NULL)
		fd = way_listen(o->socket, app->conf.socket_group, e);
	else if ((fd = handed_over()) == -1)
		fd = is_socket(STDIN_FILENO) ? STDIN_FILENO
					     : err_set(e,
						   "no web server started it; "
						   "give --socket PATH");
	if (fd == -1)
		return -1;
	log_info(
	    "web: version %s serves %s", ADIT_VERSION, app->conf.dashboard_url);
	rc = way_fcgi(app, fd, e);
	if (o->socket != NULL)
		unlink(o->socket);
	log_info("web: ended");
	return rc;
}

/*
 * A database that cannot be opened now is no reason to end: its page says so,
 * and the next request tries again.
 */
static int
run(struct app *app, const struct options *o, struct err *e)
{
	struct err why;

	if (store_verify_key(app->conf.database, app->key, e) == -1)
		return -1;
	if (begin(app, &why) == -1)
		log_error("web: %s", why.text);
	gate_init(0, app->gate_path);
	return app->is_cgi ? way_cgi(app, e) : run_fcgi(app, o, e);
}

static void
app_free(struct app *app)
{
	str_wipe(app->key, sizeof(app->key));
	free(app->setup_path);
	free(app->gate_path);
	adit_conf_free(&app->conf);
}

int
main(int argc, char **argv)
{
	struct options o = { NULL, NULL, false };
	struct app app;
	struct err e;
	int rc;

	memset(&app, 0, sizeof(app));
	app.is_cgi = getenv("GATEWAY_INTERFACE") != NULL;
	/* a CGI program's arguments come from the address that was asked for */
	if (!app.is_cgi && read_options(argc, argv, &o) != 0)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	if (plat_no_core(&e) == -1)
		log_warn("web: %s", e.text);
	if (read_conf(&app, o.conf, &e) == -1 || open_log(&app, &e) == -1 ||
	    tpl_load(&e) == -1)
		rc = -1;
	else
		rc = o.only_check ? 0 : run(&app, &o, &e);
	if (rc == -1)
		log_error("web: %s", e.text);
	app_free(&app);
	log_close();
	return rc == -1 ? 1 : 0;
}
