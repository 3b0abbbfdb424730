/*
 * page_download: how a computer gets to serve a tunnel: which machine, and a
 * key of its own for each start.  A key is shown once, in the answer to the
 * button.
 */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "app.h"
#include "base/str.h"
#include "client.h"
#include "fleet.h"
#include "log/log.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "problem.h"
#include "row.h"
#include "starter.h"
#include "step.h"
#include "store/store.h"
#include "store/store_machine.h"
#include "targets.h"
#include "tls/tls_cert.h"
#include "words.h"

/* What the client checks the relay by; "" while there is no certificate. */
static const char *
pin_of(struct req *r)
{
	char text[TLS_PIN_TEXT];
	struct tls_pin pin;
	struct err ignored;

	if (tls_pin_of_cert_file(&pin, r->app->conf.relay.cert, &ignored) == -1)
		return "";
	tls_pin_text(text, &pin);
	return req_copy(r, text, strlen(text));
}

static const char *
state_of(const struct machine_key *k)
{
	return k->state == MACHINE_KEY_REVOKED ? "revoked"
	    : k->state == MACHINE_KEY_EXPIRED  ? "expired, never used"
					       : "good";
}

static int
show_keys(struct req *r, struct tpl *t, const struct machine *m, struct err *e)
{
	struct machine_key *keys;
	struct tpl *all, *row;
	size_t n;

	if (store_machine_key_list(r->store, m->id, &keys, &n, e) == -1)
		return -1;
	all = n > 0 ? tpl_row(t, "KEYS") : NULL;
	for (size_t i = n; i-- > 0;) {
		row = tpl_row(all, "KEY");
		tpl_int(row, "KEY_ID", keys[i].id);
		tpl_set(row, "MADE", words_when(r, keys[i].created_at));
		tpl_set(row, "USED", words_when(r, keys[i].last_used_at));
		tpl_set(row, "STATE", state_of(&keys[i]));
		tpl_set(row, "SHAPE",
		    keys[i].state == MACHINE_KEY_GOOD ? "lit" : "past");
		if (keys[i].state == MACHINE_KEY_GOOD)
			tpl_show(row, "REVOKE");
	}
	free(keys);
	return 0;
}

/* A row of the section that offers the program NAME. */
static struct tpl *
offer(struct tpl *t, const char *section, const char *name)
{
	struct tpl *row = tpl_row(t, section);
	const char *hash = "";

	client_kind(name, &hash);
	tpl_set(row, "FILE", name);
	tpl_set(row, "HASH", hash);
	return row;
}

/* Where the client's program is to be had. */
static void
show_program(struct req *r, struct tpl *t)
{
	const char *any = client_newest(r, CLIENT_LINUX);
	const char *own = client_newest(r, CLIENT_OWN);
	const char *says = client_building(r);
	struct tpl *row;

	if (any != NULL) {
		offer(t, "PROGRAM", any);
		return;
	}
	if (says != NULL) {
		row = tpl_row(t, "BUILDING");
		tpl_maybe(row, "SAYS", says);
		tpl_set(row, "URL", req_url(r, "/client/adit-linux-x86_64"));
	}
	if (own != NULL)
		tpl_set(offer(t, "OWN_PROGRAM", own), "SYSTEM",
		    client_system(r, own));
	else if (says == NULL)
		tpl_show(t, "NO_PROGRAM");
}

/* The file to double-click, once there is the program that it starts. */
static void
show_windows(struct req *r, struct tpl *t)
{
	const char *says;

	if (client_newest(r, CLIENT_WINDOWS) != NULL) {
		tpl_show(t, "WINDOWS");
		return;
	}
	tpl_show(t, "NOT_WINDOWS");
	if ((says = client_building(r)) != NULL)
		tpl_maybe(tpl_row(t, "WINDOWS_BUILDING"), "SAYS", says);
	else
		tpl_show(t, "NO_WINDOWS");
}

