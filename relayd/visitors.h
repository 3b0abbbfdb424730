/*
 * visitors: who is connected to a tunnel now, and cutting one of them off.  The
 * question goes by message to each worker that has visitors of the tunnel, one
 * after the other, and comes back with what they know.
 */
#ifndef RELAYD_VISITORS_H
#define RELAYD_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"

struct registry;
struct visitors;
struct worker;

enum { VISITORS_MAX = 1000 }; /* that are named */

struct visitors_one {
	uint64_t number; /* no other visitor has it as long as relayd runs */
	bool is_udp;
	struct addr peer;
	int64_t since; /* wall clock, ms */
	uint64_t bytes_in;
	uint64_t bytes_out;
};

struct visitors_answer {
	const struct visitors_one *at;
	size_t n;
	uint64_t total; /* n, or more than are named */
	bool is_kicked;
};

typedef void visitors_fn(
    void *arg, uint64_t call, const struct visitors_answer *a);

/*
 * Asks for the visitors of a tunnel; with kick not 0, resets the one of that
 * number instead.  done is called on the control thread: 1, or 0 when nobody
 * has visitors of such a tunnel; then done is not called.
 */
int visitors_ask(struct registry *g, int64_t tunnel, uint64_t kick,
    visitors_fn *done, void *arg, uint64_t call);

/* --- the workers' side ------------------------------------------------------ */

/* The number of a worker's next visitor. */
uint64_t visitors_number(struct worker *w);

/* The number that is to be cut off; 0: none, list them. */
uint64_t visitors_wanted(const struct visitors *v);

/* One more is here. */
void visitors_put(struct visitors *v, const struct visitors_one *one);

/* The wanted one was found, and is no more. */
void visitors_kicked(struct visitors *v);

#endif
