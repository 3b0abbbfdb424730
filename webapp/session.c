#include "session.h"

#include <string.h>

#include "base/str.h"
#include "store/store_key.h"
#include "store/store_web.h"

/*
 * The user of an id that the store knows; a user who is gone is nobody.  An
 * admin who is frozen is none meanwhile, else they would thaw themselves by the
 * hand of another admin whom they make.
 */
static int
take_user(struct req *r, int64_t id, struct err *e)
{
	int rc = store_user_who(r->store, id, &r->user, e);

	if (rc != 1)
		memset(&r->user, 0, sizeof(r->user));
	if (r->user.frozen_at != 0)
		r->user.admin = false;
	return rc;
}

int
session_by_cookie(struct req *r, struct err *e)
{
	const char *secret = req_cookie(r, "");
	struct web_session w;
	int rc;

	if (secret == NULL || strlen(secret) != WEB_SECRET_LEN)
		return 0;
	if ((rc = store_web_session_find(r->store, secret, &w, e)) != 1)
		return rc;
	if ((rc = take_user(r, w.user, e)) != 1)
		return rc;
	r->session = w;
	r->seed = secret;
	r->may_write = true;
	return 1;
}

int
session_by_key(struct req *r, struct err *e)
{
	const char *said = req_header(r, "Authorization");
	int64_t user;
	bool may_write;
	int rc;

	if (said == NULL || strncasecmp(said, "Bearer ", 7) != 0)
		return 0;
	said += 7;
	if (strlen(said) != KEY_LEN)
		return 0;
	if ((rc = store_key_holder(r->store, said, &user, &may_write, e)) != 1)
		return rc;
	if ((rc = take_user(r, user, e)) != 1)
		return rc;
	r->may_write = may_write;
	return 1;
}

int
session_begin(struct req *r, int64_t user, struct err *e)
{
	char secret[WEB_SECRET_LEN + 1];

	if (r->session.id != 0 &&
	    store_web_session_remove(
		r->store, r->session.user, r->session.id, e) == -1)
		return -1;
	if (store_web_session_add(
		r->store, user, r->address, r->agent, secret, e) == -1)
		return -1;
	req_set_cookie(r, "", secret, WEB_SESSION_MS / 1000);
	req_set_cookie(r, "form", "", 0);
	str_wipe(secret, sizeof(secret));
	return 0;
}

int
session_end(struct req *r, struct err *e)
{
	if (store_web_session_remove(
		r->store, r->session.user, r->session.id, e) == -1)
		return -1;
	req_set_cookie(r, "", "", 0);
	memset(&r->user, 0, sizeof(r->user));
	memset(&r->session, 0, sizeof(r->session));
	r->seed = NULL;
	return 0;
}
