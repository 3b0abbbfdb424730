#include "keep_win32.h"

#include <windows.h>

#include "base/err.h"
#include "client_conf.h"
#include "item.h"
#include "plat/stop.h"
#include "run.h"
#include "say.h"

enum {
	AGAIN_MS = 50,     /* nobody could be asked yet */
	PAUSE_MS = 2000,   /* before another start */
	PAUSE_MAX = 60000, /* the same after many */
};

/* The event is a wish like Ctrl-C, also when it comes very early. */
static DWORD WINAPI
wait_for_wish(void *stop)
{
	(void)WaitForSingleObject(stop, INFINITE);
	while (!stop_ask())
		Sleep(AGAIN_MS);
	return 0;
}

int
keep_until(void *stop, const struct item *it)
{
	HANDLE thread = CreateThread(NULL, 0, wait_for_wish, stop, 0, NULL);
	DWORD pause = PAUSE_MS;
	int rc;

	if (thread == NULL)
		return EXIT_UNEXPECTED;
	(void)CloseHandle(thread);
	for (;;) {
		rc = run_kept(it->settings, it->state);
		if (rc != EXIT_UNEXPECTED)
			return rc;
		say_warn("%s: trying again in %lu s", it->name, pause / 1000);
		if (WaitForSingleObject(stop, pause) == WAIT_OBJECT_0)
			return EXIT_STOPPED;
		pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
	}
}
