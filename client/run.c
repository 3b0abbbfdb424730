#include "run.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "client_conf.h"
#include "connect.h"
#include "plat/plat.h"

enum { FILE_MAX = 256 << 10 };

#define MARK "#adit "

/* --- the settings in a file ------------------------------------------------ */

static char *
take_blanks(char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

static int
add(struct run_words *w, char *option, char *value, struct err *e)
{
	if (w->argc + 2 > RUN_WORDS_MAX)
		return err_set(e, "too many settings");
	w->argv[w->argc++] = option;
	w->argv[w->argc++] = value;
	return 0;
}

static int
on_door(struct run_words *w, char *value, struct err *e)
{
	static char server[] = "--server", pin[] = "--pin", ca[] = "--ca";
	char *trust = value + strcspn(value, " \t");

	if (*trust != '\0')
		*trust++ = '\0';
	trust = take_blanks(trust);
	if (add(w, server, value, e) != 0)
		return -1;
	if (strncmp(trust, "pin=", 4) == 0)
		return add(w, pin, trust + 4, e);
	if (strncmp(trust, "ca=", 3) == 0)
		return add(w, ca, trust + 3, e);
	return err_set(e, "behind a door stands pin=sha256:HEX or ca=system");
}

static int
on_allow(struct run_words *w, char *value, struct err *e)
{
	static char allow[] = "--allow";

	return add(w, allow, value, e);
}

static int
on_token(struct run_words *w, char *value, struct err *e)
{
	if (w->token != NULL)
		return err_set(e, "a second token");
	w->token = value;
	return 0;
}

static int
on_proxy(struct run_words *w, char *value, struct err *e)
{
	if (w->proxy != NULL)
		return err_set(e, "a second proxy");
	w->proxy = value;
	return 0;
}

static const struct key {
	const char *name;
	int (*set)(struct run_words *w, char *value, struct err *e);
} keys[] = {
	{ "door=", on_door },
	{ "allow=", on_allow },
	{ "token=", on_token },
	{ "proxy=", on_proxy },
};

/* One line behind its mark. */
static int
set(struct run_words *w, char *line, struct err *e)
{
	size_t i, len;

	line = take_blanks(line);
	for (len = strlen(line); len > 0; len--)
		if (line[len - 1] != ' ' && line[len - 1] != '\t')
			break;
	line[len] = '\0';
	if (!str_is_text(line, len))
		return err_set(e, "it holds bytes that are no text");
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		len = strlen(keys[i].name);
		if (strncmp(line, keys[i].name, len) == 0)
			return keys[i].set(w, line + len, e);
	}
	line[strcspn(line, "=")] = '\0';
	return err_set(
	    e, "\"%.40s\" is no setting that this program knows", line);
}

/* The end of what cmd.exe runs: what came before it was never meant. */
static bool
is_exit(const char *line)
{
	static const char word[] = "exit /b";

	for (const char *p = word; *p != '\0'; p++, line++)
		if (tolower((unsigned char)*line) != *p)
			return false;
	return true;
}

int
run_parse(struct run_words *w, char *text, size_t len, struct err *e)
{
	char *line, *next;
	int number = 0;

	*w = (struct run_words){ 0 };
	if (memchr(text, '\0', len) != NULL)
		return err_set(e, "it holds a NUL byte");
	for (line = text; line != NULL; line = next) {
		number++;
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		if (is_exit(line))
			*w = (struct run_words){ 0 };
		else if (strncmp(line, MARK, strlen(MARK)) == 0 &&
		    set(w, line + strlen(MARK), e) != 0)
			return err_prefix(e, "line %d", number);
	}
	if (w->argc == 0 && w->token == NULL)
		return err_set(e, "it holds no settings (#adit KEY=VALUE)");
	if (w->token == NULL)
		return err_set(e, "it holds no token (#adit token=HEX)");
	return 0;
}

/* --- the command ----------------------------------------------------------- */

