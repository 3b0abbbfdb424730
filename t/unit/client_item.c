/* client_item: names of items, and their settings as text. */
#include <stdlib.h>

#include "../../client/client_conf.h"
#include "../../client/item.h"
#include "../../client/run.h"
#include "../../client/settings.h"
#include "base/buf.h"
#include "base/err.h"
#include "plat/files.h"
#include "tap.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PIN "sha256:" HEX
#define GOOD                                                                  \
	"#adit door=relay.example:7000 pin=" PIN "," PIN "\n"                 \
	"#adit door=wss://web.example/link ca=system\n"                       \
	"#adit allow=127.0.0.1:25565\n#adit allow=[::1]:22\n#adit token=" HEX \
	"\n"

static struct err e;

static void
test_names(void)
{
	char to[ITEM_NAME_MAX + 1];

	is_str(item_name(to, "My PC (2)"), "my-pc-2", "a name");
	is_str(item_name(to, "pc-3"), "pc-3", "a good one stays");
	is_str(item_name(to, "../../etc/x"), "etc-x", "no path");
	is_str(item_name(to, "\xc3\xa4&|<>\"%"), "adit", "nothing is left");
	is_str(
	    item_name(to,
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a long one is cut");
	ok(item_is_name("pc-3"), "it is one");
	ok(!item_is_name(""), "nothing is none");
	ok(!item_is_name("-x") && !item_is_name("A") && !item_is_name("a b") &&
		!item_is_name("a/b") && !item_is_name("a.b"),
	    "other characters are none");
	ok(!item_is_name("relayd") && !item_is_name("webapp"),
	    "nor the names of the server's own services");
	is_str(item_name(to, "relayd"), "relayd-1", "which get a number");
}

static void
test_place(void)
{
	struct item it;

	is_int(item_open(&it, false, "pc-3", &e), 0, "an item");
	ok(strstr(it.folder, "pc-3") != NULL &&
		strstr(it.settings, it.folder) == it.settings &&
		strstr(it.folder, it.base) == it.folder,
	    "stands in its own folder");
	ok(!item_is_there(&it), "is not there");
	item_close(&it);
	is_int(item_open(&it, true, "pc-3", &e), 0, "one of the computer");
	item_close(&it);
	is_int(item_open(&it, false, "../x", &e), -1, "no path");
	item_close(&it);
}

/* What text gives; NULL when it is refused. */
static const char *
settings(const char *path, const char *text)
{
	static char to[4096];
	struct buf b;
	bool good;

	ok(files_write(path, text, strlen(text), FILES_OWNER, &e) == 0,
	    "a file");
	settings_init(&b);
	good = settings_of_file(&b, path, &e) == 0 && buf_len(&b) < sizeof(to);
	if (good) {
		memcpy(to, buf_data(&b), buf_len(&b));
		to[buf_len(&b)] = '\0';
		ok(strcmp(to, text) == 0 || settings_differ(&b, path) ||
			strstr(text, "\r\n") != NULL ||
			strstr(text, "exit") != NULL,
		    "it is told whether they differ");
	}
	settings_wipe(&b);
	return good ? to : NULL;
}

static bool
has(const struct buf *b, const char *line)
{
	size_t n = strlen(line), i;

	for (i = 0; i + n <= buf_len(b); i++)
		if (memcmp(buf_data(b) + i, line, n) == 0)
			return true;
	return false;
}

static void
test_settings(const char *path)
{
	struct run_file f;
	struct buf b;

	is_str(settings(path, GOOD), GOOD, "settings as they are");
	is_str(settings(path,
		   "@echo off\r\n#adit door=evil:1 pin=x\r\nexit /b 0\r\n"
		   "words\r\n#adit token=1\r\n#adit machine=pc-3\r\n"),
	    "#adit token=1\n#adit machine=pc-3\n",
	    "the lines that count, whatever they are");
	is_str(settings(path, ""), "", "none");
	(void)settings(path, GOOD "#adit machine=pc-3\n");
	is_int(run_open(&f, path, &e), 0, "they are read");
	is_str(f.machine, "pc-3", "with the machine's name");
	f.conf.proxy.use = PROXY_NEVER;
	settings_init(&b);
	is_int(settings_of_conf(&b, &f.conf, &e), 0, "without a proxy");
	ok(has(&b, "#adit proxy=none\n"), "stays without");
	settings_wipe(&b);
	ok(proxy_parse(
	       &f.conf.proxy.proxy, "http://a%40b:%25c@p.lan:3128", &e) == 0,
	    "a proxy");
	f.conf.proxy.use = PROXY_GIVEN;
	settings_init(&b);
	is_int(settings_of_conf(&b, &f.conf, &e), 0, "with a proxy");
	ok(has(&b, "#adit proxy=http://a%40b:%25c@p.lan:3128\n"),
	    "its password stays what it is");
	settings_wipe(&b);
	f.conf.proxy.use = PROXY_SYSTEM;
	settings_init(&b);
	is_int(settings_of_conf(&b, &f.conf, &e), 0, "and written");
	ok(buf_len(&b) == strlen(GOOD) &&
		memcmp(buf_data(&b), GOOD, strlen(GOOD)) == 0,
	    "as they were");
	ok(settings_differ(&b, path), "but for the machine's name");
	(void)files_write(path, GOOD, strlen(GOOD), FILES_OWNER, &e);
	ok(!settings_differ(&b, path), "the same do not differ");
	settings_wipe(&b);
	run_close(&f);
	is_int(files_remove(path, &e), 0, "removed");
	ok(run_open(&f, path, &e) == EXIT_SETTINGS, "no file");
	run_close(&f);
}

int
main(void)
{
	char name[] = "/tmp/item-XXXXXX", *made = mkdtemp(name), path[300];

	ok(made != NULL, "a folder");
	if (made == NULL)
		return tap_done();
	snprintf(path, sizeof(path), "%s/settings", made);
	test_names();
	test_place();
	test_settings(path);
	ok(files_remove_folder(made), "nothing is left");
	return tap_done();
}
