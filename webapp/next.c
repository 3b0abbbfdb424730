#include "next.h"

#include <ctype.h>
#include <string.h>

const char *
next_path(const char *text)
{
	const char *p;

	if (*text != '/' || text[1] == '/')
		return "/";
	for (p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("/-_", *p) == NULL)
			return "/";
	return text;
}
