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
 *
 * Doors are tried in this order.
 */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include <stddef.h>

struct err;

/* The words after the command; returns the exit status. */
int run_run(int argc, char *const *argv);

enum { RUN_WORDS_MAX = 256 };

/* The settings as words of `adit connect`, and what may be secret. */
struct run_words {
	char *argv[RUN_WORDS_MAX];
	int argc;
	char *token; /* NULL: none is given */
	char *proxy;
};

/* Cuts text (len bytes and a NUL) in place; the words point into it. */
int run_parse(struct run_words *w_out, char *text, size_t len, struct err *e);

#endif
