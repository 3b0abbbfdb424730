#include "fleet.h"

#include <stdlib.h>
#include <string.h>

enum { MACHINES_MAX = 1000 };

int
fleet_load(struct req *r, int64_t user, struct fleet *f, struct err *e)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	if (store_machine_list(
		r->store, user, 0, MACHINES_MAX, &f->at, &f->n, e) == -1)
		return -1;
	f->tunnels = calloc(f->n + 1, sizeof(f->tunnels[0]));
	f->tunnel_n = calloc(f->n + 1, sizeof(f->tunnel_n[0]));
	if (f->tunnels == NULL || f->tunnel_n == NULL)
		return err_sys(e, "machines");
	for (i = 0; i < f->n; i++)
		if (store_machine_tunnels(r->store, f->at[i].id, &f->tunnels[i],
			&f->tunnel_n[i], e) == -1)
			return -1;
	return 0;
}

void
fleet_free(struct fleet *f)
{
	for (size_t i = 0; f->tunnels != NULL && i < f->n; i++)
		free(f->tunnels[i]);
	free(f->tunnels);
	free(f->tunnel_n);
	free(f->at);
	memset(f, 0, sizeof(*f));
}

bool
fleet_serves(const struct fleet *f, size_t machine, int64_t tunnel)
{
	for (size_t i = 0; i < f->tunnel_n[machine]; i++)
		if (f->tunnels[machine][i] == tunnel)
			return true;
	return false;
}

const struct machine *
fleet_of(const struct fleet *f, int64_t tunnel)
{
	for (size_t i = 0; i < f->n; i++)
		if (fleet_serves(f, i, tunnel))
			return &f->at[i];
	return NULL;
}
