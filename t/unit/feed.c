/*
 * feed and ctl_server, over a registry that says what this test wants.
 */
#include "../../relayd/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "../../relayd/ctl_server.h"
#include "../../relayd/events.h"
#include "../../relayd/health.h"
#include "../../relayd/keeper.h"
#include "../../relayd/registry.h"
#include "../../relayd/relay.h"
#include "../../relayd/visitors.h"
#include "base/err.h"
#include "base/str.h"
#include "net/loop.h"

#include "certs.h"
#include "tap.h"

enum { TURNS_MAX = 2000, GOT_MAX = 1 << 20 };

static struct relay relay;
static struct err e;
static char folder[] = "/tmp/feed.XXXXXX";
static char feed_path[64], control_path[64];
static char *got;
static const char *body; /* of what was heard */
static unsigned reasons;
static uint64_t lag_ms = 100;
static int64_t tested;
static uint64_t moved; /* bytes of tunnel 1 */
static bool three_is_gone;

/* --- the registry ---------------------------------------------------------- */

const char *
view_status_name(enum view_status s)
{
	return s == VIEW_ONLINE ? "online" : "offline";
}

const char *
view_light_name(enum view_light l)
{
	return l == VIEW_RED ? "red" : l == VIEW_GREEN ? "green" : "grey";
}

const char *
view_lamp_name(enum view_lamp_at l)
{
	static const char *const names[] = { "reach", "machine", "service",
		"visitor" };

	return names[l];
}

/* 1 is served, 2 is not, 3 has names that hurt; there are no others. */
int
registry_view(const struct registry *g, int64_t tunnel, struct view_tunnel *out)
{
	(void)g;
	memset(out, 0, sizeof(*out));
	out->id = tunnel;
	out->status = VIEW_OFFLINE;
	if (tunnel == 2)
		return 1;
	out->status = VIEW_ONLINE;
	out->session = 7;
	out->machine_id = 9;
	out->rtt_ms = 12;
	out->bytes_in = (INT64_C(1) << 60) + (tunnel == 1 ? moved : 0);
	out->since = 1790000000000;
	out->lamps[VIEW_SERVICE].light = VIEW_RED;
	str_copy(out->lamps[VIEW_SERVICE].sentence, 300, "Nobody listens.");
	str_copy(
	    out->machine, 256, tunnel == 3 ? "\"\\\n\x1b[2J</script>" : "desk");
	str_copy(
	    out->computer, 256, tunnel == 3 ? "cut in a letter \xc3" : "DESK");
	return tunnel == 1 || tunnel == 3;
}

void
registry_status(const struct registry *g, struct view_status_all *out)
{
	(void)g;
	memset(out, 0, sizeof(*out));
	out->sessions = 3;
	out->held_bytes = 4096;
	out->uptime_s = 61;
}

unsigned
registry_reasons(const struct registry *g, char out[VIEW_REASONS_MAX][300])
{
	unsigned i;

	(void)g;
	for (i = 0; i < reasons; i++) {
		memset(out[i], 'a' + (int)i, 299);
		out[i][299] = '\0';
	}
	return reasons;
}

void
registry_each_session(const struct registry *g,
    void (*say)(void *arg, const struct view_session *s), void *arg)
{
	struct view_session s = { .id = 7, .machine = 9, .name = "desk" };

	(void)g;
	say(arg, &s);
}

uint64_t
keeper_lag_ms(const struct keeper *k)
{
	(void)k;
	return lag_ms;
}

/* 1 and 3 are of user 5, 2 of user 6. */
void
registry_each_tunnel(const struct registry *g,
    void (*say)(void *arg, int64_t user, int64_t tunnel), void *arg)
{
	(void)g;
	say(arg, 5, 1);
	say(arg, 6, 2);
	if (!three_is_gone)
		say(arg, 5, 3);
}

/* What was asked of the workers, to be answered by the test. */
static struct {
	visitors_fn *done;
	void *arg;
	uint64_t call, kick;
} asked;

int
visitors_ask(struct registry *g, int64_t tunnel, uint64_t kick,
    visitors_fn *done, void *arg, uint64_t call)
{
	(void)g;
	asked.done = done;
	asked.arg = arg;
	asked.call = call;
	asked.kick = kick;
	return tunnel == 1;
}

