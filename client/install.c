#include "install.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "client_conf.h"
#include "item.h"
#include "plat/files.h"
#include "plat/plat.h"
#include "run.h"
#include "settings.h"
#include "startup.h"
#include "state.h"

enum { NAMES_MAX = 9 }; /* machines of the same name at different relays */

struct install {
	struct item it;
	bool replaced;  /* it was there before */
	bool from_file; /* which is not needed any more */
};

/* --- one item -------------------------------------------------------------- */

/* Everything is tried, whatever fails; the first reason counts. */
static int
take_away(const struct item *it, struct err *e)
{
	struct err more;
	int rc = startup_remove(it, e);

	if (files_remove(it->state, &more) != 0 && rc == 0)
		rc = err_set(e, "%s", more.text);
	if (strcmp(it->state_folder, it->folder) != 0)
		(void)files_remove_folder(it->state_folder);
	if (files_remove(it->settings, &more) != 0 && rc == 0)
		rc = err_set(e, "%s", more.text);
	if (startup_remove_program(it, &more) != 0 && rc == 0)
		rc = err_set(e, "%s", more.text);
	if (files_remove_folder(it->folder))
		(void)files_remove_folder(it->base);
	return rc;
}

/* The program comes to where it is started. */
static int
put_program(struct item *it, struct err *e)
{
	char *self = files_self(e);
	int rc = 0;

	if (self == NULL)
		return -1;
	if (startup_keeps(it, self)) {
		free(it->program);
		it->program = self;
		return 0;
	}
	if (strcmp(self, it->program) != 0)
		rc = files_copy(self, it->program, e);
	free(self);
	return rc;
}

static int
put_in_place(struct item *it, const struct buf *text, struct err *e)
{
	enum files_for who = it->system ? FILES_ALL : FILES_OWNER;

	if (files_folder(it->folder, who, e) != 0 || startup_stop(it, e) != 0 ||
	    put_program(it, e) != 0 ||
	    files_write(it->settings, buf_data(text), buf_len(text),
		FILES_OWNER, e) != 0)
		return -1;
	return startup_add(it, e);
}

/* Takes over the item; NULL with e. */
static struct install *
install(struct item *it, const struct buf *text, struct err *e)
{
	struct install *in = calloc(1, sizeof(*in));
	bool there = item_is_there(it);

	if (in == NULL)
		err_sys(e, "%s", it->name);
	else if (startup_check(it->system, e) == 0) {
		if (put_in_place(it, text, e) == 0) {
			in->replaced = there;
			in->it = *it;
			*it = (struct item){ 0 };
			return in;
		}
		if (!there)
			(void)take_away(it, NULL);
	}
	item_close(it);
	free(in);
	return NULL;
}

int
install_go(struct install **inp)
{
	struct install *in = *inp;
	const char *advice = startup_advice(&in->it);
	char undo[200];
	struct err e;
	int rc = EXIT_KEPT;

	*inp = NULL;
	if (startup_go(&in->it, &e) == 0) {
		printf("%s as \"%s\". It runs, and starts by itself %s.\n",
		    in->replaced ? "Replaced what was installed" : "Installed",
		    in->it.name, startup_when(&in->it));
		if (in->from_file)
			printf("The file that it was made of is not needed any"
			       " more.\n");
		printf("To take it away: %s\n",
		    startup_undo(&in->it, undo, sizeof(undo)));
		if (advice != NULL)
			printf("%s\n", advice);
	} else {
		fprintf(stderr,
		    "adit install: %s is there, but does not"
		    " start: %s\n",
		    in->it.name, e.text);
		rc = EXIT_UNEXPECTED;
	}
	(void)fflush(stdout);
	item_close(&in->it);
	free(in);
	return rc;
}

/* --- its name -------------------------------------------------------------- */

/* The same relay, or one that nobody can tell any more. */
static bool
same_relay(const struct item *it, const struct client_conf *c)
{
	struct run_file *f = calloc(1, sizeof(*f));
	bool same = true;
	struct err e;
	size_t i, k;

	if (f != NULL && run_open(f, it->settings, &e) == 0) {
		same = false;
		for (i = 0; i < c->door_count; i++)
			for (k = 0; k < f->conf.door_count; k++)
				same = same ||
				    strcmp(c->doors[i].host,
					f->conf.doors[k].host) == 0;
	}
	if (f != NULL)
		run_close(f);
	free(f);
	return same;
}

