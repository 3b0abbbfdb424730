#include "plat/plat.h"

#include <winsock2.h>

#include <aclapi.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "plat/fail_win32.h"
#include "plat/socket_win32.h"
#include "plat/wide_win32.h"

int main(int argc, char *argv[]);
int wmain(int argc, wchar_t *argv[]);

/* Words and names are UTF-8 in all that follows, whatever the code page. */
int
wmain(int argc, wchar_t *argv[])
{
	char **words = calloc((size_t)argc + 1, sizeof(*words));
	int i;

	for (i = 0; words != NULL && i < argc; i++)
		if ((words[i] = wide_to_utf8(argv[i])) == NULL)
			return 1;
	/* They are the process's: nobody frees them. */
	return words == NULL ? 1 : main(argc, words);
}

/* --- sockets ------------------------------------------------------------- */

/* Fills b with the spans; returns how many. */
static DWORD
buffers(WSABUF b[PLAT_SPANS], const struct span *v, size_t n)
{
	size_t i;

	n = n > PLAT_SPANS ? PLAT_SPANS : n;
	for (i = 0; i < n; i++) {
		b[i].buf = v[i].p;
		b[i].len = (ULONG)v[i].n;
	}
	return (DWORD)n;
}

ptrdiff_t
plat_readv(int fd, const struct span *v, size_t n)
{
	WSABUF b[PLAT_SPANS];
	DWORD got, flags = 0;

	if (WSARecv(
		(SOCKET)fd, b, buffers(b, v, n), &got, &flags, NULL, NULL) != 0)
		return win_fail();
	if (got == 0) /* whether that is an end or a break, it knows */
		return recv(fd, v[0].p, v[0].n, 0);
	return (ptrdiff_t)got;
}

ptrdiff_t
plat_writev(int fd, const struct span *v, size_t n)
{
	WSABUF b[PLAT_SPANS];
	DWORD put;

	if (WSASend((SOCKET)fd, b, buffers(b, v, n), &put, 0, NULL, NULL) != 0)
		return win_fail();
	return (ptrdiff_t)put;
}

int
plat_socket(int family, int type, int protocol, struct err *e)
{
	SOCKET s = WSASocketW(family, type, protocol, NULL, 0,
	    WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
	int fd = (int)s;

	if (s == INVALID_SOCKET) {
		win_fail();
		return err_sys(e, "socket");
	}
	if (plat_unwait(fd, e) != 0)
		plat_close(&fd);
	return fd;
}

int
plat_unwait(int fd, struct err *e)
{
	u_long yes = 1;

	if (ioctlsocket((SOCKET)fd, (long)FIONBIO, &yes) != 0) {
		win_fail();
		return err_sys(e, "socket %d", fd);
	}
	(void)SetHandleInformation((HANDLE)(SOCKET)fd, HANDLE_FLAG_INHERIT, 0);
	return 0;
}

void
plat_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)closesocket((SOCKET)*fd);
	*fd = -1;
	errno = saved;
}

void
plat_close_reset(int *fd)
{
	const struct linger none = { .l_onoff = 1, .l_linger = 0 };

	if (*fd >= 0)
		(void)setsockopt(
		    *fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	plat_close(fd);
}

void
plat_shut_write(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

/* A datagram socket of this computer's own, and its address. */
static int
open_own(struct sockaddr_in *at, struct err *e)
{
	socklen_t n = sizeof(*at);
	int fd;

	memset(at, 0, sizeof(*at));
	at->sin_family = AF_INET;
	at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = plat_socket(AF_INET, SOCK_DGRAM, 0, e)) < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)at, n) == 0 &&
	    getsockname(fd, (struct sockaddr *)at, &n) == 0)
		return fd;
	err_sys(e, "waker");
	plat_close(&fd);
	return -1;
}

/* Two sockets, each of which hears the other alone. */
int
plat_waker(int *in_out, int *out_out, struct err *e)
{
	struct sockaddr_in in, out;

	*in_out = *out_out = -1;
	if ((*in_out = open_own(&in, e)) < 0 ||
	    (*out_out = open_own(&out, e)) < 0)
		goto close;
	if (connect(*in_out, (struct sockaddr *)&out, sizeof(out)) == 0 &&
	    connect(*out_out, (struct sockaddr *)&in, sizeof(in)) == 0)
		return 0;
	err_sys(e, "waker");
close:
	plat_close(in_out);
	plat_close(out_out);
	return -1;
}

void
plat_wake(int in)
{
	(void)send(in, "", 1, 0);
}

void
plat_slept(int out)
{
	char drain[64];

	while (recv(out, drain, sizeof(drain), 0) > 0)
		continue;
}

/* --- this computer ------------------------------------------------------- */

