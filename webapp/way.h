/*
 * way: the two ways in.  FastCGI with threads, for a web server that starts it
 * or connects to its socket; CGI, one process for one request.
 */
#ifndef WEBAPP_WAY_H
#define WEBAPP_WAY_H

struct app;
struct err;

/*
 * Answers on the listening socket fd until SIGTERM or SIGINT; then what is
 * under way is finished, and no wait is longer than 10 s.
 */
int way_fcgi(const struct app *app, int fd, struct err *e);

/* Answers the one request of the environment. */
int way_cgi(const struct app *app, struct err *e);

/* A listening socket at path (0660), in place of one that nobody serves. */
int way_listen(const char *path, const char *group, struct err *e);

#endif
