#include "net/lookup.h"

#include <string.h>

#include "base/err.h"
#include "net/loop.h"
#include "tap.h"

enum { TURNS_MAX = 600 };

static struct loop *l;
static struct err e;

struct answer {
	int told;
	size_t count;
	struct addr first;
	struct err why;
};

static void
on_answer(
    void *arg, const struct addr *found, size_t count, const struct err *why)
{
	struct answer *a = arg;

	a->told++;
	a->count = count;
	if (count > 0)
		a->first = found[0];
	a->why = *why;
}

static bool
await(const struct answer *a)
{
	int i;

	for (i = 0; i < TURNS_MAX && a->told == 0; i++)
		loop_turn(l, 50, NULL);
	return a->told == 1;
}

static void
test_here(void)
{
	struct addr a[2];

	is_int(lookup_here("192.0.2.1", a), 1, "a number is known");
	is_int(lookup_here("::1", a), 1, "of either family");
	is_int(lookup_here("localhost", a), 2, "localhost is both");
	ok(addr_is_loopback(&a[0]) && addr_is_v4(&a[0]) &&
		addr_is_loopback(&a[1]) && !addr_is_v4(&a[1]),
	    "127.0.0.1, then ::1");
	is_int(lookup_here("relay.example", a), 0, "a name is not known");
	is_int(lookup_here("127.1", a), 0, "nor what only looks like a number");
}

static void
test_thread(void)
{
	struct answer a = { 0 }, b = { 0 }, c = { 0 };
	struct lookup *k;
	char label[70];

	/* No number to us, but one to the system: needs no network. */
	ok(lookup_start(l, "127.1", on_answer, &a, &e) != NULL && a.told == 0,
	    "nothing is told by the call itself");
	ok(await(&a) && a.count == 1 && addr_is_loopback(&a.first),
	    "the answer comes");
	is_int(a.first.port, 0, "without a port");
	memset(label, 'a', sizeof(label));
	label[sizeof(label) - 1] = '\0'; /* no label is that long */
	lookup_start(l, label, on_answer, &b, &e);
	ok(await(&b) && b.count == 0, "a name that does not resolve");
	ok(strstr(b.why.text, "does not resolve") != NULL, "says so");
	k = lookup_start(l, "127.1", on_answer, &c, &e);
	lookup_cancel(&k);
	ok(k == NULL, "one is given up");
	lookup_cancel(&k);
	loop_turn(l, 20, NULL);
	is_int(c.told, 0, "and tells nothing");
	ok(lookup_start(l, "", on_answer, &c, &e) == NULL, "no name");
}

int
main(void)
{
	if ((l = loop_new(&e)) == NULL) {
		printf("Bail out! %s\n", e.text);
		return 1;
	}
	test_here();
	test_thread();
	loop_free(&l);
	return tap_done();
}
