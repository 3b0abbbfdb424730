#include "net/addr.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"
#include "tap.h"

static struct err e;

/* What a text becomes when it is read and written again. */
static const char *
again(const char *text)
{
	static char out[ADDR_TEXT];
	struct addr a;

	return addr_parse(&a, text, &e) < 0 ? "refused" : addr_text(out, &a);
}

static void
test_text(void)
{
	static const char *const pairs[][2] = {
		{ "192.0.2.1:80", "192.0.2.1:80" },
		{ "[2001:DB8::1]:65535", "[2001:db8::1]:65535" },
		{ "[::ffff:192.0.2.1]:80", "192.0.2.1:80" },
		{ "[fe80::1%3]:80", "[fe80::1%3]:80" },
		{ "[::]:1", "[::]:1" },
		{ "0.0.0.0:1", "0.0.0.0:1" },
		{ "192.0.2.1", "refused" },
		{ "192.0.2.1:", "refused" },
		{ "192.0.2.1:0", "refused" },
		{ "192.0.2.1:65536", "refused" },
		{ "192.0.2.1:-1", "refused" },
		{ "192.0.2.1: 1", "refused" },
		{ "192.0.2:80", "refused" },
		{ "192.0.2.256:80", "refused" },
		{ "host:80", "refused" },
		{ "2001:db8::1:80", "refused" },
		{ "[2001:db8::1]", "refused" },
		{ "[2001:db8::1]80", "refused" },
		{ "[192.0.2.1]:80", "refused" },
		{ "[2001:db8::1%3]:80", "refused" },
		{ "[fe80::1%0]:80", "refused" },
		{ "[fe80::1%99999999999]:80", "refused" },
		{ ":80", "refused" },
		{ "[]:80", "refused" },
		{ "[", "refused" },
		{ "", "refused" },
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		is_str(again(pairs[i][0]), pairs[i][1], pairs[i][0]);
}

static void
test_split(void)
{
	char host[ADDR_HOST_MAX + 1], text[300];
	uint16_t port = 0;

	is_int(addr_split("my-host.example:22", host, &port, &e), 0, "a name");
	is_str(host, "my-host.example", "its host");
	is_int(port, 22, "its port");
	is_int(addr_split("[::1]:22", host, &port, &e), 0, "an address");
	is_str(host, "::1", "without its brackets");
	is_int(addr_split("host", host, &port, &e), -1, "no port");
	is_str(e.text, "\"host\" has no port (HOST:PORT)", "says so");
	is_int(addr_split("::1:22", host, &port, &e), -1, "no brackets");
	ok(strstr(e.text, "brackets") != NULL, "says so");
	is_int(addr_split("a b:22", host, &port, &e), -1, "a space");
	is_int(addr_split("a/b:22", host, &port, &e), -1, "a slash");
	is_int(addr_split("h:70000", host, &port, &e), -1, "a high port");
	is_str(e.text, "\"70000\" is not a port (1 to 65535)", "says so");
	memset(text, 'a', sizeof(text));
	memcpy(text + 254, ":22", 4);
	is_int(addr_split(text, host, &port, &e), -1, "254 bytes are too many");
	memcpy(text + 253, ":22", 4);
	is_int(addr_split(text, host, &port, &e), 0, "253 are not");
	is_str(addr_join(text, sizeof(text), "::1", 5), "[::1]:5", "joined");
	is_str(addr_join(text, sizeof(text), "h", 5), "h:5", "joined");
}

static void
test_sockaddr(void)
{
	struct sockaddr_storage ss;
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct addr a, b, link;
	uint8_t wire[ADDR_WIRE];

	addr_parse(&a, "192.0.2.7:513", &e);
	is_int(addr_family(&a), AF_INET, "IPv4 has its family");
	is_int(addr_to_sockaddr(&a, AF_UNSPEC, &ss), sizeof(struct sockaddr_in),
	    "and its sockaddr");
	ok(addr_from_sockaddr(&b, (struct sockaddr *)&ss, &e) == 0 &&
		addr_equal(&a, &b),
	    "which comes back the same");
	is_int(addr_to_sockaddr(&a, AF_INET6, &ss), sizeof(struct sockaddr_in6),
	    "it fits an IPv6 socket");
	ok(addr_from_sockaddr(&b, (struct sockaddr *)&ss, &e) == 0 &&
		addr_equal(&a, &b),
	    "and is the same from there");
	addr_parse(&link, "[fe80::1%7]:9", &e);
	addr_to_sockaddr(&link, AF_UNSPEC, &ss);
	ok(addr_from_sockaddr(&b, (struct sockaddr *)&ss, &e) == 0 &&
		addr_equal(&link, &b),
	    "a scope is kept");
	is_int(addr_to_sockaddr(&link, AF_INET, &ss), 0,
	    "IPv6 does not fit an IPv4 socket");
	is_int(addr_from_sockaddr(&b, &other, &e), -1, "AF_UNIX is refused");
	addr_put(wire, &a);
	ok(wire[10] == 0xff && wire[12] == 192 && wire[16] == 2 &&
		wire[17] == 1,
	    "the wire has network order");
	addr_get(&b, wire);
	ok(addr_equal(&a, &b), "and back");
}

struct kind {
	const char *ip;
	bool loopback, link, private, multicast, any;
};

static void
test_kinds(void)
{
	static const struct kind kinds[] = {
		{ "127.0.0.1", 1, 0, 0, 0, 0 },
		{ "127.9.9.9", 1, 0, 0, 0, 0 },
		{ "::1", 1, 0, 0, 0, 0 },
		{ "::ffff:127.0.0.1", 1, 0, 0, 0, 0 },
		{ "169.254.169.254", 0, 1, 0, 0, 0 },
		{ "fe80::1", 0, 1, 0, 0, 0 },
		{ "febf::1", 0, 1, 0, 0, 0 },
		{ "fec0::1", 0, 0, 0, 0, 0 },
		{ "10.1.2.3", 0, 0, 1, 0, 0 },
		{ "172.31.0.1", 0, 0, 1, 0, 0 },
		{ "172.32.0.1", 0, 0, 0, 0, 0 },
		{ "192.168.1.1", 0, 0, 1, 0, 0 },
		{ "100.64.0.1", 0, 0, 1, 0, 0 },
		{ "100.128.0.1", 0, 0, 0, 0, 0 },
		{ "fd00::1", 0, 0, 1, 0, 0 },
		{ "2001:db8::1", 0, 0, 0, 0, 0 },
		{ "224.0.0.1", 0, 0, 0, 1, 0 },
		{ "ff02::1", 0, 0, 0, 1, 0 },
		{ "255.255.255.255", 0, 0, 0, 1, 0 },
		{ "0.0.0.0", 0, 0, 0, 0, 1 },
		{ "::", 0, 0, 0, 0, 1 },
		{ "8.8.8.8", 0, 0, 0, 0, 0 },
	};
	const struct kind *k;
	struct addr a;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		k = &kinds[i];
		ok(addr_parse_ip(&a, k->ip, &e) == 0 &&
			addr_is_loopback(&a) == k->loopback &&
			addr_is_link_local(&a) == k->link &&
			addr_is_private(&a) == k->private &&
			addr_is_multicast(&a) == k->multicast &&
			addr_is_any(&a) == k->any,
		    k->ip);
	}
}