/* The page; token is the new key, or NULL. */
static int
show(struct req *r, const struct tunnel *tun, const char *token,
    int64_t machine, struct err *e)
{
	struct tpl *t = page_new(r, "download",
	    req_text(r, "Connect a computer to %s", tun->name), TAB_TUNNELS);
	const struct machine *m;
	struct fleet fleet;
	struct targets list;
	struct tpl *row;
	int rc = -1;

	row_tunnel(r, t, tun, "");
	tpl_set(t, "SERVER", starter_server(r));
	tpl_set(t, "PIN", pin_of(r));
	if (tun->verified_at == 0)
		tpl_show(t, "NOT_VERIFIED");
	if (fleet_load(r, tun->user, &fleet, e) == -1)
		goto out;
	m = fleet_of(&fleet, tun->id);
	if (token != NULL) {
		if (targets_load(r, machine, &list, e) == -1)
			goto out;
		row = tpl_row(t, "KEY_SHOWN");
		tpl_set(row, "KEY", token);
		tpl_set(row, "ALLOWED", targets_text(r, &list));
		tpl_int(row, "MACHINE_ID", machine);
		show_program(r, row);
	} else {
		row = tpl_row(t, "ASK");
		show_windows(r, row);
		for (size_t i = 0; i < fleet.n; i++) {
			struct tpl *pick = tpl_row(row, "PICK");

			tpl_int(pick, "MACHINE_ID", fleet.at[i].id);
			tpl_set(pick, "MACHINE_NAME", fleet.at[i].name);
			tpl_set(pick, "SYSTEM", fleet.at[i].system);
			if (m != NULL && m->id == fleet.at[i].id)
				tpl_show(pick, "CHOSEN");
		}
		if (m == NULL) {
			tpl_show(row, "NEW_ONE");
			tpl_show(row, "FIRST");
		}
		if (fleet.n > 0)
			tpl_show(row, "SOME");
	}
	rc = m != NULL ? show_keys(r, t, m, e) : 0;
out:
	fleet_free(&fleet);
	return rc;
}

void
download_page(struct req *r)
{
	struct tunnel tun;
	struct err e;

	if (!owner_tunnel(r, &tun))
		return;
	if (show(r, &tun, NULL, 0, &e) == -1)
		page_trouble(r, &e);
	else
		page_send(r, 200);
}

/* --- keys ------------------------------------------------------------------ */

/* The first machine that serves tun: 0 when none does yet. */
static int
first_machine(
    struct req *r, const struct tunnel *tun, int64_t *out, struct err *e)
{
	const struct machine *m;
	struct fleet fleet;
	int rc = fleet_load(r, tun->user, &fleet, e);

	*out = 0;
	if (rc == 0 && (m = fleet_of(&fleet, tun->id)) != NULL)
		*out = m->id;
	fleet_free(&fleet);
	return rc;
}

/*
 * The machine that a form names, 0 for a new one.  The page stays after a
 * download: its button, pressed again, means what it meant the first time.
 */
static int
wanted(struct req *r, const struct tunnel *tun, int64_t *out, struct err *e)
{
	uint64_t machine;

	*out = 0;
	if (str_number(req_form(r, "machine"), 1, INT64_MAX, &machine))
		*out = (int64_t)machine;
	else if (req_has(&r->form, "first"))
		return first_machine(r, tun, out, e);
	return 0;
}

/* A key for that machine, 0 being a new one: 1, 0, -1. */
static int
make_key(struct req *r, const struct tunnel *tun, int64_t *machine, char *token,
    struct err *e)
{
	int64_t key;
	int rc;

	if (*machine == 0) {
		rc = store_machine_add(r->store, tun->user, tun->name, &tun->id,
		    1, machine, token, e);
		rc = rc == -1 ? -1 : 1;
	} else {
		rc = store_machine_serve(
		    r->store, tun->user, *machine, tun->id, true, e);
		if (rc == 1)
			rc = store_machine_key_add(
			    r->store, tun->user, *machine, &key, token, e);
	}
	if (rc == 1)
		page_note(r, tun->user, "machine key add",
		    "tunnel %lld \"%s\", machine %lld", (long long)tun->id,
		    tun->name, (long long)*machine);
	return rc;
}

/* --- the file for Windows -------------------------------------------------- */

static const char none_yet[] =
    "The program for Windows is not there yet; no key was made. Look at this "
    "tunnel's download page.";

