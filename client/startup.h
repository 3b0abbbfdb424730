/*
 * startup: how this system starts an item by itself: startup_posix.c asks
 * systemd, startup_win32.c Windows.  An item of a user is started when the user
 * signs in and needs no rights; one of the computer is started with it.
 * Where nothing else is said, a function returns 0, or -1 with the reason in e.
 */
#ifndef CLIENT_STARTUP_H
#define CLIENT_STARTUP_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct item;

/* Fills the item's paths, which then belong to it. */
int startup_place(struct item *it, struct err *e);

/* Refuses when items of this kind cannot be installed here, or not by us. */
int startup_check(bool system, struct err *e);

/*
 * True when the program that runs, which self names, is started where it lies:
 * it needs no copy.
 */
bool startup_keeps(const struct item *it, const char *self);

/*
 * From now on the item, whose files are there, starts by itself; not before
 * startup_go().
 */
int startup_add(const struct item *it, struct err *e);
int startup_go(const struct item *it, struct err *e);

/* Ends it if it runs, and waits until it has ended. */
int startup_stop(const struct item *it, struct err *e);

/* The opposite of startup_add(), also of one that failed half way. */
int startup_remove(const struct item *it, struct err *e);

bool startup_runs(const struct item *it);

/* It starts by itself, for all that the system says. */
bool startup_is_on(const struct item *it);

/* "when you sign in", "with this computer". */
const char *startup_when(const struct item *it);

/* How it is taken away, for people.  Returns to. */
const char *startup_undo(const struct item *it, char *to, size_t cap);

/* What else its owner should know, or NULL. */
const char *startup_advice(const struct item *it);

/* A file that this very process uses is taken away after its end. */
int startup_remove_program(const struct item *it, struct err *e);

/* `adit keep`: what the system starts; the words after the command. */
int startup_keep(int argc, char *const *argv);

#endif
