#include "proxy_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "plat/plat.h"

static const struct option {
	const char *name;
	bool has_value;
} options[] = {
	{ "--proxy", true },
	{ "--proxy-file", true },
	{ "--no-proxy", false },
};

bool
proxy_conf_knows(const char *word, bool *has_value_out)
{
	size_t i;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(word, options[i].name) != 0)
			continue;
		*has_value_out = options[i].has_value;
		return true;
	}
	return false;
}

/* A URL or "none", from where a secret may stand. */
static int
take(struct proxy_conf *c, const char *value, const char *whence, struct err *e)
{
	c->whence = whence;
	if (strcmp(value, "none") == 0) {
		c->use = PROXY_NEVER;
		return 0;
	}
	if (proxy_parse(&c->proxy, value, e) != 0)
		return err_prefix(e, "%s", whence);
	c->use = PROXY_GIVEN;
	c->has_proxy = true;
	return 0;
}

int
proxy_conf_set(
    struct proxy_conf *c, const char *name, const char *value, struct err *e)
{
	if (c->file != NULL || c->use != PROXY_SYSTEM)
		return err_set(e,
		    "give one of --proxy, --proxy-file and --no-proxy, once");
	if (strcmp(name, "--no-proxy") == 0)
		return take(c, "none", "--no-proxy", e);
	if (strcmp(name, "--proxy-file") == 0) {
		c->file = value;
		return 0;
	}
	if (strchr(value, '@') != NULL)
		return err_set(e,
		    "--proxy: everybody on this computer can read a password"
		    " there: put the URL into the environment variable"
		    " ADIT_PROXY, or into a file for --proxy-file");
	return take(c, value, "--proxy", e);
}

int
proxy_conf_line(struct proxy_conf *c, const char *value, struct err *e)
{
	str_wipe(&c->proxy, sizeof(c->proxy));
	c->has_proxy = false;
	c->trouble.text[0] = '\0';
	return take(c, value, "proxy", e);
}

/* The file's one line. */
static int
read_file(struct proxy_conf *c, struct err *e)
{
	char *text = malloc(PLAT_SECRET_MAX);
	size_t n;
	int rc;

	if (text == NULL)
		return err_sys(e, "--proxy-file");
	rc = plat_read_secret_file(c->file, text, PLAT_SECRET_MAX, &n, e);
	if (rc == 0) {
		text[strcspn(text, "\r\n")] = '\0';
		rc = take(c, text, "--proxy-file", e);
	} else {
		err_prefix(e, "--proxy-file");
	}
	str_wipe(text, PLAT_SECRET_MAX);
	free(text);
	return rc;
}

/* The variable's value for free(); NULL also when it is empty. */
static char *
value_of(const char *name)
{
	char *value = plat_env(name);

	if (value != NULL && value[0] == '\0') {
		free(value);
		return NULL;
	}
	return value;
}

static void
drop(char *value)
{
	if (value != NULL)
		str_wipe(value, strlen(value));
	free(value);
}

static const char *const shared[] = { "https_proxy", "HTTPS_PROXY", "all_proxy",
	"ALL_PROXY" };
enum { SHARED = sizeof(shared) / sizeof(shared[0]) };

/* What all programs are told; one that cannot be used is not an error. */
static void
read_shared(struct proxy_conf *c)
{
	char *value;
	size_t i;

	for (i = 0; i < SHARED && c->whence == NULL; i++) {
		if ((value = value_of(shared[i])) == NULL)
			continue;
		c->whence = shared[i];
		c->has_proxy = proxy_parse(&c->proxy, value, &c->trouble) == 0;
		if (!c->has_proxy)
			err_prefix(&c->trouble, "%s is not used", shared[i]);
		drop(value);
	}
	if ((c->spared = value_of("no_proxy")) == NULL)
		c->spared = value_of("NO_PROXY");
}

/* Those that hold a password. */
static void
wipe_shared(void)
{
	char *value;
	size_t i;

	for (i = 0; i < SHARED; i++) {
		value = plat_env(shared[i]);
		if (value != NULL && strchr(value, '@') != NULL)
			plat_wipe_env(shared[i]);
		drop(value);
	}
}

int
proxy_conf_settle(struct proxy_conf *c, struct err *e)
{
	char *own = value_of("ADIT_PROXY");
	int rc = 0;

	plat_wipe_env("ADIT_PROXY");
	if (c->file != NULL)
		rc = read_file(c, e);
	else if (c->use == PROXY_SYSTEM && own != NULL)
		rc = take(c, own, "ADIT_PROXY", e);
	if (rc == 0 && c->use == PROXY_SYSTEM)
		read_shared(c);
	wipe_shared();
	drop(own);
	return rc;
}

void
proxy_conf_close(struct proxy_conf *c)
{
	str_wipe(&c->proxy, sizeof(c->proxy));
	c->has_proxy = false;
	free(c->spared);
	c->spared = NULL;
}

int
proxy_conf_know(const struct proxy_conf *c, const char *host, uint16_t port,
    struct proxies *out)
{
	out->count = 0;
	if (c->use == PROXY_NEVER)
		return 0;
	if (c->use == PROXY_SYSTEM &&
	    (proxy_is_here(host) ||
		(c->spared != NULL && proxy_spares(c->spared, host, port))))
		return 0;
	if (!c->has_proxy)
		return c->whence == NULL ? -1 : 0;
	out->list[out->count++] = c->proxy;
	return 1;
}
