/*
 * look: a session as people see it: fills what view.h shows.
 */
#ifndef CLIENT_LOOK_H
#define CLIENT_LOOK_H

#include <stdint.h>

struct session;
struct tunnel;
struct view;
struct view_tunnel;

/* The link and its trouble; texts are borrowed until the session changes. */
void look_session(struct view *v, struct session *s, uint64_t now);

void look_tunnel(struct view_tunnel *v, struct tunnel *t, uint64_t now);

#endif
