#include "conf/adit_conf.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "tap.h"

static struct adit_conf c;
static struct err e;

static int
parse(const char *text)
{
	adit_conf_free(&c);
	e.text[0] = '\0';
	return adit_conf_parse(&c, text, strlen(text), "/srv/a/adit.yaml", &e);
}

static void
wrong(const char *text, const char *want)
{
	is_int(parse(text), -1, want);
	is_str(e.text, want, "and the reason");
	ok(c.database == NULL, "nothing is left");
}

static void
test_defaults(void)
{
	char name[256] = "", url[300];

	gethostname(name, sizeof(name) - 1);
	snprintf(url, sizeof(url), "https://%s", name);
	is_int(parse(""), 0, "an empty file is a good one");
	is_str(c.database, "/var/lib/adit/adit.db", "database");
	is_str(c.public_host, name, "public_host is the computer's name");
	is_str(c.dashboard_url, url, "dashboard_url follows it");
	is_int(c.public_bind.n, 0, "public_bind");
	is_int(c.ports.from, 10000, "ports.from");
	is_int(c.ports.to, 60000, "ports.to");
	is_int(c.relay.listen.n, 1, "relay.listen is one");
	is_str(c.relay.listen.at[0], "[::]:7000", "relay.listen");
	is_str(c.relay.cert, "/var/lib/adit/relay.crt", "relay.cert");
	is_str(c.relay.key, "/var/lib/adit/relay.key", "relay.key");
	is_str(c.relay.control, "/var/lib/adit/control.sock", "control");
	is_str(c.relay.feed, "/var/lib/adit/feed.sock", "feed");
	is_str(c.relay.link, "/var/lib/adit/link.sock", "link");
	is_str(c.install_key, "/var/lib/adit/adit.key", "adit.key");
	ok(c.relay.next_key == NULL, "no next key");
	is_int(c.relay.tls_min, ADIT_TLS_1_3, "TLS 1.3");
	is_int(c.relay.hold_s, 10, "hold_s");
	is_int(c.relay.grace_s, 60, "grace_s");
	is_int(c.relay.drain_s, 30, "drain_s");
	is_int(c.limits.hello_ms, 10000, "hello_ms");
	is_int(c.limits.handshake_ms, 5000, "handshake_ms");
	is_int(c.limits.heartbeat_ms, 30000, "heartbeat_ms");
	is_int(c.limits.penalty_ms, 1000, "penalty_ms");
	is_int(c.limits.returns_per_s, 5, "returns_per_s");
	is_int(c.limits.returns_burst, 50, "returns_burst");
	is_int(c.limits.streams_per_session, 16384, "streams_per_session");
	is_int(c.limits.opens_per_s, 2000, "opens_per_s");
	is_int(c.limits.opens_burst, 4000, "opens_burst");
	is_int(c.limits.flow_idle_s, 30, "flow_idle_s");
	is_int(c.limits.flow_answered_idle_s, 120, "flow_answered_idle_s");
	is_int(c.limits.flow_packets_per_s, 200000, "flow_packets_per_s");
	is_int(c.limits.window_first_kb, 256, "window_first_kb");
	is_int(c.limits.window_max_kb, 2048, "window_max_kb");
	is_int(c.limits.visitors_per_minute, 0, "visitors_per_minute");
	is_int(c.limits.api_reads_per_minute, 6000, "api_reads_per_minute");
	is_int(c.limits.api_writes_per_minute, 600, "api_writes_per_minute");
	is_int(c.log.level, 2, "log.level is info");
}

static void
test_values(void)
{
	is_int(parse("database: d/x.db\n"
		     "public_host: 2001:db8::1\n"
		     "public_bind: [192.0.2.1, '2001:db8::1']\n"
		     "ports: {from: 20000, to: 20010}\n"
		     "relay:\n"
		     "  listen: 0.0.0.0:7001\n"
		     "  cert: /etc/c.pem\n"
		     "  key: k.pem\n"
		     "  tls_min: 1.2\n"),
	    0, "a file with values");
	is_str(c.path, "/srv/a/adit.yaml", "the file's name is kept");
	is_str(c.database, "/srv/a/d/x.db", "relative to the file");
	is_str(c.relay.feed, "/srv/a/d/feed.sock", "beside the database");
	is_str(c.relay.cert, "/etc/c.pem", "an absolute path stays");
	is_str(c.relay.key, "/srv/a/k.pem", "a relative one does not");
	is_str(c.dashboard_url, "https://[2001:db8::1]", "IPv6 in brackets");
	is_int(c.public_bind.n, 2, "two addresses");
	is_str(c.public_bind.at[1], "2001:db8::1", "the second");
	is_int(c.ports.from, 20000, "ports.from");
	is_str(c.relay.listen.at[0], "0.0.0.0:7001", "a list of one");
	is_int(c.relay.tls_min, ADIT_TLS_1_2, "TLS 1.2");
}

static void
test_url(void)
{
	static const char *const good[] = { "https://a.example",
		"https://a.example:8443/x/y", "http://localhost:8080",
		"http://127.0.0.1:8080/adit", "https://[::1]:1/" };
	static const char *const bad[] = { "http://a.example",
		"http://localhost.a.example", "http://127.0.0.1.a.example",
		"http://localhost@a.example", "ftp://a.example", "a.example",
		"https://", "https:///x", "https://a b", "https://a/?q",
		"https://a/#f", "https://a:70000", "https://a:", "https://[::1",
		"https://u@a", "https://a\\b", "https://[]" };
	char text[200];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "dashboard_url: '%s'", good[i]);
		is_int(parse(text), 0, good[i]);
	}
	is_str(c.dashboard_url, "https://[::1]:1", "no slash at the end");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "dashboard_url: '%s'", bad[i]);
		is_int(parse(text), -1, bad[i]);
	}
}

