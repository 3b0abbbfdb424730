/*
 * settings: the "#adit KEY=VALUE" lines of run.h as text.  It holds the token:
 * wipe it.
 */
#ifndef CLIENT_SETTINGS_H
#define CLIENT_SETTINGS_H

#include <stdbool.h>

struct buf;
struct client_conf;
struct err;

void settings_init(struct buf *to);
void settings_wipe(struct buf *to);

/* The lines of a file that count.  0, or -1 with e. */
int settings_of_file(struct buf *to, const char *path, struct err *e);

/* Those that say the same as the options of `adit connect`. */
int settings_of_conf(
    struct buf *to, const struct client_conf *c, struct err *e);

/* True when the file at path is there, can be read, and says other things. */
bool settings_differ(const struct buf *text, const char *path);

#endif
