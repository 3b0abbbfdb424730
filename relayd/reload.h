/*
 * reload: SIGHUP: settings and certificate are read again.
 */
#ifndef RELAYD_RELOAD_H
#define RELAYD_RELOAD_H

struct adit_conf;
struct err;
struct relay;

/* What of the settings may change at run time, as the workers want it. */
void reload_tune(struct relay *r);

/* The log as the settings say. */
int reload_log(const struct adit_conf *c, struct err *e);

/*
 * Reads all again and says in the log what came of it; what is wrong changes
 * nothing.  path is what -c said, or NULL.
 */
void reload(struct relay *r, const char *path);

#endif
