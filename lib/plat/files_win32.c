#include "plat/files.h"

#include <windows.h>

#include <sddl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "plat/fail_win32.h"
#include "plat/wide_win32.h"

char *
files_self(struct err *e)
{
	enum { LONGEST = 32768 };
	wchar_t *wide = calloc(LONGEST, sizeof(*wide));
	char *path = NULL;

	if (wide == NULL)
		err_sys(e, "this program");
	else if (GetModuleFileNameW(NULL, wide, LONGEST) == 0)
		fail_last(e, "this program");
	else if ((path = wide_to_utf8(wide)) == NULL)
		err_sys(e, "this program");
	free(wide);
	return path;
}

char *
files_full(const char *path, struct err *e)
{
	wchar_t *wide = wide_of(path), *full = NULL;
	char *to = NULL;

	if (wide != NULL && files_has(path))
		full = _wfullpath(NULL, wide, 0);
	if (full == NULL || (to = wide_to_utf8(full)) == NULL)
		err_set(e, "%s: nothing is there", path);
	free(full);
	free(wide);
	return to;
}

static bool
is_slash(wchar_t c)
{
	return c == L'\\' || c == L'/';
}

/* Rights come from the folder above. */
int
files_folder(const char *path, enum files_for who, struct err *e)
{
	wchar_t *wide = wide_of(path), *p, was;
	DWORD attributes;

	(void)who;
	if (wide == NULL)
		return err_sys(e, "%s", path);
	for (p = wide + 1;; p++) {
		if (*p != L'\0' && (!is_slash(*p) || p[-1] == L':'))
			continue;
		was = *p;
		*p = L'\0';
		(void)CreateDirectoryW(wide, NULL);
		*p = was;
		if (was == L'\0')
			break;
	}
	(void)CreateDirectoryW(wide, NULL);
	attributes = GetFileAttributesW(wide);
	free(wide);
	if (attributes == INVALID_FILE_ATTRIBUTES)
		return fail_last(e, path);
	if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
		return err_set(e, "%s: not a folder", path);
	return 0;
}

/* This user, and Windows itself: nobody else, whatever the folder says. */
static PSECURITY_DESCRIPTOR
only_owner(struct err *e)
{
	union {
		TOKEN_USER user;
		char room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
	} who;
	wchar_t rule[256], *sid = NULL;
	PSECURITY_DESCRIPTOR d = NULL;
	HANDLE token;
	DWORD n;

	if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token)) {
		fail_last(e, "this user");
		return NULL;
	}
	if (GetTokenInformation(token, TokenUser, &who, sizeof(who), &n) &&
	    ConvertSidToStringSidW(who.user.User.Sid, &sid)) {
		(void)_snwprintf(rule, sizeof(rule) / sizeof(rule[0]) - 1,
		    L"D:P(A;;FA;;;%ls)(A;;FA;;;SY)", sid);
		rule[sizeof(rule) / sizeof(rule[0]) - 1] = L'\0';
		(void)ConvertStringSecurityDescriptorToSecurityDescriptorW(
		    rule, SDDL_REVISION_1, &d, NULL);
	}
	if (d == NULL)
		fail_last(e, "rights for this user alone");
	(void)LocalFree(sid);
	(void)CloseHandle(token);
	return d;
}

/* PATH.new, for free(); NULL with e. */
static wchar_t *
new_name(const char *path, struct err *e)
{
	size_t cap = strlen(path) + sizeof(".new");
	char *text = malloc(cap);
	wchar_t *wide = NULL;

	if (text != NULL) {
		snprintf(text, cap, "%s.new", path);
		wide = wide_of(text);
	}
	if (wide == NULL)
		err_sys(e, "%s", path);
	free(text);
	return wide;
}

