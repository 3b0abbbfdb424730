/*
 * page_download: how a computer gets to serve a tunnel: which machine, and a
 * key of its own for each start.  A key is shown once, in the answer to the
 * button.
 */
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/str.h"
#include "client.h"
#include "fleet.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "row.h"
#include "status.h"
#include "store/store.h"
#include "store/store_machine.h"
#include "tls/tls_cert.h"
#include "words.h"

/* "HOST:PORT" where clients dial in. */
static const char *
server_of(struct req *r)
{
	const char *host = r->app->conf.public_host;
	bool v6 = strchr(host, ':') != NULL;

	return req_text(r, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "",
	    r->app->relay_port);
}

/* What the client checks the relay by; "" while there is no certificate. */
static const char *
pin_of(struct req *r)
{
	char text[TLS_PIN_TEXT];
	struct tls_pin pin;
	struct err ignored;

	if (tls_pin_of_cert_file(
		&pin, r->app->conf.relay.cert, &ignored) == -1)
		return "";
	tls_pin_text(text, &pin);
	return req_copy(r, text, strlen(text));
}

/* The local addresses that the machine serves: what --allow names. */
static int
allowed(struct req *r, int64_t machine, const char **out, struct err *e)
{
	struct tunnel t;
	int64_t *ids;
	size_t n, i;
	int rc;

	*out = "";
	if (store_machine_tunnels(r->store, machine, &ids, &n, e) == -1)
		return -1;
	for (i = 0, rc = 0; i < n && rc != -1; i++) {
		rc = store_tunnel_by_id(
		    r->store, STORE_ANYBODY, ids[i], &t, e);
		if (rc == 1 && strstr(*out, status_target(r, &t)) == NULL)
			*out = req_text(r, "%s%s%s", *out,
			    **out != '\0' ? "," : "", status_target(r, &t));
	}
	free(ids);
	return rc == -1 ? -1 : 0;
}

static const char *
state_of(const struct machine_key *k)
{
	return k->state == MACHINE_KEY_REVOKED ? "revoked" :
	    k->state == MACHINE_KEY_EXPIRED    ? "expired, never used" :
						 "good";
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

	if (any != NULL) {
		offer(t, "PROGRAM", any);
		return;
	}
	if (says != NULL)
		tpl_maybe(tpl_row(t, "BUILDING"), "SAYS", says);
	if (own != NULL)
		tpl_set(offer(t, "OWN_PROGRAM", own), "SYSTEM",
		    client_system(r, own));
	else if (says == NULL)
		tpl_show(t, "NO_PROGRAM");
}

/* The page; token is the new key, or NULL. */
static int
show(struct req *r, const struct tunnel *tun, const char *token,
    int64_t machine, struct err *e)
{
	struct tpl *t = page_new(r, "download",
	    req_text(r, "Connect a computer to %s", tun->name), TAB_TUNNELS);
	const struct machine *m;
	const char *list;
	struct fleet fleet;
	struct tpl *row;
	int rc = -1;

	row_tunnel(r, t, tun, NULL);
	tpl_set(t, "SERVER", server_of(r));
	tpl_set(t, "PIN", pin_of(r));
	if (tun->verified_at == 0)
		tpl_show(t, "NOT_VERIFIED");
	if (fleet_load(r, tun->user, &fleet, e) == -1)
		goto out;
	m = fleet_of(&fleet, tun->id);
	if (token != NULL) {
		if (allowed(r, machine, &list, e) == -1)
			goto out;
		row = tpl_row(t, "KEY_SHOWN");
		tpl_set(row, "KEY", token);
		tpl_set(row, "ALLOWED", list);
		tpl_int(row, "MACHINE_ID", machine);
		show_program(r, row);
	} else {
		row = tpl_row(t, "ASK");
		for (size_t i = 0; i < fleet.n; i++) {
			struct tpl *pick = tpl_row(row, "PICK");

			tpl_int(pick, "MACHINE_ID", fleet.at[i].id);
			tpl_set(pick, "MACHINE_NAME", fleet.at[i].name);
			tpl_set(pick, "SYSTEM", fleet.at[i].system);
			if (m != NULL && m->id == fleet.at[i].id)
				tpl_show(pick, "CHOSEN");
		}
		if (m == NULL)
			tpl_show(row, "NEW_ONE");
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

/* A key for the machine that was chosen, or for a new one: 1, 0, -1. */
static int
make_key(struct req *r, const struct tunnel *tun, int64_t *machine_out,
    char *token, struct err *e)
{
	uint64_t machine;
	int64_t key;
	int rc;

	if (!str_number(req_form(r, "machine"), 1, INT64_MAX, &machine)) {
		rc = store_machine_add(r->store, tun->user, tun->name,
		    &tun->id, 1, machine_out, token, e);
		return rc == -1 ? -1 : 1;
	}
	*machine_out = (int64_t)machine;
	rc = store_machine_serve(
	    r->store, tun->user, *machine_out, tun->id, true, e);
	if (rc == 1)
		rc = store_machine_key_add(
		    r->store, tun->user, *machine_out, &key, token, e);
	return rc;
}

void
download_make(struct req *r)
{
	char token[MACHINE_TOKEN_LEN + 1];
	struct tunnel tun;
	int64_t machine;
	struct err e;
	int rc;

	if (!owner_tunnel(r, &tun))
		return;
	rc = make_key(r, &tun, &machine, token, &e);
	if (!owner_done(r, rc, &e))
		return;
	page_note(r, tun.user, "key add",
	    "tunnel %lld \"%s\", machine %lld", (long long)tun.id, tun.name,
	    (long long)machine);
	if (show(r, &tun, token, machine, &e) == -1)
		page_trouble(r, &e);
	else
		page_send(r, 201);
	str_wipe(token, sizeof(token));
}
