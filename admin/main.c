/*
 * aditctl: what an operator does on the server, straight on the database.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/version.h"
#include "cmd.h"
#include "plat/plat.h"

struct option {
	const char *name;
	const char *value; /* what to write for it; NULL: none */
	const char *says;
};

static const struct option options[OPT_COUNT] = {
	[OPT_USER] = { "user", "EMAIL", "whose: an address or a number" },
	[OPT_NAME] = { "name", "NAME", "for people, up to 100 bytes" },
	[OPT_KIND] = { "kind", "tcp|udp|both", "what visitors speak" },
	[OPT_TARGET] = { "target", "HOST:PORT",
	    "the service, as the client's computer reaches it" },
	[OPT_PORT] = { "port", "N", "the public port; else one is chosen" },
	[OPT_VERIFIED] = { "verified", NULL, "active at once, without a link" },
	[OPT_PROXY] = { "proxy-protocol", "off|v1|v2",
	    "hand the visitor's address to the service" },
	[OPT_ALLOW] = { "allow", "CIDR,...", "only these visitors; \"\": all" },
	[OPT_DENY] = { "deny", "CIDR,...", "not these visitors; \"\": none" },
	[OPT_RATE] = { "address-rate", "N",
	    "visits of one address a minute; 0: no limit" },
	[OPT_VISITORS] = { "visitors", "N",
	    "visitors at once; 0: the relay's limit" },
	[OPT_TUNNEL] = { "tunnel", "ID", "one that it may serve; repeatable" },
	[OPT_ADMIN] = { "admin", NULL, "may change everything" },
	[OPT_PASSWORD_STDIN] = { "password-stdin", NULL,
	    "the password is a line of standard input" },
	[OPT_LIMIT] = { "limit", "N", "at most so many; 50" },
};

struct command {
	const char *words;
	const char *operands; /* "" for none */
	int operand_n;
	unsigned must, may; /* WITH() of options */
	int (*run)(struct cmd *c);
	const char *says;
};

#define TUNNEL_MAY                                               \
	(WITH(OPT_PORT) | WITH(OPT_VERIFIED) | WITH(OPT_PROXY) | \
	    WITH(OPT_ALLOW) | WITH(OPT_DENY) | WITH(OPT_RATE) |  \
	    WITH(OPT_VISITORS))
#define TUNNEL_MUST (WITH(OPT_NAME) | WITH(OPT_KIND) | WITH(OPT_TARGET))