static int
take_place(const wchar_t *new, const char *path, struct err *e)
{
	wchar_t *wide = wide_of(path);
	int rc = 0;

	if (wide == NULL)
		rc = err_sys(e, "%s", path);
	else if (!MoveFileExW(new, wide,
		     MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
		rc = fail_last(e, path);
	if (rc != 0)
		(void)DeleteFileW(new);
	free(wide);
	return rc;
}

static int
write_new(const wchar_t *new, const char *path, const void *p, size_t n,
    SECURITY_ATTRIBUTES *rights, struct err *e)
{
	HANDLE f;
	DWORD put;
	BOOL done;

	(void)DeleteFileW(new); /* what an earlier try may have left */
	f = CreateFileW(new, GENERIC_WRITE, 0, rights, CREATE_NEW,
	    FILE_ATTRIBUTE_NORMAL, NULL);
	if (f == INVALID_HANDLE_VALUE)
		return fail_last(e, path);
	done = WriteFile(f, p, (DWORD)n, &put, NULL) && put == n;
	if (!done)
		fail_last(e, path);
	(void)CloseHandle(f);
	if (!done)
		(void)DeleteFileW(new);
	return done ? 0 : -1;
}

int
files_write(const char *path, const void *p, size_t n, enum files_for who,
    struct err *e)
{
	SECURITY_ATTRIBUTES rights = { .nLength = sizeof(rights) };
	wchar_t *new = new_name(path, e);
	int rc = -1;

	if (new == NULL)
		return -1;
	if (who == FILES_OWNER)
		rights.lpSecurityDescriptor = only_owner(e);
	if (who != FILES_OWNER || rights.lpSecurityDescriptor != NULL)
		rc = write_new(new, path, p, n,
		    who == FILES_OWNER ? &rights : NULL, e);
	if (rc == 0)
		rc = take_place(new, path, e);
	(void)LocalFree(rights.lpSecurityDescriptor);
	free(new);
	return rc;
}

int
files_copy(const char *from, const char *to, struct err *e)
{
	wchar_t *new = new_name(to, e), *wide = wide_of(from);
	int rc = -1;

	if (new != NULL && wide != NULL) {
		if (CopyFileW(wide, new, FALSE))
			rc = take_place(new, to, e);
		else
			rc = fail_last(e, to);
	}
	free(wide);
	free(new);
	return rc;
}

bool
files_has(const char *path)
{
	wchar_t *wide = wide_of(path);
	bool has = wide != NULL &&
	    GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;

	free(wide);
	return has;
}

static bool
was_missing(void)
{
	DWORD error = GetLastError();

	return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
}

int
files_remove(const char *path, struct err *e)
{
	wchar_t *wide = wide_of(path);
	int rc = 0;

	if (wide == NULL)
		rc = err_sys(e, "%s", path);
	else if (!DeleteFileW(wide) && !was_missing())
		rc = fail_last(e, path);
	free(wide);
	return rc;
}

bool
files_remove_folder(const char *path)
{
	wchar_t *wide = wide_of(path);
	bool gone = wide != NULL && (RemoveDirectoryW(wide) || was_missing());

	free(wide);
	return gone;
}

static void
tell_name(const WIN32_FIND_DATAW *found,
    void (*fn)(void *arg, const char *name), void *arg)
{
	char *name;

	if ((found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0 ||
	    found->cFileName[0] == L'.')
		return;
	if ((name = wide_to_utf8(found->cFileName)) != NULL)
		fn(arg, name);
	free(name);
}

int
files_each_folder(const char *path, void (*fn)(void *arg, const char *name),
    void *arg, struct err *e)
{
	size_t cap = strlen(path) + sizeof("\\*");
	char *all = malloc(cap);
	wchar_t *wide = NULL;
	WIN32_FIND_DATAW found;
	HANDLE f;

	if (all != NULL) {
		snprintf(all, cap, "%s\\*", path);
		wide = wide_of(all);
	}
	free(all);
	if (wide == NULL)
		return err_sys(e, "%s", path);
	f = FindFirstFileW(wide, &found);
	free(wide);
	if (f == INVALID_HANDLE_VALUE)
		return was_missing() ? 0 : fail_last(e, path);
	do
		tell_name(&found, fn, arg);
	while (FindNextFileW(f, &found));
	(void)FindClose(f);
	return 0;
}
