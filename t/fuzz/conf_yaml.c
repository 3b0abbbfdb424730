/* The settings file: any bytes become settings or a reason, never harm. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conf/adit_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct adit_conf c;
	struct err e = { "" };

	if (adit_conf_parse(&c, data, size, "/d/adit.yaml", &e) == 0) {
		if (c.database == NULL || c.dashboard_url == NULL ||
		    c.relay.listen.n == 0 || c.ports.from > c.ports.to)
			abort();
		adit_conf_free(&c);
	} else if (strncmp(e.text, "/d/adit.yaml:", 13) != 0 ||
	    c.database != NULL)
		abort();
	return 0;
}
