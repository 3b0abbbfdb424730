/*
 * Text that somebody typed as an address, a network or a list of them: what
 * is accepted must come back the same when it is written and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "net/addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
try_addr(const char *text)
{
	char out[ADDR_TEXT], host[ADDR_HOST_MAX + 1];
	struct addr a, b;
	struct err e;
	uint16_t port;

	if (addr_parse(&a, text, &e) == 0 &&
	    (addr_parse(&b, addr_text(out, &a), &e) < 0 || !addr_equal(&a, &b)))
		abort();
	if (addr_parse_ip(&a, text, &e) == 0 &&
	    (addr_parse_ip(&b, addr_ip_text(out, &a), &e) < 0 ||
		!addr_same_ip(&a, &b)))
		abort();
	if (addr_split(text, host, &port, &e) == 0 &&
	    (port == 0 || strlen(host) == 0))
		abort();
}

static void
try_nets(const char *text)
{
	char out[ADDR_TEXT];
	struct addr_net n;
	struct addr_nets l;
	struct err e;
	size_t i;

	if (addr_nets_parse(&l, text, &e) < 0) {
		if (l.net != NULL || l.count != 0)
			abort();
		return;
	}
	for (i = 0; i < l.count; i++)
		if (addr_net_parse(&n, addr_net_text(out, &l.net[i]), &e) < 0 ||
		    n.bits != l.net[i].bits ||
		    memcmp(n.ip, l.net[i].ip, sizeof(n.ip)) != 0)
			abort();
	addr_nets_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char *text;

	if ((text = malloc(n + 1)) == NULL)
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	try_addr(text);
	try_nets(text);
	free(text);
	return 0;
}