/* Something else than the store has failed. */
static void
cannot(struct req *r, const struct err *e)
{
	static const char says[] =
	    "The file cannot be made now; the server's log says why.";

	log_error("web %s: 503, %s", r->path, e->text);
	if (r->api != NULL)
		problem(r, 503, NULL, says);
	else
		page_error_says(r, 503, says);
}

/* A key in a file of its own; what is made is kept when the file is there. */
static void
give_file(struct req *r, const struct tunnel *tun, int64_t machine)
{
	char token[MACHINE_TOKEN_LEN + 1] = "";
	struct starter s;
	struct err e;
	int rc;

	if ((rc = starter_ready(r, &s, &e)) == 0) {
		page_error_says(r, 503, none_yet);
		return;
	}
	if (rc == -1) {
		cannot(r, &e);
		return;
	}
	if (!step_begin(r))
		return;
	if (owner_done(r, make_key(r, tun, &machine, token, &e), &e)) {
		rc = starter_send(r, &s, tun, machine, token, &e);
		if (rc == 0)
			page_error_says(r, 409, page_sentence(r, e.text));
		else if (rc == -1)
			page_trouble(r, &e);
	}
	str_wipe(token, sizeof(token));
	step_end(r, r->status < 400);
}

/* The tunnel, and the machine: the parameter's, the first, or a new one. */
static bool
asked_for(struct req *r, struct tunnel *tun, int64_t *machine)
{
	struct err e;
	int rc;

	if (!api_query(r, "machine") ||
	    !api_query_number(r, "machine", 1, INT64_MAX, 0, machine))
		return false;
	rc = store_tunnel_by_id(r->store, api_scope(r), r->id[0], tun, &e);
	if (rc == 1 && *machine == 0 &&
	    first_machine(r, tun, machine, &e) == -1)
		rc = -1;
	if (rc == 0)
		api_none(r);
	else if (rc == -1)
		page_trouble(r, &e);
	return rc == 1;
}

void
download_file(struct req *r)
{
	char token[MACHINE_TOKEN_LEN + 1] = "";
	struct starter s;
	struct tunnel tun;
	int64_t machine;
	struct err e;
	int rc;

	if (r->is_head) {
		req_line(r, "Allow", "GET");
		problem(
		    r, 405, NULL, "HEAD would make a key that nobody sees.");
		return;
	}
	if (!asked_for(r, &tun, &machine))
		return;
	if ((rc = starter_ready(r, &s, &e)) == 0) {
		problem(r, 503, NULL, none_yet);
		return;
	}
	if (rc == -1) {
		cannot(r, &e);
		return;
	}
	if (!api_begin(r))
		return;
	if ((rc = make_key(r, &tun, &machine, token, &e)) == 0)
		problem(r, 404, "machine", "There is no such machine.");
	else if (rc == -1)
		api_failed(r, &e);
	else if ((rc = starter_send(r, &s, &tun, machine, token, &e)) == 0)
		problem(r, 409, NULL, page_sentence(r, e.text));
	else if (rc == -1)
		page_trouble(r, &e);
	str_wipe(token, sizeof(token));
}

/* --- the button ------------------------------------------------------------ */

/* The page with the key on it; a key that it does not show is none. */
static void
show_key(struct req *r, const struct tunnel *tun, int64_t machine)
{
	char token[MACHINE_TOKEN_LEN + 1] = "";
	struct err e;

	if (!step_begin(r))
		return;
	if (owner_done(r, make_key(r, tun, &machine, token, &e), &e)) {
		r->is_secret = true;
		if (show(r, tun, token, machine, &e) == -1)
			page_trouble(r, &e);
		else
			page_send(r, 201);
	}
	str_wipe(token, sizeof(token));
	step_end(r, r->status < 400);
}

void
download_make(struct req *r)
{
	struct tunnel tun;
	int64_t machine;
	struct err e;

	if (!owner_tunnel(r, &tun))
		return;
	if (wanted(r, &tun, &machine, &e) == -1)
		page_trouble(r, &e);
	else if (strcmp(req_form(r, "for"), "windows") == 0)
		give_file(r, &tun, machine);
	else
		show_key(r, &tun, machine);
}
