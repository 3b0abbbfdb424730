/*
 * store: what Adit remembers, in one SQLite file (docs/OPERATING.md says what
 * lies beside it).  Several programs use the file at once; a struct store is
 * one connection and belongs to one thread.
 *
 * Functions that ask or change one thing return 1 when it was there (done),
 * 0 when there is no such thing, -1 with the reason; functions that make a
 * thing return 0 or -1.  Where an owner is asked for, STORE_ANYBODY is the
 * operator; for a user, another's thing is not there.  After -1,
 * store_why() tells the sort of the failure.  A change is either made
 * whole and on the disk when its function returns 1 or 0, or not at all.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct store;

enum {
	STORE_ANYBODY = 0,
	STORE_NEVER_WAIT = 1, /* flag: see store_set_waiting() */
};

/* Why the last call that failed did. */
enum store_why {
	STORE_FINE,    /* none has */
	STORE_REFUSED, /* the wish breaks a rule: say e to who wished */
	STORE_BUSY,    /* others are writing just now; nothing is wrong */
	STORE_FULL,    /* the disk is full */
	STORE_LOST,    /* the file was removed, replaced or made unreadable */
	STORE_NEWER,   /* the file is of a later Adit */
	STORE_BROKEN,  /* damage, a disk that fails, out of memory */
};

/*
 * Opens the database, makes it when there is none, and brings its tables up to
 * date.  A new file belongs to the owner of its folder, also when root makes
 * it.  NULL with the reason; *why_out, which may be NULL, is its sort.
 */
struct store *store_open(
    const char *path, unsigned flags, enum store_why *why_out, struct err *e);
void store_close(struct store **s);

const char *store_path(const struct store *s);

enum store_why store_why(const struct store *s);

/*
 * Whether calls wait up to 5 s for other writers (they do unless opened with
 * STORE_NEVER_WAIT) or fail at once with STORE_BUSY.  Who waits uses the
 * signal SIGRTMAX, which is the store's own in every program.
 */
void store_set_waiting(struct store *s, bool waits);

/*
 * Makes all that follows one change, until the end keeps it (0, or -1: nothing
 * of it was kept) or undoes it.  Other writers wait meanwhile: nothing that
 * waits for anybody stands between the two.
 */
int store_group(struct store *s, struct err *e);
int store_group_end(struct store *s, bool keep, struct err *e);

/*
 * A number that moves when another connection has changed the database: an
 * inexpensive question, meant to be asked ten times a second.
 */
int store_data_version(struct store *s, int64_t *version_out, struct err *e);

/*
 * The number of the newest change to what relayd serves from (0: none yet).
 * Never goes back within one file.
 */
int store_change_max(struct store *s, int64_t *id_out, struct err *e);

/* Is the file that is open still the one at its path?  0, or -1. */
int store_file_check(struct store *s, struct err *e);

/* The step of the schema that the file has reached. */
int store_schema_version(struct store *s, int64_t *version_out, struct err *e);

/*
 * 0 when this program knows what the tables mean; -1 (STORE_NEWER) when a later
 * Adit has brought the file up to its own date while it was open here.
 */
int store_schema_check(struct store *s, struct err *e);

/*
 * Looks at every page and every reference; calls say() with a sentence for
 * each fault found.  The number of faults, or -1.
 */
int store_check(struct store *s, void (*say)(void *arg, const char *fault),
    void *arg, struct err *e);

/*
 * Copies the database, as it is at one moment, into a new file (0600) while
 * others go on writing.  An existing file is not overwritten.
 */
int store_backup(struct store *s, const char *to, struct err *e);

/*
 * Forgets what has had its time: deleted tunnels and machines after 60 days,
 * ended sessions after 90, hours and events after 400, spent web sessions and
 * rested ports at once.  A bounded piece of work; call it hourly.
 */
int store_purge(struct store *s, struct err *e);

#endif
