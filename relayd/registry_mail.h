/*
 * registry_mail: what workers say to the registry.  Each of these sends a
 * message and returns at once; the answers are those of worker.h.
 */
#ifndef RELAYD_REGISTRY_MAIL_H
#define RELAYD_REGISTRY_MAIL_H

#include <stdbool.h>
#include <stdint.h>

struct listen_port;
struct newcomer;
struct relay;

/* Somebody has said HELLO: worker_adopt() or worker_reject() follows. */
void registry_hello(struct relay *r, struct newcomer *n);

/* Its session has ended in the meantime: decide again. */
void registry_homeless(struct relay *r, struct newcomer *n);

void registry_dark(struct relay *r, int64_t session, bool is_dark);

/* The last word about a session; its counts are control's again. */
void registry_ended(
    struct relay *r, int64_t session, uint16_t code, const char *why);

/* The tunnel's ports listen: from now on the session serves it. */
void registry_opened(struct relay *r, int64_t session, int64_t tunnel);

/*
 * The session no longer serves the tunnel and gives its ports back, held.
 * fault is NULL, or why they could not be served.  A session that ends is
 * given no other.
 */
void registry_let_go(struct relay *r, int64_t session, bool ends,
    int64_t tunnel, const char *fault);

/* The session's worker has nothing of the tunnel any more. */
void registry_forgot(struct relay *r, int64_t session, int64_t tunnel);

/* A lamp of the client; lamp and light as on the wire. */
void registry_report(struct relay *r, int64_t session, int64_t tunnel,
    uint8_t lamp, uint8_t light, uint16_t code, const char *sentence);

/* A worker has nothing left. */
void registry_on_stopped(struct relay *r);

#endif
