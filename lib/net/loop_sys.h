/*
 * loop_sys: what loop.c shares with the one file that knows how this system
 * waits (loop_epoll.c or loop_poll.c).  Nobody else includes this.
 */
#ifndef NET_LOOP_SYS_H
#define NET_LOOP_SYS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "net/loop.h"

struct err;

struct watch {
	struct loop *loop;
	struct list on; /* the loop's watches, or its dead */
	int fd;
	unsigned asked; /* what loop_watch() was asked for */
	unsigned wants; /* poll: what is not told yet */
	bool paused;
	bool hung_up; /* poll: LOOP_HUP is told */
	bool dead;    /* unwatched; freed when the batch is over */
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct timer_heap timers;
	struct list watches;
	struct list dead;
	struct list hooks;
	uint64_t wish; /* when the hooks want the next turn */
	uint64_t now;
	uint64_t asked; /* when the last wait was to end, at the latest */
	uint64_t paused_ms;
	bool in_turn;

	struct watch *waker;
	int wake_in; /* other threads write here */
	int wake_out;
	pthread_mutex_t lock; /* of the two below */
	struct list posts;
	bool woken;
	atomic_bool stop;

	int ep;                   /* epoll */
	struct pollfd *polled;    /* poll: what is asked of the system */
	struct watch **polled_of; /* poll: and on whose behalf */
	size_t polled_cap;
};

/* Each returns 0, or -1 with the reason. */
int loop_sys_open(struct loop *l, struct err *e);
void loop_sys_close(struct loop *l);
int loop_sys_add(struct watch *w, struct err *e);
void loop_sys_remove(struct watch *w);

/* Waits at most wait_ms (-1: for ever), begins the turn, tells the events. */
int loop_sys_wait(struct loop *l, int wait_ms, struct err *e);

/* For loop_sys_wait(): the wait is over, a turn begins. */
void loop_begin(struct loop *l);

#endif
