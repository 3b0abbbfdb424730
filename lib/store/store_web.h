/*
 * store_web: what belongs to the pages alone: who is signed in, who was
 * invited, who guesses passwords and codes, whom to write to about abuse.
 */
#ifndef STORE_STORE_WEB_H
#define STORE_STORE_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/check.h"

struct err;
struct store;

#define WEB_SESSION_MS    (INT64_C(30) * 24 * 3600 * 1000) /* since last seen */
#define WEB_INVITATION_MS (INT64_C(7) * 24 * 3600 * 1000)

enum {
	WEB_SECRET_LEN = 64, /* hex digits of 32 random bytes */
	WEB_CONTACT_MAX = 200,
	WEB_SESSIONS_MAX = 100, /* of one user */
};

/* --- sessions -------------------------------------------------------------- */

struct web_session {
	int64_t id;
	int64_t user;
	int64_t created_at;
	int64_t seen_at; /* kept to 5 minutes */
	int64_t expires_at;
	char address[65];
	char agent[256];
};

/*
 * A new one; secret_out has room for WEB_SECRET_LEN + 1 bytes and is the only
 * copy.  address and agent are cut to what fits.  Of more than WEB_SESSIONS_MAX
 * those seen longest ago end.
 */
int store_web_session_add(struct store *s, int64_t user, const char *address,
    const char *agent, char *secret_out, struct err *e);

/*
 * The living session of this secret: 1, 0, -1.  Notes that it was seen; a
 * database that is busy is no hindrance.
 */
int store_web_session_find(struct store *s, const char *secret,
    struct web_session *w_out, struct err *e);

/* Of user, the one seen last first; free(*list_out). */
int store_web_session_list(struct store *s, int64_t user,
    struct web_session **list_out, size_t *n_out, struct err *e);

/* Signs it out: 1, or 0 when user has none of this id. */
int store_web_session_remove(
    struct store *s, int64_t user, int64_t id, struct err *e);

/* Signs all of user's out but keep (0: none is kept). */
int store_web_session_remove_others(
    struct store *s, int64_t user, int64_t keep, struct err *e);

/* --- accounts -------------------------------------------------------------- */

/* Is there any account yet? */
int store_web_has_users(struct store *s, bool *out, struct err *e);

/* The first account, an admin: 1, or 0 when there is an account already. */
int store_web_first_user(struct store *s, const char *email, const char *hash,
    int64_t *id_out, struct err *e);

/* A new password, which signs out all of the user's sessions but keep. */
int store_web_set_password(struct store *s, int64_t user, const char *hash,
    int64_t keep, struct err *e);

/* --- invitations ----------------------------------------------------------- */

struct invitation {
	int64_t id;
	char note[CHECK_NAME_MAX + 1];
	int64_t created_at;
	int64_t expires_at;
};

/* secret_out as above. */
int store_web_invite(
    struct store *s, const char *note, char *secret_out, struct err *e);

/* Is the invitation good? */
int store_web_invited(struct store *s, const char *secret, struct err *e);

/* Those that are good, the newest first; free(*list_out). */
int store_web_invitation_list(struct store *s, struct invitation **list_out,
    size_t *n_out, struct err *e);

int store_web_uninvite(struct store *s, int64_t id, struct err *e);

/*
 * Makes a member's account and spends the invitation, both or none: 1, or 0
 * when the invitation is no longer good.
 */
int store_web_join(struct store *s, const char *secret, const char *email,
    const char *hash, int64_t *id_out, struct err *e);

/* --- guessing -------------------------------------------------------------- */

/* So many wrong ones are free; then each costs wait_ms, twice as much each. */
struct web_guess_rule {
	uint32_t free;
	int64_t wait_ms, wait_max_ms;
	int64_t forget_ms;
};

/* How long nothing is heard from key: 1 and *wait_ms_out > 0, or 0. */
int store_web_guess_wait(
    struct store *s, const char *key, int64_t *wait_ms_out, struct err *e);

/* Another wrong one; *left_out says how many more are free. */
int store_web_guess_wrong(struct store *s, const char *key,
    const struct web_guess_rule *r, uint32_t *left_out, struct err *e);

/* A right one: nothing is held against key any more. */
int store_web_guess_right(struct store *s, const char *key, struct err *e);

/* --- other ----------------------------------------------------------------- */

/* Whom to tell of abuse; "" when no one is named. */
int store_web_contact(
    struct store *s, char to[WEB_CONTACT_MAX + 1], struct err *e);
int store_web_set_contact(struct store *s, const char *text, struct err *e);

#endif