static void
test_wrong(void)
{
	wrong("ports: {from: 3000, to: 2000}",
	    "/srv/a/adit.yaml: key \"ports.from\": 3000 is above ports.to, "
	    "2000");
	wrong("relay: {cert: x}",
	    "/srv/a/adit.yaml: key \"relay.key\": relay.cert and relay.key are"
	    " given together or not at all");
	wrong("\nrelay:\n  hold: 3\n",
	    "/srv/a/adit.yaml:3: key \"relay.hold\": is unknown");
	wrong("relay: {listen: []}",
	    "/srv/a/adit.yaml: key \"relay.listen\": the list is empty");
	wrong("public_host: 'a b'",
	    "/srv/a/adit.yaml: key \"public_host\": \"a b\" is neither a name"
	    " nor an address");
	wrong("limits: {window_first_kb: 4096}",
	    "/srv/a/adit.yaml: key \"limits.window_first_kb\": 4096 is above"
	    " limits.window_max_kb, 2048");
	wrong("relay: {hold_s: 90}",
	    "/srv/a/adit.yaml: key \"relay.hold_s\": 90 is above"
	    " relay.grace_s, 60");
	wrong("limits: {handshake_ms: 20000}",
	    "/srv/a/adit.yaml: key \"limits.handshake_ms\": 20000 is above"
	    " limits.hello_ms, 10000");
}

/* Which file is read. */
static void
test_load(void)
{
	char dir[] = "/tmp/adit-conf-XXXXXX", path[64];
	FILE *f;

	ok(mkdtemp(dir) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/a.yaml", dir);
	adit_conf_free(&c);
	is_int(adit_conf_load(&c, path, &e), -1, "a named file must be there");
	ok(strstr(e.text, "a.yaml: there is no such file") != NULL,
	    "and the reason says so");
	if ((f = fopen(path, "w")) != NULL) {
		fputs("public_host: named.example\n", f);
		fclose(f);
	}
	is_int(adit_conf_load(&c, path, &e), 0, "it is read");
	is_str(c.public_host, "named.example", "its value");
	is_str(c.path, path, "its name");
	adit_conf_free(&c);
	setenv("ADIT_CONFIG", path, 1);
	is_int(adit_conf_load(&c, NULL, &e), 0, "$ADIT_CONFIG names one");
	is_str(c.public_host, "named.example", "that is read");
	adit_conf_free(&c);
	unlink(path);
	is_int(adit_conf_load(&c, NULL, &e), -1, "which must be there too");
	unsetenv("ADIT_CONFIG");
	if (access(ADIT_CONF_PATH, F_OK) != 0) {
		is_int(adit_conf_load(&c, NULL, &e), 0,
		    "the file of the system may be missing");
		ok(c.path == NULL, "then none was read");
	}
	rmdir(dir);
}

static char *
slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 100001);

	if (f != NULL && text != NULL)
		text[fread(text, 1, 100000, f)] = '\0';
	if (f != NULL)
		fclose(f);
	return text;
}

/* Every key has its entry in the manual page, with its range and default. */
static void
test_manual(void)
{
	char *page = slurp("relayd/adit.yaml.5");
	size_t entries = 0;
	char line[200];

	ok(page != NULL && *page != '\0', "the manual page is there");
	for (size_t i = 0; page != NULL && i < adit_conf_table.n; i++) {
		const struct conf_key *k = &adit_conf_table.keys[i];
		const char *at, *end;

		snprintf(line, sizeof(line), "\n.It Ic %s\n", k->name);
		at = strstr(page, line);
		if (!ok(at != NULL, k->name))
			continue;
		if ((end = strstr(at + 1, "\n.It Ic ")) == NULL)
			end = at + strlen(at);
		if (k->type == CONF_NUMBER)
			snprintf(line, sizeof(line),
			    "From %u to %u%s%s; default %s.\n", k->lo, k->hi,
			    k->unit == NULL ? "" : " ",
			    k->unit == NULL ? "" : k->unit, k->init);
		else if (k->type == CONF_WORD)
			snprintf(
			    line, sizeof(line), "; default %s.\n", k->init);
		else
			snprintf(line, sizeof(line), "Default: %s.\n",
			    k->init != NULL ? k->init : k->derived);
		at = strstr(at, line);
		line[strlen(line) - 1] = '\0';
		ok(at != NULL && at < end, line);
	}
	for (const char *at = page; at != NULL; entries++)
		if ((at = strstr(at, "\n.It Ic ")) == NULL)
			break;
		else
			at++;
	is_int(entries, adit_conf_table.n, "the page has no key of its own");
	free(page);
}

/* The listing shows every key, and can be made of values and of defaults. */
static void
test_print(void)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	bool all = true;

	is_int(parse("relay: {hold_s: 11}"), 0, "a value");
	adit_conf_print(f, NULL);
	fputs("----\n", f);
	adit_conf_print(f, &c);
	fclose(f);
	for (size_t i = 0; i < adit_conf_table.n; i++)
		all = all && strstr(text, adit_conf_table.keys[i].name) != NULL;
	ok(all, "every key is listed");
	ok(strstr(text, "relay.hold_s: 10 (0 to 86400 s)\n") != NULL,
	    "with its default");
	ok(strstr(strstr(text, "----"), "relay.hold_s: 11 (0 to 86400 s)\n") !=
		NULL,
	    "or its value");
	free(text);
}

int
main(void)
{
	test_defaults();
	test_values();
	test_url();
	test_wrong();
	test_load();
	test_manual();
	test_print();
	adit_conf_free(&c);
	return tap_done();
}
