/*
 * bat: writes the file that the dashboard would give for Windows:
 *
 *	bat URL SHA256 TOKEN [-k] [-m MACHINE]
 *	    (-d ADDRESS PINS|system | -a HOST:PORT) ...
 *
 * -k: the server has a certificate of its own making.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../webapp/bat.h"
#include "base/err.h"

enum { MANY = 16 };

int
main(int argc, char *argv[])
{
	struct bat_door doors[MANY];
	const char *allow[MANY];
	struct bat b = { .doors = doors, .allow = allow };
	struct err e;
	char *text;
	size_t n;
	int i;

	if (argc < 4 || argc > 2 * MANY)
		return 2;
	b.url = argv[1];
	b.sha256 = argv[2];
	b.token = argv[3];
	for (i = 4; i < argc; i++) {
		if (strcmp(argv[i], "-k") == 0) {
			b.own_certificate = true;
		} else if (strcmp(argv[i], "-d") == 0 && i + 2 < argc) {
			doors[b.door_count].address = argv[i + 1];
			doors[b.door_count++].pins =
			    strcmp(argv[i + 2], "system") == 0 ? NULL
							       : argv[i + 2];
			i += 2;
		} else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc) {
			b.machine = argv[++i];
		} else if (strcmp(argv[i], "-a") == 0 && i + 1 < argc) {
			allow[b.allow_count++] = argv[++i];
		} else {
			return 2;
		}
	}
	if ((text = bat_make(&b, &n, &e)) == NULL) {
		fprintf(stderr, "bat: %s\n", e.text);
		return 1;
	}
	fwrite(text, 1, n, stdout);
	free(text);
	return 0;
}
