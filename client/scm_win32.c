#include "scm_win32.h"

#include <windows.h>

#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "client_conf.h"
#include "item.h"
#include "keep_win32.h"
#include "netwatch_win32.h"
#include "plat/fail_win32.h"
#include "plat/files.h"
#include "plat/wide_win32.h"
#include "say.h"
#include "state.h"

/* It reaches services of this computer, and nothing of its files or users. */
#define ACCOUNT L"NT AUTHORITY\\LocalService"

#define LOG_KEY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\"

enum {
	STEP_MS = 100,
	STOP_STEPS = 300,
	STOP_HINT_MS = 20000,
	RESET_S = 86400, /* after a day without failure it counts anew */
	EVENT = 1,       /* adit.rc: the text as it is */
};

/* --- making and removing --------------------------------------------------- */

static wchar_t *
service_name(const struct item *it, wchar_t to[ITEM_NAME_MAX + 8])
{
	size_t i, n = 5;

	memcpy(to, L"adit-", 6 * sizeof(*to));
	for (i = 0; it->name[i] != '\0'; i++)
		to[n++] = (wchar_t)it->name[i];
	to[n] = L'\0';
	return to;
}

static SC_HANDLE
open_manager(DWORD rights, struct err *e)
{
	SC_HANDLE m = OpenSCManagerW(NULL, NULL, rights);

	if (m == NULL)
		fail_last(e, "Windows' services");
	return m;
}

int
scm_check(struct err *e)
{
	SC_HANDLE m =
	    open_manager(SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE, e);

	if (m == NULL && GetLastError() == ERROR_ACCESS_DENIED)
		return err_set(e,
		    "--service is for the whole computer: run it in a command"
		    " window that was opened with \"Run as administrator\"");
	if (m == NULL)
		return -1;
	(void)CloseServiceHandle(m);
	return 0;
}

/* NULL with e; *missing_out: because there is none of that name. */
static SC_HANDLE
open_service(const struct item *it, DWORD rights, bool *missing_out,
    struct err *e)
{
	wchar_t name[ITEM_NAME_MAX + 8];
	SC_HANDLE m = open_manager(SC_MANAGER_CONNECT, e), s;

	*missing_out = false;
	if (m == NULL)
		return NULL;
	s = OpenServiceW(m, service_name(it, name), rights);
	if (s == NULL) {
		*missing_out = GetLastError() == ERROR_SERVICE_DOES_NOT_EXIST;
		fail_last(e, "the service");
	}
	(void)CloseServiceHandle(m);
	return s;
}

/* "PROGRAM" keep --service NAME */
static wchar_t *
command_of(const struct item *it, struct err *e)
{
	size_t cap = strlen(it->program) + ITEM_NAME_MAX + 64;
	char *text = malloc(cap);
	wchar_t *wide = NULL;

	if (text != NULL) {
		snprintf(text, cap, "\"%s\" keep --service %s", it->program,
		    it->name);
		wide = wide_of(text);
	}
	if (wide == NULL)
		err_sys(e, "the service");
	free(text);
	return wide;
}

static SC_HANDLE
make_service(const struct item *it, wchar_t *command, struct err *e)
{
	SC_HANDLE m = open_manager(
	    SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE, e);
	wchar_t name[ITEM_NAME_MAX + 8], title[ITEM_NAME_MAX + 16];
	bool missing;
	SC_HANDLE s;

	if (m == NULL)
		return NULL;
	(void)service_name(it, name);
	(void)_snwprintf(title, ITEM_NAME_MAX + 15, L"Adit (%ls)", name + 5);
	title[ITEM_NAME_MAX + 15] = L'\0';
	s = CreateServiceW(m, name, title, SERVICE_ALL_ACCESS,
	    SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
	    SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, ACCOUNT, L"");
	if (s == NULL && GetLastError() == ERROR_SERVICE_EXISTS) {
		s = open_service(it, SERVICE_ALL_ACCESS, &missing, e);
		if (s != NULL &&
		    !ChangeServiceConfigW(s, SERVICE_WIN32_OWN_PROCESS,
			SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command,
			NULL, NULL, NULL, ACCOUNT, L"", title)) {
			fail_last(e, "the service");
			(void)CloseServiceHandle(s);
			s = NULL;
		}
	} else if (s == NULL) {
		fail_last(e, "the service");
	}
	(void)CloseServiceHandle(m);
	return s;
}

