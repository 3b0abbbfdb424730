#include "startup.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "client_conf.h"
#include "item.h"
#include "plat/files.h"
#include "plat/plat.h"
#include "run.h"

extern char **environ;

enum { UNIT_MAX = 8192, TOLD_MAX = 200 };

static char *text_of(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A text for free(), or NULL. */
static char *
text_of(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text;
}

/* --- where things stand ---------------------------------------------------- */

static const char *
home(struct err *e)
{
	const char *path = getenv("HOME");

	if (path == NULL || path[0] != '/') {
		err_set(e, "this user has no home folder (HOME)");
		return NULL;
	}
	return path;
}

int
startup_place(struct item *it, struct err *e)
{
	const char *at = it->system ? "" : home(e);

	if (at == NULL)
		return -1;
	it->base = it->system ? strdup("/opt/adit")
			      : text_of("%s/.local/share/adit", at);
	if (it->base != NULL)
		it->folder = text_of("%s/%s", it->base, it->name);
	if (it->folder != NULL) {
		it->program = text_of("%s/adit", it->folder);
		it->settings = text_of("%s/settings", it->folder);
		/* The service's own user may not write into the folder. */
		it->state_folder = it->system
		    ? text_of("/run/adit-%s", it->name)
		    : strdup(it->folder);
	}
	if (it->state_folder != NULL)
		it->state = text_of("%s/state", it->state_folder);
	if (it->program == NULL || it->settings == NULL || it->state == NULL)
		return err_sys(e, "%s", it->name);
	return 0;
}

/* The unit's file, for free(). */
static char *
unit_path(const struct item *it, struct err *e)
{
	const char *at = it->system ? "" : home(e);
	char *path = NULL;

	if (at == NULL)
		return NULL;
	path = it->system
	    ? text_of("/etc/systemd/system/adit-%s.service", it->name)
	    : text_of("%s/.config/systemd/user/adit-%s.service", at, it->name);
	if (path == NULL)
		err_sys(e, "%s", it->name);
	return path;
}

bool
startup_keeps(const struct item *it, const char *self)
{
	/* A copy that another item was installed with goes with that item. */
	return (strncmp(self, "/usr/", 5) == 0 ||
		   strncmp(self, "/opt/", 5) == 0) &&
	    strncmp(self, "/opt/adit/", 10) != 0 &&
	    strncmp(self, it->base, strlen(it->base)) != 0;
}

/* --- systemctl ------------------------------------------------------------- */

/* The first line of what fd gives, until its end. */
static void
read_told(int fd, char told[TOLD_MAX])
{
	char drain[256];
	size_t len = 0;
	ssize_t got;

	for (;;) {
		got = len + 1 < TOLD_MAX
		    ? read(fd, told + len, TOLD_MAX - 1 - len)
		    : read(fd, drain, sizeof(drain));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		if (len + 1 < TOLD_MAX)
			len += (size_t)got;
	}
	told[len] = '\0';
	told[strcspn(told, "\n")] = '\0';
}

/* Starts it with its words; what it complains about goes to err. */
static int
spawn(pid_t *pid_out, char *const *argv, int complaints)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	(void)posix_spawnattr_init(&how);
	/* Ours are blocked while somebody waits for them: stop.h. */
	(void)posix_spawnattr_setsigmask(&how, &none);
	(void)posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
	(void)posix_spawn_file_actions_init(&files);
	(void)posix_spawn_file_actions_addopen(
	    &files, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_addopen(
	    &files, 1, "/dev/null", O_WRONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&files, complaints, 2);
	rc = posix_spawnp(pid_out, argv[0], &files, &how, argv, environ);
	(void)posix_spawn_file_actions_destroy(&files);
	(void)posix_spawnattr_destroy(&how);
	return rc;
}

/* Runs systemctl; its exit status, -1 with e when it cannot be run. */
static int
systemctl(
    const struct item *it, const char *verb, bool with_unit, struct err *e)
{
	char unit[ITEM_NAME_MAX + 32], told[TOLD_MAX];
	char program[] = "systemctl", scope[] = "--system", word[32];
	char quiet[] = "--quiet", own[] = "--user";
	char *argv[6] = { program, it->system ? scope : own, quiet, word,
		with_unit ? unit : NULL };
	int pair[2], status = -1;
	pid_t pid;

	(void)str_copy(word, sizeof(word), verb);
	snprintf(unit, sizeof(unit), "adit-%s.service", it->name);
	if (pipe2(pair, O_CLOEXEC) != 0)
		return err_sys(e, "systemctl");
	errno = spawn(&pid, argv, pair[1]);
	plat_close(&pair[1]);
	if (errno != 0) {
		err_sys(e, "systemctl");
	} else {
		read_told(pair[0], told);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 127;
		if (status != 0)
			err_set(e, "systemctl %s: %s", verb,
			    told[0] != '\0' ? told : "it failed");
	}
	plat_close(&pair[0]);
	return status;
}

static bool
has_systemctl(void)
{
	const char *path = getenv("PATH"), *next;
	char file[4096];

	for (; path != NULL && *path != '\0'; path = next) {
		next = path + strcspn(path, ":");
		if ((size_t)snprintf(file, sizeof(file), "%.*s/systemctl",
			(int)(next - path), path) < sizeof(file) &&
		    access(file, X_OK) == 0)
			return true;
		next += *next == ':';
	}
	return false;
}

int
startup_check(bool system, struct err *e)
{
	if (!has_systemctl())
		return err_set(e,
		    "there is no systemctl here, and only systemd is known to"
		    " this program: let whatever starts programs here run"
		    " \"adit run FILE\"");
	if (system && geteuid() != 0)
		return err_set(
		    e, "--service is for the whole computer: run it as root");
	return 0;
}

/* --- the unit -------------------------------------------------------------- */

/* A path as systemd takes a word: quoted, with nothing that it would expand. */
static int
quote(char *to, size_t cap, const char *path, struct err *e)
{
	size_t n = 0;

	/* It starts nothing of such a name, quoted or not. */
	if (strpbrk(path, "\"'\\") != NULL || !str_is_text(path, strlen(path)))
		return err_set(e,
		    "%.180s: systemd starts nothing whose name has quotes or"
		    " \\ in it",
		    path);
	for (to[n++] = '"'; *path != '\0' && n + 4 < cap; path++) {
		if (*path == '%')
			to[n++] = '%';
		to[n++] = *path;
	}
	to[n++] = '"';
	to[n] = '\0';
	return 0;
}

/* Codes that another start would not change: adit(1). */
#define FINAL "2 20 21 22 23 24 25"

static const char user_unit[] =
    "# Made by `adit install`; `adit uninstall %s` takes it away.\n"
    "[Unit]\n"
    "Description=Adit tunnels of %s\n"
    "StartLimitIntervalSec=0\n"
    "\n"
    "[Service]\n"
    "ExecStart=%s keep %s\n"
    "Restart=on-failure\n"
    "RestartSec=10\n"
    "RestartPreventExitStatus=" FINAL "\n"
    "NoNewPrivileges=yes\n"
    "\n"
    "[Install]\n"
    "WantedBy=default.target\n";

/* The token is root's; the program is a user of its own and gets a copy. */
static const char system_unit[] =
    "# Made by `adit install --service`; `adit uninstall --service %s`\n"
    "# takes it away.\n"
    "[Unit]\n"
    "Description=Adit tunnels of %s\n"
    "Wants=network-online.target\n"
    "After=network-online.target\n"
    "StartLimitIntervalSec=0\n"
    "\n"
    "[Service]\n"
    "ExecStart=%s keep --service %s\n"
    "DynamicUser=yes\n"
    "LoadCredential=settings:/opt/adit/%s/settings\n"
    "RuntimeDirectory=adit-%s\n"
    "RuntimeDirectoryPreserve=yes\n"
    "Restart=on-failure\n"
    "RestartSec=10\n"
    "RestartPreventExitStatus=" FINAL "\n"
    "NoNewPrivileges=yes\n"
    "PrivateDevices=yes\n"
    "ProtectHome=yes\n"
    "ProtectKernelTunables=yes\n"
    "ProtectControlGroups=yes\n"
    "RestrictNamespaces=yes\n"
    "CapabilityBoundingSet=\n"
    "\n"
    "[Install]\n"
    "WantedBy=multi-user.target\n";

static int
write_unit(const struct item *it, const char *path, struct err *e)
{
	char program[2 * 4096 + 8], text[UNIT_MAX + sizeof(program)];
	const char *name = it->name;
	char *folder, *slash;
	int rc;

	if (quote(program, sizeof(program), it->program, e) != 0)
		return -1;
	if (it->system)
		snprintf(text, sizeof(text), system_unit, name, name, program,
		    name, name, name);
	else
		snprintf(
		    text, sizeof(text), user_unit, name, name, program, name);
	if ((folder = strdup(path)) == NULL)
		return err_sys(e, "%s", path);
	if ((slash = strrchr(folder, '/')) != NULL)
		*slash = '\0';
	rc = files_folder(folder, it->system ? FILES_ALL : FILES_OWNER, e);
	free(folder);
	if (rc == 0)
		rc = files_write(path, text, strlen(text), FILES_ALL, e);
	return rc;
}

int
startup_add(const struct item *it, struct err *e)
{
	char *path = unit_path(it, e);
	int rc = -1;

	if (path != NULL && write_unit(it, path, e) == 0 &&
	    systemctl(it, "daemon-reload", false, e) == 0 &&
	    systemctl(it, "enable", true, e) == 0)
		rc = 0;
	free(path);
	return rc;
}

int
startup_go(const struct item *it, struct err *e)
{
	return systemctl(it, "restart", true, e) == 0 ? 0 : -1;
}

int
startup_stop(const struct item *it, struct err *e)
{
	if (!startup_is_on(it))
		return 0;
	return systemctl(it, "stop", true, e) == 0 ? 0 : -1;
}

int
startup_remove(const struct item *it, struct err *e)
{
	char *path = unit_path(it, e);
	struct err told = { "" };
	int rc;

	if (path == NULL)
		return -1;
	if (files_has(path)) {
		/* Whatever it says, the unit has to go. */
		if (systemctl(it, "disable", true, &told) == 0)
			(void)systemctl(it, "stop", true, &told);
		else
			(void)systemctl(it, "stop", true, NULL);
	}
	rc = files_remove(path, e);
	if (rc == 0 && has_systemctl())
		(void)systemctl(it, "daemon-reload", false, NULL);
	if (rc == 0 && told.text[0] != '\0')
		rc = err_set(e, "%s", told.text);
	free(path);
	return rc;
}

int
startup_remove_program(const struct item *it, struct err *e)
{
	return files_remove(it->program, e);
}

bool
startup_is_on(const struct item *it)
{
	char *path = unit_path(it, NULL);
	bool has = path != NULL && files_has(path);

	free(path);
	return has;
}

bool
startup_runs(const struct item *it)
{
	return startup_is_on(it) && systemctl(it, "is-active", true, NULL) == 0;
}

/* --- words ----------------------------------------------------------------- */

const char *
startup_when(const struct item *it)
{
	return it->system ? "with this computer" : "when you sign in";
}

const char *
startup_undo(const struct item *it, char *to, size_t cap)
{
	snprintf(to, cap, "adit uninstall %s%s", it->system ? "--service " : "",
	    it->name);
	return to;
}

const char *
startup_advice(const struct item *it)
{
	const struct passwd *me = getpwuid(geteuid());
	char file[512];

	if (it->system || me == NULL)
		return NULL;
	snprintf(file, sizeof(file), "/var/lib/systemd/linger/%s", me->pw_name);
	if (files_has(file))
		return NULL;
	return "It ends when you sign out. To have it run from the start of"
	       " the computer,\nsigned in or not: loginctl enable-linger";
}

/* --- what systemd starts --------------------------------------------------- */

int
startup_keep(int argc, char *const *argv)
{
	bool system = argc == 2 && strcmp(argv[0], "--service") == 0;
	const char *given = getenv("CREDENTIALS_DIRECTORY");
	char *settings = NULL;
	struct item it = { 0 };
	struct err e;
	int rc = EXIT_USAGE;

	if (argc != (system ? 2 : 1)) {
		fprintf(stderr, "adit keep: see: adit help keep\n");
		return EXIT_USAGE;
	}
	if (plat_no_core(&e) != 0 ||
	    item_open(&it, system, argv[argc - 1], &e) != 0) {
		fprintf(stderr, "adit keep: %s\n", e.text);
		return EXIT_USAGE;
	}
	if (system && given != NULL)
		settings = text_of("%s/settings", given);
	rc = run_kept(settings != NULL ? settings : it.settings, it.state);
	free(settings);
	item_close(&it);
	return rc;
}
