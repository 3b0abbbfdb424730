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
#include "install.h"
#include "plat/plat.h"
#include "state.h"

enum { FILE_MAX = 256 << 10 };

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

static int
on_machine(struct run_words *w, char *value, struct err *e)
{
	(void)e;
	w->machine = value;
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
	{ "machine=", on_machine },
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

bool
run_is_exit(const char *line)
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
		if (run_is_exit(line))
			*w = (struct run_words){ 0 };
		else if (strncmp(line, RUN_MARK, strlen(RUN_MARK)) == 0 &&
		    set(w, line + strlen(RUN_MARK), e) != 0)
			return err_prefix(e, "line %d", number);
	}
	if (w->argc == 0 && w->token == NULL)
		return err_set(e, "it holds no settings (#adit KEY=VALUE)");
	if (w->token == NULL)
		return err_set(e, "it holds no token (#adit token=HEX)");
	return 0;
}

/* --- a file ---------------------------------------------------------------- */

/* The words of text; conf borrows from them. */
static int
read_settings(struct run_file *f, size_t len, struct err *e)
{
	struct run_words *w;
	int rc = EXIT_SETTINGS;

	if ((w = malloc(sizeof(*w))) == NULL) {
		err_sys(e, "settings");
		return EXIT_UNEXPECTED;
	}
	if (run_parse(w, f->text, len, e) == 0) {
		rc = client_conf_read(&f->conf, w->argc, w->argv, e);
		/* What is missing is missing in the file, not in the words. */
		rc = rc == EXIT_USAGE ? EXIT_SETTINGS : rc;
	}
	if (rc == 0 &&
	    ((w->proxy != NULL &&
		 client_conf_proxy(&f->conf, w->proxy, e) != 0) ||
		client_conf_token_text(f->conf.token, w->token, e) != 0))
		rc = EXIT_SETTINGS;
	if (w->token != NULL)
		str_wipe(w->token, strlen(w->token));
	if (w->proxy != NULL)
		str_wipe(w->proxy, strlen(w->proxy));
	f->machine = w->machine;
	f->conf.has_token = rc == 0;
	free(w);
	return rc;
}

int
run_open(struct run_file *f, const char *path, struct err *e)
{
	size_t len;
	int rc;

	*f = (struct run_file){ 0 };
	if ((f->text = malloc(FILE_MAX)) == NULL) {
		err_sys(e, "settings");
		return EXIT_UNEXPECTED;
	}
	if (plat_read_file(path, f->text, FILE_MAX, &len, e) != 0)
		return EXIT_SETTINGS;
	if ((rc = read_settings(f, len, e)) != 0)
		err_prefix(e, "%s", path);
	return rc;
}

void
run_close(struct run_file *f)
{
	client_conf_close(&f->conf);
	if (f->text != NULL)
		str_wipe(f->text, FILE_MAX);
	free(f->text);
	f->text = NULL;
}

int
run_kept(const char *settings, const char *state)
{
	struct run_file *f = calloc(1, sizeof(*f));
	struct err e;
	int rc = EXIT_UNEXPECTED;

	if (f == NULL)
		err_sys(&e, "settings");
	else if ((rc = run_open(f, settings, &e)) == 0) {
		f->conf.plain = true;
		f->conf.state = state;
		rc = connect_serve(&f->conf);
	} else {
		state_end(state, rc, e.text);
		fprintf(stderr, "adit keep: %s\n", e.text);
	}
	if (f != NULL)
		run_close(f);
	free(f);
	return rc;
}

/* --- the command ----------------------------------------------------------- */

/* What the command line says: a file, and how it is to look. */
struct wish {
	const char *file;
	bool plain;
	bool no_color;
	bool verbose;
};

static int
read_wish(struct wish *w, int argc, char *const *argv, struct err *e)
{
	const struct {
		const char *name;
		bool *to;
	} looks[] = { { "--plain", &w->plain }, { "--no-color", &w->no_color },
		{ "--verbose", &w->verbose } };
	size_t k;
	int i;

	for (i = 0; i < argc; i++) {
		for (k = 0; k < 3 && strcmp(argv[i], looks[k].name) != 0; k++)
			continue;
		if (k < 3)
			*looks[k].to = true;
		else if (argv[i][0] != '-' && w->file == NULL)
			w->file = argv[i];
		else
			return err_set(
			    e, "%.100s is not an option here", argv[i]);
	}
	return 0;
}

/*
 * Serves the file at path.  When it was double-clicked, what is installed for
 * its machine may do so already.
 */
static int
run_file(const char *path, const struct wish *wish, bool clicked, struct err *e)
{
	struct run_file *f = calloc(1, sizeof(*f));
	int rc = EXIT_UNEXPECTED;

	if (f == NULL)
		err_sys(e, "settings");
	else if ((rc = run_open(f, path, e)) != 0)
		fprintf(stderr, "adit run: %s\n", e->text);
	else if (!clicked || !install_serves(f, path)) {
		f->conf.plain = wish->plain;
		f->conf.no_color = wish->no_color;
		f->conf.verbose = wish->verbose;
		f->conf.file = path;
		rc = connect_serve(&f->conf);
	} else {
		rc = EXIT_KEPT;
	}
	if (f != NULL)
		run_close(f);
	free(f);
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
	if (wish.file != NULL) {
		rc = run_file(wish.file, &wish, false, &e);
	} else if (named != NULL && named[0] != '\0') {
		rc = run_file(named, &wish, true, &e);
	} else {
		fprintf(stderr,
		    "adit run: give the file that was downloaded,"
		    " or its name in ADIT_FILE\n");
		rc = EXIT_USAGE;
	}
	free(named);
	return rc;
}
