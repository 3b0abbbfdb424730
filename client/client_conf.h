/*
 * client_conf: what `adit connect` and `adit doctor` were told on the command
 * line, checked.
 */
#ifndef CLIENT_CLIENT_CONF_H
#define CLIENT_CLIENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "door.h"
#include "net/allow.h"
#include "proxy_conf.h"

struct err;

enum {
	EXIT_STOPPED = 0,
	EXIT_UNEXPECTED = 1,
	EXIT_USAGE = 2,
	EXIT_SETTINGS = 20,
	EXIT_TRUST = 23,
	EXIT_FINAL_LAST = 25,
	EXIT_KEPT = 26, /* what was installed goes on with it */
};

enum { CONF_DOORS_MAX = 8 };

struct client_conf {
	struct door doors[CONF_DOORS_MAX];
	size_t door_count;
	struct allow allow;
	struct proxy_conf proxy;
	const char *token_file; /* of the command line */
	bool has_token;
	uint8_t token[32];
	bool plain;
	bool no_color;
	bool verbose;
	const char *file;  /* all this came from there, and may be installed */
	const char *state; /* file that says how things are; NULL: none */
};

/*
 * Reads the words after the command.  Returns 0, or EXIT_USAGE (they are not
 * options of this command) or EXIT_SETTINGS (a value is wrong) with the reason.
 */
int client_conf_read(
    struct client_conf *c_out, int argc, char *const *argv, struct err *e);

/*
 * The line "proxy=" of a downloaded file, which goes before the environment.
 * 0 or EXIT_SETTINGS.
 */
int client_conf_proxy(struct client_conf *c, const char *value, struct err *e);

/*
 * The token: from the file, else of ADIT_TOKEN, which is wiped, else one line
 * of standard input.  0 or EXIT_SETTINGS.
 */
int client_conf_token(struct client_conf *c, struct err *e);

/* 64 hex digits, white space around them is taken off. */
int client_conf_token_text(
    uint8_t token_out[32], const char *text, struct err *e);

/* Wipes token and proxy, gives the rest back. */
void client_conf_close(struct client_conf *c);

#endif
