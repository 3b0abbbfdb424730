#include "conf/adit_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "conf/conf_yaml.h"

static const char *const tls_words[] = { "1.2", "1.3", NULL };
static const char *const log_words[] = { "error", "warn", "info", "debug",
	NULL };

/* A key is called as its field. */
#define ROW(key, type, init, lo, hi, unit, words, derived, says)           \
	{                                                                  \
#key, type, offsetof(struct adit_conf, key), init, lo, hi, \
		    unit, words, derived, says                             \
	}
#define TEXT(key, init, derived, says) \
	ROW(key, CONF_TEXT, init, 0, 0, NULL, NULL, derived, says)
#define PATH(key, init, derived, says) \
	ROW(key, CONF_PATH, init, 0, 0, NULL, NULL, derived, says)
#define LIST(key, init, derived, says) \
	ROW(key, CONF_LIST, init, 0, 0, NULL, NULL, derived, says)
#define WORD(key, init, words, says) \
	ROW(key, CONF_WORD, init, 0, 0, NULL, words, NULL, says)
#define NUMBER(key, init, lo, hi, unit, says) \
	ROW(key, CONF_NUMBER, init, lo, hi, unit, NULL, NULL, says)

/* clang-format off */
static const struct conf_key keys[] = {
	PATH(database, "/var/lib/adit/adit.db", NULL,
	    "The SQLite database; the sockets and keys lie beside it."),
	TEXT(public_host, NULL, "the computer's name",
	    "The name or address that visitors and clients reach this"
	    " server by."),
	LIST(public_bind, NULL, "all addresses",
	    "Addresses that public ports are opened on."),
	TEXT(dashboard_url, NULL, "https:// and public_host",
	    "Where people reach the web pages; may end in a path."),
	TEXT(socket_group, NULL, "none",
	    "The group that may use the feed and link sockets (that of nginx)."),
	NUMBER(ports.from, "10000", 1024, 65535, NULL,
	    "The first public port that tunnels are given."),
	NUMBER(ports.to, "60000", 1024, 65535, NULL,
	    "The last public port that tunnels are given."),
	LIST(relay.listen, "[::]:7000", NULL,
	    "Addresses and ports where clients dial in, as ADDRESS:PORT."),
	PATH(relay.cert, NULL, "relay.crt beside the database",
	    "The relay's certificate, PEM; made when missing."),
	PATH(relay.key, NULL, "relay.key beside the database",
	    "The certificate's private key, PEM; made when missing."),
	PATH(relay.next_key, NULL, "none",
	    "The key that will follow; its pin is told to clients in advance."),
	WORD(relay.tls_min, "1.3", tls_words,
	    "The oldest version of TLS that clients may speak."),
	NUMBER(relay.workers, "0", 0, 256, NULL,
	    "Threads that carry bytes; 0 is one for each processor."),
	NUMBER(relay.grace_s, "60", 1, 86400, "s",
	    "How long a session whose links are gone is kept with its streams."),
	NUMBER(relay.hold_s, "10", 0, 86400, "s",
	    "How long newcomers wait for such a session before they are"
	    " refused."),
	NUMBER(relay.drain_s, "30", 0, 86400, "s",
	    "How long streams may go on after SIGTERM."),
	NUMBER(relay.memory_mb, "256", 16, 1048576, "MB",
	    "Memory for bytes of streams; one session gets at most a quarter."),
	PATH(relay.control, NULL, "control.sock beside the database",
	    "The socket that aditctl speaks to."),
	PATH(relay.feed, NULL, "feed.sock beside the database",
	    "The socket of live figures, health and metrics."),
	PATH(relay.link, NULL, "link.sock beside the database",
	    "The socket that nginx hands WebSocket links to."),
	NUMBER(http.connections, "256", 1, 65536, NULL,
	    "Connections at a time on the feed socket."),
	NUMBER(http.request_ms, "5000", 100, 600000, "ms",
	    "Time for a whole request to arrive on the feed socket."),
	NUMBER(http.idle_ms, "60000", 100, 3600000, "ms",
	    "Time that a connection of the feed socket may lie idle."),
	NUMBER(http.streams, "4096", 1, 65536, NULL,
	    "Streams of events to browsers, at a time."),
	NUMBER(http.streams_per_user, "128", 1, 65536, NULL,
	    "The same, of one user."),
	NUMBER(limits.handshakes, "256", 1, 65536, NULL,
	    "Dials that have not yet come to WELCOME, at a time."),
	NUMBER(limits.links_per_address, "2048", 1, 1048576, NULL,
	    "Links from one address (IPv6: from one /64), at a time."),
	NUMBER(limits.sessions, "16384", 1, 1048576, NULL,
	    "Sessions at a time."),
	NUMBER(limits.handshake_ms, "5000", 100, 600000, "ms",
	    "Time for the TLS handshake of a dial."),
	NUMBER(limits.hello_ms, "10000", 100, 600000, "ms",
	    "Time from accepting a dial to its whole HELLO."),
	NUMBER(limits.heartbeat_ms, "30000", 1000, 3600000, "ms",
	    "Silence after which a link is asked for a sign of life."),
	NUMBER(limits.penalty_ms, "1000", 0, 3600000, "ms",
	    "How long an address waits after a HELLO that was refused."),
	NUMBER(limits.returns_per_s, "5", 1, 100000, NULL,
	    "Starts and returns of one machine per second."),
	NUMBER(limits.returns_burst, "50", 1, 1000000, NULL,
	    "Starts and returns of one machine at once, before that rate rules."),
	NUMBER(limits.streams_per_tunnel, "16384", 1, 1048576, NULL,
	    "Visitors of one tunnel at a time."),
	NUMBER(limits.streams_per_session, "16384", 1, 16384, NULL,
	    "Streams and flows of one session at a time."),
	NUMBER(limits.streams_per_user, "32768", 1, 1048576, NULL,
	    "Visitors of all tunnels of one user at a time."),
	NUMBER(limits.streams, "65536", 1, 4194304, NULL,
	    "Visitors of all tunnels at a time."),
	NUMBER(limits.memory_per_user, "50", 1, 100, "percent",
	    "Part of relay.memory_mb that the machines of one user may"
	    " hold together."),
	NUMBER(limits.visitors_per_minute, "0", 0, 1000000, NULL,
	    "New visitors per address, tunnel and minute, where the"
	    " tunnel says nothing; 0 is no limit."),
	NUMBER(limits.flows_per_tunnel, "4096", 1, 16384, NULL,
	    "UDP flows of one tunnel at a time."),
	NUMBER(limits.flows, "32768", 1, 4194304, NULL,
	    "UDP flows of all tunnels at a time."),
	NUMBER(limits.flow_idle_s, "30", 1, 86400, "s",
	    "Idle time that ends a UDP flow while one side has spoken."),
	NUMBER(limits.flow_answered_idle_s, "120", 1, 86400, "s",
	    "Idle time that ends a UDP flow once both have."),
	NUMBER(limits.flow_packets_per_s, "200000", 0, 10000000, NULL,
	    "Datagrams per second from one address, for the tunnels of one"
	    " worker; 0 is no limit."),
	NUMBER(limits.opens_per_s, "2000", 1, 1000000, NULL,
	    "Streams that one client may open per second."),
	NUMBER(limits.opens_burst, "4000", 1, 1000000, NULL,
	    "Streams that one client may open at once, before that rate rules."),
	NUMBER(limits.window_first_kb, "256", 16, 16384, "KiB",
	    "Bytes of a stream that may be under way at its start."),
	NUMBER(limits.window_max_kb, "2048", 16, 65536, "KiB",
	    "Bytes of a stream that may be under way when it is fast."),
	NUMBER(limits.api_reads_per_minute, "6000", 0, 1000000, NULL,
	    "Requests of one user's programs that only look; 0 is no limit."),
	NUMBER(limits.api_writes_per_minute, "600", 0, 1000000, NULL,
	    "Requests of one user's programs that change; 0 is no limit."),
	NUMBER(limits.files_reserve, "64", 16, 65536, NULL,
	    "Open files kept free for all but visitors and links."),
	NUMBER(limits.control_connections, "16", 1, 1024, NULL,
	    "Connections at a time on the control socket."),
	WORD(log.level, "info", log_words,
	    "The least important lines that are logged."),
	PATH(log.file, NULL, "standard error",
	    "The file that is logged to; no symbolic link."),
	NUMBER(log.rotate_mb, "10", 0, 1048576, "MB",
	    "Size at which the log file is rotated; 0 is never."),
	NUMBER(log.keep, "5", 0, 1000, NULL,
	    "Rotated log files that are kept."),
	NUMBER(log.alike_per_s, "500", 0, 1000000, NULL,
	    "Lines per second that differ in numbers only; more are"
	    " counted; 0 is no limit."),
};
/* clang-format on */

