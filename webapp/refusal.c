#include "refusal.h"

#include <stdlib.h>
#include <string.h>

#include "net/addr.h"
#include "net/allow.h"
#include "store/store.h"
#include "store/store_machine.h"

enum { SHOWN_MAX = 200 };

/* What m's client said that it allows; false when it said nothing. */
static bool
read_list(struct req *r, int64_t machine, struct allow *a)
{
	char text[MACHINE_ALLOW_MAX + 1];
	struct err ignored;

	a->count = 0;
	return store_machine_allow(r->store, machine, text, &ignored) == 1 &&
	    *text != '\0' && allow_add(a, text, &ignored) == 0;
}

const char *
refusal_target(struct req *r, const char *host, uint16_t port)
{
	char target[ADDR_HOST_MAX + 16];

	addr_join(target, sizeof(target), host, port);
	return req_copy(r, target, strlen(target));
}

const char *
refusal_by(struct req *r, int64_t machine, const char *host, uint16_t port)
{
	char shown[SHOWN_MAX];
	struct allow *a = req_alloc(r, sizeof(*a));
	struct machine m;
	struct err ignored;

	if (a == NULL || !read_list(r, machine, a) ||
	    allow_has(a, host, port) ||
	    store_machine_by_id(
		r->store, STORE_ANYBODY, machine, &m, &ignored) != 1)
		return NULL;
	return req_text(r,
	    "%s allows only %s. To serve %s there, download a new file for it, "
	    "or run the new command, once this is saved.",
	    m.computer[0] != '\0' ? m.computer : m.name,
	    allow_text(a, shown, sizeof(shown)), refusal_target(r, host, port));
}

const char *
refusal_of(struct req *r, int64_t tunnel, const char *host, uint16_t port)
{
	const char *says = NULL;
	struct err ignored;
	int64_t *ids;
	size_t n;

	if (store_machine_of_tunnel(r->store, tunnel, &ids, &n, &ignored) == -1)
		return NULL;
	for (size_t i = 0; i < n && says == NULL; i++)
		says = refusal_by(r, ids[i], host, port);
	free(ids);
	return says;
}
