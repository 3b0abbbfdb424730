#include "quick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "client_conf.h"
#include "connect.h"
#include "net/addr.h"
#include "net/loop.h"
#include "plat/plat.h"
#include "web.h"

enum {
	NAME_MAX_LEN = 100, /* bytes that the API takes */
	EXIT_REFUSED = 22,
	NOTICE_MS =
	    300, /* the relay looks ten times a second for what is new */
	TRIES = 3,
	TEXT_MAX = 512,
	BODY_MAX = 2048,
};

struct quick {
	const char *kind;
	char host[ADDR_HOST_MAX + 1]; /* of the service, here */
	uint16_t port;
	const char *name;        /* of the tunnel; "" by default */
	const char *public_port; /* NULL: any */
	const char *dashboard;
	const char *key_file;
	char own_name[NAME_MAX_LEN + 1];
	char machine_name[NAME_MAX_LEN + 1];

	struct web web;
	int64_t tunnel, machine, key; /* numbers at the dashboard */
	struct client_conf conf;
};

/* --- the words ------------------------------------------------------------------ */

/* The status of what err_set() has just said. */
static int
misuse(int failed)
{
	return failed == -1 ? EXIT_USAGE : 0;
}

/* "25565" or "HOST:PORT". */
static int
read_target(struct quick *q, const char *text, struct err *e)
{
	uint64_t n;

	if (q->port != 0)
		return err_set(e, "%.100s is too much", text);
	if (!str_number(text, 1, 65535, &n))
		return addr_split(text, q->host, &q->port, e);
	str_copy(q->host, sizeof(q->host), "127.0.0.1");
	q->port = (uint16_t)n;
	return 0;
}

static int
read_pin(struct quick *q, const char *value, struct err *e)
{
	if (q->web.pin_count == TLS_PINS_MAX)
		return err_set(e, "--pin: more than %d pins", TLS_PINS_MAX);
	if (tls_pin_parse(&q->web.pins[q->web.pin_count++], value, e) == -1)
		return err_prefix(e, "--pin");
	return 0;
}

static int
set_option(struct quick *q, const char *name, const char *value, struct err *e)
{
	if (strcmp(name, "--dashboard") == 0)
		q->dashboard = value;
	else if (strcmp(name, "--api-key-file") == 0)
		q->key_file = value;
	else if (strcmp(name, "--name") == 0)
		q->name = value;
	else if (strcmp(name, "--public-port") == 0)
		q->public_port = value;
	else if (strcmp(name, "--ca") == 0)
		q->web.ca = value;
	else if (strcmp(name, "--pin") == 0)
		return read_pin(q, value, e);
	else
		return proxy_conf_set(&q->conf.proxy, name, value, e);
	return 0;
}

static bool
takes_value(const char *word)
{
	static const char *const names[] = { "--dashboard", "--api-key-file",
		"--name", "--public-port", "--ca", "--pin" };
	bool has_value;

	if (proxy_conf_knows(word, &has_value))
		return has_value;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i]) == 0)
			return true;
	return false;
}

static bool
set_flag(struct quick *q, const char *word)
{
	if (strcmp(word, "--plain") == 0)
		q->conf.plain = true;
	else if (strcmp(word, "--no-color") == 0)
		q->conf.no_color = true;
	else if (strcmp(word, "--verbose") == 0)
		q->conf.verbose = true;
	else
		return false;
	return true;
}

/* 0, EXIT_USAGE or EXIT_SETTINGS. */
static int
read_words(struct quick *q, int argc, char *const *argv, struct err *e)
{
	int i, rc = 0;

	for (i = 0; i < argc && rc == 0; i++) {
		if (set_flag(q, argv[i]))
			continue;
		if (strcmp(argv[i], "--no-proxy") == 0) {
			rc = set_option(q, argv[i], NULL, e);
			continue;
		}
		if (argv[i][0] != '-')
			rc = read_target(q, argv[i], e);
		else if (!takes_value(argv[i]))
			return misuse(err_set(
			    e, "%.100s is not an option here", argv[i]));
		else if (i + 1 == argc)
			return misuse(err_set(e, "%s needs a value", argv[i]));
		else
			rc = set_option(q, argv[i], argv[i + 1], e), i++;
	}
	return rc == 0 ? 0 : EXIT_SETTINGS;
}

/* Names, where none were given, tell a person what it is. */
static void
make_names(struct quick *q)
{
	char computer[64];

	if (q->name == NULL)
		snprintf(q->own_name, sizeof(q->own_name), "%s %u", q->kind,
		    q->port);
	else
		str_copy(q->own_name, sizeof(q->own_name), q->name);
	plat_computer(computer, sizeof(computer));
	if (!str_is_text(computer, strlen(computer)))
		computer[0] = '\0';
	snprintf(q->machine_name, sizeof(q->machine_name), "%.50s, %s %u",
	    computer[0] != '\0' ? computer : "computer", q->kind, q->port);
}

