/*
 * cmd: a command of aditctl: a row of the table in main.c and a function in
 * the file of its group, which asks the store and says what came of it.
 */
#ifndef ADMIN_CMD_H
#define ADMIN_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "conf/adit_conf.h"
#include "store/check.h"
#include "store/store.h"

enum {
	CMD_DONE = 0,
	CMD_FAILED = 1,
	CMD_MISUSED = 2,
	CMD_MANY = 64, /* times an option may be repeated */
};

/* Every option there is; which ones a command takes stands in its row. */
enum opt {
	OPT_USER,
	OPT_NAME,
	OPT_KIND,
	OPT_TARGET,
	OPT_PORT,
	OPT_VERIFIED,
	OPT_PROXY,
	OPT_ALLOW,
	OPT_DENY,
	OPT_RATE,
	OPT_VISITORS,
	OPT_TUNNEL,
	OPT_ADMIN,
	OPT_PASSWORD_STDIN,
	OPT_LIMIT,
	OPT_COUNT
};

#define WITH(o) (1u << (o))

struct cmd {
	const char *conf_path; /* NULL: where adit_conf looks */
	bool json;
	const char *operand[2];
	const char *opt[OPT_COUNT];   /* NULL: not given; "" without a value */
	const char *tunnel[CMD_MANY]; /* every OPT_TUNNEL */
	size_t tunnel_n;
	const char *words; /* "tunnel add" */
	struct adit_conf conf;
	struct store *store; /* NULL until cmd_store() */
};

/* Opens the store once; NULL after the reason was said. */
struct store *cmd_store(struct cmd *c);

/* Says why on standard error and returns the exit code. */
int cmd_fail(const struct err *e);
int cmd_misuse(const struct err *e);

/* "tunnel 7: there is none". */
int cmd_none(const char *what, int64_t id);

/* Standard error, and the same code for every program that meets it. */
void cmd_say(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* An operand or option as a row's number: 0, or CMD_MISUSED when it is none. */
int cmd_id(const char *what, const char *text, int64_t *id_out);
int cmd_number(const char *what, const char *text, uint64_t lo, uint64_t hi,
    uint64_t *out);

/* The user of ID or EMAIL; 0, or the exit code after saying why. */
struct user;
int cmd_user(struct cmd *c, const char *text, struct user *u_out);

/*
 * A change and what the table of events says of it are one step: it begins here
 * (0, or the exit code), after all questions were asked, and is kept by
 * cmd_note().  A command that returns before has changed nothing.
 */
int cmd_begin(struct cmd *c);

/*
 * Notes what this command did, and to what, and keeps both: 0, or the exit code
 * when neither is so.  cmd_note_more() is for what a further cmd_note() keeps.
 */
int cmd_note(struct cmd *c, int64_t user, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
int cmd_note_more(struct cmd *c, int64_t user, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The commands, by file. */
int user_add(struct cmd *c);
int user_list(struct cmd *c);
int user_rm(struct cmd *c);
int user_passwd(struct cmd *c);
int user_freeze(struct cmd *c);
int user_unfreeze(struct cmd *c);

int tunnel_add(struct cmd *c);
int tunnel_edit(struct cmd *c);
int tunnel_list(struct cmd *c);
int tunnel_show(struct cmd *c);
int tunnel_verify(struct cmd *c);
int tunnel_link(struct cmd *c);
int tunnel_pause(struct cmd *c);
int tunnel_resume(struct cmd *c);
int tunnel_freeze(struct cmd *c);
int tunnel_unfreeze(struct cmd *c);
int tunnel_rm(struct cmd *c);
int tunnel_restore(struct cmd *c);

int machine_add(struct cmd *c);
int machine_list(struct cmd *c);
int machine_rm(struct cmd *c);
int machine_serve(struct cmd *c);
int machine_unserve(struct cmd *c);
int machine_key_add(struct cmd *c);
int machine_key_list(struct cmd *c);
int machine_key_rm(struct cmd *c);

int key_add(struct cmd *c);
int key_list(struct cmd *c);
int key_rm(struct cmd *c);

int setting_list(struct cmd *c);
int setting_set(struct cmd *c);

int relay_status(struct cmd *c);
int relay_pin(struct cmd *c);

int db_check(struct cmd *c);
int db_backup(struct cmd *c);

int event_list(struct cmd *c);

#endif
