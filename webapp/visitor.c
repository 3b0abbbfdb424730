#include "visitor.h"

#include <jansson.h>
#include <string.h>

#include "app.h"
#include "ask.h"
#include "base/clock.h"
#include "owner.h"
#include "page.h"
#include "pages.h"
#include "tpl.h"
#include "words.h"

enum {
	ANSWER_MS = 500, /* a worker is asked, too */
	KICK_MS = 2000,  /* what may have been done is waited for */
	ANSWER_MAX = 1 << 20,
	SHOWN = 50, /* on the page */
};

/* --- asking ------------------------------------------------------------------- */

static const char *
text(struct req *r, const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s != NULL ? req_copy(r, s, strlen(s)) : "";
}

static int64_t
number(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

static void
read_all(struct req *r, const json_t *answer, struct visitor_list *out)
{
	const json_t *list = json_object_get(answer, "visitors"), *v;
	size_t i;

	out->total = number(answer, "total");
	out->at =
	    req_alloc(r, (json_array_size(list) + 1) * sizeof(out->at[0]));
	if (out->at == NULL)
		return;
	json_array_foreach(list, i, v) out->at[out->n++] = (struct visitor){
		.number = number(v, "number"),
		.protocol = text(r, v, "protocol"),
		.address = text(r, v, "address"),
		.since = number(v, "since"),
		.bytes_in = number(v, "bytes_in"),
		.bytes_out = number(v, "bytes_out"),
	};
}

void
visitor_ask(struct req *r, int64_t tunnel, struct visitor_list *out)
{
	const char *target =
	    req_text(r, "/visitors?tunnel=%lld", (long long)tunnel);
	json_t *v = NULL;
	struct buf body;

	memset(out, 0, sizeof(*out));
	buf_init(&body, ANSWER_MAX);
	if (ask(r->app->conf.relay.control, "GET", target,
		clock_ms() + ANSWER_MS, &body, NULL) == 200)
		v = json_loadb((const char *)buf_data(&body), buf_len(&body),
		    JSON_REJECT_DUPLICATES, NULL);
	buf_free(&body);
	out->answers = v != NULL;
	read_all(r, v, out);
	json_decref(v);
}

int
visitor_kick(struct req *r, int64_t tunnel, int64_t visitor)
{
	const char *target = req_text(r, "/kick?tunnel=%lld&visitor=%lld",
	    (long long)tunnel, (long long)visitor);
	struct buf body;
	int status;

	buf_init(&body, ANSWER_MAX);
	status = ask(r->app->conf.relay.control, "POST", target,
	    clock_ms() + KICK_MS, &body, NULL);
	buf_free(&body);
	return status == 200 ? 1 : status == 404 ? 0 : -1;
}

/* --- the page ------------------------------------------------------------------ */

static void
show_one(struct req *r, struct tpl *table, const struct visitor *v)
{
	struct tpl *row = tpl_row(table, "VISITOR");

	tpl_int(row, "VISITOR_ID", v->number);
	tpl_set(row, "FROM", v->address);
	tpl_set(row, "BY", strcmp(v->protocol, "udp") == 0 ? "UDP" : "TCP");
	tpl_set(row, "SINCE", words_when(r, v->since));
	tpl_set(row, "SINCE_AT", words_datetime(r, v->since));
	tpl_set(row, "SENT", words_bytes(r, (uint64_t)v->bytes_in));
	tpl_set(row, "GOT", words_bytes(r, (uint64_t)v->bytes_out));
}

void
visitor_show(struct req *r, struct tpl *t, const struct tunnel *tun)
{
	struct visitor_list all;
	struct tpl *table;
	size_t n;

	visitor_ask(r, tun->id, &all);
	if (!all.answers || all.n == 0) {
		tpl_show(t, all.answers ? "VISITORS_NONE" : "VISITORS_AWAY");
		return;
	}
	n = all.n < SHOWN ? all.n : SHOWN;
	table = tpl_row(t, "VISITORS");
	for (size_t i = 0; i < n; i++)
		show_one(r, table, &all.at[i]);
	if (all.total > (int64_t)n)
		tpl_set(tpl_row(table, "VISITORS_MORE"), "MORE",
		    words_count(
			r, all.total - (int64_t)n, "more is", "more are"));
}

void
tunnel_kick(struct req *r)
{
	struct tunnel t;
	int rc;

	if (!owner_tunnel(r, &t))
		return;
	rc = visitor_kick(r, t.id, r->id[1]);
	if (rc == 1)
		page_note(r, t.user, "visitor kick",
		    "tunnel %lld \"%s\", visitor %lld", (long long)t.id, t.name,
		    (long long)r->id[1]);
	req_go(r, "/tunnels/%lld?said=%s", (long long)t.id,
	    rc == 1       ? "kicked"
		: rc == 0 ? "left"
			  : "away");
}