static int
check_words(struct quick *q, struct err *e)
{
	uint64_t n;

	if (q->port == 0)
		return misuse(err_set(e, "PORT is missing"));
	if (q->dashboard == NULL)
		return misuse(err_set(e, "--dashboard URL is missing"));
	if (q->web.ca != NULL && q->web.pin_count > 0)
		return misuse(err_set(e, "give --pin or --ca, not both"));
	if (q->web.ca == NULL && q->web.pin_count == 0)
		q->web.ca = "system";
	if (q->name != NULL && strlen(q->name) > NAME_MAX_LEN)
		err_set(e, "--name: more than %d bytes", NAME_MAX_LEN);
	else if (q->public_port != NULL &&
	    !str_number(q->public_port, 1, 65535, &n))
		err_set(e, "--public-port: not a number from 1 to 65535");
	else if (web_parse(&q->web, q->dashboard, e) == -1)
		err_prefix(e, "--dashboard %.100s", q->dashboard);
	else
		return 0;
	return EXIT_SETTINGS;
}

/* From the file, else ADIT_API_KEY, which is wiped, else standard input. */
static int
read_key(struct quick *q, struct err *e)
{
	char *env = plat_env("ADIT_API_KEY"), *text;
	uint8_t digits[32];
	size_t n;
	int rc = 0;

	plat_wipe_env("ADIT_API_KEY");
	if ((text = calloc(1, PLAT_SECRET_MAX)) == NULL)
		rc = err_sys(e, "API key");
	else if (q->key_file != NULL)
		rc = plat_read_secret_file(
		    q->key_file, text, PLAT_SECRET_MAX, &n, e);
	else if (env != NULL)
		str_copy(text, PLAT_SECRET_MAX, env);
	else
		rc = plat_read_secret(
		    0, "The API key: ", text, PLAT_SECRET_MAX, e);
	if (rc == 0 && (rc = client_conf_token_text(digits, text, e)) == -1)
		err_set(e, "an API key is 64 hex digits, this is none");
	if (rc == 0)
		str_hex(q->web.key, digits, sizeof(digits));
	if (text != NULL)
		str_wipe(text, PLAT_SECRET_MAX);
	if (env != NULL)
		str_wipe(env, strlen(env));
	str_wipe(digits, sizeof(digits));
	free(text);
	free(env);
	return rc == 0 ? 0 : EXIT_SETTINGS;
}

/* --- the dashboard ---------------------------------------------------------------- */

/* Asks; an answer that is not of the 200s is a failure in its own words. */
static int
ask(struct quick *q, const char *method, const char *path, const char *body,
    struct json *out, struct err *e)
{
	char detail[200];
	int status = web_ask(&q->web, method, path, body, out, e);

	if (status == -1)
		return q->web.is_untrusted ? EXIT_TRUST : EXIT_UNEXPECTED;
	if (status >= 200 && status < 300)
		return 0;
	if (!json_text(json_member(*out, "detail"), detail, sizeof(detail)) ||
	    !str_is_text(detail, strlen(detail)))
		snprintf(detail, sizeof(detail), "it answers %d", status);
	err_set(e, "%s: %s", q->web.authority, detail);
	return status == 401 || status == 403 ? EXIT_REFUSED : EXIT_UNEXPECTED;
}

/* The dashboard has answered something that this program does not know. */
static int
odd(struct quick *q, const char *what, struct err *e)
{
	err_set(e, "%s: its answer has no %s; is it a dashboard of Adit?",
	    q->web.authority, what);
	return EXIT_UNEXPECTED;
}

/* A door to the relay, which trust is set for already. */
static int
add_door(struct quick *q, const char *text, struct err *e)
{
	struct door *d = &q->conf.doors[q->conf.door_count];

	if (door_parse(d, text, e) == -1 || door_trust(d, e) == -1)
		return EXIT_UNEXPECTED;
	q->conf.door_count++;
	return 0;
}