int
registry_test(struct registry *g, int64_t tunnel)
{
	(void)g;
	tested = tunnel;
	return tunnel == 1;
}

/* --- asking ---------------------------------------------------------------- */

static int
dial(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		printf("# connect: %s\n", strerror(errno));
	return fd;
}

/* The status that answers; body is what came with it. */
static int
ask(const char *path, const char *method, const char *target)
{
	size_t got_n = 0;
	ssize_t n = -1;
	int fd = dial(path), i;

	dprintf(fd, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	    method, target);
	for (i = 0; i < TURNS_MAX && n != 0; i++) {
		loop_turn(relay.loop, n == -1 ? 10 : 0, NULL);
		n = recv(fd, got + got_n, GOT_MAX - got_n, 0);
		if (n > 0)
			got_n += (size_t)n;
	}
	close(fd);
	got[got_n] = '\0';
	if ((body = strstr(got, "\r\n\r\n")) == NULL)
		return -1;
	body += 4;
	return atoi(got + strlen("HTTP/1.1 "));
}

/* The JSON of the body; NULL when it is none. */
static json_t *
read_json(void)
{
	json_error_t fault;
	json_t *v = json_loads(body, JSON_REJECT_DUPLICATES, &fault);

	if (v == NULL)
		printf("# %s: %.200s\n", fault.text, body);
	return v;
}

static const char *
text(const json_t *v, const char *key)
{
	return json_string_value(json_object_get(v, key));
}

static json_int_t
number(const json_t *v, const char *key)
{
	return json_integer_value(json_object_get(v, key));
}

/* The value behind a metric's name, as text; NULL: not there. */
static const char *
metric(const char *name)
{
	static char value[64];
	char want[100];
	const char *at;

	snprintf(want, sizeof(want), "\n%s ", name);
	if ((at = strstr(body, want)) == NULL)
		return NULL;
	snprintf(value, sizeof(value), "%.*s",
	    (int)strcspn(at + strlen(want), "\n"), at + strlen(want));
	return value;
}

/* --- feed.sock ------------------------------------------------------------- */

static void
live(void)
{
	json_t *v, *t;

	is_int(ask(feed_path, "GET", "/live?tunnel=1,2,44"), 200, "/live");
	ok(strstr(got, "Content-Type: application/json\r\n") != NULL, "JSON");
	v = read_json();
	is_int(json_array_size(v), 2, "a list of those that are known");
	t = json_array_get(v, 0);
	is_int(number(t, "id"), 1, "in the order of the question");
	is_str(text(t, "status"), "online", "a status");
	ok(json_is_true(json_object_get(t, "serving")), "served");
	is_int(number(t, "bytes_in"), INT64_C(1) << 60, "large numbers");
	is_int(number(t, "rtt_ms"), 12, "a time");
	is_str(
	    text(json_object_get(t, "machine"), "name"), "desk", "a machine");
	t = json_object_get(t, "lamps");
	is_int(json_object_size(t), 4, "four lamps");
	is_str(text(json_object_get(t, "reach"), "state"), "grey", "grey");
	is_str(text(json_object_get(t, "service"), "state"), "red", "red");
	is_str(text(json_object_get(t, "service"), "sentence"),
	    "Nobody listens.", "with a sentence");
	t = json_array_get(v, 1);
	ok(json_is_null(json_object_get(t, "machine")), "no machine: null");
	ok(json_is_null(json_object_get(t, "rtt_ms")), "no time");
	ok(json_is_null(json_object_get(t, "since")), "since never");
	ok(json_is_false(json_object_get(t, "serving")), "not served");
	json_decref(v);
}

static void
live_hurt(void)
{
	json_t *v;
	const json_t *m;

	is_int(ask(feed_path, "GET", "/live?tunnel=3"), 200, "bad names");
	v = read_json();
	m = json_object_get(json_array_get(v, 0), "machine");
	is_str(text(m, "name"), "\"\\\n\x1b[2J</script>",
	    "what a person typed is data");
	is_str(text(m, "computer"), "cut in a letter \\xc3",
	    "half a letter is escaped");
	json_decref(v);
}

