#include "base/list.h"

#include "tap.h"

struct thing {
	int number;
	struct list node;
};

/* The numbers on the list, forwards, and checks the way back. */
static const char *
numbers(struct list *head)
{
	static char text[64];
	size_t len = 0, back = 0;

	text[0] = '\0';
	for (struct list *n = head->next; n != head && len < 32; n = n->next) {
		struct thing *t = LIST_OF(n, struct thing, node);

		text[len++] = (char)('0' + t->number);
	}
	for (struct list *n = head->prev; n != head && back < 32; n = n->prev)
		back++;
	text[back == len ? len : 0] = '\0';
	return text;
}

int
main(void)
{
	struct thing t[5];
	struct list a, b;

	list_init(&a);
	list_init(&b);
	for (int i = 0; i < 5; i++) {
		t[i].number = i;
		list_init(&t[i].node);
	}
	ok(list_empty(&a), "a new list is empty");
	list_append(&a, &t[0].node);
	list_append(&a, &t[1].node);
	list_prepend(&a, &t[2].node);
	ok(!list_empty(&a), "then it is not");
	is_str(numbers(&a), "201", "first and last");
	list_remove(&t[0].node);
	is_str(numbers(&a), "21", "one leaves from the middle");
	list_remove(&t[0].node);
	is_str(numbers(&a), "21", "leaving twice is harmless");
	list_take(&a, &b);
	is_str(numbers(&a), "21", "nothing is taken from an empty list");
	list_append(&b, &t[3].node);
	list_append(&b, &t[4].node);
	list_take(&a, &b);
	is_str(numbers(&a), "2134", "all of another stand last");
	ok(list_empty(&b), "and it is empty");
	list_take(&b, &a);
	is_str(numbers(&b), "2134", "an empty one takes all");
	while (!list_empty(&b))
		list_remove(b.next);
	is_str(numbers(&b), "", "until none is left");
	return tap_done();
}