const struct conf_table adit_conf_table = {
	keys,
	sizeof(keys) / sizeof(keys[0]),
};

/* --- what follows from other keys ---------------------------------------- */

/* A path that was not given: name in the folder of the database. */
static int
beside(const struct adit_conf *c, char **path, const char *name, struct err *e)
{
	const char *slash = strrchr(c->database, '/');
	int folder = slash == NULL ? 0 : (int)(slash - c->database) + 1;
	char whole[CONF_VALUE_MAX];

	if (*path != NULL)
		return 0;
	if (snprintf(whole, sizeof(whole), "%.*s%s", folder, c->database,
		name) >= (int)sizeof(whole))
		return err_set(e, "key \"database\": the path is too long");
	return conf_text(path, whole, e);
}

static int
derive_paths(struct adit_conf *c, struct err *e)
{
	struct adit_conf_relay *r = &c->relay;

	if ((r->cert == NULL) != (r->key == NULL))
		return err_set(e,
		    "key \"relay.%s\": relay.cert and relay.key are given"
		    " together or not at all",
		    r->cert == NULL ? "cert" : "key");
	if (beside(c, &r->cert, "relay.crt", e) != 0 ||
	    beside(c, &r->key, "relay.key", e) != 0 ||
	    beside(c, &r->control, "control.sock", e) != 0 ||
	    beside(c, &r->feed, "feed.sock", e) != 0 ||
	    beside(c, &r->link, "link.sock", e) != 0 ||
	    beside(c, &c->install_key, "adit.key", e) != 0)
		return -1;
	return 0;
}

