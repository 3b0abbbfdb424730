#include "carry/carry.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/pool.h"
#include "carry/carry_int.h"
#include "carry/pipe.h"
#include "net/loop.h"
#include "plat/plat.h"

/* Every few seconds: what a peak has left behind goes back to the system. */
static void
on_trim(void *arg)
{
	struct carry *c = arg;
	struct list *n;

	c->trim = NULL;
	for (n = c->wires.next; n != &c->wires; n = n->next)
		wire_rest(wire_of_all(n));
	pool_trim(c->pool);
	if (c->closed >= CARRY_TRIM_PIPES) {
		c->closed = 0;
		plat_give_back();
	}
	c->trim = loop_after(c->loop, CARRY_TRIM_MS, on_trim, c, NULL);
}

int
carry_init(struct carry *c, struct loop *l, struct budget *b, struct err *e)
{
	*c = (struct carry){ .loop = l };
	list_init(&c->wires);
	list_init(&c->again);
	list_init(&c->flush);
	list_init(&c->dead);
	if ((c->rx = malloc(CARRY_RX)) == NULL)
		return err_sys(e, "receive buffer");
	if ((c->pool = pool_new(b, e)) == NULL ||
	    (c->trim = loop_after(l, CARRY_TRIM_MS, on_trim, c, e)) == NULL) {
		carry_close(c);
		return -1;
	}
	return 0;
}

static void
free_dead(struct carry *c)
{
	for (; !list_empty(&c->dead); c->closed += CARRY_TRIM_WIRE)
		wire_delete(wire_of_all(c->dead.next));
}

void
carry_close(struct carry *c)
{
	if (c->loop == NULL)
		return;
	/* those that were finishing have no owner left to end them */
	while (!list_empty(&c->wires)) {
		struct wire *w = wire_of_all(c->wires.next);

		wire_free(&w);
	}
	free_dead(c);
	timer_cancel(&c->trim);
	pool_free(&c->pool);
	free(c->rx);
	*c = (struct carry){ 0 };
}

uint64_t
carry_turn(struct carry *c)
{
	struct list todo;

	list_init(&todo);
	c->told = false;
	list_take(&todo, &c->flush);
	while (!list_empty(&todo)) {
		struct wire *w = wire_of_flush(todo.next);

		list_remove(todo.next);
		wire_flush(w);
	}
	c->handshakes = 0;
	list_take(&todo, &c->again);
	while (!list_empty(&todo)) {
		struct wire *w = wire_of_again(todo.next);

		list_remove(todo.next);
		wire_read_on(w);
	}
	free_dead(c);
	return c->told || !list_empty(&c->again) || !list_empty(&c->flush)
	    ? 0
	    : LOOP_NEVER;
}

/* --- what the mux asks for ------------------------------------------------- */

static void
on_connected(void *sarg)
{
	struct carry_end *end = sarg;

	if (end->ops->connected != NULL)
		end->ops->connected(end);
}

static ssize_t
on_pull(void *sarg, const struct span *v, int n, unsigned *flags_out)
{
	return pipe_pull(sarg, v, n, flags_out);
}

static ssize_t
on_push(void *sarg, const struct span *v, int n)
{
	return pipe_push(sarg, v, n);
}

static void
on_end(void *sarg)
{
	pipe_end(sarg);
}

static void
on_datagram(void *sarg, const struct span *v, int n)
{
	struct carry_end *end = sarg;

	if (end->ops->datagram != NULL)
		end->ops->datagram(end, v, n);
}

static void
on_gone(void *sarg, enum mux_gone how, uint16_t code, const char *sentence)
{
	struct carry_end *end = sarg;

	end->ops->gone(end, how, code, sentence);
}

static int
on_seal(void *larg, const void *p, size_t n)
{
	return wire_seal(larg, p, n);
}

static ssize_t
on_room(void *larg, enum mux_room what)
{
	return wire_room(larg, what);
}

void
carry_ops(struct mux_ops *ops)
{
	ops->connected = on_connected;
	ops->pull = on_pull;
	ops->push = on_push;
	ops->end = on_end;
	ops->datagram = on_datagram;
	ops->gone = on_gone;
	ops->seal = on_seal;
	ops->room = on_room;
}
