#include "bat.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "pack.h"

enum {
	BAT_MAX = 256 << 10,
	VALUE_MAX = 1000,
	HEX = 64,
	SHORT_HEX = 12, /* of the hash, in the program's name */
};

/* What each kind of value is made of; nothing of it means a thing to cmd. */
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
static const char in_url[] = LETTERS "._:/-[]";
static const char in_address[] = LETTERS "._:/-[]";
static const char in_pins[] = LETTERS ":,";
static const char in_machine[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char in_allow[] = LETTERS "._:*%-[]";

static int
check(const char *what, const char *value, const char *of, struct err *e)
{
	size_t len = strlen(value);

	if (len == 0 || len > VALUE_MAX)
		return err_set(e, "%s of %zu bytes", what, len);
	if (value[strspn(value, of)] != '\0')
		return err_set(e,
		    "%s holds a character that cannot stand in this file",
		    what);
	return 0;
}

static int
check_hex(const char *what, const char *value, struct err *e)
{
	if (strlen(value) != HEX ||
	    strspn(value, "0123456789abcdefABCDEF") != HEX)
		return err_set(e, "%s is not %d hex digits", what, HEX);
	return 0;
}

/* All that will be written. */
static int
check_all(const struct bat *b, struct err *e)
{
	size_t i;

	if (check("the program's address", b->url, in_url, e) != 0 ||
	    check_hex("the program's checksum", b->sha256, e) != 0 ||
	    check_hex("the key", b->token, e) != 0)
		return -1;
	if (strncmp(b->url, "https://", 8) != 0 &&
	    strncmp(b->url, "http://", 7) != 0)
		return err_set(e, "the program's address is no web address");
	if (b->door_count == 0 || b->allow_count == 0)
		return err_set(e, "no way to the relay, or nothing to serve");
	for (i = 0; i < b->door_count; i++)
		if (check("the relay's address", b->doors[i].address,
			in_address, e) != 0 ||
		    (b->doors[i].pins != NULL &&
			check("a pin", b->doors[i].pins, in_pins, e) != 0))
			return -1;
	if (b->machine != NULL &&
	    check("the machine's name", b->machine, in_machine, e) != 0)
		return -1;
	for (i = 0; i < b->allow_count; i++)
		if (check("a local address", b->allow[i], in_allow, e) != 0)
			return -1;
	return 0;
}

static int
put(struct buf *to, const char *text, struct err *e)
{
	return buf_add(to, text, strlen(text), e);
}

/* Fills one blank, which p points behind the first @ of; its length. */
static int
fill(struct buf *to, const struct bat *b, const char *p, size_t *len_out,
    struct err *e)
{
	const struct {
		const char *name;
		const char *value;
		size_t n;
	} blanks[] = {
		{ "URL@", b->url, strlen(b->url) },
		{ "SHA@", b->sha256, HEX },
		{ "SHA12@", b->sha256, SHORT_HEX },
		/* The checksum decides what is started, not the server. */
		{ "CURL@", "--insecure", b->own_certificate ? 10 : 0 },
	};
	size_t i, len;

	for (i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		len = strlen(blanks[i].name);
		if (strncmp(p, blanks[i].name, len) != 0)
			continue;
		*len_out = len;
		return buf_add(to, blanks[i].value, blanks[i].n, e);
	}
	return err_set(e, "client.bat has a blank that nothing fills");
}

/* The part that cmd.exe runs. */
static int
put_code(struct buf *to, const struct bat *b, struct err *e)
{
	const struct pack *code = pack_find("webapp/client.bat");
	const char *p, *next;
	size_t len;

	if (code == NULL)
		return err_set(e, "client.bat is missing");
	for (p = (const char *)code->bytes; *p != '\0'; p = next) {
		len = strcspn(p, "@\n");
		next = p + len;
		if (buf_add(to, p, len, e) != 0)
			return -1;
		len = 1;
		if (*next == '\n' && put(to, "\r\n", e) != 0)
			return -1;
		/* "@echo off", the first word of all, is none of ours. */
		if (*next == '@' && next == (const char *)code->bytes) {
			if (put(to, "@", e) != 0)
				return -1;
		} else if (*next == '@') {
			if (fill(to, b, next + 1, &len, e) != 0)
				return -1;
			len++;
		}
		next += *next == '\0' ? 0 : len;
	}
	return 0;
}

static int
put_settings(struct buf *to, const struct bat *b, struct err *e)
{
	const struct bat_door *d;
	size_t i;
	int rc = 0;

	for (d = b->doors; rc == 0 && d < b->doors + b->door_count; d++)
		if (put(to, "#adit door=", e) != 0 ||
		    put(to, d->address, e) != 0 ||
		    put(to, d->pins != NULL ? " pin=" : " ca=", e) != 0 ||
		    put(to, d->pins != NULL ? d->pins : "system", e) != 0 ||
		    put(to, "\r\n", e) != 0)
			rc = -1;
	for (i = 0; rc == 0 && i < b->allow_count; i++)
		if (put(to, "#adit allow=", e) != 0 ||
		    put(to, b->allow[i], e) != 0 || put(to, "\r\n", e) != 0)
			rc = -1;
	if (rc == 0 && b->machine != NULL &&
	    (put(to, "#adit machine=", e) != 0 || put(to, b->machine, e) != 0 ||
		put(to, "\r\n", e) != 0))
		rc = -1;
	if (rc == 0 &&
	    (put(to, "#adit token=", e) != 0 || put(to, b->token, e) != 0 ||
		put(to, "\r\n", e) != 0))
		rc = -1;
	return rc;
}

char *
bat_make(const struct bat *b, size_t *n_out, struct err *e)
{
	struct buf text;
	char *whole = NULL;

	if (check_all(b, e) != 0)
		return NULL;
	buf_init(&text, BAT_MAX);
	/* In one piece from the start: growing leaves copies of the token. */
	if (buf_room(&text, BAT_MAX / 4, e) != NULL &&
	    put_code(&text, b, e) == 0 && put_settings(&text, b, e) == 0 &&
	    buf_add(&text, "", 1, e) == 0) {
		*n_out = buf_len(&text) - 1;
		if ((whole = malloc(*n_out + 1)) == NULL)
			err_sys(e, "the file");
		else
			memcpy(whole, buf_data(&text), *n_out + 1);
	}
	if (buf_len(&text) > 0)
		str_wipe(buf_data(&text), buf_len(&text));
	buf_free(&text);
	return whole;
}

char *
bat_file_name(char *to, size_t cap, const char *name)
{
	static const char end[] = ".bat";
	size_t n = 0;

	(void)str_copy(to, cap, "adit");
	n = strlen(to);
	for (to[n++] = '-'; *name != '\0' && n + sizeof(end) < cap; name++) {
		if (strchr(LETTERS "_", *name) != NULL)
			to[n++] = (char)tolower((unsigned char)*name);
		else if (to[n - 1] != '-')
			to[n++] = '-';
	}
	while (to[n - 1] == '-')
		n--;
	memcpy(to + n, end, sizeof(end));
	return to;
}

char *
bat_machine(char to[BAT_MACHINE_MAX], const char *name, int64_t id)
{
	enum { NAME_ROOM = BAT_MACHINE_MAX - 21 };
	size_t n = 0;
	char c;

	for (; *name != '\0' && n < NAME_ROOM; name++) {
		c = (char)tolower((unsigned char)*name);
		if (c != '-' && strchr(in_machine, c) != NULL)
			to[n++] = c;
		else if (n > 0 && to[n - 1] != '-')
			to[n++] = '-';
	}
	if (n > 0 && to[n - 1] != '-')
		to[n++] = '-';
	snprintf(to + n, BAT_MACHINE_MAX - n, "%" PRId64, id);
	return to;
}
