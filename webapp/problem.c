#include "problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void
problem(struct req *r, unsigned status, const char *field, const char *detail)
{
	json_t *v = json_pack("{s:s, s:s, s:i, s:s, s:s*}", "type",
	    "about:blank", "title", req_reason(status), "status", (int)status,
	    "detail", detail, "field", field);
	char *text = v != NULL ? json_dumps(v, JSON_COMPACT) : NULL;

	if (status == 503)
		req_line(r, "Retry-After", "5");
	r->status = status;
	r->type = "application/problem+json";
	buf_drop(&r->out, buf_len(&r->out));
	if (text != NULL)
		req_write(r, text, strlen(text));
	else
		r->no_memory = true;
	free(text);
	json_decref(v);
}
