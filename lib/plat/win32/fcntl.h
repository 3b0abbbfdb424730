#ifndef PLAT_WIN32_FCNTL_H
#define PLAT_WIN32_FCNTL_H

#pragma GCC system_header

#include_next <fcntl.h>

#define O_CLOEXEC _O_NOINHERIT

#endif