static void
live_wrong(void)
{
	static const char *const wrong[] = { "/live",
		"/live?tunnel=", "/live?tunnel=0", "/live?tunnel=1,",
		"/live?tunnel=,1", "/live?tunnel=-1",
		"/live?tunnel=9223372036854775808", "/live?tunnel=1%202",
		"/live?tunnel=all" };
	char many[8000];
	size_t i, n;
	json_t *v;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		is_int(ask(feed_path, "GET", wrong[i]), 400, wrong[i]);
	n = (size_t)snprintf(many, sizeof(many), "/live?tunnel=1");
	for (i = 1; i < FEED_LIVE_MAX; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n, ",1");
	is_int(ask(feed_path, "GET", many), 200, "1000 at a time");
	v = read_json();
	is_int(json_array_size(v), FEED_LIVE_MAX, "are answered");
	json_decref(v);
	snprintf(many + n, sizeof(many) - n, ",1");
	is_int(ask(feed_path, "GET", many), 400, "one more is refused");
	is_int(ask(feed_path, "GET", "/live?tunnel=1%2C2"), 200,
	    "an escaped comma is a comma");
	is_int(ask(feed_path, "POST", "/live?tunnel=1"), 405, "GET alone");
}

static void
health(void)
{
	is_int(ask(feed_path, "GET", "/healthz"), 200, "/healthz");
	is_str(body, "ok\n", "ok");
	is_int(ask(feed_path, "GET", "/readyz"), 200, "/readyz");
	reasons = VIEW_REASONS_MAX;
	is_int(ask(feed_path, "GET", "/readyz"), 503, "with reasons 503");
	is_int(strlen(body), VIEW_REASONS_MAX * 300, "all reasons, whole");
	ok(strchr(body, '\n') == body + 299, "a line each");
	is_int(ask(feed_path, "GET", "/healthz"), 200, "/healthz stays");
	reasons = 0;
	lag_ms = 7100;
	is_int(ask(feed_path, "GET", "/readyz"), 503, "a disk that hangs");
	ok(strstr(body, "database: no answer for 7 s") == body, "is told");
	lag_ms = 100;
	is_int(ask(feed_path, "GET", "/readyz"), 200, "well again");
}

/* The certificate is another one, good for so many days more. */
static void
renew(struct feed *f, int to_days)
{
	struct certs_want w = { "relay", "DNS:a.example", NULL, -10, to_days };

	certs_make(&w);
	feed_retune(f);
}

static void
certificate(struct feed *f)
{
	char want[32];

	renew(f, -1);
	is_int(ask(feed_path, "GET", "/readyz"), 503, "an old certificate");
	ok(strstr(body, "relay.crt: the certificate has expired at 20") != NULL,
	    "is told, with its name");
	ask(feed_path, "GET", "/metrics");
	is_str(metric("adit_ready"), "0", "and counts");
	renew(f, 5);
	is_int(ask(feed_path, "GET", "/readyz"), 200, "a new one is taken");
	ask(feed_path, "GET", "/metrics");
	snprintf(want, sizeof(want), "%lld",
	    (long long)time(NULL) + 5 * 86400 - 3600);
	ok(strcmp(metric("adit_certificate_end_timestamp_seconds"), want) > 0,
	    "and its end told");
	certs_remove("relay.crt");
	feed_retune(f);
	is_int(ask(feed_path, "GET", "/readyz"), 200,
	    "without its file the old one is in use");
}

static void
metrics(void)
{
	char name[100];
	size_t i;

	count_add(&relay.counts.refused_rate, 5);
	count_add(&relay.counts.links_now, 6);
	reasons = 0;
	is_int(ask(feed_path, "GET", "/metrics"), 200, "/metrics");
	for (i = 0; i < count_names_n; i++) {
		snprintf(name, sizeof(name), "adit_%s%s", count_names[i].name,
		    count_names[i].is_gauge ? "" : "_total");
		ok(metric(name) != NULL, name);
	}
	is_str(metric("adit_refused_rate_total"), "5", "a counter");
	is_str(metric("adit_links_now"), "6", "a gauge");
	is_str(metric("adit_held_bytes"), "4096", "bytes held");
	is_str(metric("adit_store_lag_seconds"), "0.100", "thousandths");
	is_str(metric("adit_ready"), "1", "ready");
	reasons = 1;
	ask(feed_path, "GET", "/metrics");
	is_str(metric("adit_ready"), "0", "not ready");
	reasons = 0;
}

