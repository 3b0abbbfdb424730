/*
 * A request as a web server hands it over: its variables and body come from
 * the input, a line each, the body behind an empty one.
 */
#include "../../webapp/req.c"

#include "must.h"

void
tpl_free(struct tpl **t)
{
	*t = NULL;
}

struct input {
	const char *at[8]; /* each line ends with NUL */
	const char *body;
	size_t body_len;
};

static const char *const names[8] = { "REQUEST_METHOD", "REQUEST_URI",
	"QUERY_STRING", "HTTP_HOST", "HTTP_COOKIE", "HTTP_ORIGIN",
	"CONTENT_LENGTH", "HTTP_SEC_FETCH_SITE" };

static const char *
from_input(void *arg, const char *name)
{
	struct input *in = arg;

	if (strcmp(name, "CONTENT_TYPE") == 0)
		return "application/x-www-form-urlencoded";
	for (int i = 0; i < 8; i++)
		if (strcmp(name, names[i]) == 0)
			return in->at[i];
	return NULL;
}

static long
read_input(void *arg, void *p, size_t n)
{
	struct input *in = arg;

	n = n < in->body_len ? n : in->body_len;
	memcpy(p, in->body, n);
	in->body += n;
	in->body_len -= n;
	return (long)n;
}

static int
write_nowhere(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 0;
}

static void
try_request(struct input *in)
{
	static struct app app = { .base = "/adit", .host = "a.example:8443" };
	const struct req_way way = { from_input, read_input, write_nowhere,
		in };
	struct req r;

	if (req_init(&r, &app, NULL, &way) == 0 && req_read_form(&r) == 0) {
		for (size_t i = 0; i < r.form.n; i++) {
			MUST(str_is_utf8(
			    r.form.at[i].value, strlen(r.form.at[i].value)));
			MUST(!req_has(&r.query, r.form.at[i].name));
		}
		req_token_is_good(&r);
	}
	MUST(*r.path == '\0' || *r.path == '/');
	req_is_ours(&r);
	req_is_host(&r);
	req_line(&r, "X-Test", "%s", req_query(&r, "q"));
	MUST(buf_len(&r.head) == 0 ||
	    buf_data(&r.head)[buf_len(&r.head) - 1] == '\n');
	req_send(&r);
	req_free(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct input in = { .body = "" };
	char *text = malloc(n + 1), *p = text;
	int i;

	if (text == NULL)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	for (i = 0; i < 8 && p != NULL && *p != '\0'; i++)
		in.at[i] = strsep(&p, "\n");
	if (p != NULL) {
		in.body = p;
		in.body_len = n - (size_t)(p - text);
	}
	try_request(&in);
	free(text);
	return 0;
}