static const struct command commands[] = {
	{ "user add", "EMAIL", 1, 0, WITH(OPT_ADMIN) | WITH(OPT_PASSWORD_STDIN),
	    user_add, "make an account" },
	{ "user list", "", 0, 0, 0, user_list, "every account" },
	{ "user rm", "ID|EMAIL", 1, 0, 0, user_rm,
	    "delete an account with all that is its own" },
	{ "user passwd", "ID|EMAIL", 1, 0, WITH(OPT_PASSWORD_STDIN),
	    user_passwd, "give an account a new password" },
	{ "user freeze", "ID|EMAIL", 1, 0, 0, user_freeze,
	    "stop an account's tunnels" },
	{ "user unfreeze", "ID|EMAIL", 1, 0, 0, user_unfreeze,
	    "let them run again" },

	{ "tunnel add", "", 0, TUNNEL_MUST | WITH(OPT_USER), TUNNEL_MAY,
	    tunnel_add, "make a tunnel; prints its public address" },
	{ "tunnel edit", "ID", 1, 0, TUNNEL_MUST | TUNNEL_MAY, tunnel_edit,
	    "change what the options name" },
	{ "tunnel list", "", 0, 0, WITH(OPT_USER), tunnel_list,
	    "every tunnel" },
	{ "tunnel show", "ID", 1, 0, 0, tunnel_show, "all about one" },
	{ "tunnel verify", "ID", 1, 0, 0, tunnel_verify,
	    "let it become active, without its link" },
	{ "tunnel link", "ID", 1, 0, 0, tunnel_link,
	    "a new verification link; the old one is void" },
	{ "tunnel pause", "ID", 1, 0, 0, tunnel_pause, "close it for now" },
	{ "tunnel resume", "ID", 1, 0, 0, tunnel_resume, "open it again" },
	{ "tunnel freeze", "ID", 1, 0, 0, tunnel_freeze,
	    "stop it; its owner cannot change that" },
	{ "tunnel unfreeze", "ID", 1, 0, 0, tunnel_unfreeze,
	    "let it run again" },
	{ "tunnel rm", "ID", 1, 0, 0, tunnel_rm, "delete it" },
	{ "tunnel restore", "ID", 1, 0, 0, tunnel_restore,
	    "take a deleted one back, within 10 minutes" },

	{ "machine add", "", 0, WITH(OPT_USER) | WITH(OPT_NAME),
	    WITH(OPT_TUNNEL), machine_add,
	    "make a machine; prints its token, once" },
	{ "machine list", "", 0, 0, WITH(OPT_USER), machine_list,
	    "every machine" },
	{ "machine rm", "ID", 1, 0, 0, machine_rm,
	    "delete it; its keys are revoked" },
	{ "machine serve", "ID", 1, WITH(OPT_TUNNEL), 0, machine_serve,
	    "it may serve these tunnels, too" },
	{ "machine unserve", "ID", 1, WITH(OPT_TUNNEL), 0, machine_unserve,
	    "it may serve them no longer" },
	{ "machine key add", "ID", 1, 0, 0, machine_key_add,
	    "a further key; prints its token, once" },
	{ "machine key list", "ID", 1, 0, 0, machine_key_list,
	    "the keys of a machine" },
	{ "machine key rm", "KEYID", 1, 0, 0, machine_key_rm, "revoke a key" },

	{ "key add", "", 0, WITH(OPT_USER) | WITH(OPT_NAME), 0, key_add,
	    "make an API key; prints it, once" },
	{ "key list", "", 0, 0, WITH(OPT_USER), key_list, "every API key" },
	{ "key rm", "ID", 1, 0, 0, key_rm, "delete an API key" },

	{ "setting list", "", 0, 0, 0, setting_list, "what an admin may set" },
	{ "setting set", "NAME VALUE", 2, 0, 0, setting_set, "set it" },

	{ "relay status", "", 0, 0, 0, relay_status, "ask the running relayd" },
	{ "relay pin", "", 0, 0, 0, relay_pin,
	    "the pins that clients are given" },

	{ "db check", "", 0, 0, 0, db_check, "is the database sound?" },
	{ "db backup", "FILE", 1, 0, 0, db_backup,
	    "copy the database to FILE and its key to FILE.key" },

	{ "event list", "", 0, 0, WITH(OPT_USER) | WITH(OPT_LIMIT), event_list,
	    "who did what, the newest first" },
};

enum {
	COMMANDS = sizeof(commands) / sizeof(commands[0]),
	WORDS_MAX = 8,
};

/* What the command line holds, before it is known which command it is. */
struct line {
	const char *word[WORDS_MAX];
	int word_n;
	unsigned given; /* WITH() of options */
	bool help;
};

static int misuse(const struct command *k, const char *fmt, ...)
    PRINTF_LIKE(2, 3);

/* Says what is wrong with the line, and where to read how it is meant. */
static int
misuse(const struct command *k, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cmd_say("%s; try: aditctl %s%s--help", text, k != NULL ? k->words : "",
	    k != NULL ? " " : "");
	return CMD_MISUSED;
}

/* The option's number, or OPT_COUNT. */
static enum opt
find_option(const char *name, size_t n)
{
	int o;

	for (o = 0; o < OPT_COUNT; o++) {
		if (strlen(options[o].name) == n &&
		    memcmp(options[o].name, name, n) == 0)
			break;
	}
	return (enum opt)o;
}

