#include "starter.h"

#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "client.h"
#include "store/store_machine.h"
#include "targets.h"
#include "tls/tls_cert.h"

enum { FILE_NAME_MAX = 80 };

const char *
starter_server(struct req *r)
{
	const char *host = r->app->conf.public_host;
	bool v6 = strchr(host, ':') != NULL;

	return req_text(r, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "",
	    r->app->relay_port);
}

/* The relay's key, and the one that follows it; NULL with e. */
static const char *
pins(struct req *r, struct err *e)
{
	const struct adit_conf *c = &r->app->conf;
	char now[TLS_PIN_TEXT], next[TLS_PIN_TEXT];
	struct tls_pin pin;

	if (tls_pin_of_cert_file(&pin, c->relay.cert, e) == -1)
		return NULL;
	tls_pin_text(now, &pin);
	if (c->relay.next_key == NULL)
		return req_copy(r, now, strlen(now));
	if (tls_pin_of_key_file(&pin, c->relay.next_key, e) == -1)
		return NULL;
	tls_pin_text(next, &pin);
	return req_text(r, "%s,%s", now, next);
}

/*
 * The relay's own port, then the pages' one.  A web server without a public
 * certificate shows the relay's.
 */
static int
set_doors(struct req *r, struct starter *s, struct err *e)
{
	const struct app *app = r->app;
	const char *trust = pins(r, e);
	const char *own = r->way->param(r->way->arg, "ADIT_OWN_CERTIFICATE");

	if (trust == NULL)
		return -1;
	s->bat.own_certificate = app->secure && own != NULL && *own != '\0';
	s->doors[0].address = starter_server(r);
	s->doors[0].pins = trust;
	s->bat.doors = s->doors;
	s->bat.door_count = 1;
	if (!app->secure)
		return 0;
	s->doors[1].address =
	    req_text(r, "wss://%s%s/link", app->host, app->base);
	s->doors[1].pins = s->bat.own_certificate ? trust : NULL;
	s->bat.door_count++;
	return 0;
}

int
starter_ready(struct req *r, struct starter *s, struct err *e)
{
	const char *name = client_newest(r, CLIENT_WINDOWS);

	memset(s, 0, sizeof(*s));
	if (name == NULL)
		return 0;
	if ((s->bat.sha256 = client_sha256(r, name, e)) == NULL)
		return -1;
	s->bat.url = req_url(r, "/client/%s", name);
	return set_doors(r, s, e) == -1 ? -1 : 1;
}

int
starter_send(struct req *r, struct starter *s, const struct tunnel *t,
    int64_t machine, const char *token, struct err *e)
{
	char name[FILE_NAME_MAX], called[BAT_MACHINE_MAX];
	struct machine m = { 0 };
	struct targets a;
	char *text;
	size_t n;

	if (targets_load(r, machine, &a, e) == -1 ||
	    store_machine_by_id(r->store, t->user, machine, &m, e) == -1)
		return -1;
	s->bat.machine = bat_machine(called, m.name, machine);
	s->bat.allow = a.at;
	s->bat.allow_count = a.n;
	s->bat.token = token;
	if ((text = bat_make(&s->bat, &n, e)) == NULL)
		return 0;
	r->is_secret = true;
	r->status = 200;
	r->type = "application/octet-stream";
	req_line(r, "Content-Disposition", "attachment; filename=\"%s\"",
	    bat_file_name(name, sizeof(name), t->name));
	req_write(r, text, n);
	str_wipe(text, n);
	free(text);
	return 1;
}
