#include "live.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "ask.h"
#include "base/clock.h"
#include "live_share.h"

enum {
	ANSWER_MS = 200,
	AT_ONCE = 500, /* tunnels in one question */
	ANSWER_MAX = 4 << 20,
};

static const char *const lamp_names[LIVE_LAMPS] = { "visitor", "reach",
	"machine", "service" };
static const char *const light_names[] = { "grey", "green", "red" };

const char *
live_lamp_name(enum live_at at)
{
	return lamp_names[at];
}

const char *
live_light_name(enum live_light l)
{
	return light_names[l];
}

/* What an answer of relayd says, as JSON; NULL when it is none. */
static json_t *
ask_json(const char *path, const char *target, uint64_t until)
{
	struct buf body;
	json_t *v = NULL;

	buf_init(&body, ANSWER_MAX);
	if (ask(path, "GET", target, until, &body, NULL) == 200)
		v = json_loadb((const char *)buf_data(&body), buf_len(&body),
		    JSON_REJECT_DUPLICATES, NULL);
	buf_free(&body);
	return v;
}

/* --- reading ---------------------------------------------------------------- */

/* Lives as long as v. */
static const char *
text(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s != NULL ? s : "";
}

static int64_t
number(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

static void
read_lamp(const json_t *lamps, enum live_at at, struct live_lamp *out)
{
	const json_t *v = json_object_get(lamps, lamp_names[at]);
	const char *state = text(v, "state");

	out->light = strcmp(state, "green") == 0 ? LIVE_GREEN
	    : strcmp(state, "red") == 0          ? LIVE_RED
						 : LIVE_GREY;
	out->sentence = text(v, "sentence");
}

static void
read_tunnel(const json_t *v, struct live_tunnel *out)
{
	const json_t *m = json_object_get(v, "machine");
	const json_t *lamps = json_object_get(v, "lamps");
	int i;

	out->id = number(v, "id");
	out->serving = json_is_true(json_object_get(v, "serving"));
	for (i = 0; i < LIVE_LAMPS; i++)
		read_lamp(lamps, (enum live_at)i, &out->lamps[i]);
	out->machine = number(m, "id");
	out->machine_name = text(m, "name");
	out->computer = text(m, "computer");
	out->system = text(m, "system");
	out->address = text(m, "address");
	out->rtt_ms = json_is_integer(json_object_get(v, "rtt_ms"))
	    ? number(v, "rtt_ms")
	    : -1;
	out->visitors = number(v, "visitors");
	out->visitors_total = number(v, "visitors_total");
	out->refused = number(v, "refused");
	out->bytes_in = number(v, "bytes_in");
	out->bytes_out = number(v, "bytes_out");
	out->since = number(v, "since");
	out->last_bytes = number(v, "last_bytes");
}

/* "/live?tunnel=1,2,3" */
static char *
question(struct req *r, const int64_t *ids, size_t n)
{
	size_t cap = 32 + n * 21, len;
	char *to = req_alloc(r, cap);

	if (to == NULL)
		return NULL;
	len = (size_t)snprintf(to, cap, "/live?tunnel=");
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(to + len, cap - len, "%s%lld",
		    i > 0 ? "," : "", (long long)ids[i]);
	return to;
}

/* Asks on the socket of the relay, whose path is arg. */
static void
fill(struct live_said *said, const char *target, void *arg)
{
	json_t *list = ask_json(arg, target, clock_ms() + ANSWER_MS), *v;
	size_t i;

	if (list != NULL &&
	    (said->at = calloc(json_array_size(list) + 1, sizeof(*said->at))) ==
		NULL) {
		json_decref(list);
		return;
	}
	json_array_foreach(list, i, v) read_tunnel(v, &said->at[said->n++]);
	said->list = list;
}

/* Appends what the relay says of these; false without an answer. */
static bool
ask_some(struct req *r, const int64_t *ids, size_t n, struct live *out)
{
	char *target = question(r, ids, n);
	const struct live_said *said;

	if (target == NULL)
		return false;
	said = live_share_take(target, fill, r->app->conf.relay.feed);
	if (said == NULL || !req_at_end(r, live_share_done, (void *)said))
		return false;
	if (said->list == NULL)
		return false;
	if (n > said->n)
		n = said->n;
	memcpy(out->at + out->n, said->at, n * sizeof(out->at[0]));
	out->n += n;
	return true;
}

static int
by_id(const void *a, const void *b)
{
	const struct live_tunnel *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

void
live_ask(struct req *r, const int64_t *tunnels, size_t n, struct live *out)
{
	size_t done = 0, some;

	memset(out, 0, sizeof(*out));
	out->at = req_alloc(r, (n + 1) * sizeof(out->at[0]));
	out->answers = out->at != NULL;
	while (done < n && out->answers) {
		some = n - done < AT_ONCE ? n - done : AT_ONCE;
		out->answers = ask_some(r, tunnels + done, some, out);
		done += some;
	}
	if (out->at != NULL && out->n > 1)
		qsort(out->at, out->n, sizeof(out->at[0]), by_id);
}

const struct live_tunnel *
live_find(const struct live *l, int64_t tunnel)
{
	const struct live_tunnel key = { .id = tunnel };

	return l->n == 0 ? NULL
			 : bsearch(&key, l->at, l->n, sizeof(key), by_id);
}

/* --- the whole relay --------------------------------------------------------- */

const char *
live_trouble(struct req *r)
{
	const char *says = "The relay is not running.";
	struct buf body;
	int status;

	buf_init(&body, ANSWER_MAX);
	status = ask(r->app->conf.relay.feed, "GET", "/readyz",
	    clock_ms() + ANSWER_MS, &body, NULL);
	if (status == 200)
		says = "";
	else if (status == 503 && buf_len(&body) > 0)
		says =
		    req_copy(r, (const char *)buf_data(&body), buf_len(&body));
	buf_free(&body);
	return says;
}

bool
live_test(struct req *r, int64_t tunnel)
{
	char *target = req_text(r, "/test?tunnel=%lld", (long long)tunnel);
	struct buf body;
	int status;

	buf_init(&body, ANSWER_MAX);
	status = ask(r->app->conf.relay.control, "POST", target,
	    clock_ms() + ANSWER_MS, &body, NULL);
	buf_free(&body);
	live_share_forget();
	return status >= 200 && status < 300;
}

void
live_figures(struct req *r, struct live_figures *out)
{
	json_t *v = ask_json(
	    r->app->conf.relay.control, "/status", clock_ms() + ANSWER_MS);

	memset(out, 0, sizeof(*out));
	out->answers = v != NULL;
	out->version = req_text(r, "%s", text(v, "version"));
	out->sessions = number(v, "sessions");
	out->tunnels = number(v, "tunnels");
	out->served = number(v, "tunnels_served");
	out->streams = number(v, "streams");
	out->flows = number(v, "flows");
	out->links = number(v, "links");
	out->visitors_total = number(v, "visitors_total");
	out->uptime_s = number(v, "uptime_s");
	out->held_bytes = number(v, "held_bytes");
	out->held_max = number(v, "held_max");
	out->memory_bytes = number(v, "memory_bytes");
	json_decref(v);
}