/* Keeps an option; repeating is for OPT_TUNNEL alone. */
static int
keep_option(struct cmd *c, struct line *l, enum opt o, const char *value)
{
	if (o == OPT_TUNNEL) {
		if (c->tunnel_n == CMD_MANY)
			return misuse(NULL, "--tunnel is given too often");
		c->tunnel[c->tunnel_n++] = value;
	} else if ((l->given & WITH(o)) != 0) {
		return misuse(NULL, "--%s is given twice", options[o].name);
	}
	l->given |= WITH(o);
	c->opt[o] = value;
	return CMD_DONE;
}

/* "--name", "--name=value" or "--name value"; *at moves over the value. */
static int
take_option(struct cmd *c, struct line *l, char **argv, int *at)
{
	const char *name = argv[*at] + 2, *value = strchr(name, '=');
	size_t n = value != NULL ? (size_t)(value - name) : strlen(name);
	enum opt o = find_option(name, n);

	if (o == OPT_COUNT)
		return misuse(NULL, "option %s is not known", argv[*at]);
	if (options[o].value == NULL) {
		if (value != NULL)
			return misuse(
			    NULL, "--%s takes no value", options[o].name);
		return keep_option(c, l, o, "");
	}
	if (value == NULL && argv[*at + 1] == NULL)
		return misuse(NULL, "--%s needs a value", options[o].name);
	return keep_option(c, l, o, value != NULL ? value + 1 : argv[++*at]);
}

static int
take_conf(struct cmd *c, char **argv, int *at)
{
	if (argv[*at][2] != '\0')
		c->conf_path = argv[*at] + 2;
	else if (argv[*at + 1] != NULL)
		c->conf_path = argv[++*at];
	else
		return misuse(NULL, "-c needs a file");
	return CMD_DONE;
}

static int
take_word(struct line *l, const char *word)
{
	if (l->word_n == WORDS_MAX)
		return misuse(NULL, "\"%s\" is one word too many", word);
	l->word[l->word_n++] = word;
	return CMD_DONE;
}

static int
read_line(struct cmd *c, struct line *l, char **argv)
{
	bool operands = false; /* behind "--" */
	int i, rc = CMD_DONE;

	for (i = 1; argv[i] != NULL && rc == CMD_DONE; i++) {
		if (operands || argv[i][0] != '-' || argv[i][1] == '\0')
			rc = take_word(l, argv[i]);
		else if (strcmp(argv[i], "--") == 0)
			operands = true;
		else if (strcmp(argv[i], "--json") == 0)
			c->json = true;
		else if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0)
			l->help = true;
		else if (strncmp(argv[i], "-c", 2) == 0)
			rc = take_conf(c, argv, &i);
		else if (strncmp(argv[i], "--", 2) == 0)
			rc = take_option(c, l, argv, &i);
		else
			rc = misuse(NULL, "option %s is not known", argv[i]);
	}
	return rc;
}

/* How many words of the line the command's words are; 0: not this one. */
static int
matches(const struct command *k, const struct line *l)
{
	const char *p = k->words;
	size_t n;
	int i;

	for (i = 0; i < l->word_n; i++) {
		n = strcspn(p, " ");
		if (strlen(l->word[i]) != n || memcmp(l->word[i], p, n) != 0)
			return 0;
		p += n;
		if (*p++ == '\0')
			return i + 1;
	}
	return 0;
}

static const struct command *
find_command(const struct line *l, int *words_out)
{
	int i;

	for (i = 0; i < COMMANDS; i++) {
		if ((*words_out = matches(&commands[i], l)) > 0)
			return &commands[i];
	}
	return NULL;
}

static void
put_options(const struct command *k)
{
	char head[64];
	int o;

	for (o = 0; o < OPT_COUNT; o++) {
		if (((k->must | k->may) & WITH(o)) == 0)
			continue;
		snprintf(head, sizeof(head), "--%s%s%s", options[o].name,
		    options[o].value != NULL ? " " : "",
		    options[o].value != NULL ? options[o].value : "");
		printf("  %-28s %s%s\n", head, options[o].says,
		    (k->must & WITH(o)) != 0 ? " (needed)" : "");
	}
}

