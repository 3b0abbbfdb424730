/* web_bat: what a person typed never gets to cmd.exe. */
#include <stdlib.h>

#include "../../webapp/bat.h"
#include "base/err.h"
#include "tap.h"

#define SHA   "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899"
#define TOKEN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PIN   "sha256:" SHA

enum { HOSTILE = 500 };

static struct err e;

static struct bat_door door = { "relay.example:7000", PIN "," PIN };
static const char *allow = "127.0.0.1:25565";

/* A file of good values but for those that are given. */
static char *
make(const char *url, const char *address, const char *local, const char *pins,
    size_t *n)
{
	struct bat_door d = door;
	struct bat b = { .url = url,
		.sha256 = SHA,
		.doors = &d,
		.door_count = 1,
		.allow = &local,
		.allow_count = 1,
		.token = TOKEN };

	d.address = address;
	d.pins = pins;
	return bat_make(&b, n, &e);
}

#define URL "https://adit.example/base/client/adit-aabbccddeeff.exe"

static void
test_whole(void)
{
	size_t n, i, odd = 0, bare = 0;
	char *t = make(URL, door.address, allow, door.pins, &n), *end, *at;

	ok(t != NULL, "a file of good values");
	if (t == NULL)
		return;
	for (i = 0; i < n; i++) {
		odd += (unsigned char)t[i] >= 0x7f ||
		    (t[i] < ' ' && t[i] != '\r' && t[i] != '\n');
		bare += (t[i] == '\n') != (i > 0 && t[i - 1] == '\r');
	}
	is_int(odd, 0, "plain ASCII without control characters");
	is_int(bare, 0, "every line ends with CR LF");
	ok(strncmp(t, "@echo off\r\n", 11) == 0, "it begins quietly");
	ok(strstr(t, "set \"A_URL=" URL "\"\r\n") != NULL, "the address");
	ok(strstr(t, "set \"A_SHA=" SHA "\"\r\n") != NULL, "the checksum");
	ok(strstr(t, "\\adit-aabbccddeeff.exe\"") != NULL, "the name");
	ok(strstr(t, "set \"A_CURL=\"\r\n") != NULL, "certificates count");
	ok(strchr(t + 1, '@') == NULL, "no blank is left");
	end = strstr(t, "exit /b %A_RC%\r\n");
	at = strstr(t, "#adit ");
	ok(end != NULL && at > end, "the settings stand behind the end");
	ok(strstr(end, "\r\n:") == NULL, "and hold no label");
	ok(strstr(t, TOKEN) > end, "the key too");
	ok(strstr(t,
	       "#adit door=relay.example:7000 pin=" PIN "," PIN
	       "\r\n#adit allow=127.0.0.1:25565\r\n#adit token=" TOKEN
	       "\r\n") == at,
	    "as the program reads them");
	free(t);
	t = make(
	    URL, "wss://adit.example/base/link", "[fe80::1%3]:22", NULL, &n);
	ok(t != NULL &&
		strstr(t,
		    "#adit door=wss://adit.example/base/link"
		    " ca=system\r\n") != NULL,
	    "a door that the system's authorities vouch for");
	free(t);
}

static void
test_own_certificate(void)
{
	struct bat b = { .url = URL,
		.sha256 = SHA,
		.own_certificate = true,
		.doors = &door,
		.door_count = 1,
		.allow = &allow,
		.allow_count = 1,
		.token = TOKEN };
	size_t n;
	char *t = bat_make(&b, &n, &e);

	ok(t != NULL && strstr(t, "set \"A_CURL=--insecure\"\r\n") != NULL,
	    "a server's own certificate: the checksum decides");
	free(t);
	b.token = "short";
	ok(bat_make(&b, &n, &e) == NULL, "no key");
	b.token = TOKEN;
	b.sha256 = SHA "0";
	ok(bat_make(&b, &n, &e) == NULL, "no checksum");
	b.sha256 = SHA;
	b.door_count = 0;
	ok(bat_make(&b, &n, &e) == NULL, "no door");
}

