/*
 * bat: the file that a person double-clicks on Windows: webapp/client.bat with
 * its few blanks filled, and behind it the settings, which only the program
 * reads.  Nothing that a person typed gets into the part that cmd.exe runs, and
 * no text is escaped: what is not on a short list of characters is refused.
 */
#ifndef WEBAPP_BAT_H
#define WEBAPP_BAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A way to the relay and what it is trusted by: pins, or else "system". */
struct bat_door {
	const char *address; /* HOST:PORT or wss://HOST/link */
	const char *pins;    /* "sha256:HEX[,sha256:HEX]"; NULL: system */
};

struct bat {
	const char *url;      /* where this very adit.exe is served */
	const char *sha256;   /* of that file, 64 hex digits */
	bool own_certificate; /* nobody public vouches for url's server */
	const struct bat_door *doors;
	size_t door_count;
	const char *const *allow; /* HOST:PORT that the relay may reach */
	size_t allow_count;
	const char *token;   /* of the machine's key, 64 hex digits */
	const char *machine; /* bat_machine(); NULL: not named */
};

/*
 * The whole file, ASCII with CR LF, *n_out bytes, for free() after
 * str_wipe(): it holds the token.  NULL with the reason.
 */
char *bat_make(const struct bat *b, size_t *n_out, struct err *e);

/*
 * A file's name for a tunnel: "adit-minecraft.bat"; of name only letters,
 * digits, - and _ are left.  Returns to.
 */
char *bat_file_name(char *to, size_t cap, const char *name);

enum { BAT_MACHINE_MAX = 41 };

/*
 * What a computer calls a machine that is installed there, the same in every
 * file for it: "my-pc-3".  Of name only small letters, digits and - are left.
 * Returns to.
 */
char *bat_machine(char to[BAT_MACHINE_MAX], const char *name, int64_t id);

#endif
