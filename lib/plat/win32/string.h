#ifndef PLAT_WIN32_STRING_H
#define PLAT_WIN32_STRING_H

#pragma GCC system_header

#include_next <string.h>

/* The C library of Windows knows no word for the errors of sockets. */
const char *win_strerror(int error);

#define strerror win_strerror

#endif
