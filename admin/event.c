/* aditctl event: who did what, to what, from where. */
#include "store/store_event.h"

#include <stdlib.h>

#include "cmd.h"
#include "out.h"
#include "store/store_user.h"

enum { LIMIT = 50, LIMIT_MAX = 100000 };

int
event_list(struct cmd *c)
{
	static const struct out_column columns[] = { { "at", "AT" },
		{ "who", "WHO" }, { "did", "DID" }, { "what", "WHAT" },
		{ "from", "FROM" }, { NULL, NULL } };
	struct user u = { .id = STORE_ANYBODY };
	struct event *list;
	struct err e;
	json_t *rows;
	uint64_t limit = LIMIT;
	size_t n, i;
	int rc = CMD_DONE;

	if (c->opt[OPT_LIMIT] != NULL)
		rc = cmd_number(
		    "--limit", c->opt[OPT_LIMIT], 1, LIMIT_MAX, &limit);
	if (rc == CMD_DONE && c->opt[OPT_USER] != NULL)
		rc = cmd_user(c, c->opt[OPT_USER], &u);
	if (rc != CMD_DONE)
		return rc;
	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	if (store_event_list(c->store, u.id, (int64_t)limit, &list, &n, &e) ==
	    -1)
		return cmd_fail(&e);
	rows = json_array();
	for (i = 0; i < n; i++)
		json_array_append_new(rows,
		    json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "id",
			(json_int_t)list[i].id, "at", out_time(list[i].at),
			"who", out_text(list[i].who), "did",
			out_text(list[i].did), "what", out_text(list[i].what),
			"from", out_text(list[i].origin)));
	free(list);
	return out_table(c, rows, columns, "nothing has happened yet");
}
