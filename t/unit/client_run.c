/* client_run: the settings in a downloaded file. */
#include "../../client/run.h"
#include "base/err.h"
#include "tap.h"

static struct run_words w;
static struct err e;

static int
parse(const char *text)
{
	static char copy[8192];
	size_t n = strlen(text);

	memcpy(copy, text, n + 1);
	e.text[0] = '\0';
	return run_parse(&w, copy, n, &e);
}

static void
test_good(void)
{
	is_int(parse("@echo off\r\n#adit door=evil:1 pin=x\r\nEXIT /B 0\r\n"
		     "set x\r\nexit /b %A_RC%\r\nwords\r\n"
		     "#adit door=r.example:7000 pin=sha256:aa,sha256:bb\r\n"
		     "#adit door=wss://h/link  ca=system \r\n"
		     "#adit allow=127.0.0.1:1\r\n#adit machine=pc-3\r\n"
		     "#adit token=cc\r\n"),
	    0, "a file with CR LF");
	is_int(w.argc, 10, "all its words, none of the code's");
	is_str(w.argv[0], "--server", "a door");
	is_str(w.argv[1], "r.example:7000", "its address");
	is_str(w.argv[3], "sha256:aa,sha256:bb", "its pins");
	is_str(w.argv[6], "--ca", "another one's");
	is_str(w.argv[7], "system", "trust");
	is_str(w.argv[9], "127.0.0.1:1", "what it may reach");
	is_str(w.token, "cc", "the token");
	is_str(w.machine, "pc-3", "the machine's name");
	is_int(parse("#adit token=1\n#adit allow=a:1"), 0,
	    "a plain file, its last line without an end");
	is_str(w.argv[1], "a:1", "is read");
}

static void
test_wrong(void)
{
	is_int(parse(""), -1, "nothing");
	is_int(parse("exit /b 0\n"), -1, "no settings");
	is_int(parse("#adit token=1\nexit /b\n"), -1, "only before the end");
	is_int(parse("#adit allow=a:1\n"), -1, "no token");
	is_int(parse("#adit token=1\n#adit token=2\n"), -1, "two tokens");
	is_int(parse("#adit token=1\n#adit door=a:1\n"), -1, "no trust");
	ok(strstr(e.text, "line 2") != NULL, "the line is named");
	is_int(parse("#adit colour=red\n"), -1, "an unknown key");
	ok(strstr(e.text, "\"colour\"") != NULL, "is named");
	is_int(parse("#adit allow=a\x01:1\n"), -1, "a control character");
	is_int(parse("#adit allow=a\xff:1\n"), -1, "no UTF-8");
	is_int(run_parse(&w, (char[]){ "a\0b" }, 3, &e), -1, "a NUL");
}

static void
test_many(void)
{
	static char text[40 * 512];
	size_t n = 0, i;

	for (i = 0; i < 400; i++)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "#adit allow=a:%zu\n", i + 1);
	is_int(run_parse(&w, text, n, &e), -1, "far too many settings");
}

int
main(void)
{
	test_good();
	test_wrong();
	test_many();
	return tap_done();
}
