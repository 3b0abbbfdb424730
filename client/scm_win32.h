/*
 * scm_win32: an item of the computer as a service of Windows, "adit-NAME", and
 * that service itself.  Functions return 0, or -1 with the reason in e.
 */
#ifndef CLIENT_SCM_WIN32_H
#define CLIENT_SCM_WIN32_H

#include <stdbool.h>

struct err;
struct item;

/* Refuses when this user may not make services. */
int scm_check(struct err *e);

/*
 * Makes the service, or makes one that is there fit; and lets it, and nobody
 * else but administrators, read the settings.
 */
int scm_add(const struct item *it, struct err *e);

int scm_go(const struct item *it, struct err *e);

/* Waits until it has stopped. */
int scm_stop(const struct item *it, struct err *e);

int scm_remove(const struct item *it, struct err *e);

bool scm_runs(const struct item *it);
bool scm_is_on(const struct item *it);

/* The service: what Windows calls.  The exit status; false words else. */
int scm_serve(const struct item *it);

#endif
