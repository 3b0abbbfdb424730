#include "startup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/err.h"
#include "base/version.h"
#include "client_conf.h"
#include "item.h"
#include "keep_win32.h"
#include "plat/fail_win32.h"
#include "plat/files.h"
#include "plat/plat.h"
#include "plat/wide_win32.h"
#include "scm_win32.h"

#define RUN_KEY  L"Software\\Microsoft\\Windows\\CurrentVersion\\Run"
#define APPS_KEY L"Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\"

enum {
	STEP_MS = 50,
	STEPS = 300,
	TITLE_MAX = ITEM_NAME_MAX + 16,
	KEY_MAX = 160,
	PAUSE_MS = 2000,   /* before another start */
	PAUSE_MAX = 60000, /* the same after many */
	LONG_RUN_MS = 600000, /* what went well for so long is new trouble */
};

/* --- where things stand ---------------------------------------------------- */

/* "A\B", for free(); NULL when a is, or there is no memory. */
static char *
below(const char *a, const char *b)
{
	size_t cap = a != NULL ? strlen(a) + strlen(b) + 2 : 0;
	char *text = a != NULL ? malloc(cap) : NULL;

	if (text != NULL)
		snprintf(text, cap, "%s\\%s", a, b);
	return text;
}

int
startup_place(struct item *it, struct err *e)
{
	const char *of = it->system ? "ProgramFiles" : "LOCALAPPDATA";
	char *at = plat_env(of);

	if (at == NULL)
		return err_set(e, "this Windows names no %s", of);
	it->base = below(at, it->system ? "Adit" : "Adit\\installed");
	free(at);
	it->folder = below(it->base, it->name);
	it->program = below(it->folder, "adit.exe");
	it->settings = below(it->folder, "settings.txt");
	/* Of a service, which may write nowhere else. */
	it->state_folder = it->system ? below(it->folder, "state")
				      : below(it->base, it->name);
	it->state = below(it->state_folder, "state.txt");
	if (it->program == NULL || it->settings == NULL || it->state == NULL)
		return err_sys(e, "%s", it->name);
	return 0;
}

int
startup_check(bool system, struct err *e)
{
	return system ? scm_check(e) : 0;
}

bool
startup_keeps(const struct item *it, const char *self)
{
	(void)it;
	(void)self;
	return false; /* it may lie in a folder for downloads */
}

/* --- the registry ---------------------------------------------------------- */

/* "Adit NAME": the value of the Run key, and the key below Uninstall. */
static void
title_of(const struct item *it, wchar_t to[TITLE_MAX])
{
	size_t i, n = 5;

	memcpy(to, L"Adit ", 6 * sizeof(*to));
	for (i = 0; it->name[i] != '\0'; i++)
		to[n++] = (wchar_t)it->name[i];
	to[n] = L'\0';
}

static LSTATUS
set_text(const wchar_t *key, const wchar_t *value, const wchar_t *text)
{
	return RegSetKeyValueW(HKEY_CURRENT_USER, key, value, REG_SZ, text,
	    (DWORD)((wcslen(text) + 1) * sizeof(*text)));
}

/* "PROGRAM" WORD NAME, for free(). */
static wchar_t *
command_of(const struct item *it, const char *word)
{
	size_t cap = strlen(it->program) + strlen(word) + ITEM_NAME_MAX + 8;
	char *text = malloc(cap);
	wchar_t *wide = NULL;

	if (text != NULL) {
		snprintf(
		    text, cap, "\"%s\" %s %s", it->program, word, it->name);
		wide = wide_of(text);
	}
	free(text);
	return wide;
}

static void
apps_key(const wchar_t *title, wchar_t to[KEY_MAX])
{
	(void)_snwprintf(to, KEY_MAX - 1, APPS_KEY L"%ls", title);
	to[KEY_MAX - 1] = L'\0';
}