/* "C:\\My Files\\adit-game.bat" is about "game". */
static void
name_of_file(char to[ITEM_NAME_MAX + 1], const char *path)
{
	const char *p, *from = path;
	char stem[256];

	for (p = path; *p != '\0'; p++)
		if (*p == '/' || *p == '\\')
			from = p + 1;
	if (strncmp(from, "adit-", 5) == 0)
		from += 5;
	(void)str_copy(stem, sizeof(stem), from);
	if (strrchr(stem, '.') != NULL)
		*strrchr(stem, '.') = '\0';
	(void)item_name(to, stem);
}

/*
 * The item of these settings: the one that is there for the same machine of
 * the same relay, else a new one.
 */
static int
find_item(struct item *it, bool system, const char *machine, const char *path,
    const struct client_conf *c, struct err *e)
{
	char first[ITEM_NAME_MAX + 1], name[ITEM_NAME_MAX + 16];
	int n;

	if (machine != NULL)
		(void)item_name(first, machine);
	else
		name_of_file(first, path);
	memcpy(name, first, sizeof(first));
	for (n = 2; n <= NAMES_MAX + 1; n++) {
		if (item_open(it, system, name, e) != 0)
			return -1;
		if (!item_is_there(it) || same_relay(it, c))
			return 0;
		item_close(it);
		snprintf(
		    name, sizeof(name), "%.*s-%d", ITEM_NAME_MAX - 3, first, n);
	}
	return err_set(e, "%s: too many of that name; give --name", first);
}

/* --- from a file ----------------------------------------------------------- */

struct install *
install_file(const char *path, struct err *e)
{
	struct run_file *f = calloc(1, sizeof(*f));
	struct install *in = NULL;
	struct item it = { 0 };
	struct buf text;

	settings_init(&text);
	if (f == NULL)
		err_sys(e, "%s", path);
	else if (run_open(f, path, e) == 0 &&
	    settings_of_file(&text, path, e) == 0 &&
	    find_item(&it, false, f->machine, path, &f->conf, e) == 0)
		in = install(&it, &text, e);
	if (in != NULL)
		in->from_file = true;
	settings_wipe(&text);
	if (f != NULL)
		run_close(f);
	free(f);
	return in;
}

/* --- the same file once more ----------------------------------------------- */

/* True when it runs. */
static bool
show(const struct item *it)
{
	char *text = malloc(STATE_MAX);
	bool runs = startup_runs(it);

	printf("%s: %s; %s%s%s\n", it->name, runs ? "runs" : "does not run",
	    startup_is_on(it) ? "starts by itself" : "does not start by itself",
	    startup_is_on(it) ? " " : "",
	    startup_is_on(it) ? startup_when(it) : "");
	if (text != NULL)
		printf("%s", state_read(text, it->state));
	(void)fflush(stdout);
	free(text);
	return runs;
}

/* On a terminal, and there said to be so. */
static bool
says_yes(const char *question)
{
	char line[16];

	if (!plat_is_terminal(0) || !plat_is_terminal(1))
		return false;
	printf("%s (y/n) ", question);
	(void)fflush(stdout);
	return fgets(line, sizeof(line), stdin) != NULL &&
	    (line[0] == 'y' || line[0] == 'Y');
}

/* What is installed gets the settings of the file, if they are others. */
static int
bring_up_to_date(struct item *it, const char *path, struct err *e)
{
	struct buf text;
	bool old;
	int rc;

	settings_init(&text);
	rc = settings_of_file(&text, path, e);
	old = rc == 0 && settings_differ(&text, it->settings);
	if (old) {
		printf("Its settings are others in this file, and are taken"
		       " over.\n");
		rc = put_in_place(it, &text, e);
	}
	settings_wipe(&text);
	if (rc == 0 && (old || !startup_runs(it)))
		rc = startup_go(it, e);
	return rc;
}

