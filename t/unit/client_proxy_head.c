#include "../../client/proxy_head.h"
#include "net/addr.h"
#include "proto/ctl.h"
#include "tap.h"

static struct addr v4, v4_own, v6, v6_own;
static uint8_t got[PROXY_HEAD_MAX];

static void
test_v1(void)
{
	size_t n;

	n = proxy_head(got, PROTO_PROXY_V1, false, &v4, &v4_own);
	got[n] = '\0';
	is_str((char *)got, "PROXY TCP4 192.0.2.7 198.51.100.1 5123 443\r\n",
	    "version 1, IPv4");
	n = proxy_head(got, PROTO_PROXY_V1, false, &v6, &v6_own);
	got[n] = '\0';
	is_str((char *)got, "PROXY TCP6 2001:db8::7 2001:db8::1 5123 443\r\n",
	    "version 1, IPv6");
	n = proxy_head(got, PROTO_PROXY_V1, false, &v4, &v6_own);
	got[n] = '\0';
	is_str((char *)got,
	    "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 5123 443\r\n",
	    "version 1, one of each is IPv6");
	is_int(proxy_head(got, PROTO_PROXY_V1, true, &v4, &v4_own), 0,
	    "version 1 knows no datagrams");
}

static void
test_v2(void)
{
	static const uint8_t want4[28] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
					 "\xc0\0\x02\x07\xc6\x33\x64\x01"
					 "\x14\x03\x01\xbb";

	is_int(proxy_head(got, PROTO_PROXY_V2, false, &v4, &v4_own), 28,
	    "version 2, IPv4");
	is_mem(got, want4, 28, "to the byte");
	is_int(proxy_head(got, PROTO_PROXY_V2, true, &v6, &v6_own), 52,
	    "version 2, IPv6, a datagram");
	is_int(got[13], 0x22, "says so");
	is_mem(got + 16, v6.ip, 16, "the visitor");
	is_mem(got + 32, v6_own.ip, 16, "the public address");
	is_int(got[48] << 8 | got[49], 5123, "the visitor's port");
	is_int(proxy_head(got, PROTO_PROXY_OFF, false, &v4, &v4_own), 0,
	    "off is nothing");
}

int
main(void)
{
	addr_parse(&v4, "192.0.2.7:5123", NULL);
	addr_parse(&v4_own, "198.51.100.1:443", NULL);
	addr_parse(&v6, "[2001:db8::7]:5123", NULL);
	addr_parse(&v6_own, "[2001:db8::1]:443", NULL);
	test_v1();
	test_v2();
	return tap_done();
}