/* A service that breaks down is started again. */
static void
set_failure(SC_HANDLE s)
{
	SC_ACTION actions[] = { { SC_ACTION_RESTART, 2000 },
		{ SC_ACTION_RESTART, 10000 }, { SC_ACTION_RESTART, 60000 } };
	SERVICE_FAILURE_ACTIONSW all = { .dwResetPeriod = RESET_S,
		.cActions = sizeof(actions) / sizeof(actions[0]),
		.lpsaActions = actions };
	SERVICE_FAILURE_ACTIONS_FLAG also = { TRUE };
	wchar_t words[] = L"Keeps this computer's tunnels open.";
	SERVICE_DESCRIPTIONW about = { words };

	(void)ChangeServiceConfig2W(s, SERVICE_CONFIG_DESCRIPTION, &about);
	(void)ChangeServiceConfig2W(s, SERVICE_CONFIG_FAILURE_ACTIONS, &all);
	(void)ChangeServiceConfig2W(
	    s, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also);
}

static int
set_rights(const char *path, const wchar_t *rule, struct err *e)
{
	PSECURITY_DESCRIPTOR d = NULL;
	wchar_t *wide = wide_of(path);
	BOOL there, defaulted;
	PACL list = NULL;
	DWORD error = ERROR_NOT_ENOUGH_MEMORY;

	if (wide != NULL) {
		if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(
			rule, SDDL_REVISION_1, &d, NULL) ||
		    !GetSecurityDescriptorDacl(d, &there, &list, &defaulted))
			error = GetLastError();
		else
			error = SetNamedSecurityInfoW(wide, SE_FILE_OBJECT,
			    DACL_SECURITY_INFORMATION |
				PROTECTED_DACL_SECURITY_INFORMATION,
			    NULL, NULL, list, NULL);
	}
	(void)LocalFree(d);
	free(wide);
	return error == ERROR_SUCCESS ? 0 : fail_of(e, path, error);
}

/* Windows, administrators, and the service: reading; of its state, writing. */
static int
give_rights(const struct item *it, struct err *e)
{
	if (set_rights(it->settings,
		L"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;LS)", e) != 0 ||
	    files_folder(it->state_folder, FILES_ALL, e) != 0)
		return -1;
	return set_rights(it->state_folder,
	    L"D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;LS)"
	    L"(A;OICI;FRFX;;;BU)",
	    e);
}

static wchar_t *
log_key(const struct item *it, wchar_t to[160])
{
	wchar_t name[ITEM_NAME_MAX + 8];

	(void)_snwprintf(to, 159, LOG_KEY L"%ls", service_name(it, name));
	to[159] = L'\0';
	return to;
}

/* Where the event log finds the words of its messages: in the program. */
static int
add_to_log(const struct item *it, struct err *e)
{
	wchar_t path[160], *file = wide_of(it->program);
	DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE |
	    EVENTLOG_INFORMATION_TYPE;
	LSTATUS error = ERROR_NOT_ENOUGH_MEMORY;

	(void)log_key(it, path);
	if (file != NULL)
		error = RegSetKeyValueW(HKEY_LOCAL_MACHINE, path,
		    L"EventMessageFile", REG_SZ, file,
		    (DWORD)((wcslen(file) + 1) * sizeof(*file)));
	if (error == ERROR_SUCCESS)
		error = RegSetKeyValueW(HKEY_LOCAL_MACHINE, path,
		    L"TypesSupported", REG_DWORD, &types, sizeof(types));
	free(file);
	return error == ERROR_SUCCESS
	    ? 0
	    : fail_of(e, "the event log", (DWORD)error);
}

int
scm_add(const struct item *it, struct err *e)
{
	wchar_t *command = command_of(it, e);
	SC_HANDLE s;

	if (command == NULL)
		return -1;
	s = make_service(it, command, e);
	free(command);
	if (s == NULL)
		return -1;
	set_failure(s);
	(void)CloseServiceHandle(s);
	return give_rights(it, e) == 0 ? add_to_log(it, e) : -1;
}