/* The relay's own port, and, where only HTTPS passes, its WebSocket. */
static int
find_relay(struct quick *q, struct err *e)
{
	char server[TEXT_MAX], pin[TEXT_MAX], socket[TEXT_MAX];
	struct door *d = q->conf.doors;
	struct json v;
	int rc;

	if ((rc = ask(q, "GET", "/api", NULL, &v, e)) != 0)
		return rc;
	v = json_member(v, "connect");
	if (!json_text(json_member(v, "server"), server, sizeof(server)) ||
	    !json_text(json_member(v, "pin"), pin, sizeof(pin)))
		return odd(q, "relay", e);
	if (tls_pin_parse(&d->pins[d->pin_count++], pin, e) == -1)
		return EXIT_UNEXPECTED;
	if ((rc = add_door(q, server, e)) != 0 || !q->web.is_tls ||
	    !json_text(json_member(v, "websocket"), socket, sizeof(socket)))
		return rc;
	d = &q->conf.doors[q->conf.door_count];
	d->ca = q->web.ca;
	d->pin_count = q->web.pin_count;
	memcpy(d->pins, q->web.pins, sizeof(d->pins));
	return add_door(q, socket, e);
}

/* Text in JSON; what is longer is cut. */
static const char *
quoted(char to[6 * NAME_MAX_LEN + 3], const char *text)
{
	size_t n = 0;

	to[n++] = '"';
	for (; *text != '\0' && n < (size_t)6 * NAME_MAX_LEN; text++) {
		if (*text == '"' || *text == '\\')
			to[n++] = '\\';
		if ((unsigned char)*text >= ' ')
			to[n++] = *text;
		else
			n += (size_t)snprintf(
			    to + n, 7, "\\u%04x", (unsigned)*text);
	}
	to[n++] = '"';
	to[n] = '\0';
	return to;
}

static bool
is_text(struct json v, const char *name, const char *want)
{
	char text[TEXT_MAX];

	return json_text(json_member(v, name), text, sizeof(text)) &&
	    strcmp(text, want) == 0;
}

static int64_t
number(struct json v, const char *name)
{
	int64_t n;

	json_number(json_member(v, name), 1, INT64_MAX, &n);
	return n;
}

/* Is it the one that these words made before? */
static bool
is_same(const struct quick *q, struct json v)
{
	uint64_t port;

	return is_text(v, "name", q->own_name) && is_text(v, "kind", q->kind) &&
	    is_text(v, "local_host", q->host) &&
	    number(v, "local_port") == q->port &&
	    (q->public_port == NULL ||
		(str_number(q->public_port, 1, 65535, &port) &&
		    number(v, "public_port") == (int64_t)port));
}

/* The machine of this computer among those that may serve the tunnel. */
static void
find_machine(struct quick *q, struct json tunnel)
{
	struct json list = json_member(tunnel, "machines"), v;
	size_t i;

	for (i = 0; (v = json_element(list, i)).p != NULL; i++)
		if (is_text(v, "name", q->machine_name))
			q->machine = number(v, "id");
}

/* What a person needs: the address, and the link that opens it. */
static void
say_tunnel(const struct quick *q, struct json v)
{
	char url[TEXT_MAX], link[TEXT_MAX], target[ADDR_HOST_MAX + 16];

	json_text(json_member(v, "public_url"), url, sizeof(url));
	addr_join(target, sizeof(target), q->host, q->port);
	printf("%s -> %s\n", str_is_text(url, strlen(url)) ? url : "", target);
	if (json_text(json_member(v, "verify_url"), link, sizeof(link)) &&
	    str_is_text(link, strlen(link)))
		printf("Open this link to let visitors in: %s\n", link);
	(void)fflush(stdout);
}

/* The tunnel that there is already; 0 with q->tunnel 0 when there is none. */
static int
find_tunnel(struct quick *q, struct err *e)
{
	char path[64];
	struct json all, list, v;
	int64_t total, skip = 0;
	size_t i;
	int rc;

	do {
		snprintf(path, sizeof(path),
		    "/api/tunnels?limit=1000&skip=%lld", (long long)skip);
		if ((rc = ask(q, "GET", path, NULL, &all, e)) != 0)
			return rc;
		list = json_member(all, "items");
		for (i = 0; (v = json_element(list, i)).p != NULL; i++) {
			if (!is_same(q, v))
				continue;
			q->tunnel = number(v, "id");
			find_machine(q, v);
			say_tunnel(q, v);
			return 0;
		}
		json_number(json_member(all, "total"), 0, INT32_MAX, &total);
		skip += 1000;
	} while (i > 0 && skip < total);
	return 0;
}

static int
make_tunnel(struct quick *q, struct err *e)
{
	char body[BODY_MAX], name[6 * NAME_MAX_LEN + 3];
	char host[6 * NAME_MAX_LEN + 3];
	struct json v;
	int rc;

	snprintf(body, sizeof(body),
	    "{\"name\":%s,\"kind\":\"%s\",\"local_host\":%s,"
	    "\"local_port\":%u%s%s}",
	    quoted(name, q->own_name), q->kind, quoted(host, q->host), q->port,
	    q->public_port != NULL ? ",\"public_port\":" : "",
	    q->public_port != NULL ? q->public_port : "");
	if ((rc = ask(q, "POST", "/api/tunnels", body, &v, e)) != 0)
		return rc;
	if ((q->tunnel = number(v, "id")) == 0)
		return odd(q, "tunnel", e);
	say_tunnel(q, v);
	return 0;
}

