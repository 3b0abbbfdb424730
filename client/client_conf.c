#include "client_conf.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "plat/plat.h"

/* What --pin and --ca have said last; a door keeps what holds for it. */
struct trust {
	const char *ca;
	struct tls_pin pins[TLS_PINS_MAX];
	size_t pin_count;
};

struct reading {
	struct client_conf *c;
	struct trust trust;
	size_t untrusted; /* first door that no trust was given for yet */
};

static void
set_trust(struct door *d, const struct trust *t)
{
	d->ca = t->ca;
	memcpy(d->pins, t->pins, sizeof(d->pins));
	d->pin_count = t->pin_count;
}

static bool
is_trust(const struct trust *t)
{
	return t->ca != NULL || t->pin_count > 0;
}

static void
apply_trust(struct reading *r)
{
	for (; r->untrusted < r->c->door_count; r->untrusted++)
		set_trust(&r->c->doors[r->untrusted], &r->trust);
}

/*
 * Trust holds for the door before it, and for those that follow until other
 * trust is given.
 */
static int
give_trust(struct reading *r, const struct trust *t, struct err *e)
{
	if (is_trust(&r->trust) && r->untrusted == r->c->door_count)
		return err_set(e,
		    "--pin or --ca is given twice for one --server: give one"
		    " of them, several pins as sha256:HEX,sha256:HEX");
	r->trust = *t;
	apply_trust(r);
	return 0;
}

static int
on_server(struct reading *r, const char *value, struct err *e)
{
	struct client_conf *c = r->c;
	struct door *d = &c->doors[c->door_count];

	if (c->door_count == CONF_DOORS_MAX)
		return err_set(
		    e, "--server: more than %d are given", CONF_DOORS_MAX);
	if (door_parse(d, value, e) != 0)
		return err_prefix(e, "--server %.100s", value);
	if (is_trust(&r->trust))
		apply_trust(r); /* for those before this one */
	c->door_count++;
	return 0;
}

static int
on_pin(struct reading *r, const char *value, struct err *e)
{
	struct trust t = { 0 };
	char one[TLS_PIN_TEXT + 8];
	size_t len;

	for (;; value += len + 1) {
		len = strcspn(value, ",");
		if (t.pin_count == TLS_PINS_MAX)
			return err_set(
			    e, "--pin: more than %d pins", TLS_PINS_MAX);
		if (len >= sizeof(one))
			return err_set(e,
			    "--pin %.80s: a pin is sha256: and 64 hex digits",
			    value);
		memcpy(one, value, len);
		one[len] = '\0';
		if (tls_pin_parse(&t.pins[t.pin_count++], one, e) != 0)
			return err_prefix(e, "--pin");
		if (value[len] == '\0')
			return give_trust(r, &t, e);
	}
}

static int
on_ca(struct reading *r, const char *value, struct err *e)
{
	if (value[0] == '\0')
		return err_set(e, "--ca: give a PEM file, or: system");
	return give_trust(r, &(struct trust){ .ca = value }, e);
}

static int
on_allow(struct reading *r, const char *value, struct err *e)
{
	if (allow_add(&r->c->allow, value, e) != 0)
		return err_prefix(e, "--allow");
	return 0;
}

static int
on_token_file(struct reading *r, const char *value, struct err *e)
{
	(void)e;
	r->c->token_file = value;
	return 0;
}

static int
on_proxy(struct reading *r, const char *value, struct err *e)
{
	return proxy_conf_set(&r->c->proxy, "--proxy", value, e);
}

static int
on_proxy_file(struct reading *r, const char *value, struct err *e)
{
	return proxy_conf_set(&r->c->proxy, "--proxy-file", value, e);
}

static int
on_no_proxy(struct reading *r, const char *value, struct err *e)
{
	return proxy_conf_set(&r->c->proxy, "--no-proxy", value, e);
}

static int
on_plain(struct reading *r, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	r->c->plain = true;
	return 0;
}

static int
on_no_color(struct reading *r, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	r->c->no_color = true;
	return 0;
}

static int
on_verbose(struct reading *r, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	r->c->verbose = true;
	return 0;
}

struct option {
	const char *name;
	bool has_value;
	int (*set)(struct reading *r, const char *value, struct err *e);
};

static const struct option options[] = {
	{ "--server", true, on_server },
	{ "--pin", true, on_pin },
	{ "--ca", true, on_ca },
	{ "--allow", true, on_allow },
	{ "--token-file", true, on_token_file },
	{ "--proxy", true, on_proxy },
	{ "--proxy-file", true, on_proxy_file },
	{ "--no-proxy", false, on_no_proxy },
	{ "--plain", false, on_plain },
	{ "--no-color", false, on_no_color },
	{ "--verbose", false, on_verbose },
};

/* The option that word names, and where its value begins ("--server=..."). */
static const struct option *
find_option(const char *word, const char **value_out)
{
	size_t i, len;

	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		len = strlen(options[i].name);
		if (strncmp(word, options[i].name, len) != 0 ||
		    (word[len] != '\0' && word[len] != '='))
			continue;
		*value_out = word[len] == '=' ? word + len + 1 : NULL;
		return &options[i];
	}
	return NULL;
}