/* The i-th of many texts that would like to be more than text. */
static const char *
hostile(unsigned i)
{
	static const char *const bits[] = { "\"", "&", "|", "<", ">", "^",
		"%PATH%", "!x!", "\r\n", "\n", "\r", "\x1a", "`", "'", "(", ")",
		";", " ", "\t", "$", "\xc3\xbc", "\xff", "\\", "*", "calc&rem ",
		"\" & calc & \"", "\r\nexit /b 0\r\n", "\r\n:check\r\ncalc\r\n",
		"%~f0", "@URL@", "~", ",", "=", "#", "{", "}", "?", "+", "\x01",
		"\x7f" };
	enum { BITS = sizeof(bits) / sizeof(bits[0]) };
	static char text[128];
	const char *one = bits[i % BITS], *two = bits[(i / BITS * 7) % BITS];

	switch (i % 3) {
	case 0:
		snprintf(text, sizeof(text), "a%s%s.example", one, two);
		break;
	case 1:
		snprintf(text, sizeof(text), "%s%s", one, two);
		break;
	default:
		snprintf(text, sizeof(text), "a.example%s%s", two, one);
	}
	return text;
}

static void
test_hostile(void)
{
	unsigned i, urls = 0, doors = 0, locals = 0, pins = 0, names = 0;
	char url[200], address[200], name[64];
	const char *h;
	size_t n;

	for (i = 0; i < HOSTILE; i++) {
		h = hostile(i);
		snprintf(url, sizeof(url), "https://%s/adit.exe", h);
		snprintf(address, sizeof(address), "%s:7000", h);
		urls += make(url, door.address, allow, door.pins, &n) == NULL;
		doors += make(URL, address, allow, door.pins, &n) == NULL;
		pins += make(URL, door.address, allow, h, &n) == NULL;
		snprintf(address, sizeof(address), "%s\x01:1", h);
		locals +=
		    make(URL, door.address, address, door.pins, &n) == NULL;
		bat_file_name(name, sizeof(name), h);
		names +=
		    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") ==
			strlen(name) - 4 &&
		    strcmp(name + strlen(name) - 4, ".bat") == 0;
	}
	is_int(urls, HOSTILE, "500 hostile hosts of the download");
	is_int(doors, HOSTILE, "500 hostile relays");
	is_int(locals, HOSTILE, "500 hostile local addresses");
	is_int(names, HOSTILE, "500 hostile names become file names");
	/* letters, digits, : and , are what pins are made of */
	ok(pins >= HOSTILE - 40, "hostile pins");
	ok(make(URL, door.address, "a\r\nb:1", door.pins, &n) == NULL,
	    "no line of its own");
	ok(make("ftp://a/b", door.address, allow, door.pins, &n) == NULL,
	    "no other scheme");
	ok(make("", door.address, allow, door.pins, &n) == NULL, "nothing");
}

static void
test_names(void)
{
	char to[20];

	is_str(bat_file_name(to, sizeof(to), "Minecraft"), "adit-minecraft.bat",
	    "a name");
	is_str(bat_file_name(to, sizeof(to), "My G\xc3\xa4me!"),
	    "adit-my-g-me.bat", "of other letters");
	is_str(bat_file_name(to, sizeof(to), "&&&"), "adit.bat", "of none");
	is_str(bat_file_name(to, sizeof(to), "aaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	    "adit-aaaaaaaaaa.bat", "a long one is cut");
}

static void
test_machine(void)
{
	char to[BAT_MACHINE_MAX];
	struct bat b = { .url = URL,
		.sha256 = SHA,
		.doors = &door,
		.door_count = 1,
		.allow = &allow,
		.allow_count = 1,
		.token = TOKEN };
	unsigned i, good = 0;
	size_t n;
	char *t;

	is_str(bat_machine(to, "My PC", 3), "my-pc-3", "a machine's name");
	is_str(bat_machine(to, "\xc3\xa4", 12), "12", "nothing is left of it");
	is_str(bat_machine(to, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", INT64_MAX),
	    "aaaaaaaaaaaaaaaaaaaa-9223372036854775807", "a long one");
	for (i = 0; i < HOSTILE; i++) {
		b.machine = bat_machine(to, hostile(i), i);
		t = bat_make(&b, &n, &e);
		good += t != NULL && strstr(t, "\r\n#adit machine=") != NULL;
		free(t);
	}
	is_int(good, HOSTILE, "500 hostile machines have a name");
	b.machine = "a b";
	ok(bat_make(&b, &n, &e) == NULL, "which is made of few letters");
}

int
main(void)
{
	test_whole();
	test_own_certificate();
	test_hostile();
	test_names();
	test_machine();
	return tap_done();
}