/* 1 in the network, 0 not, -1 when it is none. */
static int
has(const char *net, const char *ip)
{
	struct addr_net n;
	struct addr a;

	if (addr_net_parse(&n, net, &e) < 0 || addr_parse_ip(&a, ip, &e) < 0)
		return -1;
	return addr_net_has(&n, &a);
}

static void
test_nets(void)
{
	is_int(has("192.0.2.0/24", "192.0.2.255"), 1, "within");
	is_int(has("192.0.2.0/24", "192.0.3.0"), 0, "outside");
	is_int(has("192.0.2.0/24", "::ffff:192.0.2.9"), 1, "mapped is IPv4");
	is_int(has("::ffff:192.0.2.0/120", "192.0.2.9"), 1, "both ways");
	is_int(has("192.0.2.7", "192.0.2.7"), 1, "one address");
	is_int(has("192.0.2.7", "192.0.2.6"), 0, "and no other");
	is_int(has("0.0.0.0/0", "203.0.113.1"), 1, "all of IPv4");
	is_int(has("0.0.0.0/0", "2001:db8::1"), 0, "is not IPv6");
	is_int(has("::/0", "2001:db8::1"), 1, "all of IPv6");
	is_int(has("::/0", "203.0.113.1"), 0, "is not IPv4");
	is_int(has("2001:db8::/33", "2001:db8:7fff::1"), 1, "odd bits");
	is_int(has("2001:db8::/33", "2001:db8:8000::1"), 0, "odd bits");
	is_int(has("10.0.0.0/7", "11.255.0.1"), 1, "odd bits");
	is_int(has("192.0.2.1/24", "192.0.2.1"), -1, "bits behind the prefix");
	is_int(has("192.0.2.0/33", "192.0.2.1"), -1, "33 bits");
	is_int(has("2001:db8::/129", "::1"), -1, "129 bits");
	is_int(has("192.0.2.0/", "192.0.2.1"), -1, "nothing behind /");
	is_int(has("192.0.2.0/2x", "192.0.2.1"), -1, "no number");
	is_int(has("fe80::1%3/128", "fe80::1"), -1, "a scope");
	is_int(has("", "::1"), -1, "nothing");
}

static void
test_lists(void)
{
	char text[ADDR_TEXT];
	struct addr_nets l;
	struct addr_net n;
	struct addr a;

	is_int(addr_nets_parse(&l, " 192.0.2.0/24 ,2001:db8::/32", &e), 0,
	    "a list");
	is_int(l.count, 2, "of two");
	addr_parse_ip(&a, "2001:db8:1::", &e);
	ok(addr_nets_has(&l, &a), "the second has it");
	is_str(addr_net_text(text, &l.net[0]), "192.0.2.0/24", "as text");
	is_str(addr_net_text(text, &l.net[1]), "2001:db8::/32", "as text");
	addr_parse_ip(&a, "8.8.8.8", &e);
	ok(!addr_nets_has(&l, &a), "none has it");
	addr_nets_free(&l);
	is_int(addr_nets_parse(&l, " ", &e), 0, "an empty list");
	ok(!addr_nets_has(&l, &a), "has nobody");
	is_int(addr_nets_parse(&l, "192.0.2.0/24,", &e), -1, "an empty entry");
	is_int(addr_nets_parse(&l, "192.0.2.0/24,x", &e), -1, "a bad entry");
	ok(l.net == NULL && l.count == 0, "leaves nothing behind");
	addr_parse(&a, "[2001:db8:1:2:3:4:5:6]:9", &e);
	addr_net_key(&n, &a);
	is_str(addr_net_text(text, &n), "2001:db8:1:2::/64", "IPv6 by its /64");
	addr_parse(&a, "192.0.2.9:9", &e);
	addr_net_key(&n, &a);
	is_str(addr_net_text(text, &n), "192.0.2.9/32", "IPv4 by itself");
}

int
main(void)
{
	test_text();
	test_split();
	test_sockaddr();
	test_kinds();
	test_nets();
	test_lists();
	return tap_done();
}
