/* aditctl user: people with an account. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cmd.h"
#include "out.h"
#include "plat/plat.h"
#include "store/store_user.h"

enum { PASSWORD_ROOM = CHECK_PASSWORD_MAX + 2 };

/* Asks twice, or reads one line of standard input. */
static int
ask_password(struct cmd *c, char *to, struct err *e)
{
	char again[PASSWORD_ROOM];
	bool same;

	if (c->opt[OPT_PASSWORD_STDIN] != NULL)
		return plat_read_secret(STDIN_FILENO, "", to, PASSWORD_ROOM, e);
	if (!plat_is_terminal(STDIN_FILENO))
		return err_set(e,
		    "there is no terminal to ask for the password; give "
		    "--password-stdin and write it to standard input");
	if (plat_read_secret(
		STDIN_FILENO, "Password: ", to, PASSWORD_ROOM, e) == -1 ||
	    plat_read_secret(STDIN_FILENO, "The same again: ", again,
		sizeof(again), e) == -1)
		return -1;
	same = strcmp(to, again) == 0;
	str_wipe(again, sizeof(again));
	return same ? 0 : err_set(e, "the two passwords differ; try again");
}

/* The hash of a password that was asked for. */
static int
ask_hash(struct cmd *c, char *hash_out, struct err *e)
{
	char password[PASSWORD_ROOM] = "";
	int rc;

	if ((rc = ask_password(c, password, e)) == 0 &&
	    (rc = check_password(password, strlen(password), e)) == 0)
		rc = password_hash(hash_out, password, e);
	str_wipe(password, sizeof(password));
	return rc;
}

int
user_add(struct cmd *c)
{
	const char *email = c->operand[0];
	bool admin = c->opt[OPT_ADMIN] != NULL;
	char hash[PASSWORD_HASH_MAX + 1] = "";
	struct store *s;
	struct user u;
	struct err e;
	int64_t id;
	int rc;

	if (check_email(email, &e) == -1)
		return cmd_misuse(&e);
	/* what is refused anyway is refused before the questions */
	if ((s = cmd_store(c)) == NULL)
		return CMD_FAILED;
	if ((rc = store_user_by_email(s, email, &u, &e)) == -1 ||
	    (rc == 0 && ask_hash(c, hash, &e) == -1))
		return cmd_fail(&e);
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	if (store_user_add(s, email, hash, admin, &id, &e) == -1)
		return cmd_fail(&e);
	rc = cmd_note(c, id, "user %lld %s%s", (long long)id, email,
	    admin ? ", admin" : "");
	if (rc != CMD_DONE)
		return rc;
	return out_done(c,
	    json_pack(
		"{s:I, s:o}", "id", (json_int_t)id, "email", out_text(email)),
	    "user %lld: %s", (long long)id, email);
}

static json_t *
user_json(const struct user *u)
{
	return json_pack("{s:I, s:o, s:s, s:b, s:I, s:I, s:o}", "id",
	    (json_int_t)u->id, "email", out_text(u->email), "role",
	    u->admin ? "admin" : "member", "frozen", u->frozen_at != 0,
	    "tunnels", (json_int_t)u->tunnels, "machines",
	    (json_int_t)u->machines, "created_at", out_time(u->created_at));
}

int
user_list(struct cmd *c)
{
	static const struct out_column columns[] = { { "id", "ID" },
		{ "email", "EMAIL" }, { "role", "ROLE" },
		{ "frozen", "FROZEN" }, { "tunnels", "TUNNELS" },
		{ "machines", "MACHINES" }, { "created_at", "SINCE" },
		{ NULL, NULL } };
	json_t *rows = json_array();
	struct user *list;
	struct store *s;
	struct err e;
	size_t n, i;

	if ((s = cmd_store(c)) == NULL ||
	    store_user_list(s, 0, INT64_MAX, &list, &n, &e) == -1) {
		json_decref(rows);
		return s == NULL ? CMD_FAILED : cmd_fail(&e);
	}
	for (i = 0; i < n; i++)
		json_array_append_new(rows, user_json(&list[i]));
	free(list);
	return out_table(c, rows, columns,
	    "no account yet; aditctl user add EMAIL --admin makes one");
}

/* Notes a change, of which rc is the store's answer: 0, or the exit code. */
static int
changed(struct cmd *c, const struct user *u, int rc, const struct err *e)
{
	if (rc == -1)
		return cmd_fail(e);
	if (rc == 0)
		return cmd_none("user", u->id);
	return cmd_note(c, u->id, "user %lld %s", (long long)u->id, u->email);
}

int
user_rm(struct cmd *c)
{
	struct user u;
	struct err e;
	int rc;

	if ((rc = cmd_user(c, c->operand[0], &u)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_user_remove(c->store, u.id, &e);
	if ((rc = changed(c, &u, rc, &e)) != CMD_DONE)
		return rc;
	return out_done(c, json_pack("{s:I}", "id", (json_int_t)u.id),
	    "user %lld: deleted, with %lld tunnels and %lld machines",
	    (long long)u.id, (long long)u.tunnels, (long long)u.machines);
}

int
user_passwd(struct cmd *c)
{
	char hash[PASSWORD_HASH_MAX + 1];
	struct user u;
	struct err e;
	int rc;

	if ((rc = cmd_user(c, c->operand[0], &u)) != CMD_DONE)
		return rc;
	if (ask_hash(c, hash, &e) == -1)
		return cmd_fail(&e);
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_user_set_password(c->store, u.id, hash, &e);
	if ((rc = changed(c, &u, rc, &e)) != CMD_DONE)
		return rc;
	return out_done(c, json_pack("{s:I}", "id", (json_int_t)u.id),
	    "user %lld: has a new password and is signed out everywhere",
	    (long long)u.id);
}

static int
set_frozen(struct cmd *c, bool frozen)
{
	struct user u;
	struct err e;
	int rc;

	if ((rc = cmd_user(c, c->operand[0], &u)) != CMD_DONE ||
	    (rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	rc = store_user_freeze(c->store, u.id, frozen, &e);
	if ((rc = changed(c, &u, rc, &e)) != CMD_DONE)
		return rc;
	return out_done(c,
	    json_pack("{s:I, s:b}", "id", (json_int_t)u.id, "frozen", frozen),
	    "user %lld: %s", (long long)u.id,
	    frozen ? "frozen, the tunnels stop" : "not frozen");
}

int
user_freeze(struct cmd *c)
{
	return set_frozen(c, true);
}

int
user_unfreeze(struct cmd *c)
{
	return set_frozen(c, false);
}
