/*
 * certutil: stands in for Windows' certutil.exe, which Wine has only by name:
 *
 *	certutil -hashfile FILE SHA256
 *
 * answers in three lines, as Windows 10 does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/str.h"
#include "plat/plat.h"

enum { FILE_MAX = 64 << 20 };

int
main(int argc, char *argv[])
{
	uint8_t sum[32];
	char hex[65], *text;
	size_t n;

	if (argc != 4 || strcmp(argv[1], "-hashfile") != 0 ||
	    strcmp(argv[3], "SHA256") != 0)
		return 1;
	if ((text = malloc(FILE_MAX)) == NULL ||
	    plat_read_file(argv[2], text, FILE_MAX, &n, NULL) != 0)
		return 2;
	random_sha256(sum, text, n);
	free(text);
	str_hex(hex, sum, sizeof(sum));
	printf("SHA256 hash of %s:\r\n%s\r\n"
	       "CertUtil: -hashfile command completed successfully.\r\n",
	    argv[2], hex);
	return 0;
}
