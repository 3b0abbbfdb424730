#include "door.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum { HTTPS_PORT = 443 };

/* "/PATH": what may stand in a request's first line. */
static int
read_path(struct door *d, const char *path, struct err *e)
{
	const char *p;

	if (path[0] == '\0' || strcmp(path, "/") == 0)
		path = "/link";
	for (p = path; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("\"#<>?\\^`{|}", *p))
			return err_set(e,
			    "the path of \"%.80s\" may hold"
			    " letters, digits and -._~/%% only",
			    d->text);
	if (!str_copy(d->path, sizeof(d->path), path))
		return err_set(e, "a path of %zu bytes", strlen(path));
	return 0;
}

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT, n bytes of them. */
static int
read_authority(struct door *d, const char *text, size_t n, struct err *e)
{
	char whole[DOOR_AUTHORITY + 8];
	const char *last;

	if (n >= DOOR_AUTHORITY)
		return err_set(e, "a host of %zu bytes", n);
	memcpy(whole, text, n);
	whole[n] = '\0';
	last = strrchr(whole, ']');
	if (strchr(last != NULL ? last : whole, ':') == NULL)
		snprintf(whole + n, sizeof(whole) - n, ":%d", HTTPS_PORT);
	if (addr_split(whole, d->host, &d->port, e) != 0)
		return -1;
	(void)addr_join(d->authority, sizeof(d->authority), d->host, d->port);
	if (d->port == HTTPS_PORT)
		*strrchr(d->authority, ':') = '\0';
	return 0;
}

static int
parse_ws(struct door *d, const char *text, struct err *e)
{
	size_t n = strcspn(text, "/");

	if (read_authority(d, text, n, e) != 0 ||
	    read_path(d, text + n, e) != 0)
		return -1;
	snprintf(d->text, sizeof(d->text), "wss://%s%s", d->authority, d->path);
	return 0;
}

int
door_parse(struct door *d, const char *text, struct err *e)
{
	d->path[0] = d->authority[0] = '\0';
	if (strncmp(text, "wss://", 6) == 0) {
		(void)str_copy(d->text, sizeof(d->text), text);
		return parse_ws(d, text + 6, e);
	}
	if (strstr(text, "://") != NULL)
		return err_set(e, "give HOST:PORT, or wss://HOST/link");
	if (addr_split(text, d->host, &d->port, e) != 0)
		return -1;
	(void)addr_join(d->text, sizeof(d->text), d->host, d->port);
	return 0;
}

int
door_trust(struct door *d, struct err *e)
{
	struct tls_trust t = {
		.ca = d->ca, .pins = d->pins, .pin_count = d->pin_count
	};

	if (door_is_ws(d)) {
		/* a web server: the relay itself is asked for TLS 1.3 */
		t.alpn = TLS_ALPN_HTTP;
		t.allow_tls12 = true;
	}
	d->ctx = tls_ctx_client(&t, e);
	return d->ctx == NULL ? -1 : 0;
}
