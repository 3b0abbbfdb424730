/* aditctl machine: computers that run the client, and their keys. */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "cmd.h"
#include "out.h"
#include "store/store_machine.h"
#include "store/store_tunnel.h"
#include "store/store_user.h"

/* The numbers that --tunnel gave. */
static int
read_tunnels(const struct cmd *c, int64_t ids[CMD_MANY])
{
	size_t i;
	int rc;

	for (i = 0; i < c->tunnel_n; i++) {
		rc = cmd_id("--tunnel", c->tunnel[i], &ids[i]);
		if (rc != CMD_DONE)
			return rc;
	}
	return CMD_DONE;
}

/* A token is shown once, and wiped. */
static int
out_token(struct cmd *c, int64_t id, const char *what, char *token)
{
	int rc;

	rc = out_done(c,
	    json_pack("{s:I, s:s}", "id", (json_int_t)id, "token", token),
	    "%s %lld, with this token, which is shown only now:\n%s", what,
	    (long long)id, token);
	str_wipe(token, MACHINE_TOKEN_LEN);
	return rc;
}

int
machine_add(struct cmd *c)
{
	const char *name = c->opt[OPT_NAME];
	char token[MACHINE_TOKEN_LEN + 1];
	int64_t ids[CMD_MANY] = { 0 }, id;
	struct user u;
	struct err e;
	int rc;

	if (check_name(name, &e) == -1)
		return cmd_misuse(&e);
	if ((rc = read_tunnels(c, ids)) != CMD_DONE ||
	    (rc = cmd_user(c, c->opt[OPT_USER], &u)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	if (store_machine_add(
		c->store, u.id, name, ids, c->tunnel_n, &id, token, &e) == -1)
		return cmd_fail(&e);
	rc = cmd_note(c, u.id, "machine %lld %s", (long long)id, name);
	if (rc != CMD_DONE)
		return rc;
	return out_token(c, id, "machine", token);
}

enum {
	NAMES_SHOWN = 3, /* of a machine's tunnels, */
	NAME_SHOWN = 24, /* and so many characters of each */
};

/* A name that leaves room for others in its line. */
static json_t *
short_name(const char *name)
{
	char text[4 * NAME_SHOWN + 4];
	size_t n = 0, i;

	for (i = 0; i < NAME_SHOWN && name[n] != '\0'; i++)
		do
			n++;
		while (((unsigned char)name[n] & 0xc0) == 0x80);
	if (name[n] == '\0' || n + 4 > sizeof(text))
		return out_text(name);
	snprintf(text, sizeof(text), "%.*s...", (int)n, name);
	return out_text(text);
}

/* For people: the first few by name, and how many there are besides. */
static json_t *
tunnel_names(struct cmd *c, const int64_t *ids, size_t n)
{
	json_t *a = json_array();
	struct tunnel t;
	char more[32];
	struct err e;
	size_t i;

	for (i = 0; i < n && i < NAMES_SHOWN; i++) {
		if (store_tunnel_by_id(
			c->store, STORE_ANYBODY, ids[i], &t, &e) == 1)
			json_array_append_new(a, short_name(t.name));
	}
	if (n > NAMES_SHOWN) {
		snprintf(more, sizeof(more), "+%zu", n - NAMES_SHOWN);
		json_array_append_new(a, json_string(more));
	}
	return a;
}

/* The tunnels that a machine may serve: programs get their numbers. */
static json_t *
tunnels_json(struct cmd *c, int64_t machine)
{
	int64_t *ids = NULL;
	struct err e;
	size_t n = 0;
	json_t *a;

	if (store_machine_tunnels(c->store, machine, &ids, &n, &e) == -1)
		cmd_fail(&e);
	a = c->json ? out_ids(ids, n) : tunnel_names(c, ids, n);
	free(ids);
	return a;
}

static json_t *
machine_json(struct cmd *c, const struct machine *m)
{
	return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o}",
	    "id", (json_int_t)m->id, "user", (json_int_t)m->user, "name",
	    out_text(m->name), "computer", out_text(m->computer), "system",
	    out_text(m->system), "address", out_text(m->address), "tunnels",
	    tunnels_json(c, m->id), "keys", (json_int_t)m->keys, "seen_at",
	    out_time(m->seen_at), "created_at", out_time(m->created_at));
}

int
machine_list(struct cmd *c)
{
	static const struct out_column columns[] = { { "id", "ID" },
		{ "user", "USER" }, { "name", "NAME" },
		{ "tunnels", "TUNNELS" }, { "keys", "KEYS" },
		{ "computer", "COMPUTER" }, { "system", "SYSTEM" },
		{ "address", "ADDRESS" }, { "seen_at", "SEEN" },
		{ NULL, NULL } };
	struct user u = { .id = STORE_ANYBODY };
	struct machine *list;
	struct err e;
	json_t *rows;
	size_t n, i;
	int rc;

	if (c->opt[OPT_USER] != NULL &&
	    (rc = cmd_user(c, c->opt[OPT_USER], &u)) != CMD_DONE)
		return rc;
	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	if (store_machine_list(c->store, u.id, 0, INT64_MAX, &list, &n, &e) ==
	    -1)
		return cmd_fail(&e);
	rows = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(rows, machine_json(c, &list[i]));
	free(list);
	return out_table(
	    c, rows, columns, "no machine yet; aditctl machine add makes one");
}