/* What the command line says: a file, and how it is to look. */
struct wish {
	const char *file;
	char *looks[3];
	int look_count;
};

static int
read_wish(struct wish *w, int argc, char *const *argv, struct err *e)
{
	static const char *const looks[] = { "--plain", "--no-color",
		"--verbose" };
	size_t k;
	int i;

	for (i = 0; i < argc; i++) {
		for (k = 0; k < 3 && strcmp(argv[i], looks[k]) != 0; k++)
			continue;
		if (k < 3 && w->look_count < 3)
			w->looks[w->look_count++] = argv[i];
		else if (argv[i][0] != '-' && w->file == NULL)
			w->file = argv[i];
		else
			return err_set(
			    e, "%.100s is not an option here", argv[i]);
	}
	return 0;
}

/* Settings of text into c; the words that c borrows stay in text. */
static int
read_settings(struct client_conf *c, const struct wish *wish, char *text,
    size_t len, struct err *e)
{
	struct run_words *w;
	int i, rc = EXIT_SETTINGS;

	if ((w = malloc(sizeof(*w))) == NULL) {
		err_sys(e, "settings");
		return EXIT_UNEXPECTED;
	}
	if (run_parse(w, text, len, e) == 0) {
		for (i = 0; i < wish->look_count && w->argc < RUN_WORDS_MAX;
		     i++)
			w->argv[w->argc++] = wish->looks[i];
		rc = client_conf_read(c, w->argc, w->argv, e);
		/* What is missing is missing in the file, not in the words. */
		rc = rc == EXIT_USAGE ? EXIT_SETTINGS : rc;
	}
	if (rc == 0 &&
	    ((w->proxy != NULL && client_conf_proxy(c, w->proxy, e) != 0) ||
		client_conf_token_text(c->token, w->token, e) != 0)) {
		client_conf_close(c);
		rc = EXIT_SETTINGS;
	}
	if (w->token != NULL)
		str_wipe(w->token, strlen(w->token));
	if (w->proxy != NULL)
		str_wipe(w->proxy, strlen(w->proxy));
	free(w);
	c->has_token = rc == 0;
	return rc;
}

/* Reads the file and serves; the exit status. */
static int
run_file(const char *path, const struct wish *wish, struct err *e)
{
	struct client_conf *c = calloc(1, sizeof(*c));
	char *text = malloc(FILE_MAX);
	size_t len;
	int rc = EXIT_UNEXPECTED;

	if (c == NULL || text == NULL)
		err_sys(e, "settings");
	else if (plat_read_file(path, text, FILE_MAX, &len, e) != 0)
		rc = EXIT_SETTINGS;
	else if ((rc = read_settings(c, wish, text, len, e)) != 0)
		err_prefix(e, "%s", path);
	if (rc == 0) {
		rc = connect_serve(c);
		client_conf_close(c);
	} else {
		fprintf(stderr, "adit run: %s\n", e->text);
	}
	if (text != NULL)
		str_wipe(text, FILE_MAX);
	free(text);
	free(c);
	return rc;
}

int
run_run(int argc, char *const *argv)
{
	struct wish wish = { 0 };
	char *named;
	struct err e;
	int rc;

	if (read_wish(&wish, argc, argv, &e) != 0) {
		fprintf(stderr, "adit run: %s\nSee: adit help run\n", e.text);
		return EXIT_USAGE;
	}
	if (plat_no_core(&e) != 0) {
		fprintf(stderr, "adit run: %s\n", e.text);
		return EXIT_UNEXPECTED;
	}
	named = plat_env("ADIT_FILE");
	if (wish.file == NULL && (named == NULL || named[0] == '\0')) {
		fprintf(stderr,
		    "adit run: give the file that was downloaded,"
		    " or its name in ADIT_FILE\n");
		rc = EXIT_USAGE;
	} else {
		rc = run_file(wish.file != NULL ? wish.file : named, &wish, &e);
	}
	free(named);
	return rc;
}
