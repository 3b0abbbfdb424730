#include "refusal.h"

#include <stdlib.h>
#include <string.h>

#include "net/addr.h"
#include "net/allow.h"
#include "store/store.h"
#include "store/store_machine.h"

enum { SHOWN_MAX = 200 };

/* What its client said that it allows; NULL when it said nothing. */
static struct allow *
read_list(struct req *r, int64_t machine)
{
	char text[MACHINE_ALLOW_MAX + 1];
	struct err ignored;
	struct allow *a;

	if (store_machine_allow(r->store, machine, text, &ignored) != 1 ||
	    *text == '\0' || (a = calloc(1, sizeof(*a))) == NULL)
		return NULL;
	if (allow_add(a, text, &ignored) == 0)
		return a;
	free(a);
	return NULL;
}

/* The list for people, cut short. */
static const char *
shown(struct req *r, const struct allow *a)
{
	char text[SHOWN_MAX];

	allow_text(a, text, sizeof(text));
	return req_copy(r, text, strlen(text));
}

const char *
refusal_target(struct req *r, const char *host, uint16_t port)
{
	char target[ADDR_HOST_MAX + 16];

	addr_join(target, sizeof(target), host, port);
	return req_copy(r, target, strlen(target));
}

const char *
refusal_list(struct req *r, int64_t machine)
{
	struct allow *a = read_list(r, machine);
	const char *text = a != NULL ? shown(r, a) : "";

	free(a);
	return text;
}

/* The sentence of a machine that refuses. */
static const char *
sentence(
    struct req *r, int64_t machine, const struct allow *a, const char *target)
{
	struct machine m;
	struct err ignored;

	if (store_machine_by_id(
		r->store, STORE_ANYBODY, machine, &m, &ignored) != 1)
		return NULL;
	return req_text(r,
	    "%s allows only %s. To serve %s there, download a new file for it, "
	    "or run the new command, once this is saved.",
	    m.computer[0] != '\0' ? m.computer : m.name, shown(r, a), target);
}

const char *
refusal_by(struct req *r, int64_t machine, const char *host, uint16_t port)
{
	struct allow *a = read_list(r, machine);
	const char *says = NULL;

	if (a != NULL && !allow_has(a, host, port))
		says = sentence(r, machine, a, refusal_target(r, host, port));
	free(a);
	return says;
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
