#ifndef PLAT_WIN32_UNISTD_H
#define PLAT_WIN32_UNISTD_H

#pragma GCC system_header

#include_next <unistd.h>

#define fsync _commit

ssize_t win_write(int fd, const void *p, size_t n);

#define write win_write

/* A second name, where there is none of that name. */
int win_link(const char *from, const char *to);

#define link win_link

#endif
