#include "pack.h"

#include <string.h>

#include <pack_data.h>

const struct pack *
pack_at(size_t i)
{
	return i < sizeof(packs) / sizeof(packs[0]) ? &packs[i] : NULL;
}

const struct pack *
pack_find(const char *name)
{
	const struct pack *p;

	for (size_t i = 0; (p = pack_at(i)) != NULL; i++)
		if (strcmp(p->name, name) == 0)
			return p;
	return NULL;
}
