/*
 * What a program sends to the API: nothing is read but what the table knows,
 * and a refusal is one of two, with a sentence.
 */
#include "../../webapp/api_json.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct api_field fields[] = {
	{ "name", API_TEXT, true, 0, 0 },
	{ "local_port", API_NUMBER, false, 1, 65535 },
	{ "frozen", API_BOOL, false, 0, 0 },
	{ "expires_at", API_TIME, false, 0, 0 },
	{ "allow", API_WORDS, false, 0, 0 },
	{ "tunnel_ids", API_IDS, false, 0, 0 },
};

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct api_wrong w = { .status = 0 };
	json_t *o;
	int64_t port;

	o = api_json_read(
	    (const char *)p, n, fields, sizeof(fields) / sizeof(fields[0]), &w);
	if (o == NULL) {
		must(w.status == 400 || w.status == 422);
		must(strlen(w.says) > 0 && strlen(w.says) < sizeof(w.says) - 1);
		must(str_is_text(w.field, strlen(w.field)));
		return 0;
	}
	must(json_object_size(o) <= sizeof(fields) / sizeof(fields[0]));
	must(api_json_has(o, "name"));
	port = api_json_number(o, "local_port");
	must(!api_json_has(o, "local_port") || (port >= 1 && port <= 65535));
	api_json_time(o, "expires_at");
	api_json_bool(o, "frozen");
	json_decref(o);
	return 0;
}
