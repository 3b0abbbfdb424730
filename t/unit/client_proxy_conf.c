/* client_proxy_conf: whose word on the proxy holds; and in which order ways are
 * tried. */
#include "../../client/proxy_conf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../client/ways.h"
#include "tap.h"

static struct proxy_conf c;
static struct proxies out;
static struct err e;

static void
begin(void)
{
	static const char *const names[] = { "ADIT_PROXY", "https_proxy",
		"HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
		"NO_PROXY" };
	size_t i;

	proxy_conf_close(&c);
	c = (struct proxy_conf){ 0 };
	e.text[0] = '\0';
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

/* "HOST" of the proxy for that host; "none", or "ask" the system. */
static const char *
proxy_for(const char *host, uint16_t port)
{
	int rc = proxy_conf_know(&c, host, port, &out);

	return rc == -1 ? "ask" : rc == 0 ? "none" : out.list[0].host;
}

static void
test_options(void)
{
	bool has_value = false;

	ok(proxy_conf_knows("--proxy", &has_value) && has_value, "--proxy");
	ok(proxy_conf_knows("--no-proxy", &has_value) && !has_value,
	    "--no-proxy");
	ok(!proxy_conf_knows("--prox", &has_value), "nothing else");
	begin();
	setenv("https_proxy", "http://env:1", 1);
	setenv("ADIT_PROXY", "http://own:1", 1);
	is_int(proxy_conf_set(&c, "--proxy", "http://given:1", &e), 0,
	    "a proxy on the command line");
	is_int(proxy_conf_settle(&c, &e), 0, "is settled");
	is_str(proxy_for("localhost", 1), "given", "and holds for all");
	ok(getenv("ADIT_PROXY") == NULL, "the environment's is wiped");
	is_int(
	    proxy_conf_set(&c, "--no-proxy", NULL, &e), -1, "twice is wrong");
	begin();
	is_int(proxy_conf_set(&c, "--proxy", "none", &e), 0, "none");
	is_int(proxy_conf_settle(&c, &e), 0, "is settled");
	is_str(proxy_for("a", 1), "none", "and holds");
	begin();
	is_int(proxy_conf_set(&c, "--proxy", "http://u:secret@h:1", &e), -1,
	    "a password on the command line is refused");
	ok(strstr(e.text, "ADIT_PROXY") != NULL &&
		strstr(e.text, "--proxy-file") != NULL,
	    "with the remedy");
	ok(strstr(e.text, "secret") == NULL, "and not repeated");
}

static void
test_environment(void)
{
	begin();
	is_int(proxy_conf_settle(&c, &e), 0, "nothing is set");
	is_str(proxy_for("a", 1), "ask", "the system is asked");
	is_str(proxy_for("127.0.0.1", 1), "none", "but not for this computer");
	begin();
	setenv("all_proxy", "http://all:1", 1);
	setenv("HTTPS_PROXY", "http://u:p@upper:1", 1);
	is_int(proxy_conf_settle(&c, &e), 0, "an environment");
	is_str(proxy_for("a", 1), "upper", "https goes before all");
	is_str(out.list[0].auth, "u:p", "with its password");
	ok(getenv("HTTPS_PROXY") == NULL, "which is wiped");
	ok(getenv("all_proxy") != NULL, "what holds no secret stays");
	is_str(c.whence, "HTTPS_PROXY", "it is named");
	is_str(proxy_for("localhost", 1), "none", "not for this computer");
	begin();
	setenv("https_proxy", "http://lower:1", 1);
	setenv("no_proxy", ".lan,10.0.0.0/8", 1);
	is_int(proxy_conf_settle(&c, &e), 0, "one with exceptions");
	is_str(proxy_for("a.example", 1), "lower", "for strangers");
	is_str(proxy_for("a.lan", 1), "none", "not for those it spares");
	is_str(proxy_for("10.9.8.7", 1), "none", "by number too");
	begin();
	setenv("https_proxy", "socks5://u:secret@h:1", 1);
	is_int(proxy_conf_settle(&c, &e), 0, "one that cannot be used");
	is_str(proxy_for("a", 1), "none", "is as if there were none");
	ok(strstr(c.trouble.text, "https_proxy is not used") != NULL &&
		strstr(c.trouble.text, "secret") == NULL,
	    "and there is a sentence about it");
	begin();
	setenv("https_proxy", "http://env:1", 1);
	setenv("ADIT_PROXY", "none", 1);
	is_int(proxy_conf_settle(&c, &e), 0, "ADIT_PROXY=none");
	is_str(proxy_for("a", 1), "none", "goes before what all programs use");
	begin();
	setenv("ADIT_PROXY", "http://own:x", 1);
	is_int(proxy_conf_settle(&c, &e), -1, "ADIT_PROXY that is wrong");
	ok(strncmp(e.text, "ADIT_PROXY: ", 12) == 0, "is named");
}

static void
test_line(void)
{
	begin();
	setenv("https_proxy", "http://env:1", 1);
	is_int(proxy_conf_settle(&c, &e), 0, "an environment");
	is_int(proxy_conf_line(&c, "http://u:p@file:1", &e), 0,
	    "and the line of a file");
	is_str(proxy_for("a", 1), "file", "which goes before");
	is_int(proxy_conf_line(&c, "none", &e), 0, "none");
	is_str(proxy_for("a", 1), "none", "too");
	is_int(proxy_conf_line(&c, "x:y", &e), -1, "a wrong one");
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	ok(f != NULL, "a file");
	if (f == NULL)
		return;
	fputs(text, f);
	fclose(f);
	chmod(path, mode);
}

static void
test_file(void)
{
	char dir[] = "/tmp/adit-proxy-XXXXXX", path[64];

	ok(mkdtemp(dir) != NULL, "a folder");
	snprintf(path, sizeof(path), "%s/proxy", dir);
	write_file(path, "http://u:p@file:1\r\nrest", 0600);
	begin();
	is_int(proxy_conf_set(&c, "--proxy-file", path, &e), 0, "a file");
	is_int(proxy_conf_settle(&c, &e), 0, "is read");
	is_str(proxy_for("a", 1), "file", "its proxy");
	is_str(out.list[0].auth, "u:p", "its secret");
	chmod(path, 0644);
	begin();
	proxy_conf_set(&c, "--proxy-file", path, &e);
	is_int(
	    proxy_conf_settle(&c, &e), -1, "one that others may read is not");
	unlink(path);
	begin();
	proxy_conf_set(&c, "--proxy-file", path, &e);
	is_int(proxy_conf_settle(&c, &e), -1, "nor one that is not there");
	ok(strncmp(e.text, "--proxy-file", 12) == 0, "which is named");
	rmdir(dir);
}

/* "dp": directly, then through the proxy. */
static void
order(enum proxy_use use, const char *want)
{
	static struct client_conf conf;
	static struct ways w;
	char got[WAYS_MAX + 1] = "";
	size_t i;

	conf.door_count = 2;
	is_int(door_parse(&conf.doors[0], "relay:7000", &e), 0, "a door");
	is_int(door_parse(&conf.doors[1], "wss://h/link", &e), 0, "another");
	conf.proxy.use = use;
	ways_of(&w, &conf);
	for (i = 0; i < w.count; i++) {
		got[i] = w.list[i].proxy != NULL ? 'p' : 'd';
		if (door_is_ws(w.list[i].door))
			got[i] = (char)(got[i] - 'a' + 'A');
		if (w.list[i].is_guess !=
		    (w.list[i].proxy != NULL && use == PROXY_SYSTEM))
			got[i] = '!';
	}
	got[i] = '\0';
	is_str(got, want, "the order of ways");
}

int
main(void)
{
	test_options();
	test_environment();
	test_line();
	test_file();
	order(PROXY_SYSTEM, "dpPD");
	order(PROXY_GIVEN, "pP");
	order(PROXY_NEVER, "dD");
	begin();
	return tap_done();
}
