/*
 * mail: a message to another thread.  It is the first member of what it
 * carries; who opens it owns that and frees it.
 */
#ifndef RELAYD_MAIL_H
#define RELAYD_MAIL_H

struct loop;
struct mail;

typedef void mail_fn(void *to, struct mail *m);

struct mail {
	void *to;
	mail_fn *open;
};

/*
 * The loop's thread will call open(to, m).  What one thread sends arrives in
 * its order.  Cannot fail: the threads would disagree for ever about who has a
 * port or a session.  Without memory it tries for a while, then ends the
 * process with a word; all streams end, nothing else is lost.
 */
void mail_send(struct loop *l, void *to, mail_fn *open, struct mail *m);

/* n zeroed bytes for a message, or the same end. */
void *mail_new(unsigned long n);

#endif
