/*
 * install: makes a machine's tunnels start by themselves on this computer, and
 * takes that back: `adit install`, `uninstall`, `status`.
 */
#ifndef CLIENT_INSTALL_H
#define CLIENT_INSTALL_H

#include <stdbool.h>

struct err;
struct install;
struct run_file;

/* The words after the command; return the exit status. */
int install_run(int argc, char *const *argv);
int install_uninstall(int argc, char *const *argv);
int install_status(int argc, char *const *argv);

/*
 * Installs for this user what the file holds; it does not run yet.  NULL with
 * e: all is as it was.
 */
struct install *install_file(const char *path, struct err *e);

/* Starts it and says so; returns the exit status and leaves NULL. */
int install_go(struct install **in);

/*
 * What is installed for the machine of this file goes on with it: settings that
 * have changed take the place of those there.  Tells its user, who may take it
 * away.  False: nothing is installed (any more), serve it yourself.
 */
bool install_serves(const struct run_file *f, const char *path);

#endif