static int
help_command(const struct command *k)
{
	printf("aditctl [-c FILE] [--json] %s%s%s%s\n%s\n", k->words,
	    k->operand_n > 0 ? " " : "", k->operands,
	    (k->must | k->may) != 0 ? " [options]" : "", k->says);
	put_options(k);
	return fflush(stdout) == 0 ? CMD_DONE : CMD_FAILED;
}

/* All commands, or those that begin with this word. */
static int
help(const char *group)
{
	char head[64];
	size_t n = group != NULL ? strlen(group) : 0;
	int i, shown = 0;

	for (i = 0; i < COMMANDS; i++) {
		if (group != NULL &&
		    (strncmp(commands[i].words, group, n) != 0 ||
			commands[i].words[n] != ' '))
			continue;
		if (shown++ == 0)
			puts("aditctl [-c FILE] [--json] COMMAND ...");
		snprintf(head, sizeof(head), "%s %s", commands[i].words,
		    commands[i].operands);
		printf("  %-28s %s\n", head, commands[i].says);
	}
	if (shown == 0)
		return misuse(NULL, "\"%s\" is no command", group);
	puts("COMMAND --help tells its options; aditctl(8) tells all.");
	return fflush(stdout) == 0 ? CMD_DONE : CMD_FAILED;
}

/* Does the line fit the command?  Then its operands are put in place. */
static int
check_line(
    struct cmd *c, const struct command *k, const struct line *l, int words)
{
	unsigned lacks = k->must & ~l->given;
	unsigned alien = l->given & ~(k->must | k->may);
	int o, n = l->word_n - words;

	for (o = 0; o < OPT_COUNT; o++) {
		if ((alien & WITH(o)) != 0)
			return misuse(
			    k, "--%s is not for this command", options[o].name);
		if ((lacks & WITH(o)) != 0)
			return misuse(k, "--%s is needed", options[o].name);
	}
	if (n < k->operand_n)
		return misuse(k, "%s is missing", k->operands);
	if (n > k->operand_n)
		return misuse(k, "\"%s\" is one word too many",
		    l->word[words + k->operand_n]);
	for (o = 0; o < n; o++)
		c->operand[o] = l->word[words + o];
	c->words = k->words;
	return CMD_DONE;
}

/* The command is known and the line fits: configuration, then the work. */
static int
run(struct cmd *c, const struct command *k)
{
	struct err e;
	int rc;

	if (adit_conf_load(&c->conf, c->conf_path, &e) == -1)
		return cmd_fail(&e);
	rc = k->run(c);
	store_close(&c->store);
	adit_conf_free(&c->conf);
	return rc;
}

int
main(int argc, char **argv)
{
	const struct command *k;
	struct cmd c = { .json = false };
	struct line l = { .word_n = 0 };
	struct err ignored;
	int rc, words;

	(void)argc;
	plat_no_core(&ignored); /* it may hold a token for a moment */
	if ((rc = read_line(&c, &l, argv)) != CMD_DONE)
		return rc;
	if (l.word_n > 0 && strcmp(l.word[0], "version") == 0) {
		puts("aditctl " ADIT_VERSION);
		return CMD_DONE;
	}
	if (l.word_n > 0 && strcmp(l.word[0], "help") == 0)
		return help(l.word[1]);
	k = find_command(&l, &words);
	if (l.help)
		return k != NULL ? help_command(k) : help(l.word[0]);
	if (l.word_n == 0)
		return misuse(NULL, "a command is needed");
	if (k == NULL)
		return misuse(NULL, "\"%s%s%s\" is no command, or half of one",
		    l.word[0], l.word_n > 1 ? " " : "",
		    l.word_n > 1 ? l.word[1] : "");
	if ((rc = check_line(&c, k, &l, words)) != CMD_DONE)
		return rc;
	return run(&c, k);
}