char *
plat_computer(char *to, size_t cap)
{
	wchar_t name[256];
	DWORD n = sizeof(name) / sizeof(name[0]);

	if (!GetComputerNameExW(ComputerNamePhysicalDnsHostname, name, &n) ||
	    n == 0) {
		(void)str_copy(to, cap, "localhost");
		return to;
	}
	return wide_copy(to, cap, name);
}

/* A value of Windows' own version in the registry; "" when it is not there. */
static void
version_value(const wchar_t *value, char *to, size_t cap)
{
	static const wchar_t key[] =
	    L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion";
	wchar_t text[128] = L"";
	DWORD n = sizeof(text);

	if (RegGetValueW(HKEY_LOCAL_MACHINE, key, value, RRF_RT_REG_SZ, NULL,
		text, &n) != ERROR_SUCCESS)
		text[0] = L'\0';
	(void)wide_copy(to, cap, text);
}

/* "Windows 11 Pro 23H2 (build 22631)". */
char *
plat_system(char *to, size_t cap)
{
	enum { FIRST_11 = 22000 }; /* which still calls itself 10 */
	char name[128], release[64], build[64];
	uint64_t number = 0;

	version_value(L"ProductName", name, sizeof(name));
	version_value(L"DisplayVersion", release, sizeof(release));
	version_value(L"CurrentBuildNumber", build, sizeof(build));
	if (str_number(build, 0, UINT32_MAX, &number) && number >= FIRST_11 &&
	    strncmp(name, "Windows 10", 10) == 0)
		name[9] = '1';
	if (name[0] == '\0')
		(void)str_copy(name, sizeof(name), "Windows");
	snprintf(to, cap, "%s%s%s (build %u)", name,
	    release[0] != '\0' ? " " : "", release, (unsigned)number);
	return to;
}

static HANDLE
handle_of(int fd)
{
	return GetStdHandle(fd == 0 ? STD_INPUT_HANDLE
		: fd == 1           ? STD_OUTPUT_HANDLE
				    : STD_ERROR_HANDLE);
}

bool
plat_is_terminal(int fd)
{
	DWORD mode;

	return GetConsoleMode(handle_of(fd), &mode) != 0;
}

unsigned
plat_columns(int fd)
{
	CONSOLE_SCREEN_BUFFER_INFO b;

	if (!GetConsoleScreenBufferInfo(handle_of(fd), &b) ||
	    b.srWindow.Right < b.srWindow.Left)
		return 0;
	return (unsigned)(b.srWindow.Right - b.srWindow.Left + 1);
}

int
plat_raise_files(uint64_t *files_out, struct err *e)
{
	(void)e;
	*files_out = 1 << 24; /* handles of a process: Windows' own limit */
	return 0;
}

void
plat_give_back(void)
{
	(void)_heapmin();
}

int
plat_no_core(struct err *e)
{
	(void)e;
	/* Neither a box that waits for a click nor a report with memory. */
	(void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX |
	    SEM_NOOPENFILEERRORBOX);
	return 0;
}

/* --- secrets and files --------------------------------------------------- */

char *
plat_env(const char *name)
{
	wchar_t *key = wide_of(name), *wide = NULL;
	char *text = NULL;
	DWORD n = key != NULL ? GetEnvironmentVariableW(key, NULL, 0) : 0;

	if (n > 0 && (wide = calloc(n, sizeof(*wide))) != NULL &&
	    GetEnvironmentVariableW(key, wide, n) < n)
		text = wide_to_utf8(wide);
	free(wide);
	free(key);
	return text;
}

void
plat_wipe_env(const char *name)
{
	char *value = getenv(name), *empty;
	size_t cap = strlen(name) + 2;

	if (value != NULL)
		str_wipe(value, strlen(value));
	/* "NAME=" takes it away here. */
	if ((empty = malloc(cap)) != NULL) {
		snprintf(empty, cap, "%s=", name);
		(void)_putenv(empty);
	}
	free(empty);
}

/* Byte by byte, so that what follows the line stays where it is. */
static int
read_line(HANDLE in, char *to, size_t cap, struct err *e)
{
	size_t len = 0;
	DWORD got;

	for (;;) {
		char c;

		if (!ReadFile(in, &c, 1, &got, NULL)) {
			if (GetLastError() != ERROR_BROKEN_PIPE)
				return err_set(e, "the input cannot be read");
			got = 0;
		}
		if (got == 0 && len == 0)
			return err_set(e, "the input ended without a line");
		if (got == 0 || c == '\n')
			break;
		if (c == '\0')
			return err_set(e, "the line holds a NUL byte");
		if (len + 1 >= cap)
			return err_set(
			    e, "the line is longer than %zu bytes", cap - 1);
		to[len++] = c;
	}
	if (len > 0 && to[len - 1] == '\r')
		len--;
	to[len] = '\0';
	return 0;
}