static bool
goes_on(struct item *it, const char *path)
{
	struct err e;

	printf("Adit is installed here for this file, and starts by itself"
	       " %s.\n",
	    startup_when(it));
	if (bring_up_to_date(it, path, &e) != 0)
		fprintf(stderr, "adit: %s\n", e.text);
	(void)show(it);
	if (!says_yes("Take that away, and serve in this window instead?"))
		return true;
	if (take_away(it, &e) != 0) {
		fprintf(stderr, "adit: %s\n", e.text);
		return true;
	}
	return false;
}

bool
install_serves(const struct run_file *f, const char *path)
{
	struct item it;
	struct err e;
	bool serves;
	int scope;

	for (scope = 0; scope < 2; scope++) {
		if (find_item(
			&it, scope == 1, f->machine, path, &f->conf, &e) != 0)
			continue;
		serves = item_is_there(&it) && goes_on(&it, path);
		item_close(&it);
		if (serves)
			return true;
	}
	return false;
}

/* --- adit install ---------------------------------------------------------- */

struct wish {
	bool system;
	bool all;
	const char *name;
	const char *file; /* the first word that is no option */
	int rest;         /* from here on they are those of connect */
};

static int
usage(const char *command, const char *why)
{
	fprintf(
	    stderr, "adit %s: %s\nSee: adit help %s\n", command, why, command);
	return EXIT_USAGE;
}

/* Our own options stand first. */
static int
read_wish(struct wish *w, int argc, char *const *argv, struct err *e)
{
	int i;

	*w = (struct wish){ 0 };
	for (i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--service") == 0)
			w->system = true;
		else if (strcmp(argv[i], "--all") == 0)
			w->all = true;
		else if (strcmp(argv[i], "--name") == 0 && i + 1 < argc)
			w->name = argv[++i];
		else
			break;
	}
	w->rest = i;
	if (i < argc && argv[i][0] != '-') {
		w->file = argv[i];
		if (++i < argc)
			return err_set(e, "%.100s is too much", argv[i]);
	}
	return 0;
}

/* The item that is meant, and its settings; 0 or the exit status. */
static int
read_file(struct item *it, struct buf *text, const struct wish *w,
    const char *path, struct err *e)
{
	struct run_file *f = calloc(1, sizeof(*f));
	int rc = EXIT_UNEXPECTED;

	if (f == NULL)
		err_sys(e, "%s", path);
	else if ((rc = run_open(f, path, e)) == 0 &&
	    (settings_of_file(text, path, e) != 0 ||
		(w->name != NULL ? item_open(it, w->system, w->name, e)
				 : find_item(it, w->system, f->machine, path,
				       &f->conf, e)) != 0))
		rc = EXIT_SETTINGS;
	if (f != NULL)
		run_close(f);
	free(f);
	return rc;
}

/* The same from the words of `adit connect`. */
static int
read_words(struct item *it, struct buf *text, const struct wish *w, int argc,
    char *const *argv, struct err *e)
{
	struct client_conf *c = calloc(1, sizeof(*c));
	char host[256];
	int rc = EXIT_UNEXPECTED;

	if (c == NULL) {
		err_sys(e, "settings");
		return rc;
	}
	if ((rc = client_conf_read(c, argc, argv, e)) == 0 &&
	    (rc = client_conf_token(c, e)) == 0 &&
	    (settings_of_conf(text, c, e) != 0 ||
		(w->name != NULL ? item_open(it, w->system, w->name, e)
				 : find_item(it, w->system,
				       plat_computer(host, sizeof(host)), "", c,
				       e)) != 0))
		rc = EXIT_SETTINGS;
	client_conf_close(c);
	free(c);
	return rc;
}

static int
read_all(struct item *it, struct buf *text, const struct wish *w, int argc,
    char *const *argv, struct err *e)
{
	char *named = NULL;
	int rc;

	if (w->rest < argc && w->file == NULL)
		return read_words(
		    it, text, w, argc - w->rest, argv + w->rest, e);
	if (w->file == NULL)
		named = plat_env("ADIT_FILE");
	if (w->file == NULL && (named == NULL || named[0] == '\0')) {
		err_set(e,
		    "give the file that was downloaded, or the options of"
		    " adit connect");
		rc = EXIT_USAGE;
	} else {
		rc = read_file(
		    it, text, w, w->file != NULL ? w->file : named, e);
	}
	free(named);
	return rc;
}

