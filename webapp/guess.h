/*
 * guess: how guessers are slowed down (the counts are in the store).
 */
#ifndef WEBAPP_GUESS_H
#define WEBAPP_GUESS_H

#include "req.h"
#include "store/store_web.h"

extern const struct web_guess_rule guess_account; /* passwords of one account */
extern const struct web_guess_rule guess_source; /* passwords from an address */
extern const struct web_guess_rule guess_code;   /* codes from an address */
extern const struct web_guess_rule guess_joiner; /* new accounts from there */

/* The key of the asking address for this purpose; IPv6 counts by /64. */
const char *guess_address(struct req *r, const char *purpose);

#endif