/* --- control.sock ---------------------------------------------------------- */

static void
control(void)
{
	json_t *v;

	is_int(ask(control_path, "GET", "/status"), 200, "/status");
	v = read_json();
	is_int(number(v, "sessions"), 3, "sessions");
	is_int(number(v, "uptime_s"), 61, "uptime");
	is_int(number(v, "refused_rate"), 5, "what limits have refused");
	ok(text(v, "version") != NULL, "a version");
	is_int(
	    json_array_size(json_object_get(v, "problems")), 0, "no problems");
	ok(json_object_size(v) <= 64, "as much as aditctl shows");
	json_decref(v);
	is_int(ask(control_path, "GET", "/sessions"), 200, "/sessions");
	v = read_json();
	is_str(text(json_array_get(v, 0), "machine"), "desk", "a session");
	json_decref(v);
	is_int(ask(control_path, "POST", "/test?tunnel=1"), 202, "/test");
	is_int(tested, 1, "the right one is asked");
	is_int(ask(control_path, "POST", "/test?tunnel=2"), 404,
	    "one that is not served");
	is_int(ask(control_path, "POST", "/test"), 400, "none");
	is_int(ask(control_path, "GET", "/test?tunnel=1"), 405, "by GET");
}

/* --- who is here, and cutting off ------------------------------------------- */

/* Asks, and answers as the workers would once they have been asked. */
static int
ask_workers(const char *method, const char *target,
    const struct visitors_answer *answer)
{
	int fd = dial(control_path), i;
	size_t got_n = 0;
	ssize_t n = -1;

	asked.done = NULL;
	dprintf(fd, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	    method, target);
	for (i = 0; i < TURNS_MAX && n != 0; i++) {
		loop_turn(relay.loop, n == -1 ? 10 : 0, NULL);
		if (asked.done != NULL && answer != NULL)
			asked.done(asked.arg, asked.call, answer);
		asked.done = NULL;
		n = recv(fd, got + got_n, GOT_MAX - got_n, 0);
		if (n > 0)
			got_n += (size_t)n;
	}
	close(fd);
	got[got_n] = '\0';
	if ((body = strstr(got, "\r\n\r\n")) == NULL)
		return -1;
	body += 4;
	return atoi(got + strlen("HTTP/1.1 "));
}

static void
visitors(void)
{
	struct visitors_one two[2] = { { .number = 257,
					   .since = 1790000000000,
					   .bytes_in = 3,
					   .bytes_out = 4 },
		{ .number = 513, .is_udp = true } };
	struct visitors_answer a = { .at = two, .n = 2, .total = 1200 };
	json_t *v;

	addr_parse_ip(&two[0].peer, "192.0.2.7", &e);
	is_int(ask_workers("GET", "/visitors?tunnel=1", &a), 200, "/visitors");
	is_int(asked.kick, 0, "nobody is to be cut off");
	v = read_json();
	is_int(number(v, "total"), 1200, "how many");
	is_int(json_array_size(json_object_get(v, "visitors")), 2, "who");
	is_str(
	    text(json_array_get(json_object_get(v, "visitors"), 0), "protocol"),
	    "tcp", "by TCP");
	ok(strstr(text(json_array_get(json_object_get(v, "visitors"), 0),
		      "address"),
	       "192.0.2.7") != NULL,
	    "from where");
	is_str(
	    text(json_array_get(json_object_get(v, "visitors"), 1), "protocol"),
	    "udp", "by UDP");
	json_decref(v);
	is_int(ask(control_path, "GET", "/visitors?tunnel=2"), 200,
	    "of a tunnel that nobody serves");
	v = read_json();
	is_int(json_array_size(json_object_get(v, "visitors")), 0, "none");
	json_decref(v);
	is_int(ask(control_path, "GET", "/visitors"), 400, "of no tunnel");
	is_int(ask(feed_path, "GET", "/visitors?tunnel=1"), 404,
	    "not on feed.sock");

	a.is_kicked = true;
	is_int(ask_workers("POST", "/kick?tunnel=1&visitor=257", &a), 200,
	    "/kick");
	is_int(asked.kick, 257, "the right one");
	a.is_kicked = false;
	is_int(ask_workers("POST", "/kick?tunnel=1&visitor=9", &a), 404,
	    "one who is not there");
	is_int(ask(control_path, "POST", "/kick?tunnel=2&visitor=9"), 404,
	    "of a tunnel that nobody serves");
	is_int(ask(control_path, "POST", "/kick?tunnel=1"), 400, "nobody");
	is_int(ask(control_path, "GET", "/kick?tunnel=1&visitor=9"), 405,
	    "by GET");

	relay.conf.http.request_ms = 100;
	ctl_server_retune(asked.arg);
	is_int(ask_workers("GET", "/visitors?tunnel=1", NULL), -1,
	    "a worker that does not answer: the connection ends");
	relay.conf.http.request_ms = 60000;
	ctl_server_retune(asked.arg);
}