int
plat_read_secret(
    int fd, const char *prompt, char *to, size_t cap, struct err *e)
{
	HANDLE in = handle_of(fd);
	DWORD shown;
	int rc;

	if (!GetConsoleMode(in, &shown)) {
		rc = read_line(in, to, cap, e);
	} else {
		(void)fprintf(stderr, "%s", prompt);
		(void)fflush(stderr);
		(void)SetConsoleMode(in,
		    (shown | ENABLE_LINE_INPUT | ENABLE_PROCESSED_INPUT) &
			~(DWORD)ENABLE_ECHO_INPUT);
		rc = read_line(in, to, cap, e);
		(void)SetConsoleMode(in, shown);
		(void)fprintf(stderr, "\n");
	}
	if (rc != 0)
		str_wipe(to, cap);
	return rc;
}

/* Opens a file that is one; NULL with the reason. */
static HANDLE
open_file(const char *path, struct err *e)
{
	wchar_t *wide = wide_of(path);
	HANDLE f = INVALID_HANDLE_VALUE;

	if (wide != NULL)
		f = CreateFileW(wide, GENERIC_READ,
		    FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
		    NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
	free(wide);
	if (f == INVALID_HANDLE_VALUE) {
		fail_last(e, path);
		return NULL;
	}
	if (GetFileType(f) != FILE_TYPE_DISK) {
		err_set(e, "%s: not a file", path);
		(void)CloseHandle(f);
		return NULL;
	}
	return f;
}

/* Those whose right to read a file gives nothing away. */
static bool
is_owners(PSID who, PSID owner)
{
	static const WELL_KNOWN_SID_TYPE own[] = { WinLocalSystemSid,
		WinBuiltinAdministratorsSid, WinCreatorOwnerSid,
		WinCreatorOwnerRightsSid };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (IsWellKnownSid(who, own[i]))
			return true;
	return owner != NULL && EqualSid(who, owner);
}

/* True when the list lets somebody else read. */
static bool
others_read(PACL list, PSID owner)
{
	const DWORD reads = FILE_READ_DATA | GENERIC_READ | GENERIC_ALL;
	ACCESS_ALLOWED_ACE *a;
	void *p;

	if (list == NULL)
		return true; /* no list: everybody may do everything */
	for (DWORD i = 0; i < list->AceCount; i++) {
		if (!GetAce(list, i, &p))
			return true;
		a = p;
		if (a->Header.AceType == ACCESS_ALLOWED_ACE_TYPE &&
		    (a->Header.AceFlags & INHERIT_ONLY_ACE) == 0 &&
		    (a->Mask & reads) != 0 &&
		    !is_owners((PSID)&a->SidStart, owner))
			return true;
	}
	return false;
}

/* Refuses a file that others than its owner may read. */
static int
check_private(HANDLE f, const char *path, struct err *e)
{
	PSECURITY_DESCRIPTOR all = NULL;
	PACL list = NULL;
	PSID owner = NULL;
	DWORD error = GetSecurityInfo(f, SE_FILE_OBJECT,
	    OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
	    NULL, &list, NULL, &all);
	bool open;

	if (error != ERROR_SUCCESS) {
		return fail_of(e, path, error);
	}
	open = others_read(list, owner);
	(void)LocalFree(all);
	if (!open)
		return 0;
	return err_set(e,
	    "%s: others than its owner may read this secret; run:"
	    " icacls \"%s\" /inheritance:r /grant:r \"%%USERNAME%%:F\"",
	    path, path);
}

/* Reads all of f, which is at path, into to. */
static int
read_whole(HANDLE f, const char *path, char *to, size_t cap, size_t *len_out,
    struct err *e)
{
	size_t len = 0;
	DWORD got;

	for (;;) {
		if (!ReadFile(f, to + len, (DWORD)(cap - len), &got, NULL))
			return fail_last(e, path);
		if (got == 0)
			break;
		if ((len += got) == cap)
			return err_set(
			    e, "%s: longer than %zu bytes", path, cap - 1);
	}
	to[len] = '\0';
	*len_out = len;
	return 0;
}

int
plat_read_file(
    const char *path, char *to, size_t cap, size_t *len_out, struct err *e)
{
	HANDLE f = open_file(path, e);
	int rc;

	if (f == NULL)
		return -1;
	rc = read_whole(f, path, to, cap, len_out, e);
	(void)CloseHandle(f);
	return rc;
}

int
plat_read_secret_file(
    const char *path, char *to, size_t cap, size_t *len_out, struct err *e)
{
	HANDLE f = open_file(path, e);
	int rc;

	if (f == NULL)
		return -1;
	if ((rc = check_private(f, path, e)) == 0)
		rc = read_whole(f, path, to, cap, len_out, e);
	(void)CloseHandle(f);
	if (rc != 0)
		str_wipe(to, cap);
	return rc;
}
