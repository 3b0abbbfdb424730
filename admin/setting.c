/* aditctl setting: what an admin changes while everything runs. */
#include "cmd.h"
#include "out.h"
#include "store/store_setting.h"

int
setting_list(struct cmd *c)
{
	static const struct out_column columns[] = { { "name", "NAME" },
		{ "value", "VALUE" }, { "values", "TAKES" },
		{ "default", "DEFAULT" }, { NULL, NULL } };
	struct setting all[SETTING_COUNT];
	struct err e;
	json_t *rows;
	size_t i;

	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	if (store_setting_list(c->store, all, &e) == -1)
		return cmd_fail(&e);
	rows = json_array();
	for (i = 0; i < SETTING_COUNT; i++)
		json_array_append_new(rows,
		    json_pack("{s:s, s:o, s:s, s:b}", "name", all[i].name,
			"value", out_text(all[i].value), "values",
			all[i].values, "default", all[i].is_default));
	return out_table(c, rows, columns, "no setting");
}

int
setting_set(struct cmd *c)
{
	const char *name = c->operand[0], *value = c->operand[1];
	struct err e;
	int rc;

	if ((rc = cmd_begin(c)) != CMD_DONE)
		return rc;
	if (store_setting_set(c->store, name, value, &e) == -1)
		return cmd_fail(&e);
	if ((rc = cmd_note(c, 0, "%s = %s", name, value)) != CMD_DONE)
		return rc;
	return out_done(c,
	    json_pack("{s:s, s:s}", "name", name, "value", value), "%s is %s",
	    name, value);
}
