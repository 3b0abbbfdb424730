/*
 * netwatch_win32: what a service of Windows hears and netwatch.h passes on.
 */
#ifndef CLIENT_NETWATCH_WIN32_H
#define CLIENT_NETWATCH_WIN32_H

/* The computer has slept.  From any thread, at any time. */
void netwatch_woke(void);

#endif
