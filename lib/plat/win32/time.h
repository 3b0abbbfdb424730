#ifndef PLAT_WIN32_TIME_H
#define PLAT_WIN32_TIME_H

#pragma GCC system_header

#include_next <time.h>

#define timegm _mkgmtime

#endif
