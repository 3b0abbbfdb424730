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

#endif