static DWORD
state_of(SC_HANDLE s)
{
	SERVICE_STATUS now;

	return QueryServiceStatus(s, &now) ? now.dwCurrentState : 0;
}

/* One that has just ended may still be in the way of its next start. */
static int
start_service(SC_HANDLE s, struct err *e)
{
	DWORD error = ERROR_SERVICE_ALREADY_RUNNING;
	int i;

	for (i = 0; i < STOP_STEPS; i++) {
		if (StartServiceW(s, 0, NULL))
			return 0;
		error = GetLastError();
		if (error != ERROR_SERVICE_ALREADY_RUNNING)
			break;
		if (state_of(s) == SERVICE_RUNNING)
			return 0;
		Sleep(STEP_MS);
	}
	return fail_of(e, "starting the service", error);
}

static int
wait_running(SC_HANDLE s, struct err *e)
{
	int i;

	for (i = 0; i < STOP_STEPS; i++) {
		switch (state_of(s)) {
		case SERVICE_RUNNING:
			return 0;
		case SERVICE_STOPPED:
			return err_set(e, "it has ended at once");
		default:
			Sleep(STEP_MS);
		}
	}
	return err_set(e, "the service does not start");
}

int
scm_go(const struct item *it, struct err *e)
{
	bool missing;
	SC_HANDLE s = open_service(
	    it, SERVICE_START | SERVICE_QUERY_STATUS, &missing, e);
	int rc;

	if (s == NULL)
		return -1;
	rc = start_service(s, e);
	if (rc == 0)
		rc = wait_running(s, e);
	(void)CloseServiceHandle(s);
	return rc;
}

