/*
 * api: what all handlers of the REST API share (docs/openapi.yaml tells what
 * it does).  A handler reads what was sent, asks the store, writes its answer
 * and returns.  One that changes something says api_begin() first: all that
 * follows, with its line in the audit trail and the answer that is kept for an
 * Idempotency-Key, is one step in the database, made whole or not at all.
 */
#ifndef WEBAPP_API_H
#define WEBAPP_API_H

#include "api_json.h"
#include "api_out.h"
#include "req.h"

struct err;
struct route;
struct tunnel;

/* Calls the route's handler, within the limits of how often one may ask. */
void api_call(struct req *r, const struct route *route);

/* --- what was sent ----------------------------------------------------------- */

/*
 * The body as the table has it; lives until the handler has returned.  NULL
 * when it was refused: the answer is there.  table_n 0: no body, or {}.
 */
const json_t *api_body(
    struct req *r, const struct api_field *table, size_t table_n);

/*
 * Refuses parameters of the address that are not among the names (separated by
 * spaces): false when the answer is there.
 */
bool api_query(struct req *r, const char *names);

struct api_part {
	int64_t skip, limit;
};

/* "skip" and "limit"; names as above, for others that are known. */
bool api_part(struct req *r, const char *names, struct api_part *out);

/* A number in the address, or what it is without one; false when answered. */
bool api_query_number(struct req *r, const char *name, int64_t min, int64_t max,
    int64_t without, int64_t *out);

/* Whose things may be touched: an admin everybody's, else one's own. */
int64_t api_scope(const struct req *r);

/*
 * Whose things a list shows: one's own; an admin's "user" may be a number or
 * "all".  False when the answer is there.
 */
bool api_list_of(struct req *r, int64_t *user_out);

/* --- changing ---------------------------------------------------------------- */

/*
 * Before the first change.  False when the answer is there: the request was
 * answered already, or the store does not let us.
 */
bool api_begin(struct req *r);

/* --- the answer --------------------------------------------------------------- */

/* Where the answer is written; begins it. */
struct out *api_out(struct req *r);

/* {"items":[ ... ],"total":N} around a list. */
struct out *api_list(struct req *r);
void api_list_end(struct req *r, int64_t total);

/* Ends an answer of this status. */
void api_done(struct req *r, unsigned status);

/* 204 */
void api_gone(struct req *r);

/* 404, the same whether there is none or it is another's. */
void api_none(struct req *r);

/* The tunnel that the path names; false when the request is answered. */
bool api_tunnel_find(struct req *r, struct tunnel *t);

/*
 * The store did not do it: a refusal is a conflict (409) with what is so, all
 * else is 503.
 */
void api_failed(struct req *r, const struct err *e);

/* GET /api, GET /health */
void api_root(struct req *r);
void api_health(struct req *r);

/* api_tunnel.c */
void api_tunnel_list(struct req *r);
void api_tunnel_add(struct req *r);
void api_tunnel_get(struct req *r);
void api_tunnel_edit(struct req *r);
void api_tunnel_remove(struct req *r);
void api_tunnel_activate(struct req *r);
void api_tunnel_deactivate(struct req *r);
void api_tunnel_status(struct req *r);
void api_tunnel_renew(struct req *r);
void api_tunnel_verify(struct req *r);
void api_tunnel_freeze(struct req *r);
void api_tunnel_unfreeze(struct req *r);
void api_tunnel_restore(struct req *r);
void api_tunnel_test(struct req *r);
void api_tunnel_serve(struct req *r);
void api_tunnel_unserve(struct req *r);

/* api_visitor.c */
void api_visitors(struct req *r);
void api_visitor_kick(struct req *r);

/* api_machine.c */
void api_machine_list(struct req *r);
void api_machine_add(struct req *r);
void api_machine_get(struct req *r);
void api_machine_edit(struct req *r);
void api_machine_remove(struct req *r);
void api_machine_keys(struct req *r);
void api_machine_key_add(struct req *r);
void api_machine_key_remove(struct req *r);

/* api_account.c */
void api_me(struct req *r);
void api_keys(struct req *r);
void api_key_add(struct req *r);
void api_key_remove(struct req *r);
void api_browsers(struct req *r);
void api_browser_remove(struct req *r);

/* api_admin.c */
void api_users(struct req *r);
void api_user_add(struct req *r);
void api_user_get(struct req *r);
void api_user_edit(struct req *r);
void api_user_remove(struct req *r);
void api_invitations(struct req *r);
void api_invite(struct req *r);
void api_uninvite(struct req *r);
void api_settings(struct req *r);
void api_settings_edit(struct req *r);
void api_relay(struct req *r);

/* api_log.c */
void api_events(struct req *r);
void api_sessions(struct req *r);
void api_usage(struct req *r);

#endif