/* What Settings shows under Apps, where people look for it. */
static LSTATUS
add_to_apps(const struct item *it, const wchar_t *title)
{
	wchar_t key[KEY_MAX], *away = command_of(it, "uninstall");
	wchar_t *icon = wide_of(it->program);
	wchar_t version[] = L"" ADIT_VERSION;
	LSTATUS error = ERROR_NOT_ENOUGH_MEMORY;
	DWORD yes = 1;

	apps_key(title, key);
	if (away != NULL && icon != NULL)
		error = set_text(key, L"UninstallString", away);
	if (error == ERROR_SUCCESS)
		error = set_text(key, L"DisplayName", title);
	if (error == ERROR_SUCCESS) {
		(void)set_text(key, L"DisplayIcon", icon);
		(void)set_text(key, L"DisplayVersion", version);
		(void)set_text(key, L"Publisher", L"Adit");
		(void)RegSetKeyValueW(HKEY_CURRENT_USER, key, L"NoModify",
		    REG_DWORD, &yes, sizeof(yes));
		(void)RegSetKeyValueW(HKEY_CURRENT_USER, key, L"NoRepair",
		    REG_DWORD, &yes, sizeof(yes));
	}
	free(away);
	free(icon);
	return error;
}

int
startup_add(const struct item *it, struct err *e)
{
	wchar_t title[TITLE_MAX], *command;
	LSTATUS error = ERROR_NOT_ENOUGH_MEMORY;

	if (it->system)
		return scm_add(it, e);
	title_of(it, title);
	if ((command = command_of(it, "keep")) != NULL)
		error = set_text(RUN_KEY, title, command);
	free(command);
	if (error == ERROR_SUCCESS)
		error = add_to_apps(it, title);
	return error == ERROR_SUCCESS
	    ? 0
	    : fail_of(e, "the registry", (DWORD)error);
}

bool
startup_is_on(const struct item *it)
{
	wchar_t title[TITLE_MAX];

	if (it->system)
		return scm_is_on(it);
	title_of(it, title);
	return RegGetValueW(HKEY_CURRENT_USER, RUN_KEY, title, RRF_RT_REG_SZ,
		   NULL, NULL, NULL) == ERROR_SUCCESS;
}

/* --- the process of a user's item ------------------------------------------ */

/*
 * There while the item runs, whichever of the user's sessions it was started
 * in; set, it ends it.
 */
static void
event_name(const struct item *it, wchar_t to[400])
{
	wchar_t user[260] = L"", title[TITLE_MAX];
	DWORD n = 260;

	(void)GetUserNameW(user, &n);
	title_of(it, title);
	(void)_snwprintf(to, 399, L"Global\\%ls of %ls", title, user);
	to[399] = L'\0';
}

static HANDLE
open_event(const struct item *it)
{
	wchar_t name[400];

	event_name(it, name);
	return OpenEventW(SYNCHRONIZE | EVENT_MODIFY_STATE, FALSE, name);
}

bool
startup_runs(const struct item *it)
{
	HANDLE event;

	if (it->system)
		return scm_runs(it);
	event = open_event(it);
	if (event != NULL)
		(void)CloseHandle(event);
	return event != NULL;
}

/* Whoever runs a program has its file open until the very end. */
static bool
is_in_use(const char *program)
{
	wchar_t *wide = wide_of(program);
	HANDLE f = INVALID_HANDLE_VALUE;
	DWORD error = ERROR_NOT_ENOUGH_MEMORY;

	if (wide != NULL) {
		f = CreateFileW(wide, GENERIC_WRITE | DELETE,
		    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		    NULL, OPEN_EXISTING, 0, NULL);
		error = GetLastError();
	}
	free(wide);
	if (f == INVALID_HANDLE_VALUE)
		return error != ERROR_FILE_NOT_FOUND &&
		    error != ERROR_PATH_NOT_FOUND;
	(void)CloseHandle(f);
	return false;
}

