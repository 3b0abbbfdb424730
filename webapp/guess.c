#include "guess.h"

#include <arpa/inet.h>
#include <string.h>

#define MINUTE INT64_C(60000)

const struct web_guess_rule guess_account = { 5, MINUTE, 15 * MINUTE,
	60 * MINUTE };
const struct web_guess_rule guess_source = { 20, MINUTE, 60 * MINUTE,
	60 * MINUTE };
const struct web_guess_rule guess_code = { 10, MINUTE, 60 * MINUTE,
	60 * MINUTE };
const struct web_guess_rule guess_joiner = { 20, MINUTE, 60 * MINUTE,
	60 * MINUTE };

const char *
guess_address(struct req *r, const char *purpose)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (inet_pton(AF_INET6, r->address, &a) != 1 ||
	    memcmp(&a, mapped, sizeof(mapped)) == 0)
		return req_text(r, "%s %.64s", purpose, r->address);
	memset(a.s6_addr + 8, 0, 8);
	if (inet_ntop(AF_INET6, &a, text, sizeof(text)) == NULL)
		return req_text(r, "%s ?", purpose);
	return req_text(r, "%s %s/64", purpose, text);
}
