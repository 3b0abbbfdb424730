/* aditctl db: is the database sound, and a copy of it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "out.h"
#include "store/store_verify.h"

static void
on_fault(void *arg, const char *fault)
{
	json_array_append_new(arg, out_text(fault));
	cmd_say("%s", fault);
}

int
db_check(struct cmd *c)
{
	json_t *faults;
	int64_t version;
	struct err e;
	int n, rc;

	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	faults = json_array();
	if (store_schema_version(c->store, &version, &e) == -1 ||
	    (n = store_check(c->store, on_fault, faults, &e)) == -1) {
		json_decref(faults);
		return cmd_fail(&e);
	}
	rc = out_done(c,
	    json_pack("{s:b, s:I, s:s, s:o}", "ok", n == 0, "schema",
		(json_int_t)version, "database", c->conf.database, "faults",
		faults),
	    n == 0 ? "%s: sound, schema %" PRId64
		   : "%s: damaged, schema %" PRId64
		     "; stop the programs and put a backup in its place",
	    c->conf.database, version);
	return n == 0 ? rc : CMD_FAILED;
}

int
db_backup(struct cmd *c)
{
	const char *to = c->operand[0];
	char *key;
	struct err e;
	int rc;

	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	if (asprintf(&key, "%s.key", to) == -1) {
		cmd_say("out of memory");
		return CMD_FAILED;
	}
	if (store_verify_key_copy(c->conf.database, key, &e) == -1) {
		free(key);
		return cmd_fail(&e);
	}
	if (store_backup(c->store, to, &e) == -1) {
		unlink(key); /* half a backup is none */
		free(key);
		return cmd_fail(&e);
	}
	/* the copy is there, whatever becomes of the line about it */
	if (cmd_begin(c) == CMD_DONE)
		(void)cmd_note(c, 0, "to %s", to);
	rc = out_done(c,
	    json_pack(
		"{s:o, s:o}", "database", out_text(to), "key", out_text(key)),
	    "%s holds the database, %s its installation key (adit.key); keep "
	    "both, and secret",
	    to, key);
	free(key);
	return rc;
}
