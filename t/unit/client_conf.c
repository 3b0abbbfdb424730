#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../client/client_conf.h"
#include "base/err.h"
#include "tap.h"

#define P1        \
	"sha256:" \
	"1111111111111111111111111111111111111111111111111111111111111111"
#define P2        \
	"sha256:" \
	"2222222222222222222222222222222222222222222222222222222222222222"
#define TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static struct client_conf c;
static struct err e;

/* Reads words that are divided by spaces. */
static int
read_words(const char *line)
{
	static char words[4096];
	char *argv[64], *w;
	int argc = 0;

	client_conf_close(&c);
	e.text[0] = '\0';
	snprintf(words, sizeof(words), "%s", line);
	for (w = strtok(words, " "); w != NULL && argc < 64;
	     w = strtok(NULL, " "))
		argv[argc++] = w;
	return client_conf_read(&c, argc, argv, &e);
}

#define ALLOW " --allow 127.0.0.1:22"

static void
test_good(void)
{
	is_int(read_words("--server relay.example:7000 --pin " P1 "," P2 ALLOW),
	    0, "server, pins, allow");
	is_int(c.door_count, 1, "one door");
	is_str(c.doors[0].host, "relay.example", "its host");
	is_int(c.doors[0].port, 7000, "its port");
	is_int(c.doors[0].pin_count, 2, "both pins");
	ok(c.doors[0].ctx != NULL, "it can be dialled");
	is_int(read_words("--server=[::1]:7000 --pin=" P1 " --allow=h:*"
			  " --plain --no-color --verbose"),
	    0, "values behind = too");
	is_str(c.doors[0].text, "[::1]:7000", "IPv6 keeps its brackets");
	ok(c.plain && c.no_color && c.verbose, "switches");
}

/* Doors through a web server. */
static void
test_websocket(void)
{
	is_int(read_words("--server wss://relay.example/link"
			  " --server wss://[::1]:8443/adit/link"
			  " --server wss://relay.example:443"
			  " --server [::1]:7000 --ca system" ALLOW),
	    0, "doors of WebSockets");
	ok(door_is_ws(&c.doors[0]) && !door_is_ws(&c.doors[3]),
	    "are told from the others");
	is_str(c.doors[0].host, "relay.example", "host");
	is_int(c.doors[0].port, 443, "port of HTTPS");
	is_str(c.doors[0].path, "/link", "path");
	is_str(c.doors[0].authority, "relay.example", "as HTTP calls it");
	is_str(c.doors[0].text, "wss://relay.example/link", "as people do");
	is_str(c.doors[1].host, "::1", "host without brackets");
	is_int(c.doors[1].port, 8443, "its own port");
	is_str(c.doors[1].path, "/adit/link", "a longer path");
	is_str(c.doors[1].authority, "[::1]:8443", "as HTTP calls it");
	is_str(c.doors[2].text, "wss://relay.example/link",
	    "what may be left out is");
}

/* Which door trusts whom. */
static void
test_trust(void)
{
	is_int(read_words("--server a:1 --pin " P1 " --server b:1 --server c:1"
			  " --ca system" ALLOW),
	    0, "three doors");
	ok(c.doors[0].pin_count == 1 && c.doors[1].pin_count == 1,
	    "trust holds for those that follow");
	ok(c.doors[2].pin_count == 0 && c.doors[2].ca != NULL,
	    "until other trust is given");
	is_int(read_words("--server a:1 --server b:1 --pin " P2 ALLOW), 0,
	    "trust at the end");
	ok(c.doors[0].pin_count == 1 && c.doors[1].pin_count == 1,
	    "holds for all before it that have none");
	is_int(read_words("--pin " P1 " --server a:1" ALLOW), 0,
	    "trust before the door");
	is_int(c.doors[0].pin_count, 1, "holds for it");
	is_int(read_words("--server a:1 --pin " P1 " --ca system" ALLOW), 20,
	    "two for one door");
	is_int(read_words("--server a:1" ALLOW), 2, "none at all");
	ok(strstr(e.text, "a:1") != NULL, "names the door");
	is_int(read_words("--server a:1 --ca /nowhere/ca.pem" ALLOW), 20,
	    "a file that is not there");
	ok(strstr(e.text, "/nowhere/ca.pem") != NULL, "is named");
}