/* This very process runs it. */
static bool
is_self(const struct item *it)
{
	char *self = files_self(NULL);
	bool same = self != NULL && _stricmp(self, it->program) == 0;

	free(self);
	return same;
}

int
startup_stop(const struct item *it, struct err *e)
{
	HANDLE event;
	int i;

	if (it->system && scm_stop(it, e) != 0)
		return -1;
	if (!it->system && (event = open_event(it)) != NULL) {
		(void)SetEvent(event);
		(void)CloseHandle(event);
	}
	for (i = 0; i < STEPS; i++) {
		if (!(it->system ? scm_runs(it) : startup_runs(it)) &&
		    (is_self(it) || !is_in_use(it->program)))
			return 0;
		Sleep(STEP_MS);
	}
	return err_set(e, "%s does not stop", it->name);
}

int
startup_remove(const struct item *it, struct err *e)
{
	wchar_t title[TITLE_MAX], key[KEY_MAX];
	int rc;

	if (it->system) {
		rc = scm_remove(it, e);
		return startup_stop(it, rc == 0 ? e : NULL) == 0 ? rc : -1;
	}
	title_of(it, title);
	apps_key(title, key);
	(void)RegDeleteKeyValueW(HKEY_CURRENT_USER, RUN_KEY, title);
	(void)RegDeleteTreeW(HKEY_CURRENT_USER, key);
	(void)RegDeleteKeyW(HKEY_CURRENT_USER, key);
	return startup_stop(it, e);
}

/* *process_out is for CloseHandle(); NULL: nobody wants it. */
static int
start_process(wchar_t *command, HANDLE *process_out, struct err *e)
{
	STARTUPINFOW how = { .cb = sizeof(how) };
	PROCESS_INFORMATION made;
	wchar_t here[MAX_PATH];

	/* Not in a folder that somebody may want to remove. */
	if (GetSystemDirectoryW(here, MAX_PATH) == 0 ||
	    !CreateProcessW(NULL, command, NULL, NULL, FALSE,
		DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP, NULL, here, &how,
		&made))
		return fail_last(e, "starting it");
	(void)CloseHandle(made.hThread);
	if (process_out != NULL)
		*process_out = made.hProcess;
	else
		(void)CloseHandle(made.hProcess);
	return 0;
}

int
startup_go(const struct item *it, struct err *e)
{
	wchar_t *command;
	int i, rc;

	if (it->system)
		return scm_go(it, e);
	if ((command = command_of(it, "keep")) == NULL)
		return err_sys(e, "%s", it->name);
	rc = start_process(command, NULL, e);
	free(command);
	for (i = 0; rc == 0 && i < STEPS; i++) {
		if (startup_runs(it))
			return 0;
		Sleep(STEP_MS);
	}
	return rc != 0 ? rc : err_set(e, "it ends at once");
}

/*
 * No file can be removed while it is run: then a shell does it, a moment after
 * this process has ended.  The path stands in a variable, so that nothing in it
 * means a thing to the shell.
 */
static int
remove_later(const struct item *it, struct err *e)
{
	static const wchar_t words[] =
	    L"cmd.exe /d /s /c \"ping -n 3 127.0.0.1 >nul & del /q"
	    L" \"%ADIT_GONE%\\adit.exe\" & rd \"%ADIT_GONE%\""
	    L" & rd \"%ADIT_BASE%\"\"";
	wchar_t command[sizeof(words) / sizeof(words[0])];
	wchar_t *folder = wide_of(it->folder), *base = wide_of(it->base);
	int rc = -1;

	memcpy(command, words, sizeof(words));
	if (folder == NULL || base == NULL ||
	    !SetEnvironmentVariableW(L"ADIT_GONE", folder) ||
	    !SetEnvironmentVariableW(L"ADIT_BASE", base))
		err_sys(e, "%s", it->folder);
	else
		rc = start_process(command, NULL, e);
	free(folder);
	free(base);
	return rc;
}

