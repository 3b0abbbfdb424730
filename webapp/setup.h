/*
 * setup: the first account, made with a code that only the server's console
 * shows.  The code is in the file setup.code beside the database, which is
 * there as long as there is no account.
 */
#ifndef WEBAPP_SETUP_H
#define WEBAPP_SETUP_H

#include <stdbool.h>

struct app;
struct err;
struct store;

enum { SETUP_CODE_LEN = 14 }; /* XXXX-XXXX-XXXX */

/*
 * At the start: writes a new code (0600) when there is no account, removes the
 * file when there is one.  1: there is a code, 0: there is an account, -1.
 * keep leaves a code that is there already as it is.
 */
int setup_start(
    const struct app *app, struct store *s, bool keep, struct err *e);

#endif
