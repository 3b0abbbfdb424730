/*
 * fail_win32: what Windows says of an error, as a reason.
 */
#ifndef PLAT_FAIL_WIN32_H
#define PLAT_FAIL_WIN32_H

struct err;

/* "WHAT: Access is denied." of GetLastError().  Returns -1. */
int fail_last(struct err *e, const char *what);

/* The same of an error that a function has returned. */
int fail_of(struct err *e, const char *what, unsigned long error);

#endif
