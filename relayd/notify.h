/*
 * notify: tells the service manager how far this process is, when there is one
 * that wants to know (NOTIFY_SOCKET; Type=notify in systemd).  Otherwise, and
 * when it does not listen, nothing happens.
 */
#ifndef RELAYD_NOTIFY_H
#define RELAYD_NOTIFY_H

/* The ports are taken; also behind notify_reloading(). */
void notify_ready(void);

/* SIGHUP has come; notify_ready() is to follow. */
void notify_reloading(void);

/* SIGTERM has come; within ms the process will be gone. */
void notify_stopping(unsigned long ms);

#endif
