#include "proxy_head.h"

#include <stdio.h>
#include <string.h>

#include "net/addr.h"
#include "proto/ctl.h"
#include "proto/frame.h"

enum {
	V2_PROXY = 0x21, /* version 2, command PROXY */
	V2_INET = 0x10,
	V2_INET6 = 0x20,
	V2_STREAM = 0x01,
	V2_DGRAM = 0x02,
};

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a,
	0x51, 0x55, 0x49, 0x54, 0x0a };

/* One address as IPv6 text, though it may be an IPv4 one. */
static char *
text_of(char to[ADDR_TEXT], const struct addr *a, bool v4)
{
	char bare[ADDR_TEXT];

	addr_ip_text(bare, a);
	if (!v4 && addr_is_v4(a))
		snprintf(to, ADDR_TEXT, "::ffff:%.40s", bare);
	else
		snprintf(to, ADDR_TEXT, "%.60s", bare);
	return to;
}

static size_t
version_1(char *to, const struct addr *visitor, const struct addr *own, bool v4)
{
	char a[ADDR_TEXT], b[ADDR_TEXT];

	return (size_t)snprintf(to, PROXY_HEAD_MAX,
	    "PROXY TCP%d %.45s %.45s %d %d\r\n", v4 ? 4 : 6,
	    text_of(a, visitor, v4), text_of(b, own, v4), visitor->port,
	    own->port);
}

static size_t
version_2(uint8_t *to, bool udp, const struct addr *visitor,
    const struct addr *own, bool v4)
{
	size_t skip = v4 ? 12 : 0, n = 16 - skip;
	uint8_t *p = to + 16;

	memcpy(to, signature, sizeof(signature));
	to[12] = V2_PROXY;
	to[13] =
	    (uint8_t)((v4 ? V2_INET : V2_INET6) | (udp ? V2_DGRAM : V2_STREAM));
	put16(to + 14, (uint16_t)(2 * n + 4));
	memcpy(p, visitor->ip + skip, n);
	memcpy(p + n, own->ip + skip, n);
	put16(p + 2 * n, visitor->port);
	put16(p + 2 * n + 2, own->port);
	return 16 + 2 * n + 4;
}

size_t
proxy_head(uint8_t to[PROXY_HEAD_MAX], uint8_t version, bool udp,
    const struct addr *visitor, const struct addr *own)
{
	bool v4 = addr_is_v4(visitor) && addr_is_v4(own);

	if (version == PROTO_PROXY_V2)
		return version_2(to, udp, visitor, own, v4);
	if (version == PROTO_PROXY_V1 && !udp)
		return version_1((char *)to, visitor, own, v4);
	return 0;
}