int
install_run(int argc, char *const *argv)
{
	struct install *in = NULL;
	struct item it = { 0 };
	struct wish w;
	struct buf text;
	struct err e;
	int rc;

	if (read_wish(&w, argc, argv, &e) != 0)
		return usage("install", e.text);
	if (w.all)
		return usage("install", "--all is not for this");
	if (plat_no_core(&e) != 0 || startup_check(w.system, &e) != 0) {
		fprintf(stderr, "adit install: %s\n", e.text);
		return EXIT_UNEXPECTED;
	}
	settings_init(&text);
	if ((rc = read_all(&it, &text, &w, argc, argv, &e)) == 0 &&
	    (in = install(&it, &text, &e)) == NULL)
		rc = EXIT_UNEXPECTED;
	settings_wipe(&text);
	if (rc == EXIT_USAGE)
		return usage("install", e.text);
	if (rc != 0) {
		fprintf(stderr, "adit install: %s\n", e.text);
		return rc;
	}
	in->from_file = w.rest == argc || w.file != NULL;
	return install_go(&in) == EXIT_KEPT ? 0 : EXIT_UNEXPECTED;
}

/* --- adit uninstall -------------------------------------------------------- */

struct removal {
	const char *name; /* NULL: all */
	bool failed;
	int count;
};

static void
on_remove(void *arg, const struct item *it)
{
	struct removal *r = arg;
	struct err e;

	if (r->name != NULL && strcmp(r->name, it->name) != 0)
		return;
	r->count++;
	if (take_away(it, &e) == 0) {
		printf("%s is taken away.\n", it->name);
		return;
	}
	r->failed = true;
	fprintf(stderr, "adit uninstall: %s: %s\n", it->name, e.text);
}

static void
on_name(void *arg, const struct item *it)
{
	(void)arg;
	fprintf(stderr, "  %s\n", it->name);
}

static void
on_count(void *arg, const struct item *it)
{
	(void)arg;
	(void)it;
}

int
install_uninstall(int argc, char *const *argv)
{
	struct removal r = { 0 };
	struct wish w;
	struct err e;
	int found;

	if (read_wish(&w, argc, argv, &e) != 0)
		return usage("uninstall", e.text);
	if (w.rest < argc && w.file == NULL)
		return usage("uninstall", "there is no such option");
	r.name = w.name != NULL ? w.name : w.file;
	if (w.all && r.name != NULL)
		return usage("uninstall", "a name, or --all");
	if ((found = item_each(w.system, on_count, NULL, &e)) < 0) {
		fprintf(stderr, "adit uninstall: %s\n", e.text);
		return EXIT_UNEXPECTED;
	}
	if (found > 1 && r.name == NULL && !w.all) {
		fprintf(stderr, "adit uninstall: which of these, or --all?\n");
		(void)item_each(w.system, on_name, NULL, &e);
		return EXIT_USAGE;
	}
	if (found > 0 && startup_check(w.system, &e) != 0) {
		fprintf(stderr, "adit uninstall: %s\n", e.text);
		return EXIT_UNEXPECTED;
	}
	(void)item_each(w.system, on_remove, &r, &e);
	if (r.count > 0)
		return r.failed ? EXIT_UNEXPECTED : 0;
	fprintf(stderr, "adit uninstall: nothing%s%s is installed%s\n",
	    r.name != NULL ? " called " : "", r.name != NULL ? r.name : "",
	    w.system ? " as a service" : " for this user");
	return EXIT_UNEXPECTED;
}

/* --- adit status ----------------------------------------------------------- */

static void
on_show(void *arg, const struct item *it)
{
	bool *all_run = arg;

	*all_run = show(it) && *all_run;
}

int
install_status(int argc, char *const *argv)
{
	bool all_run = true;
	int own, others;
	struct err e;

	(void)argv;
	if (argc > 0)
		return usage("status", "it takes no words");
	own = item_each(false, on_show, &all_run, &e);
	if (own >= 0 &&
	    (others = item_each(true, on_show, &all_run, &e)) >= 0) {
		if (own + others == 0)
			printf("Nothing is installed.\n");
		return all_run ? 0 : EXIT_UNEXPECTED;
	}
	fprintf(stderr, "adit status: %s\n", e.text);
	return EXIT_UNEXPECTED;
}
