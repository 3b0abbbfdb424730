#ifndef PLAT_WIN32_STDIO_H
#define PLAT_WIN32_STDIO_H

#pragma GCC system_header

#include_next <stdio.h>

/* Takes the place of what is there. */
int win_rename(const char *from, const char *to);

#define rename win_rename

#endif