static int
make_machine(struct quick *q, struct err *e)
{
	char body[BODY_MAX], name[6 * NAME_MAX_LEN + 3];
	struct json v;
	int rc;

	snprintf(body, sizeof(body), "{\"name\":%s,\"tunnel_ids\":[%lld]}",
	    quoted(name, q->machine_name), (long long)q->tunnel);
	if ((rc = ask(q, "POST", "/api/machines", body, &v, e)) != 0)
		return rc;
	q->machine = number(v, "id");
	return q->machine != 0 ? 0 : odd(q, "machine", e);
}

/* A key for this run, which is revoked at its end. */
static int
make_key(struct quick *q, struct err *e)
{
	char path[64], token[80];
	struct json v;
	int rc;

	snprintf(path, sizeof(path), "/api/machines/%lld/keys",
	    (long long)q->machine);
	if ((rc = ask(q, "POST", path, NULL, &v, e)) != 0)
		return rc;
	q->key = number(v, "id");
	if (!json_text(json_member(v, "token"), token, sizeof(token)) ||
	    client_conf_token_text(q->conf.token, token, e) == -1)
		return odd(q, "token", e);
	q->conf.has_token = true;
	str_wipe(token, sizeof(token));
	return 0;
}

static void
revoke_key(struct quick *q)
{
	char path[96];
	struct json ignored;
	struct err e;

	if (q->key == 0)
		return;
	snprintf(path, sizeof(path), "/api/machines/%lld/keys/%lld",
	    (long long)q->machine, (long long)q->key);
	if (ask(q, "DELETE", path, NULL, &ignored, &e) != 0)
		fprintf(stderr, "adit: key %lld is not revoked: %s\n",
		    (long long)q->key, e.text);
}

/* All that must be before it can be served: 0, or the exit status. */
static int
prepare(struct quick *q, struct err *e)
{
	char target[ADDR_HOST_MAX + 16];
	int rc;

	addr_join(target, sizeof(target), q->host, q->port);
	if (allow_add(&q->conf.allow, target, e) == -1)
		return EXIT_SETTINGS;
	q->web.proxy = &q->conf.proxy;
	if (proxy_conf_settle(&q->conf.proxy, e) == -1 ||
	    web_open(&q->web, e) == -1)
		return EXIT_SETTINGS;
	if ((rc = find_relay(q, e)) == 0 && (rc = find_tunnel(q, e)) == 0 &&
	    q->tunnel == 0)
		rc = make_tunnel(q, e);
	if (rc == 0 && q->machine == 0)
		rc = make_machine(q, e);
	return rc == 0 ? make_key(q, e) : rc;
}

/*
 * Serves it.  The key was made a moment ago: a relay that is busy may not have
 * read of it yet, and says that it knows none.
 */
static int
serve(struct quick *q)
{
	struct err ignored;
	uint64_t wait_ms = NOTICE_MS;
	int tries = 0, rc;

	do {
		loop_turn(q->web.loop, wait_ms, &ignored);
		wait_ms *= 4;
		rc = connect_serve(&q->conf);
	} while (rc == EXIT_REFUSED && ++tries < TRIES);
	return rc;
}

/* --- the command -------------------------------------------------------------------- */

static int
run(const char *kind, int argc, char *const *argv)
{
	struct quick *q;
	struct err e;
	int rc;

	if ((q = calloc(1, sizeof(*q))) == NULL) {
		perror("adit");
		return EXIT_UNEXPECTED;
	}
	q->kind = kind;
	if ((rc = read_words(q, argc, argv, &e)) == 0 &&
	    (rc = check_words(q, &e)) == 0 && plat_no_core(&e) == -1)
		rc = EXIT_UNEXPECTED;
	if (rc == 0 && (rc = read_key(q, &e)) == 0) {
		make_names(q);
		rc = prepare(q, &e);
	}
	if (rc == 0) {
		rc = serve(q);
	} else {
		fprintf(stderr, "adit %s: %s\n", kind, e.text);
		if (rc == EXIT_USAGE)
			fprintf(stderr, "See: adit help %s\n", kind);
	}
	revoke_key(q);
	client_conf_close(&q->conf);
	web_close(&q->web);
	free(q);
	return rc;
}

int
quick_tcp(int argc, char *const *argv)
{
	return run("tcp", argc, argv);
}

int
quick_udp(int argc, char *const *argv)
{
	return run("udp", argc, argv);
}

int
quick_both(int argc, char *const *argv)
{
	return run("both", argc, argv);
}
