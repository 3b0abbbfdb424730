#include "ways.h"

static void
add(struct ways *w, const struct door *d, const struct proxy_conf *p)
{
	struct way *way = &w->list[w->count++];

	*way = (struct way){ d, p, p != NULL && p->use == PROXY_SYSTEM };
}

void
ways_of(struct ways *w, const struct client_conf *conf)
{
	const struct proxy_conf *p = &conf->proxy;
	const struct door *d;

	w->count = 0;
	for (d = conf->doors; d < conf->doors + conf->door_count; d++) {
		if (p->use != PROXY_NEVER && door_is_ws(d))
			add(w, d, p);
		if (p->use != PROXY_GIVEN)
			add(w, d, NULL);
		if (p->use != PROXY_NEVER && !door_is_ws(d))
			add(w, d, p);
	}
}
