/*
 * keep_win32: serves an item until somebody sets an event.
 */
#ifndef CLIENT_KEEP_WIN32_H
#define CLIENT_KEEP_WIN32_H

struct item;

/*
 * Serves it, again and again while that may help; returns the exit status.  stop
 * is a HANDLE; no thread that waits for it outlives the process.
 */
int keep_until(void *stop, const struct item *it);

#endif
