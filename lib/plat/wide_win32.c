#include "plat/wide_win32.h"

#include <stdlib.h>
#include <windows.h>

#include "base/str.h"

wchar_t *
wide_of(const char *utf8)
{
	int n = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
	wchar_t *to = n > 0 ? malloc((size_t)n * sizeof(*to)) : NULL;

	if (to != NULL)
		(void)MultiByteToWideChar(CP_UTF8, 0, utf8, -1, to, n);
	return to;
}

char *
wide_to_utf8(const wchar_t *wide)
{
	int n = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
	char *to = n > 0 ? malloc((size_t)n) : NULL;

	if (to != NULL)
		(void)WideCharToMultiByte(
		    CP_UTF8, 0, wide, -1, to, n, NULL, NULL);
	return to;
}

char *
wide_copy(char *to, size_t cap, const wchar_t *wide)
{
	char *all = wide_to_utf8(wide);

	(void)str_copy(to, cap, all != NULL ? all : "");
	free(all);
	return to;
}
