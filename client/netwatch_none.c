#include "netwatch.h"

#if !defined(__linux__) && !defined(_WIN32)

#include <stddef.h>

#include "base/err.h"

struct netwatch *
netwatch_new(struct loop *l, netwatch_fn *fn, void *arg, struct err *e)
{
	(void)l;
	(void)fn;
	(void)arg;
	err_set(e, "this system does not tell of changes of its network");
	return NULL;
}

void
netwatch_free(struct netwatch **w)
{
	*w = NULL;
}

#endif