static void
test_bad(void)
{
	static const struct {
		const char *words;
		int code;
		const char *says;
	} bad[] = {
		{ "", 2, "--server" },
		{ "--pin " P1 ALLOW, 2, "--server" },
		{ "--server a:1 --pin " P1, 2, "--allow" },
		{ "--server", 2, "needs a value" },
		{ "--server a:1 --pin", 2, "needs a value" },
		{ "--serverx a:1", 2, "--serverx" },
		{ "--insecure", 2, "--insecure" },
		{ "--plain=yes", 2, "takes no value" },
		{ "relay:7000", 2, "relay:7000" },
		{ "--server relay", 20, "relay" },
		{ "--server relay:0", 20, "relay:0" },
		{ "--server ws://relay.example/link", 20, "wss://" },
		{ "--server wss://", 20, "host" },
		{ "--server wss:///link", 20, "host" },
		{ "--server wss://u@relay/link", 20, "host" },
		{ "--server wss://relay:0/link", 20, "port" },
		{ "--server wss://::1/link", 20, "brackets" },
		{ "--server wss://relay/link?a=b", 20, "path" },
		{ "--server wss://relay/a\"b", 20, "path" },
		{ "--server https://relay.example", 20, "HOST:PORT" },
		{ "--server a:1 --pin abc" ALLOW, 20, "--pin" },
		{ "--server a:1 --pin " P1 ",", 20, "--pin" },
		{ "--server a:1 --ca=" ALLOW, 20, "--ca" },
		{ "--server a:1 --pin " P1 " --allow 22", 20, "--allow" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		is_int(read_words(bad[i].words), bad[i].code, bad[i].words);
		ok(strstr(e.text, bad[i].says) != NULL, e.text);
	}
}

static void
test_token_text(void)
{
	uint8_t t[32];

	is_int(client_conf_token_text(t, " " TOKEN "\r\n", &e), 0, "a token");
	is_int(t[1], 0x11, "its bytes");
	is_int(client_conf_token_text(t, TOKEN "0", &e), -1, "too long");
	is_int(client_conf_token_text(t, "", &e), -1, "nothing");
	is_int(client_conf_token_text(t, TOKEN " x", &e), -1, "two words");
	is_int(client_conf_token_text(t,
		   "zz1122334455667788"
		   "99aabbccddeeff00112233445566778899aabbccddeeff",
		   &e),
	    -1, "other letters");
	ok(strstr(e.text, "0011") == NULL, "a reason does not quote it");
}

static void
test_token(void)
{
	char path[] = "/tmp/client_conf.XXXXXX", words[256];
	int fd = mkstemp(path);

	ok(write(fd, TOKEN "\n", 65) == 65, "a token file");
	close(fd);
	snprintf(words, sizeof(words),
	    "--server a:1 --pin " P1 ALLOW " --token-file %s", path);
	read_words(words);
	setenv("ADIT_TOKEN", "x", 1);
	is_int(client_conf_token(&c, &e), 0, "is read");
	ok(c.has_token && c.token[2] == 0x22, "and is the token");
	ok(getenv("ADIT_TOKEN") == NULL, "ADIT_TOKEN is wiped all the same");
	chmod(path, 0644);
	is_int(client_conf_token(&c, &e), 20, "others may read it: refused");
	unlink(path);
	is_int(client_conf_token(&c, &e), 20, "it is not there");
	read_words("--server a:1 --pin " P1 ALLOW);
	setenv("ADIT_TOKEN", TOKEN, 1);
	is_int(client_conf_token(&c, &e), 0, "of ADIT_TOKEN");
	ok(getenv("ADIT_TOKEN") == NULL, "which is wiped");
	setenv("ADIT_TOKEN", "abc", 1);
	is_int(client_conf_token(&c, &e), 20, "a wrong one");
	ok(strstr(e.text, "ADIT_TOKEN") != NULL, "says whence it came");
	client_conf_close(&c);
	ok(c.token[2] == 0 && !c.has_token, "wiped at the end");
}

int
main(void)
{
	test_good();
	test_websocket();
	test_trust();
	test_bad();
	test_token_text();
	test_token();
	return tap_done();
}
