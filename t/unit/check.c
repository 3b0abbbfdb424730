#include "store/check.h"

#include <stdlib.h>

#include "base/err.h"
#include "tap.h"

static struct err e;

static void
names(void)
{
	char longest[CHECK_NAME_MAX + 2];

	is_int(check_name("Mein Spiel \xc3\xbc\xe2\x9c\x93", &e), 0, "a name");
	is_int(check_name("", &e), -1, "an empty one is refused");
	ok(strncmp(e.text, "name: ", 6) == 0, "the refusal names the field");
	is_int(check_name(" a", &e), -1, "a space before it");
	is_int(check_name("a ", &e), -1, "a space behind it");
	is_int(check_name("a\nb", &e), -1, "a line's end in it");
	is_int(check_name("a\x1b[31m", &e), -1, "what a terminal obeys");
	is_int(check_name("a\xff", &e), -1, "broken UTF-8");
	memset(longest, 'x', sizeof(longest));
	longest[CHECK_NAME_MAX + 1] = '\0';
	is_int(check_name(longest, &e), -1, "101 bytes");
	longest[CHECK_NAME_MAX] = '\0';
	is_int(check_name(longest, &e), 0, "100 bytes");
}

static void
emails(void)
{
	static const char *const bad[] = { "", "a", "@b.c", "a@", "a@b c",
		"a b@c.d", "a@b@c.d", "a@[::1]", "a\n@b.c", "a@b.c\n",
		"<a>@b.c", "a@-b.c", "\xc3\xbc@b.c" };
	size_t i;

	is_int(check_email("a.b+c@example.com", &e), 0, "an address");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_int(check_email(bad[i], &e), -1, "no address");
}

static void
words(void)
{
	enum kind k;
	enum proxy p;

	is_int(check_kind("both", &k, &e), 0, "a kind");
	is_int(k, KIND_BOTH, "it is that one");
	is_int(check_kind("http", &k, &e), -1, "http comes later");
	is_int(check_kind("", &k, &e), -1, "no kind");
	is_int(check_proxy("v2", &p, &e), 0, "a proxy protocol");
	is_int(p, PROXY_V2, "it is that one");
	is_int(check_proxy("v3", &p, &e), -1, "no proxy protocol");
	is_str(check_kind_name(KIND_UDP), "udp", "and back");
	is_int(check_password("1234567", 7, &e), -1, "a short password");
	is_int(check_password("12345678", 8, &e), 0, "a password");
	is_int(check_password("1234567\n", 8, &e), -1, "with a line's end");
}

static void
targets(void)
{
	static const char *const bad[] = { "", ":", ":22", "a:", "a:0",
		"a:65536", "a:+1", "a: 1", "::1:22", "[::1]", "[::1]22",
		"[a]:22", "[127.0.0.1]:22", "[]:22", "a b:22", "a..b:22",
		"-a:22", "1.2.3:22", "1.2.3.256:22", "0x7f.1:22", "a:b:22",
		"[::1:22", "a/b:22", "a%00:22", "0", "a\n:22", "[::1%lo]:22" };
	char host[CHECK_HOST_MAX + 1], text[400];
	uint16_t port;
	size_t i;

	is_int(check_target("127.0.0.1:3389", host, &port, &e), 0, "IPv4");
	is_str(host, "127.0.0.1", "its host");
	is_int(port, 3389, "its port");
	is_int(check_target("[::1]:65535", host, &port, &e), 0, "IPv6");
	is_str(host, "::1", "its host has no brackets");
	is_int(check_target("nas.local:1", host, &port, &e), 0, "a name");
	is_int(check_target("22", host, &port, &e), 0, "a port alone");
	is_str(host, "127.0.0.1", "is on this computer");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!ok(check_target(bad[i], host, &port, &e) == -1,
			"no target"))
			printf("#   \"%s\"\n", bad[i]);
	}
	memset(text, 'a', sizeof(text));
	memcpy(text + 300, ":22", 4);
	is_int(check_target(text, host, &port, &e), -1, "300 letters");
}

static void
cidrs(void)
{
	static const char *const bad[] = { "a", "1.2.3", "1.2.3.4/33",
		"1.2.3.4/", "1.2.3.4/-1", "1.2.3.4/+1", "::/129", "/8",
		"1.2.3.4/8/8", "10.0.0.0/08x", "1.2.3.4;5.6.7.8",
		"fe80::1%eth0",
		"1111111111111111111111111111111111111111111111111111111111" };
	char to[CHECK_CIDRS_MAX + 1], many[2000];
	size_t i, n = 0;

	is_int(check_cidrs("allow", "", to, &e), 0, "no list");
	is_str(to, "", "is the empty list");
	is_int(check_cidrs(
		   "allow", " 10.1.2.3/8, 192.0.2.7\n2001:DB8::1/32,", to, &e),
	    0, "a list");
	is_str(to, "10.0.0.0/8,192.0.2.7,2001:db8::/32",
	    "in its one form, in order");
	is_int(check_cidrs("allow", "::ffff:10.0.0.1/104,10.0.0.0/8", to, &e),
	    0, "IPv4 dressed as IPv6");
	is_str(to, "10.0.0.0/8", "is IPv4, and stands once");
	is_int(check_cidrs("allow", "0.0.0.0/0,::/0", to, &e), 0, "everybody");
	is_str(to, "0.0.0.0/0,::/0", "stays");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!ok(check_cidrs("deny", bad[i], to, &e) == -1 &&
			    strncmp(e.text, "deny: ", 6) == 0,
			"no network"))
			printf("#   \"%s\"\n", bad[i]);
	}
	for (i = 0; i < 64; i++)
		n += (size_t)snprintf(many + n, sizeof(many) - n,
		    "2001:db8:1111:2222:%zx::/80,", i + 1);
	is_int(check_cidrs("deny", many, to, &e), 0, "64 networks");
	snprintf(many + n, sizeof(many) - n, "1.2.3.4");
	is_int(check_cidrs("deny", many, to, &e), -1, "65 networks");
}

int
main(void)
{
	names();
	emails();
	words();
	targets();
	cidrs();
	return tap_done();
}