/* --- /events ---------------------------------------------------------------- */

/* A stream for this scope (NULL: none is said). */
static int
listen_in(const char *scope)
{
	int fd = dial(feed_path);

	dprintf(fd, "GET /events HTTP/1.1\r\nHost: x\r\n");
	if (scope != NULL)
		dprintf(fd, "X-Adit-Scope: %s\r\n", scope);
	dprintf(fd, "\r\n");
	return fd;
}

/* What came by the time that it holds want, or has ended (NULL). */
static const char *
hear(int fd, const char *want)
{
	size_t got_n = 0;
	ssize_t n = -1;
	int i;

	*got = '\0';
	for (i = 0; i < TURNS_MAX && n != 0; i++) {
		n = recv(fd, got + got_n, GOT_MAX - got_n, 0);
		if (n > 0)
			got[got_n += (size_t)n] = '\0';
		if (want != NULL && strstr(got, want) != NULL)
			return got;
		if (n == -1)
			loop_turn(relay.loop, 10, NULL);
	}
	return n == 0 && want == NULL ? got : NULL;
}

static void
events_refused(void)
{
	static const char *const wrong[] = { NULL, "0 1", "-1 1", "x", "5",
		"5,6", "5  6", "5 x", "5 0", "5 6 7", " 6",
		"99999999999999999999 1" };
	size_t i;
	int fd;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fd = listen_in(wrong[i]);
		ok(hear(fd, "HTTP/1.1 403 ") != NULL,
		    wrong[i] != NULL ? wrong[i] : "no scope");
		close(fd);
	}
	is_int(ask(feed_path, "POST", "/events"), 405, "GET alone");
}

