/*
 * code: why something was refused or ended, one table for REJECT, RESET and
 * GOAWAY (docs/PROTOCOL.md, "Codes").
 */
#ifndef PROTO_CODE_H
#define PROTO_CODE_H

#include <stdint.h>

enum code {
	CODE_NONE = 0,
	CODE_BROKEN = 1,
	CODE_VERSION = 2,
	CODE_TOKEN = 3,
	CODE_REVOKED = 4,
	CODE_REPLACED = 5,
	CODE_GONE = 6,
	CODE_LIMIT = 7,
	CODE_BUSY = 8,
	CODE_CLOSING = 9,
	CODE_REFUSED = 10,
	CODE_UNREACHABLE = 11,
	CODE_TIMEOUT = 12,
	CODE_NOT_ALLOWED = 13,
	CODE_PAUSED = 14,
	CODE_DELETED = 15,
	CODE_RESET = 16,
	CODE_IDLE = 17,
	CODE_MEMORY = 18,
	CODE_NAME = 19,
	CODE_KNOWN = 20,
};

/* "token", "not allowed"; "unknown" for a number without a name. */
const char *code_name(uint16_t code);

/* One sentence for people; a plain one for a number without a name. */
const char *code_sentence(uint16_t code);

/*
 * The exit status of a client that was told this code as its last word (20 to
 * 25), or 1 when the code does not end a client.
 */
int code_exit(uint16_t code);

#endif