/* A host name or an address: nothing that could be more than that. */
static bool
is_host(const char *s, size_t n)
{
	if (n == 0 || n > 253)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) &&
		    strchr(".-_:", s[i]) == NULL)
			return false;
	return isalnum((unsigned char)s[0]) || s[0] == ':';
}

static int
derive_host(struct adit_conf *c, struct err *e)
{
	char name[256] = "";

	if (c->public_host == NULL) {
		if (gethostname(name, sizeof(name)) != 0)
			name[0] = '\0';
		name[sizeof(name) - 1] = '\0';
		if (!is_host(name, strlen(name)))
			memcpy(name, "localhost", sizeof("localhost"));
		return conf_text(&c->public_host, name, e);
	}
	if (!is_host(c->public_host, strlen(c->public_host)))
		return err_set(e,
		    "key \"public_host\": \"%s\" is neither a name nor an"
		    " address",
		    c->public_host);
	return 0;
}

/* The host in a URL's "HOST:PORT/path", which begins at s; 0 for none. */
static size_t
url_host_len(const char *s)
{
	size_t n;

	if (*s != '[')
		return strcspn(s, ":/");
	n = strcspn(s, "]");
	return s[n] == ']' ? n + 1 : 0;
}

static bool
is_url_host(const char *s, size_t n)
{
	if (n > 2 && s[0] == '[')
		return is_host(s + 1, n - 2);
	return is_host(s, n) && memchr(s, ':', n) == NULL;
}

static bool
is_word(const char *s, size_t n, const char *word)
{
	return n == strlen(word) && memcmp(s, word, n) == 0;
}

/* ":PORT" and a path, or nothing; no query, no fragment, no blanks. */
static bool
is_url_rest(const char *s)
{
	char port[6];
	uint64_t number;

	if (*s == ':') {
		size_t digits = strspn(s + 1, "0123456789");

		if (digits >= sizeof(port))
			return false;
		memcpy(port, s + 1, digits);
		port[digits] = '\0';
		if (!str_number(port, 1, 65535, &number))
			return false;
		s += 1 + digits;
	}
	if (*s != '\0' && *s != '/')
		return false;
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("/-._~%", *s) == NULL)
			return false;
	return true;
}

static int
check_url(const char *url, struct err *e)
{
	bool plain = strncmp(url, "http://", 7) == 0;
	const char *host = url + (plain ? 7 : 8);
	size_t n;

	if (!plain && strncmp(url, "https://", 8) != 0)
		return err_set(e,
		    "key \"dashboard_url\": \"%s\" does not begin with"
		    " https://",
		    url);
	n = url_host_len(host);
	if (!is_url_host(host, n) || !is_url_rest(host + n))
		return err_set(e,
		    "key \"dashboard_url\": \"%s\" is no https://HOST[:PORT]"
		    "[/PATH]",
		    url);
	if (plain && !is_word(host, n, "localhost") &&
	    !is_word(host, n, "127.0.0.1"))
		return err_set(e,
		    "key \"dashboard_url\": http is for localhost and"
		    " 127.0.0.1 only; write https://");
	return 0;
}

