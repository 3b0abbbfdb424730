/*
 * console: the live view of a session on a terminal, drawn in place at most
 * four times a second.
 */
#ifndef CLIENT_CONSOLE_H
#define CLIENT_CONSOLE_H

#include <stdbool.h>

struct console;
struct err;
struct session;

/* What a key offers.  Says yes or no to a question, then does it. */
struct console_offer {
	char key; /* a small letter */
	const char *words;
	const char *question;
	void (*accept)(void *arg); /* tells its outcome with say() */
	void *arg;
};

/*
 * Takes the terminal and what say() tells.  Session and offer are borrowed;
 * log_too: the log does not go to this terminal and is written as well; offer
 * may be NULL.
 */
struct console *console_open(struct session *s, bool color, bool log_too,
    const struct console_offer *offer, struct err *e);

/* Gives the terminal back as it was.  Leaves NULL; NULL is welcome. */
void console_close(struct console **c);

/* The same in a hurry, from any thread: the process ends. */
void console_restore(const struct console *c);

#endif
