#include "cmd.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "store/store_event.h"
#include "store/store_user.h"

void
cmd_say(const char *fmt, ...)
{
	char text[512], shown[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* what somebody typed may stand in it; quotes may stay as they are */
	if (!str_is_text(text, strlen(text)))
		fprintf(stderr, "aditctl: %s\n",
		    str_escape(shown, sizeof(shown), text, strlen(text)));
	else
		fprintf(stderr, "aditctl: %s\n", text);
}

int
cmd_fail(const struct err *e)
{
	cmd_say("%s", e->text);
	return CMD_FAILED;
}

int
cmd_misuse(const struct err *e)
{
	cmd_say("%s", e->text);
	return CMD_MISUSED;
}

int
cmd_none(const char *what, int64_t id)
{
	cmd_say("%s %" PRId64 ": there is none; the list shows them", what, id);
	return CMD_FAILED;
}

struct store *
cmd_store(struct cmd *c)
{
	struct err e;

	if (c->store == NULL &&
	    (c->store = store_open(c->conf.database, 0, NULL, &e)) == NULL)
		cmd_fail(&e);
	return c->store;
}

int
cmd_number(
    const char *what, const char *text, uint64_t lo, uint64_t hi, uint64_t *out)
{
	if (str_number(text, lo, hi, out))
		return CMD_DONE;
	cmd_say("%s: \"%s\" is not a number from %" PRIu64 " to %" PRIu64, what,
	    text, lo, hi);
	return CMD_MISUSED;
}

int
cmd_id(const char *what, const char *text, int64_t *id_out)
{
	uint64_t number;
	int rc;

	rc = cmd_number(what, text, 1, INT64_MAX, &number);
	*id_out = rc == CMD_DONE ? (int64_t)number : 0;
	return rc;
}

int
cmd_user(struct cmd *c, const char *text, struct user *u_out)
{
	struct store *s;
	struct err e;
	uint64_t id;
	int rc;

	if ((s = cmd_store(c)) == NULL)
		return CMD_FAILED;
	if (str_number(text, 1, INT64_MAX, &id))
		rc = store_user_by_id(s, (int64_t)id, u_out, &e);
	else
		rc = store_user_by_email(s, text, u_out, &e);
	if (rc == 1)
		return CMD_DONE;
	if (rc == -1)
		return cmd_fail(&e);
	cmd_say("user %s: there is none; aditctl user list shows them", text);
	return CMD_FAILED;
}

/* The name of whoever runs us, and of whom they were before sudo. */
static void
name_operator(char *to, size_t cap)
{
	const struct passwd *p = getpwuid(getuid());
	const char *before = getenv("SUDO_USER");
	char name[64];

	if (p != NULL)
		str_copy(name, sizeof(name), p->pw_name);
	else
		snprintf(name, sizeof(name), "uid %u", (unsigned)getuid());
	if (before == NULL || *before == '\0' ||
	    !str_is_text(before, strlen(before)))
		snprintf(to, cap, "aditctl (%s)", name);
	else
		snprintf(to, cap, "aditctl (%s, sudo by %.64s)", name, before);
}

int
cmd_begin(struct cmd *c)
{
	struct err e;

	if (cmd_store(c) == NULL)
		return CMD_FAILED;
	return store_group(c->store, &e) == -1 ? cmd_fail(&e) : CMD_DONE;
}

static int
note(struct cmd *c, int64_t user, const char *fmt, va_list ap)
{
	struct event v = { .user = user };
	struct err e;

	name_operator(v.who, sizeof(v.who));
	str_copy(v.did, sizeof(v.did), c->words);
	str_copy(v.origin, sizeof(v.origin), "this server");
	vsnprintf(v.what, sizeof(v.what), fmt, ap);
	if (store_event_add(c->store, &v, &e) == 0)
		return CMD_DONE;
	cmd_say("nothing was changed, because it cannot be noted as an event: "
		"%s",
	    e.text);
	return CMD_FAILED;
}

int
cmd_note_more(struct cmd *c, int64_t user, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = note(c, user, fmt, ap);
	va_end(ap);
	return rc;
}

int
cmd_note(struct cmd *c, int64_t user, const char *fmt, ...)
{
	struct err e;
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = note(c, user, fmt, ap);
	va_end(ap);
	if (rc != CMD_DONE)
		return rc;
	return store_group_end(c->store, true, &e) == -1 ? cmd_fail(&e)
							 : CMD_DONE;
}
