#include "proto/code.h"

#include <stddef.h>

struct entry {
	const char *name;
	const char *sentence;
	int exit; /* of a client whose last word it was */
};

static const struct entry entries[] = {
	[CODE_BROKEN] = { "broken",
	    "The other side did not keep to the protocol.", 1 },
	[CODE_VERSION] = { "version",
	    "Client and relay have no version of the protocol in common;"
	    " install the current client.",
	    25 },
	[CODE_TOKEN] = { "token", "The relay does not know this token.", 22 },
	[CODE_REVOKED] = { "revoked",
	    "This key has been revoked; download a new file or make a new"
	    " key.",
	    21 },
	[CODE_REPLACED] = { "replaced",
	    "The same machine was started elsewhere and has taken over.", 24 },
	[CODE_GONE] = { "gone", "The tunnel no longer belongs to this session.",
	    1 },
	[CODE_LIMIT] = { "limit", "A limit has been reached.", 1 },
	[CODE_BUSY] = { "busy",
	    "The relay has no room just now; try again later.", 1 },
	[CODE_CLOSING] = { "closing", "The other side is shutting down.", 1 },
	[CODE_REFUSED] = { "refused",
	    "The service refused the connection; it may not be running.", 1 },
	[CODE_UNREACHABLE] = { "unreachable",
	    "The service's address cannot be reached.", 1 },
	[CODE_TIMEOUT] = { "timeout", "The service did not answer in time.",
	    1 },
	[CODE_NOT_ALLOWED] = { "not allowed",
	    "The client's own list of allowed addresses does not name this"
	    " one.",
	    1 },
	[CODE_PAUSED] = { "paused", "The tunnel is paused.", 1 },
	[CODE_DELETED] = { "deleted", "The tunnel has been deleted.", 1 },
	[CODE_RESET] = { "reset", "The connection was reset by its other end.",
	    1 },
	[CODE_IDLE] = { "idle", "Nothing was sent for too long.", 1 },
	[CODE_MEMORY] = { "memory",
	    "There is no memory left for this connection.", 1 },
	[CODE_NAME] = { "name", "The service's name does not resolve.", 1 },
	[CODE_KNOWN] = { "known", "The relay knows this token.", 1 },
};

static const struct entry *
entry_of(uint16_t code)
{
	if (code >= sizeof(entries) / sizeof(entries[0]) ||
	    entries[code].name == NULL)
		return NULL;
	return &entries[code];
}

const char *
code_name(uint16_t code)
{
	const struct entry *c = entry_of(code);

	return c == NULL ? "unknown" : c->name;
}

const char *
code_sentence(uint16_t code)
{
	const struct entry *c = entry_of(code);

	return c == NULL ? "It ended for a reason that is not known here."
			 : c->sentence;
}

int
code_exit(uint16_t code)
{
	const struct entry *c = entry_of(code);

	return c == NULL ? 1 : c->exit;
}
