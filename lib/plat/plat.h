/*
 * plat: what each system does in a way of its own.  plat_posix.c and
 * plat_win32.c offer the same functions.  A socket is an int.  Where nothing
 * else is said, a function returns 0, or -1 with the reason in e.
 */
#ifndef PLAT_PLAT_H
#define PLAT_PLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct err;

enum {
	PLAT_SPANS = 64,        /* spans that one call takes at most */
	PLAT_SECRET_MAX = 4096, /* bytes of a secret line or file */
};

/*
 * Moves bytes between a socket and spans (n > PLAT_SPANS: the first of them
 * only).  Returns how many were moved, which may be fewer; 0 when the other
 * end has shut its side (reading); -1 with errno, where EAGAIN means "not now".
 * A call that a signal broke off is done again.
 */
ptrdiff_t plat_readv(int fd, const struct span *v, size_t n);
ptrdiff_t plat_writev(int fd, const struct span *v, size_t n);

/* A socket that never waits and that no child inherits; -1 with e. */
int plat_socket(int family, int type, int protocol, struct err *e);

/* Makes a socket that came from elsewhere so. */
int plat_unwait(int fd, struct err *e);

/* Closes *fd unless it is -1, and leaves -1 there. */
void plat_close(int *fd);

/* The same; the other end sees a reset. */
void plat_close_reset(int *fd);

/* Says the end; bytes still arrive. */
void plat_shut_write(int fd);

/*
 * A way by which another thread ends a wait: what is woken at in makes out
 * readable, until plat_slept(out).  Close both.
 */
int plat_waker(int *in_out, int *out_out, struct err *e);
void plat_wake(int in);
void plat_slept(int out);

/* This computer's name; "localhost" when it has none. */
char *plat_computer(char *to, size_t cap);

/* This system's name, as "Debian GNU/Linux 12 (bookworm)". */
char *plat_system(char *to, size_t cap);

bool plat_is_terminal(int fd);

/* Columns of the terminal; 0 when unknown. */
unsigned plat_columns(int fd);

/* Raises the limit of open files as far as allowed and tells it. */
int plat_raise_files(uint64_t *files_out, struct err *e);

/* An environment variable's value, for free(); NULL when it is not set. */
char *plat_env(const char *name);

/* Overwrites an environment variable's value where it stands, and unsets it. */
void plat_wipe_env(const char *name);

/*
 * One line from fd, without its end, as text.  On a terminal asks with the
 * prompt first and shows nothing of what is typed.  -1 also when it is longer
 * than cap - 1 bytes, holds a NUL, or the input ends before a line began.
 */
int plat_read_secret(
    int fd, const char *prompt, char *to, size_t cap, struct err *e);

/*
 * A file that holds a secret, whole, with a NUL behind it: at most cap - 1
 * bytes.  Refuses one that others than its owner may read.
 */
int plat_read_secret_file(
    const char *path, char *to, size_t cap, size_t *len_out, struct err *e);

/* A file that may be anybody's, whole, with a NUL behind it. */
int plat_read_file(
    const char *path, char *to, size_t cap, size_t *len_out, struct err *e);

/* What a peak has left free in the heap goes back to the system. */
void plat_give_back(void);

/* From now on no memory of this process lands in a core file or debugger. */
int plat_no_core(struct err *e);

#endif
