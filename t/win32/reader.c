/*
 * reader: stands in for adit.exe where only the way to it is tried: copies the
 * file that ADIT_FILE names to the one that ADIT_GOT names.  Ends with 0, or 9
 * when it was called otherwise than "adit-....exe run".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plat/plat.h"

enum { FILE_MAX = 1 << 20 };

int
main(int argc, char *argv[])
{
	char *from = plat_env("ADIT_FILE"), *to = plat_env("ADIT_GOT"), *text;
	size_t n;
	FILE *f;

	if (argc != 2 || strcmp(argv[1], "run") != 0)
		return 9;
	if (from == NULL || to == NULL || (text = malloc(FILE_MAX)) == NULL ||
	    plat_read_file(from, text, FILE_MAX, &n, NULL) != 0 ||
	    (f = fopen(to, "wb")) == NULL)
		return 10;
	if (fwrite(text, 1, n, f) != n || fclose(f) != 0)
		return 10;
	free(text);
	free(from);
	free(to);
	return 0;
}
