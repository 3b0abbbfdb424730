/*
 * wide_win32: Windows' own text (UTF-16) and ours (UTF-8).
 */
#ifndef PLAT_WIDE_WIN32_H
#define PLAT_WIDE_WIN32_H

#include <stddef.h>
#include <wchar.h>

/* A new copy in the other form, for free(); NULL when there is no memory. */
wchar_t *wide_of(const char *utf8);
char *wide_to_utf8(const wchar_t *wide);

/* Copies as far as it fits, and ends with NUL.  Returns to. */
char *wide_copy(char *to, size_t cap, const wchar_t *wide);

#endif
