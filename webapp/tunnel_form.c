#include "tunnel_form.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "app.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/* --- days ------------------------------------------------------------------- */

int
tunnel_form_date(const char *text, int64_t *at_out)
{
	struct tm t = { .tm_isdst = -1 }, back;
	uint64_t year, month, day;
	char word[11];
	time_t at;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return -1;
	str_copy(word, sizeof(word), text);
	word[4] = word[7] = '\0';
	if (!str_number(word, 2000, 9999, &year) ||
	    !str_number(word + 5, 1, 12, &month) ||
	    !str_number(word + 8, 1, 31, &day))
		return -1;
	t.tm_year = (int)year - 1900;
	t.tm_mon = (int)month - 1;
	t.tm_mday = (int)day;
	t.tm_hour = 23;
	t.tm_min = t.tm_sec = 59;
	/* the 31st of a month of 30 days is another day */
	if ((at = mktime(&t)) == (time_t)-1 ||
	    localtime_r(&at, &back) == NULL || back.tm_mday != (int)day)
		return -1;
	*at_out = (int64_t)at * 1000;
	return 0;
}

const char *
tunnel_form_day(struct req *r, int64_t at)
{
	time_t s = (time_t)(at / 1000);
	struct tm t;

	if (at == 0 || localtime_r(&s, &t) == NULL)
		return "";
	return req_text(
	    r, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday);
}

/* --- fields ----------------------------------------------------------------- */

/* A sentence of lib/store for a field. */
static void
wrong(struct req *r, struct form *f, const char *field, const struct err *e)
{
	form_wrong(f, field, page_sentence(r, e->text));
}

static void
read_name(
    struct req *r, const char *text, struct tunnel_wish *w, struct form *f)
{
	struct err e;

	if (text == NULL)
		return;
	if (check_name(text, &e) == -1)
		wrong(r, f, "name", &e);
	w->set |= TUNNEL_NAME;
	w->name = text;
}

static void
read_kind(
    struct req *r, const char *text, struct tunnel_wish *w, struct form *f)
{
	struct err e;

	if (text == NULL)
		return;
	if (check_kind(text, &w->kind, &e) == -1)
		wrong(r, f, "kind", &e);
	w->set |= TUNNEL_KIND;
}

/* A port, or a sentence that says what is wrong with it. */
static void
read_port(struct req *r, const char *text, const char *field, uint16_t *out,
    struct form *f)
{
	uint64_t n;

	if (str_number(text, 1, 65535, &n)) {
		*out = (uint16_t)n;
		return;
	}
	if (*text != '\0' && strspn(text, "0123456789") == strlen(text))
		form_wrong(f, field,
		    req_text(r,
			"A port is a number from 1 to 65535; %.12s is too %s.",
			text,
			strspn(text, "0") == strlen(text) ? "small" : "large"));
	else
		form_wrong(f, field, "A port is a number from 1 to 65535.");
}

static void
read_target(struct req *r, const struct tunnel_text *t,
    const struct tunnel *old, struct tunnel_wish *w, struct form *f)
{
	struct err e;

	if (t->local_host == NULL && t->local_port == NULL)
		return;
	w->set |= TUNNEL_TARGET;
	w->local_host = t->local_host;
	if (t->local_host == NULL || *t->local_host == '\0')
		w->local_host = old != NULL && t->local_host == NULL
		    ? old->local_host
		    : "127.0.0.1";
	if (check_host(w->local_host, &e) == -1)
		wrong(r, f, "local_host", &e);
	if (t->local_port != NULL)
		read_port(r, t->local_port, "local_port", &w->local_port, f);
	else if (old != NULL)
		w->local_port = old->local_port;
	else
		form_wrong(
		    f, "local_port", "A port is a number from 1 to 65535.");
}

static void
read_public(
    struct req *r, const char *text, struct tunnel_wish *w, struct form *f)
{
	const struct tunnel_ports *p = &r->app->ports;
	size_t before = f->n;

	if (text == NULL || *text == '\0')
		return;
	w->set |= TUNNEL_PORT;
	read_port(r, text, "public_port", &w->public_port, f);
	if (f->n == before &&
	    (w->public_port < p->from || w->public_port > p->to))
		form_wrong(f, "public_port",
		    req_text(r,
			"Choose %u to %u, or leave it empty for a free one.",
			p->from, p->to));
}

static void
read_proxy(
    struct req *r, const char *text, struct tunnel_wish *w, struct form *f)
{
	struct err e;

	if (text == NULL)
		return;
	if (check_proxy(text, &w->proxy, &e) == -1)
		wrong(r, f, "proxy_protocol", &e);
	w->set |= TUNNEL_PROXY;
}

static void
read_list(struct req *r, const char *text, const char *field, unsigned bit,
    const char **out, struct tunnel_wish *w, struct form *f)
{
	char form[CHECK_CIDRS_MAX + 1];
	struct err e;

	if (text == NULL)
		return;
	if (check_cidrs(field, text, form, &e) == -1)
		wrong(r, f, field, &e);
	w->set |= bit;
	*out = text;
}

static void
read_number(struct req *r, const char *text, const char *field, unsigned bit,
    uint32_t max, uint32_t *out, struct tunnel_wish *w, struct form *f)
{
	uint64_t n = 0;

	if (text == NULL)
		return;
	if (*text != '\0' && !str_number(text, 0, max, &n))
		form_wrong(f, field,
		    req_text(r,
			"Give a number up to %u, or leave it empty for no "
			"limit.",
			max));
	w->set |= bit;
	*out = (uint32_t)n;
}

static void
read_expiry(const char *text, struct tunnel_wish *w, struct form *f)
{
	if (text == NULL)
		return;
	w->set |= TUNNEL_EXPIRES;
	w->expires_at = 0;
	if (*text == '\0')
		return;
	if (tunnel_form_date(text, &w->expires_at) == -1)
		form_wrong(f, "expires", "Write the day as 2026-11-30.");
	else if (w->expires_at <= clock_wall_ms())
		form_wrong(
		    f, "expires", "That day is over; choose a later one.");
}

void
tunnel_form_read(struct req *r, const struct tunnel_text *t,
    const struct tunnel *old, struct tunnel_wish *w, struct form *f)
{
	memset(w, 0, sizeof(*w));
	read_name(r, t->name, w, f);
	read_kind(r, t->kind, w, f);
	read_target(r, t, old, w, f);
	read_public(r, t->public_port, w, f);
	read_proxy(r, t->proxy_protocol, w, f);
	read_list(r, t->allow, "allow", TUNNEL_ALLOW, &w->allow, w, f);
	read_list(r, t->deny, "deny", TUNNEL_DENY, &w->deny, w, f);
	read_number(r, t->address_rate, "address_rate", TUNNEL_RATE,
	    TUNNEL_RATE_MAX, &w->address_rate, w, f);
	read_number(r, t->visitors_max, "visitors_max", TUNNEL_VISITORS,
	    TUNNEL_VISITORS_MAX, &w->visitors_max, w, f);
	read_expiry(t->expires, w, f);
}

const char *
tunnel_form_field(const char *refusal)
{
	static const struct {
		const char *begin, *field;
	} table[] = {
		{ "port", "public_port" },
		{ "public", "public_port" },
		{ "name", "name" },
		{ "kind", "kind" },
		{ "target", "local_host" },
		{ "allow", "allow" },
		{ "deny", "deny" },
		{ "proxy", "proxy_protocol" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strncmp(refusal, table[i].begin, strlen(table[i].begin)) ==
		    0)
			return table[i].field;
	return "";
}
