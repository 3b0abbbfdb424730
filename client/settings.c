#include "settings.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "client_conf.h"
#include "plat/files.h"
#include "plat/plat.h"
#include "run.h"

enum { TEXT_MAX = 256 << 10, LINE_ROOM = 2048 };

void
settings_init(struct buf *to)
{
	buf_init(to, TEXT_MAX);
}

void
settings_wipe(struct buf *to)
{
	if (buf_len(to) > 0)
		str_wipe(buf_data(to), buf_len(to));
	buf_free(to);
}

/* Each line of text that counts, as run_parse() takes them. */
static int
take_lines(struct buf *to, char *text, struct err *e)
{
	char *line, *next;

	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		/* What was before it was never meant. */
		if (run_is_exit(line))
			buf_drop(to, buf_len(to));
		else if (strncmp(line, RUN_MARK, strlen(RUN_MARK)) == 0 &&
		    (buf_add(to, line, strlen(line), e) != 0 ||
			buf_add(to, "\n", 1, e) != 0))
			return -1;
	}
	return 0;
}

int
settings_of_file(struct buf *to, const char *path, struct err *e)
{
	char *text = malloc(TEXT_MAX);
	size_t len;
	int rc = -1;

	/* In one piece from the start: growing leaves copies of the token. */
	if (text == NULL || buf_room(to, TEXT_MAX / 2, e) == NULL)
		err_sys(e, "%s", path);
	else if (plat_read_file(path, text, TEXT_MAX, &len, e) == 0)
		rc = take_lines(to, text, e);
	if (text != NULL)
		str_wipe(text, TEXT_MAX);
	free(text);
	return rc;
}

static int put(struct buf *to, struct err *e, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static int
put(struct buf *to, struct err *e, const char *fmt, ...)
{
	char line[LINE_ROOM];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(line))
		return err_set(e, "a setting of %d bytes", n);
	n = buf_add(to, line, (size_t)n, e);
	str_wipe(line, sizeof(line));
	return n;
}

static int
put_door(struct buf *to, const struct door *d, struct err *e)
{
	char pin[TLS_PIN_TEXT], *full;
	size_t i;
	int rc;

	if (put(to, e, RUN_MARK "door=%s ", d->text) != 0)
		return -1;
	for (i = 0; i < d->pin_count; i++)
		if (put(to, e, "%s%s", i == 0 ? "pin=" : ",",
			tls_pin_text(pin, &d->pins[i])) != 0)
			return -1;
	if (d->pin_count > 0)
		return put(to, e, "\n");
	if (strcmp(d->ca, "system") == 0)
		return put(to, e, "ca=system\n");
	/* It is started elsewhere. */
	if ((full = files_full(d->ca, e)) == NULL)
		return -1;
	rc = put(to, e, "ca=%s\n", full);
	free(full);
	return rc;
}

/* The options; what the environment says stays there. */
static int
put_proxy(struct buf *to, const struct proxy_conf *c, struct err *e)
{
	static const char hex[] = "0123456789abcdef";
	char text[PROXY_TEXT], auth[3 * PROXY_AUTH_MAX + 2], *p = auth;
	const char *from;
	int rc;

	if (c->use == PROXY_NEVER)
		return put(to, e, RUN_MARK "proxy=none\n");
	if (c->use != PROXY_GIVEN)
		return 0;
	for (from = c->proxy.auth; *from != '\0'; from++) {
		if (isalnum((unsigned char)*from) || *from == ':') {
			*p++ = *from;
			continue;
		}
		*p++ = '%';
		*p++ = hex[(unsigned char)*from >> 4];
		*p++ = hex[*from & 15];
	}
	if (p > auth)
		*p++ = '@';
	*p = '\0';
	rc = put(to, e, RUN_MARK "proxy=http://%s%s\n", auth,
	    proxy_text(text, &c->proxy));
	str_wipe(auth, sizeof(auth));
	return rc;
}

int
settings_of_conf(struct buf *to, const struct client_conf *c, struct err *e)
{
	char hex[2 * sizeof(c->token) + 1];
	size_t i;
	int rc;

	if (buf_room(to, TEXT_MAX / 2, e) == NULL)
		return -1;
	for (i = 0; i < c->door_count; i++)
		if (put_door(to, &c->doors[i], e) != 0)
			return -1;
	for (i = 0; i < c->allow.count; i++)
		if (put(to, e, RUN_MARK "allow=%s\n",
			c->allow.entries[i].text) != 0)
			return -1;
	if (put_proxy(to, &c->proxy, e) != 0)
		return -1;
	str_hex(hex, c->token, sizeof(c->token));
	rc = put(to, e, RUN_MARK "token=%s\n", hex);
	str_wipe(hex, sizeof(hex));
	return rc;
}

bool
settings_differ(const struct buf *text, const char *path)
{
	struct buf there;
	bool differ;

	settings_init(&there);
	differ = settings_of_file(&there, path, NULL) == 0 &&
	    (buf_len(&there) != buf_len(text) ||
		memcmp(buf_data(&there), buf_data(text), buf_len(text)) != 0);
	settings_wipe(&there);
	return differ;
}