static void
events(void)
{
	int a = listen_in("5 5"), b = listen_in("6 6"), c, d, far;

	ok(hear(a, "]\n\n") != NULL, "a stream begins with all tunnels");
	ok(strstr(got, "HTTP/1.1 200 OK\r\n") == got, "200");
	ok(strstr(got, "\r\nContent-Type: text/event-stream\r\n") != NULL,
	    "of events");
	ok(strstr(got, "{\"id\":1,\"status\":\"online\"") != NULL, "1 is his");
	ok(strstr(got, "{\"id\":3,") != NULL, "3 too");
	ok(strstr(got, "{\"id\":2,") == NULL, "2 is not");
	ok(strstr(got, "\"service\":\"red\"") != NULL, "with lamps");
	ok(hear(b, "]\n\n") != NULL, "the other one");
	ok(strstr(got, "{\"id\":2,") != NULL &&
		strstr(got, "{\"id\":1,") == NULL,
	    "hears of 2 alone");

	moved = 7;
	ok(hear(a, "\n\n") != NULL, "what moves is told");
	ok(strstr(got, "data: [{\"id\":1,") == got, "of 1");
	ok(strstr(got, "{\"id\":3,") == NULL, "and nothing of 3");
	three_is_gone = true;
	ok(hear(a, "\n\n") != NULL, "what goes is told");
	is_str(got, "data: [{\"id\":3,\"gone\":true}]\n\n", "so");
	three_is_gone = false;
	ok(hear(a, "{\"id\":3,\"status\"") != NULL, "what comes, too");

	ask(feed_path, "GET", "/metrics");
	is_str(metric("adit_feed_streams_now"), "2", "two streams");
	is_str(metric("adit_feed_connections_now"), "1",
	    "are no connections of others");
	c = listen_in("5 5");
	ok(hear(c, "{\"id\":1,") != NULL, "a second one of 5");
	d = listen_in("5 5");
	ok(hear(d, "http.streams_per_user") != NULL, "a third is refused");
	ok(strstr(got, "HTTP/1.1 503 ") == got, "with 503");
	close(d);

	far = listen_in("6 9");
	ok(hear(far, "{\"id\":2,") != NULL, "9 hears of what 6 has");
	is_int(ask(control_path, "POST", "/hush?user=9"), 200, "until 9");
	ok(hear(far, NULL) != NULL, "is to hear no more");
	close(far);
	ask(feed_path, "GET", "/metrics");
	is_str(metric("adit_feed_streams_now"), "3", "and nobody else");
	is_int(ask(control_path, "POST", "/hush?user=5"), 200, "/hush");
	ok(hear(a, NULL) != NULL && hear(c, NULL) != NULL, "ends both of 5");
	close(a);
	close(c);
	ask(feed_path, "GET", "/metrics");
	is_str(metric("adit_feed_streams_now"), "1", "and not that of 6");
	is_int(ask(control_path, "POST", "/hush?user=5"), 200,
	    "nobody listens: well");
	is_int(ask(control_path, "POST", "/hush"), 400, "whose?");
	is_int(count_get(&relay.counts.files_now), 1, "one open file");
	close(b);
	for (d = 0; d < TURNS_MAX && count_get(&relay.counts.files_now) > 0;
	     d++)
		loop_turn(relay.loop, 10, NULL);
	is_int(count_get(&relay.counts.files_now), 0, "who leaves is let go");
	relay.files_max = 0;
	d = listen_in("5 5");
	ok(hear(d, "HTTP/1.1 503 ") != NULL, "no file is left: 503");
	close(d);
	relay.files_max = 100;
}

/* A reader who takes nothing costs one event, and others wait for nobody. */
static void
events_slow(void)
{
	int slow = listen_in("5 5"), quick = listen_in("5 5"), i;

	for (i = 0; i < 3; i++) {
		moved++;
		ok(hear(quick, "\"id\":1,") != NULL, "the quick one hears");
	}
	ok(hear(slow, "\"id\":1,") != NULL, "the slow one later");
	close(slow);
	close(quick);
}

int
main(void)
{
	struct feed *f;
	struct ctl_server *c;
	int close_late;

	if (mkdtemp(folder) == NULL || certs_open() == -1 ||
	    (got = malloc(GOT_MAX + 1)) == NULL)
		return 1;
	snprintf(feed_path, sizeof(feed_path), "%s/feed", folder);
	snprintf(control_path, sizeof(control_path), "%s/control", folder);
	relay.loop = loop_new(&e);
	relay.conf.relay.feed = feed_path;
	relay.conf.relay.control = control_path;
	relay.conf.relay.cert = strdup(certs_path("relay.crt"));
	relay.conf.http.connections = 16;
	relay.conf.http.request_ms = 60000;
	relay.conf.http.idle_ms = 60000;
	relay.conf.limits.control_connections = 16;
	relay.conf.http.streams = 10;
	relay.conf.http.streams_per_user = 2;
	relay.files_max = 100;
	f = feed_open(&relay, &e);
	c = ctl_server_open(&relay, &e);
	ok(f != NULL && c != NULL, "both listen");
	live();
	live_hurt();
	live_wrong();
	health();
	metrics();
	certificate(f);
	control();
	visitors();
	events_refused();
	events();
	events_slow();
	close_late = listen_in("5 5");
	ok(hear(close_late, "]\n\n") != NULL, "a stream at the end");
	ok(feed_open(&relay, &e) == NULL, "a second feed is refused");
	ok(strstr(e.text, "feed socket: ") == e.text, "and named");
	feed_close(&f);
	ctl_server_close(&c);
	ok(f == NULL && c == NULL, "closing leaves NULL");
	ok(hear(close_late, NULL) != NULL, "its stream has ended");
	close(close_late);
	loop_free(&relay.loop);
	rmdir(folder);
	free(relay.conf.relay.cert);
	certs_remove("relay.key");
	ok(certs_close(), "nothing is left");
	free(got);
	return tap_done();
}
