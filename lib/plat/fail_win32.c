#include "plat/fail_win32.h"

#include <stdio.h>
#include <windows.h>

#include "base/err.h"
#include "plat/wide_win32.h"

int
fail_of(struct err *e, const char *what, unsigned long error)
{
	wchar_t wide[160] = L"";
	char text[200];

	(void)FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM |
		FORMAT_MESSAGE_IGNORE_INSERTS | FORMAT_MESSAGE_MAX_WIDTH_MASK,
	    NULL, error, 0, wide, sizeof(wide) / sizeof(wide[0]), NULL);
	(void)wide_copy(text, sizeof(text), wide);
	if (text[0] == '\0')
		snprintf(text, sizeof(text), "error %lu", error);
	return err_set(e, "%s: %s", what, text);
}

int
fail_last(struct err *e, const char *what)
{
	return fail_of(e, what, GetLastError());
}