int
startup_remove_program(const struct item *it, struct err *e)
{
	return is_self(it) ? remove_later(it, e) : files_remove(it->program, e);
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
	if (it->system)
		snprintf(to, cap, "adit uninstall --service %s", it->name);
	else
		snprintf(to, cap,
		    "start the file again, or remove \"Adit %s\" in Settings,"
		    " Apps",
		    it->name);
	return to;
}

const char *
startup_advice(const struct item *it)
{
	(void)it;
	return NULL;
}

/* --- what Windows starts --------------------------------------------------- */

/* Serves, in a process of its own, until the event is set. */
static int
serve_user(const struct item *it)
{
	HANDLE stop = open_event(it);
	int rc;

	if (stop == NULL)
		return EXIT_STOPPED; /* whoever started us has gone */
	rc = keep_until(stop, it);
	(void)CloseHandle(stop);
	return rc;
}

/* Starts that process and waits for its end; its exit status. */
static int
run_server(const struct item *it)
{
	wchar_t *command = command_of(it, "keep --serve");
	DWORD code = EXIT_UNEXPECTED;
	HANDLE process;

	if (command != NULL && start_process(command, &process, NULL) == 0) {
		(void)WaitForSingleObject(process, INFINITE);
		(void)GetExitCodeProcess(process, &code);
		(void)CloseHandle(process);
	}
	free(command);
	return (int)code;
}

static bool
is_final(int rc)
{
	return rc == EXIT_USAGE ||
	    (rc >= EXIT_SETTINGS && rc <= EXIT_FINAL_LAST);
}

/*
 * No service manager looks after what a user's Run key starts, so this process
 * does: when the one that serves breaks down or is killed, there is another.
 */
static int
watch_server(const struct item *it, HANDLE stop)
{
	DWORD pause = PAUSE_MS;
	ULONGLONG began;
	int rc;

	for (;;) {
		began = GetTickCount64();
		/* Who kills it says what code it ends with, so 0 is none. */
		if (is_final(rc = run_server(it)))
			return rc;
		if (GetTickCount64() > began + LONG_RUN_MS)
			pause = PAUSE_MS;
		if (WaitForSingleObject(stop, pause) == WAIT_OBJECT_0)
			return EXIT_STOPPED;
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
}

static int
keep_user(const struct item *it)
{
	wchar_t name[400];
	DWORD ids[2];
	HANDLE stop;
	int rc;

	/* A window that Windows opened for us alone closes with this. */
	if (GetConsoleProcessList(ids, 2) <= 1)
		(void)FreeConsole();
	event_name(it, name);
	stop = CreateEventW(NULL, TRUE, FALSE, name);
	if (stop == NULL)
		return EXIT_UNEXPECTED;
	if (GetLastError() == ERROR_ALREADY_EXISTS)
		rc = EXIT_STOPPED; /* it runs already */
	else
		rc = watch_server(it, stop);
	(void)CloseHandle(stop);
	return rc;
}

int
startup_keep(int argc, char *const *argv)
{
	bool system = argc == 2 && strcmp(argv[0], "--service") == 0;
	bool serve = argc == 2 && strcmp(argv[0], "--serve") == 0;
	struct item it = { 0 };
	struct err e;
	int rc;

	if (argc != (system || serve ? 2 : 1)) {
		fprintf(stderr, "adit keep: see: adit help keep\n");
		return EXIT_USAGE;
	}
	if (plat_no_core(&e) != 0 ||
	    item_open(&it, system, argv[argc - 1], &e) != 0) {
		fprintf(stderr, "adit keep: %s\n", e.text);
		return EXIT_USAGE;
	}
	if (system)
		rc = scm_serve(&it);
	else
		rc = serve ? serve_user(&it) : keep_user(&it);
	item_close(&it);
	return rc;
}
