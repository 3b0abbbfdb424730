/* aditctl key: API keys. */
#include <stdlib.h>

#include "base/str.h"
#include "cmd.h"
#include "out.h"
#include "store/store_key.h"
#include "store/store_user.h"

int
key_add(struct cmd *c)
{
	const char *name = c->opt[OPT_NAME];
	char key[KEY_LEN + 1];
	struct user u;
	struct err e;
	int64_t id;
	int rc;

	if (check_name(name, &e) == -1)
		return cmd_misuse(&e);
	if ((rc = cmd_user(c, c->opt[OPT_USER], &u)) != CMD_DONE)
		return rc;
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	if (store_key_add(c->store, u.id, name, &id, key, &e) == -1)
		return cmd_fail(&e);
	rc = cmd_note(c, u.id, "API key %lld %s", (long long)id, name);
	if (rc == CMD_DONE)
		rc = out_done(c,
		    json_pack("{s:I, s:s}", "id", (json_int_t)id, "key", key),
		    "API key %lld, which is shown only now:\n%s", (long long)id,
		    key);
	str_wipe(key, sizeof(key));
	return rc;
}

int
key_list(struct cmd *c)
{
	static const struct out_column columns[] = { { "id", "ID" },
		{ "user", "USER" }, { "name", "NAME" },
		{ "created_at", "MADE" }, { "last_used_at", "LAST USED" },
		{ NULL, NULL } };
	struct user u = { .id = STORE_ANYBODY };
	struct api_key *list;
	struct err e;
	json_t *rows;
	size_t n, i;
	int rc;

	if (c->opt[OPT_USER] != NULL &&
	    (rc = cmd_user(c, c->opt[OPT_USER], &u)) != CMD_DONE)
		return rc;
	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	if (store_key_list(c->store, u.id, &list, &n, &e) == -1)
		return cmd_fail(&e);
	rows = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(rows,
		    json_pack("{s:I, s:I, s:o, s:o, s:o}", "id",
			(json_int_t)list[i].id, "user",
			(json_int_t)list[i].user, "name",
			out_text(list[i].name), "created_at",
			out_time(list[i].created_at), "last_used_at",
			out_time(list[i].last_used_at)));
	free(list);
	return out_table(
	    c, rows, columns, "no API key yet; aditctl key add makes one");
}

int
key_rm(struct cmd *c)
{
	struct err e;
	int64_t id;
	int rc;

	if ((rc = cmd_id("key", c->operand[0], &id)) != CMD_DONE)
		return rc;
	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	if ((rc = store_key_remove(c->store, STORE_ANYBODY, id, &e)) == -1)
		return cmd_fail(&e);
	if (rc == 0)
		return cmd_none("API key", id);
	if ((rc = cmd_note(c, 0, "API key %lld", (long long)id)) != CMD_DONE)
		return rc;
	return out_done(c, json_pack("{s:I}", "id", (json_int_t)id),
	    "API key %lld: deleted", (long long)id);
}
