#include "plat/stop.h"

#include <stdbool.h>
#include <windows.h>

#include "base/err.h"

static struct {
	SRWLOCK lock; /* held while fn is called */
	bool on;
	unsigned nth;
	void (*fn)(void *arg, unsigned nth);
	void *arg;
} the = { .lock = SRWLOCK_INIT };

/* True when somebody was told. */
static bool
tell(void)
{
	bool told;

	AcquireSRWLockExclusive(&the.lock);
	told = the.on;
	if (told)
		the.fn(the.arg, ++the.nth);
	ReleaseSRWLockExclusive(&the.lock);
	return told;
}

/*
 * Windows calls this in a thread of its own.  When a window is closed, or the
 * user signs out, the process ends as soon as this returns: so it does not,
 * until main() has ended the process, or Windows does after a few seconds.
 */
static BOOL WINAPI
on_control(DWORD what)
{
	/* Without a window it is somebody else who signs out. */
	if (what == CTRL_LOGOFF_EVENT && GetConsoleWindow() == NULL)
		return TRUE;
	if (!tell())
		return FALSE;
	if (what != CTRL_C_EVENT && what != CTRL_BREAK_EVENT)
		Sleep(INFINITE);
	return TRUE;
}

int
stop_watch(void (*fn)(void *arg, unsigned nth), void *arg, struct err *e)
{
	AcquireSRWLockExclusive(&the.lock);
	the.fn = fn;
	the.arg = arg;
	the.nth = 0;
	the.on = true;
	ReleaseSRWLockExclusive(&the.lock);
	/* A parent may have said that Ctrl-C is to be ignored. */
	(void)SetConsoleCtrlHandler(NULL, FALSE);
	if (!SetConsoleCtrlHandler(on_control, TRUE)) {
		stop_unwatch();
		return err_set(e, "Windows takes no handler of Ctrl-C");
	}
	return 0;
}

bool
stop_ask(void)
{
	return tell();
}

void
stop_unwatch(void)
{
	AcquireSRWLockExclusive(&the.lock);
	the.on = false;
	ReleaseSRWLockExclusive(&the.lock);
	(void)SetConsoleCtrlHandler(on_control, FALSE);
}