static int
derive_url(struct adit_conf *c, struct err *e)
{
	char url[300];
	size_t n;

	if (c->dashboard_url == NULL) {
		bool v6 = strchr(c->public_host, ':') != NULL;

		snprintf(url, sizeof(url), "https://%s%s%s", v6 ? "[" : "",
		    c->public_host, v6 ? "]" : "");
		return conf_text(&c->dashboard_url, url, e);
	}
	if (check_url(c->dashboard_url, e) != 0)
		return -1;
	for (n = strlen(c->dashboard_url); c->dashboard_url[n - 1] == '/'; n--)
		c->dashboard_url[n - 1] = '\0';
	return 0;
}

/* What no key can tell alone. */
static int
check_pairs(const struct adit_conf *c, struct err *e)
{
	if (c->ports.from > c->ports.to)
		return err_set(e,
		    "key \"ports.from\": %u is above ports.to, %u",
		    c->ports.from, c->ports.to);
	if (c->limits.window_first_kb > c->limits.window_max_kb)
		return err_set(e,
		    "key \"limits.window_first_kb\": %u is above"
		    " limits.window_max_kb, %u",
		    c->limits.window_first_kb, c->limits.window_max_kb);
	if (c->limits.handshake_ms > c->limits.hello_ms)
		return err_set(e,
		    "key \"limits.handshake_ms\": %u is above"
		    " limits.hello_ms, %u",
		    c->limits.handshake_ms, c->limits.hello_ms);
	if (c->relay.hold_s > c->relay.grace_s)
		return err_set(e,
		    "key \"relay.hold_s\": %u is above relay.grace_s, %u",
		    c->relay.hold_s, c->relay.grace_s);
	if (c->relay.listen.n == 0)
		return err_set(e, "key \"relay.listen\": the list is empty");
	return 0;
}

/* Completes and checks *c; name says which file it came from. */
static int
finish(struct adit_conf *c, const char *name, struct err *e)
{
	if (derive_paths(c, e) != 0 || derive_host(c, e) != 0 ||
	    derive_url(c, e) != 0 || check_pairs(c, e) != 0)
		return err_prefix(e, "%s", name);
	return 0;
}

/* --- loading ------------------------------------------------------------- */

/* Fills *c from the file at path, which must be there unless may_lack. */
static int
load(struct adit_conf *c, const char *path, bool may_lack, struct err *e)
{
	int rc;

	if (conf_init(&adit_conf_table, c, e) != 0)
		return -1;
	if ((rc = conf_yaml_load(&adit_conf_table, c, path, e)) < 0)
		return -1;
	if (rc == 0 && !may_lack)
		return err_set(e, "%s: there is no such file", path);
	if (rc == 1 && conf_text(&c->path, path, e) != 0)
		return -1;
	return finish(c, path, e);
}

int
adit_conf_load(struct adit_conf *c, const char *path, struct err *e)
{
	bool may_lack = false;

	memset(c, 0, sizeof(*c));
	if (path == NULL)
		path = getenv("ADIT_CONFIG");
	if (path == NULL || *path == '\0') {
		path = ADIT_CONF_PATH;
		may_lack = true;
	}
	if (load(c, path, may_lack, e) == 0)
		return 0;
	adit_conf_free(c);
	return -1;
}

int
adit_conf_parse(struct adit_conf *c, const void *text, size_t n,
    const char *name, struct err *e)
{
	memset(c, 0, sizeof(*c));
	if (conf_init(&adit_conf_table, c, e) == 0 &&
	    conf_yaml_parse(&adit_conf_table, c, text, n, name, e) == 1 &&
	    conf_text(&c->path, name, e) == 0 && finish(c, name, e) == 0)
		return 0;
	adit_conf_free(c);
	return -1;
}

void
adit_conf_free(struct adit_conf *c)
{
	conf_free(&adit_conf_table, c);
	free(c->path);
	free(c->install_key);
	memset(c, 0, sizeof(*c));
}

void
adit_conf_print(FILE *to, const struct adit_conf *c)
{
	conf_print(to, &adit_conf_table, c);
}
