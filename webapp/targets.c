#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "status.h"
#include "store/store.h"
#include "store/store_machine.h"

static bool
has(const struct targets *a, const char *target)
{
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], target) == 0)
			return true;
	return false;
}

int
targets_load(struct req *r, int64_t machine, struct targets *a, struct err *e)
{
	const char *target;
	struct tunnel t;
	int64_t *ids;
	size_t n, i;
	int rc = 0;

	a->n = 0;
	if (store_machine_tunnels(r->store, machine, &ids, &n, e) == -1)
		return -1;
	if ((a->at = req_alloc(r, (n + 1) * sizeof(a->at[0]))) == NULL) {
		free(ids);
		return err_set(e, "no memory for %zu addresses", n);
	}
	for (i = 0; i < n && rc != -1; i++) {
		rc = store_tunnel_by_id(r->store, STORE_ANYBODY, ids[i], &t, e);
		if (rc != 1)
			continue;
		target = status_target(r, &t);
		if (!has(a, target))
			a->at[a->n++] = target;
	}
	free(ids);
	return rc == -1 ? -1 : 0;
}

const char *
targets_text(struct req *r, const struct targets *a)
{
	const char *all = "";

	for (size_t i = 0; i < a->n; i++)
		all = req_text(r, "%s%s%s", all, i > 0 ? "," : "", a->at[i]);
	return all;
}
