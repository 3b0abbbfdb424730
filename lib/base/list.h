/*
 * list: a doubly linked ring through the things themselves.  Each thing that
 * may stand on a list has a struct list in it; the list's head is another one.
 * A node that stands on no list points at itself, so that taking it off twice
 * is harmless.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

/* The thing of type T whose member M is the node n. */
#define LIST_OF(n, T, M) ((T *)(void *)((char *)(n)-offsetof(T, M)))

static inline void
list_init(struct list *n)
{
	n->next = n->prev = n;
}

static inline bool
list_empty(const struct list *n)
{
	return n->next == n;
}

static inline void
list_remove(struct list *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	list_init(n);
}

/* Puts n last; n must stand on no list. */
static inline void
list_append(struct list *head, struct list *n)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

/* Puts n first; n must stand on no list. */
static inline void
list_prepend(struct list *head, struct list *n)
{
	n->next = head->next;
	n->prev = head;
	head->next->prev = n;
	head->next = n;
}

/* Moves everything of from to the end of to. */
static inline void
list_take(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
