/*
 * pages: the handlers that the table of routes names, by file.
 */
#ifndef WEBAPP_PAGES_H
#define WEBAPP_PAGES_H

struct req;

/* signin.c */
void signin_page(struct req *r);
void signin_enter(struct req *r);
void signin_leave(struct req *r);

/* setup.c */
void setup_page(struct req *r);
void setup_make(struct req *r);

/* theme.c */
void theme_choose(struct req *r);

/* static.c */
void static_file(struct req *r);

/* join.c */
void join_page(struct req *r);
void join_make(struct req *r);

/* events.c */
void events_none(struct req *r);
void events_scope(struct req *r);

/* page_verify.c */
void verify_page(struct req *r);
void verify_open(struct req *r);

/* page_dashboard.c */
void dashboard_page(struct req *r);

/* page_new.c */
void new_page(struct req *r);
void new_make(struct req *r);
void edit_page(struct req *r);
void edit_save(struct req *r);

/* page_tunnel.c */
void tunnel_page(struct req *r);
void tunnel_pause(struct req *r);
void tunnel_resume(struct req *r);
void tunnel_kick(struct req *r);
void tunnel_test(struct req *r);
void tunnel_renew(struct req *r);
void tunnel_only_me(struct req *r);
void tunnel_delete_page(struct req *r);
void tunnel_delete(struct req *r);
void tunnel_restore(struct req *r);

/* page_download.c */
void download_page(struct req *r);
void download_make(struct req *r);
void download_file(struct req *r); /* of the API */

/* page_machines.c */
void machines_page(struct req *r);
void machine_rename(struct req *r);
void machine_remove_page(struct req *r);
void machine_remove(struct req *r);
void key_revoke(struct req *r);

/* page_account.c */
void account_page(struct req *r);
void account_password(struct req *r);
void account_key_make(struct req *r);
void account_key_revoke(struct req *r);
void account_session_end(struct req *r);

/* page_admin.c */
void admin_page(struct req *r);
void admin_settings(struct req *r);
void admin_invite(struct req *r);
void admin_uninvite(struct req *r);
void admin_user_page(struct req *r);
void admin_user_freeze(struct req *r);
void admin_user_thaw(struct req *r);
void admin_user_password(struct req *r);
void admin_user_remove(struct req *r);
void admin_tunnel_freeze(struct req *r);
void admin_tunnel_thaw(struct req *r);
void admin_tunnel_verify(struct req *r);

#endif
