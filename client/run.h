/*
 * run: `adit run [FILE]`: what a downloaded file starts.  Its settings are the
 * lines "#adit KEY=VALUE" that stand behind the last line that begins with
 * "exit /b"; cmd.exe never sees them:
 *
 *	#adit door=relay.example:7000 pin=sha256:HEX,sha256:HEX
 *	#adit door=wss://example/link ca=system
 *	#adit allow=127.0.0.1:25565
 *	#adit token=HEX
 *	#adit proxy=http://USER:PASSWORD@proxy.lan:3128
 *	#adit machine=my-pc-3
 *
 * Doors are tried in this order; the machine's name is what `adit install`
 * calls it.
 */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "client_conf.h"

struct err;

/* The words after the command; returns the exit status. */
int run_run(int argc, char *const *argv);

enum { RUN_WORDS_MAX = 256 };

#define RUN_MARK "#adit "

/* The end of what cmd.exe runs: what came before it was never meant. */
bool run_is_exit(const char *line);

/* The settings as words of `adit connect`, and what may be secret. */
struct run_words {
	char *argv[RUN_WORDS_MAX];
	int argc;
	char *token; /* NULL: none is given */
	char *proxy;
	char *machine; /* NULL: not named */
};

/* Cuts text (len bytes and a NUL) in place; the words point into it. */
int run_parse(struct run_words *w_out, char *text, size_t len, struct err *e);

/* The settings of a file, checked. */
struct run_file {
	struct client_conf conf; /* with the token */
	const char *machine;     /* NULL: not named */
	char *text;              /* what they borrow from, cut into words */
};

/* 0, or the exit status with the reason; close it in any case. */
int run_open(struct run_file *f_out, const char *path, struct err *e);

/* Wipes what was read. */
void run_close(struct run_file *f);

/*
 * Serves what `adit install` has put into that file, and tells of it in the
 * file state; returns the exit status.
 */
int run_kept(const char *settings, const char *state);

#endif