static int
stop_service(SC_HANDLE s, struct err *e)
{
	SERVICE_STATUS now;
	int i;

	if (!ControlService(s, SERVICE_CONTROL_STOP, &now) &&
	    GetLastError() != ERROR_SERVICE_NOT_ACTIVE &&
	    GetLastError() != ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
		return fail_last(e, "stopping the service");
	for (i = 0; i < STOP_STEPS; i++) {
		if (state_of(s) == SERVICE_STOPPED)
			return 0;
		Sleep(STEP_MS);
	}
	return err_set(e, "the service does not stop");
}

int
scm_stop(const struct item *it, struct err *e)
{
	bool missing;
	SC_HANDLE s = open_service(
	    it, SERVICE_STOP | SERVICE_QUERY_STATUS, &missing, e);
	int rc;

	if (s == NULL)
		return missing ? 0 : -1;
	rc = stop_service(s, e);
	(void)CloseServiceHandle(s);
	return rc;
}

int
scm_remove(const struct item *it, struct err *e)
{
	bool missing;
	SC_HANDLE s = open_service(it, SERVICE_ALL_ACCESS, &missing, e);
	wchar_t path[160];
	int rc = 0;

	if (s == NULL && !missing)
		return -1;
	if (s != NULL) {
		rc = stop_service(s, e);
		if (!DeleteService(s) &&
		    GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
			rc = fail_last(e, "removing the service");
		(void)CloseServiceHandle(s);
	}
	(void)RegDeleteKeyW(HKEY_LOCAL_MACHINE, log_key(it, path));
	return rc;
}

bool
scm_runs(const struct item *it)
{
	bool missing;
	SC_HANDLE s = open_service(it, SERVICE_QUERY_STATUS, &missing, NULL);
	DWORD now;

	if (s == NULL)
		return false;
	now = state_of(s);
	(void)CloseServiceHandle(s);
	return now == SERVICE_RUNNING || now == SERVICE_START_PENDING;
}

bool
scm_is_on(const struct item *it)
{
	bool missing;
	SC_HANDLE s = open_service(it, SERVICE_QUERY_STATUS, &missing, NULL);

	if (s != NULL)
		(void)CloseServiceHandle(s);
	return s != NULL;
}

/* --- the service ----------------------------------------------------------- */

/* Windows calls functions without an argument of ours. */
static struct {
	const struct item *it;
	SERVICE_STATUS_HANDLE status;
	HANDLE stop;
	HANDLE log;
	int rc;
} the;

static void
report(DWORD state, DWORD code)
{
	SERVICE_STATUS s = { .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
		.dwCurrentState = state };

	if (state == SERVICE_RUNNING)
		s.dwControlsAccepted = SERVICE_ACCEPT_STOP |
		    SERVICE_ACCEPT_SHUTDOWN | SERVICE_ACCEPT_POWEREVENT;
	if (state == SERVICE_STOP_PENDING)
		s.dwWaitHint = STOP_HINT_MS;
	if (code != 0) {
		s.dwWin32ExitCode = ERROR_SERVICE_SPECIFIC_ERROR;
		s.dwServiceSpecificExitCode = code;
	}
	(void)SetServiceStatus(the.status, &s);
}

static void
write_event(WORD type, const char *text)
{
	wchar_t *wide = wide_of(text);
	const wchar_t *words = wide;

	if (wide != NULL && the.log != NULL)
		(void)ReportEventW(
		    the.log, type, 0, EVENT, NULL, 1, 0, &words, NULL);
	free(wide);
}

/* What an administrator should know; links come and go without a word. */
static void
on_say(void *arg, enum log_level level, const char *text)
{
	(void)arg;
	if (level == LOG_ERROR || level == LOG_WARN)
		write_event(EVENTLOG_WARNING_TYPE, text);
}

static DWORD WINAPI
on_control(DWORD what, DWORD type, void *data, void *arg)
{
	(void)data;
	(void)arg;
	switch (what) {
	case SERVICE_CONTROL_STOP:
	case SERVICE_CONTROL_SHUTDOWN:
		report(SERVICE_STOP_PENDING, 0);
		(void)SetEvent(the.stop);
		return NO_ERROR;
	case SERVICE_CONTROL_POWEREVENT:
		if (type == PBT_APMRESUMEAUTOMATIC)
			netwatch_woke();
		return NO_ERROR;
	case SERVICE_CONTROL_INTERROGATE:
		return NO_ERROR;
	default:
		return ERROR_CALL_NOT_IMPLEMENTED;
	}
}

/* The end, in the words that `adit status` shows. */
static void
tell_end(void)
{
	char *text = malloc(STATE_MAX);

	if (text != NULL)
		write_event(the.rc == EXIT_STOPPED ? EVENTLOG_INFORMATION_TYPE
						   : EVENTLOG_ERROR_TYPE,
		    state_read(text, the.it->state));
	free(text);
}

static void WINAPI
on_start(DWORD argc, wchar_t **argv)
{
	wchar_t name[ITEM_NAME_MAX + 8];

	(void)argc;
	(void)argv;
	(void)service_name(the.it, name);
	the.status = RegisterServiceCtrlHandlerExW(name, on_control, NULL);
	if (the.status == NULL)
		return;
	the.log = RegisterEventSourceW(NULL, name);
	report(SERVICE_RUNNING, 0);
	write_event(EVENTLOG_INFORMATION_TYPE, "The service has started.");
	say_to(on_say, NULL, false);
	the.rc = keep_until(the.stop, the.it);
	tell_end();
	if (the.log != NULL)
		(void)DeregisterEventSource(the.log);
	/* What another start would not mend is no failure to repeat. */
	report(SERVICE_STOPPED,
	    the.rc == EXIT_UNEXPECTED ? (DWORD)the.rc : NO_ERROR);
}

int
scm_serve(const struct item *it)
{
	wchar_t name[ITEM_NAME_MAX + 8];
	SERVICE_TABLE_ENTRYW table[] = { { service_name(it, name), on_start },
		{ NULL, NULL } };

	the.it = it;
	the.rc = EXIT_UNEXPECTED;
	the.stop = CreateEventW(NULL, TRUE, FALSE, NULL);
	if (the.stop == NULL)
		return EXIT_UNEXPECTED;
	if (!StartServiceCtrlDispatcherW(table)) {
		fprintf(stderr,
		    "adit keep: Windows starts this as a service; nobody else"
		    " can\n");
		return EXIT_USAGE;
	}
	return the.rc;
}