static int
read_options(struct reading *r, int argc, char *const *argv, struct err *e)
{
	const struct option *o;
	const char *value;
	int i;

	for (i = 0; i < argc; i++) {
		if ((o = find_option(argv[i], &value)) == NULL) {
			err_set(e, "%.100s is not an option here", argv[i]);
			return EXIT_USAGE;
		}
		if (value != NULL && !o->has_value) {
			err_set(e, "%s takes no value", o->name);
			return EXIT_USAGE;
		}
		if (o->has_value && value == NULL && ++i == argc) {
			err_set(e, "%s needs a value", o->name);
			return EXIT_USAGE;
		}
		if (o->has_value && value == NULL)
			value = argv[i];
		if (o->set(r, value, e) != 0)
			return EXIT_SETTINGS;
	}
	return 0;
}

/* What must be there, and the contexts of trust. */
static int
check(struct client_conf *c, struct err *e)
{
	struct door *d;

	if (c->door_count == 0) {
		err_set(e, "--server HOST:PORT is missing");
		return EXIT_USAGE;
	}
	if (c->allow.count == 0) {
		err_set(e,
		    "--allow HOST:PORT is missing: it names what the"
		    " relay may reach on this side");
		return EXIT_USAGE;
	}
	for (d = c->doors; d < c->doors + c->door_count; d++) {
		if (d->ca == NULL && d->pin_count == 0) {
			err_set(e,
			    "how %s proves itself is missing: give"
			    " --pin sha256:HEX, or --ca FILE or"
			    " --ca system",
			    d->text);
			return EXIT_USAGE;
		}
		if (door_trust(d, e) != 0) {
			err_prefix(e, "--ca %s", d->ca == NULL ? "" : d->ca);
			return EXIT_SETTINGS;
		}
	}
	return 0;
}

int
client_conf_read(
    struct client_conf *c_out, int argc, char *const *argv, struct err *e)
{
	struct reading *r;
	int rc;

	*c_out = (struct client_conf){ 0 };
	if ((r = calloc(1, sizeof(*r))) == NULL) {
		err_sys(e, "settings");
		return EXIT_UNEXPECTED;
	}
	r->c = c_out;
	rc = read_options(r, argc, argv, e);
	apply_trust(r);
	free(r);
	if (rc == 0)
		rc = check(c_out, e);
	if (rc == 0 && proxy_conf_settle(&c_out->proxy, e) != 0)
		rc = EXIT_SETTINGS;
	if (rc != 0)
		client_conf_close(c_out);
	return rc;
}

int
client_conf_proxy(struct client_conf *c, const char *value, struct err *e)
{
	return proxy_conf_line(&c->proxy, value, e) == 0 ? 0 : EXIT_SETTINGS;
}

int
client_conf_token_text(uint8_t token_out[32], const char *text, struct err *e)
{
	char hex[65];
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, " \t\r\n");
	if (len != 64 || text[len + strspn(text + len, " \t\r\n")] != '\0')
		return err_set(e, "a token is 64 hex digits, this is none");
	memcpy(hex, text, 64);
	hex[64] = '\0';
	if (!str_unhex(token_out, 32, hex))
		err_set(e, "a token is 64 hex digits, this has others");
	else
		len = 0;
	str_wipe(hex, sizeof(hex));
	return len == 0 ? 0 : -1;
}

/* Reads the token's text into to (PLAT_SECRET_MAX bytes); says whence. */
static int
token_text(
    const struct client_conf *c, char *to, const char **whence, struct err *e)
{
	const char *env = getenv("ADIT_TOKEN");
	size_t len;
	bool fits = true;

	if (env != NULL && env[0] != '\0' && c->token_file == NULL) {
		fits = str_copy(to, PLAT_SECRET_MAX, env);
		*whence = "ADIT_TOKEN";
	}
	plat_wipe_env("ADIT_TOKEN");
	if (!fits)
		return err_set(e, "far too long");
	if (*whence != NULL)
		return 0;
	if (c->token_file != NULL) {
		*whence = "--token-file";
		return plat_read_secret_file(
		    c->token_file, to, PLAT_SECRET_MAX, &len, e);
	}
	*whence = "the token on standard input";
	return plat_read_secret(
	    0, "The machine's token: ", to, PLAT_SECRET_MAX, e);
}

int
client_conf_token(struct client_conf *c, struct err *e)
{
	const char *whence = NULL;
	char *text;
	int rc;

	if ((text = malloc(PLAT_SECRET_MAX)) == NULL) {
		err_sys(e, "token");
		return EXIT_UNEXPECTED;
	}
	if ((rc = token_text(c, text, &whence, e)) == 0)
		rc = client_conf_token_text(c->token, text, e);
	str_wipe(text, PLAT_SECRET_MAX);
	free(text);
	if (rc != 0) {
		err_prefix(e, "%s", whence);
		return EXIT_SETTINGS;
	}
	c->has_token = true;
	return 0;
}

void
client_conf_close(struct client_conf *c)
{
	size_t i;

	for (i = 0; i < c->door_count; i++)
		tls_ctx_unref(&c->doors[i].ctx);
	proxy_conf_close(&c->proxy);
	str_wipe(c->token, sizeof(c->token));
	c->has_token = false;
	c->door_count = 0;
}