/* The machine that the operand names: 0, or the exit code. */
static int
find_machine(struct cmd *c, struct machine *m_out)
{
	struct err e;
	int64_t id;
	int rc;

	if ((rc = cmd_id("machine", c->operand[0], &id)) != CMD_DONE)
		return rc;
	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	rc = store_machine_by_id(c->store, STORE_ANYBODY, id, m_out, &e);
	if (rc == 1)
		return CMD_DONE;
	return rc == -1 ? cmd_fail(&e) : cmd_none("machine", id);
}

int
machine_rm(struct cmd *c)
{
	struct machine m;
	struct err e;
	int rc;

	if ((rc = find_machine(c, &m)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_machine_remove(c->store, STORE_ANYBODY, m.id, &e);
	if (rc == -1)
		return cmd_fail(&e);
	if (rc == 0)
		return cmd_none("machine", m.id);
	rc = cmd_note(c, m.user, "machine %lld %s", (long long)m.id, m.name);
	if (rc != CMD_DONE)
		return rc;
	return out_done(c, json_pack("{s:I}", "id", (json_int_t)m.id),
	    "machine %lld: deleted, its keys are revoked", (long long)m.id);
}

static int
set_serving(struct cmd *c, bool may)
{
	int64_t ids[CMD_MANY] = { 0 };
	struct machine m;
	struct err e;
	size_t i;
	int rc;

	if ((rc = read_tunnels(c, ids)) != CMD_DONE ||
	    (rc = find_machine(c, &m)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	for (i = 0; i < c->tunnel_n; i++) {
		rc = store_machine_serve(
		    c->store, STORE_ANYBODY, m.id, ids[i], may, &e);
		if (rc == -1)
			return cmd_fail(&e);
		if (rc == 0)
			return cmd_none(
			    "tunnel of this machine's user", ids[i]);
		rc = (i + 1 < c->tunnel_n ? cmd_note_more : cmd_note)(c, m.user,
		    "machine %lld %s, tunnel %lld", (long long)m.id, m.name,
		    (long long)ids[i]);
		if (rc != CMD_DONE)
			return rc;
	}
	return out_done(c,
	    json_pack("{s:I, s:o}", "id", (json_int_t)m.id, "tunnels",
		tunnels_json(c, m.id)),
	    "machine %lld: done", (long long)m.id);
}

int
machine_serve(struct cmd *c)
{
	return set_serving(c, true);
}

int
machine_unserve(struct cmd *c)
{
	return set_serving(c, false);
}

int
machine_key_add(struct cmd *c)
{
	char token[MACHINE_TOKEN_LEN + 1];
	struct machine m;
	struct err e;
	int64_t id;
	int rc;

	if ((rc = find_machine(c, &m)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_machine_key_add(
	    c->store, STORE_ANYBODY, m.id, &id, token, &e);
	if (rc == -1)
		return cmd_fail(&e);
	if (rc == 0)
		return cmd_none("machine", m.id);
	rc = cmd_note(c, m.user, "machine %lld %s, key %lld", (long long)m.id,
	    m.name, (long long)id);
	if (rc != CMD_DONE)
		return rc;
	return out_token(c, id, "key", token);
}

int
machine_key_list(struct cmd *c)
{
	static const struct out_column columns[] = { { "id", "ID" },
		{ "state", "STATE" }, { "created_at", "MADE" },
		{ "first_used_at", "FIRST USED" },
		{ "last_used_at", "LAST USED" }, { NULL, NULL } };
	static const char *const states[] = { "good", "revoked", "expired" };
	struct machine_key *list;
	struct machine m;
	struct err e;
	json_t *rows;
	size_t n, i;
	int rc;

	if ((rc = find_machine(c, &m)) != CMD_DONE)
		return rc;
	if (store_machine_key_list(c->store, m.id, &list, &n, &e) == -1)
		return cmd_fail(&e);
	rows = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(rows,
		    json_pack("{s:I, s:s, s:o, s:o, s:o}", "id",
			(json_int_t)list[i].id, "state", states[list[i].state],
			"created_at", out_time(list[i].created_at),
			"first_used_at", out_time(list[i].first_used_at),
			"last_used_at", out_time(list[i].last_used_at)));
	free(list);
	return out_table(c, rows, columns, "no key");
}

int
machine_key_rm(struct cmd *c)
{
	struct err e;
	int64_t id;
	int rc;

	if ((rc = cmd_id("key", c->operand[0], &id)) != CMD_DONE)
		return rc;
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_machine_key_remove(c->store, STORE_ANYBODY, id, &e);
	if (rc == -1)
		return cmd_fail(&e);
	if (rc == 0) {
		cmd_say("key %lld: no machine has it, or it is revoked already",
		    (long long)id);
		return CMD_FAILED;
	}
	if ((rc = cmd_note(c, 0, "machine key %lld", (long long)id)) !=
	    CMD_DONE)
		return rc;
	return out_done(c, json_pack("{s:I}", "id", (json_int_t)id),
	    "key %lld: revoked", (long long)id);
}
