/*
 * session: who asks.  A browser shows a cookie with the secret of its session,
 * a program an API key.
 */
#ifndef WEBAPP_SESSION_H
#define WEBAPP_SESSION_H

#include "req.h"

/*
 * Fills r->user and r->session from the cookie: 1 signed in, 0 not, -1 when
 * the store failed.
 */
int session_by_cookie(struct req *r, struct err *e);

/* Fills r->user and r->may_write from Authorization: the same. */
int session_by_key(struct req *r, struct err *e);

/* A new session for user; the old one of this browser ends. */
int session_begin(struct req *r, int64_t user, struct err *e);

/* Signs this browser out. */
int session_end(struct req *r, struct err *e);

#endif
