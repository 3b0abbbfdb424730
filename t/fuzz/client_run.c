/*
 * The settings in a downloaded file: what is read lies in it and is text; the
 * lines that are copied when it is installed say the same.
 */
#include "../../client/proxy.c"
#include "../../client/run.c"
#include "../../client/settings.c"

#include "must.h"

/* What only whole settings get to. */
int
connect_serve(const struct client_conf *c)
{
	(void)c;
	abort();
}

bool
install_serves(const struct run_file *f, const char *path)
{
	(void)f;
	(void)path;
	abort();
}

void
state_end(const char *path, int code, const char *why)
{
	(void)path;
	(void)code;
	(void)why;
	abort();
}

int
client_conf_read(
    struct client_conf *c, int argc, char *const *argv, struct err *e)
{
	(void)c;
	(void)argc;
	(void)argv;
	(void)e;
	abort();
}

int
client_conf_proxy(struct client_conf *c, const char *value, struct err *e)
{
	(void)c;
	(void)value;
	(void)e;
	abort();
}

int
client_conf_token_text(uint8_t token_out[32], const char *text, struct err *e)
{
	(void)token_out;
	(void)text;
	(void)e;
	abort();
}

void
client_conf_close(struct client_conf *c)
{
	(void)c;
	abort();
}

/* A copy that is exactly as long, so that a byte more is noticed. */
static char *
copy_of(const void *p, size_t n)
{
	char *text = malloc(n + 1);

	if (text == NULL)
		return NULL;
	memcpy(text, p, n);
	text[n] = '\0';
	return text;
}

static void
must_be_same(const struct run_words *a, const struct run_words *b)
{
	int i;

	MUST(a->argc == b->argc);
	for (i = 0; i < a->argc; i++)
		MUST(strcmp(a->argv[i], b->argv[i]) == 0);
	MUST(strcmp(a->token, b->token) == 0);
	MUST((a->machine == NULL) == (b->machine == NULL));
	MUST(a->machine == NULL || strcmp(a->machine, b->machine) == 0);
	MUST((a->proxy == NULL) == (b->proxy == NULL));
	MUST(a->proxy == NULL || strcmp(a->proxy, b->proxy) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct run_words words, again;
	char *text = copy_of(p, n), *whole = copy_of(p, n), *copied = NULL;
	struct err e = { "" };
	struct buf lines;

	settings_init(&lines);
	if (text == NULL || whole == NULL)
		goto done;
	if (run_parse(&words, text, n, &e) != 0) {
		MUST(e.text[0] != '\0');
		goto done;
	}
	MUST(words.token != NULL && words.argc <= RUN_WORDS_MAX);
	MUST(take_lines(&lines, whole, &e) == 0 && buf_len(&lines) > 0);
	copied = copy_of(buf_data(&lines), buf_len(&lines));
	if (copied == NULL)
		goto done;
	MUST(run_parse(&again, copied, buf_len(&lines), &e) == 0);
	must_be_same(&words, &again);
done:
	settings_wipe(&lines);
	free(text);
	free(whole);
	free(copied);
	return 0;
}
