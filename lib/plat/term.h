/*
 * term: a terminal that a program draws on in place.  It has a screen of its
 * own meanwhile; what stood there before comes back at the end.  Nothing here
 * ever waits for a terminal that takes nothing (Ctrl-S, a slow ssh).
 */
#ifndef PLAT_TERM_H
#define PLAT_TERM_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct term;

/*
 * True when fd is a terminal that can be drawn on, and this program stands in
 * its foreground.
 */
bool term_can_draw(int fd);

/* True when text goes out as UTF-8. */
bool term_is_utf8(void);

/* Takes the terminal at fd: another screen, no cursor, no echo. */
struct term *term_open(int fd, struct err *e);

/* Gives it back as it was.  Leaves NULL; NULL is welcome. */
void term_close(struct term **t);

/*
 * The same in a hurry, from any thread; t stays what it was.  The process is
 * about to end.
 */
void term_restore(const struct term *t);

/*
 * Writes what the terminal takes now: the number of bytes, 0 when it takes
 * none.
 */
size_t term_write(struct term *t, const char *p, size_t n);

/* The next key that was pressed, as its character; 0: none was. */
int term_key(const struct term *t);

/* Columns and lines; 80 and 24 when unknown. */
void term_size(const struct term *t, unsigned *columns, unsigned *lines);

/*
 * After the program was stopped and goes on: the shell has had the terminal.
 */
void term_again(struct term *t);

#endif
