#include "browser.h"

#include <stddef.h>
#include <string.h>

/* The first word that fits decides: Edge says Chrome, Chrome says Safari. */
static const char *const systems[] = { "Android", "iPhone", "iPad", "Windows",
	"Mac OS", "CrOS", "Linux", NULL };
static const struct {
	const char *word;
	const char *on[8];
} browsers[] = {
#define NAMES(x)                                                      \
	{                                                             \
		x " on Android", x " on an iPhone", x " on an iPad",  \
		    x " on Windows", x " on macOS", x " on ChromeOS", \
		    x " on Linux", x                                  \
	}
	{ "Edg", NAMES("Edge") },
	{ "OPR/", NAMES("Opera") },
	{ "Firefox/", NAMES("Firefox") },
	{ "Chrome/", NAMES("Chrome") },
	{ "Safari/", NAMES("Safari") },
};

const char *
browser_name(const char *agent)
{
	size_t i, k;

	for (k = 0; systems[k] != NULL; k++)
		if (strstr(agent, systems[k]) != NULL)
			break;
	for (i = 0; i < sizeof(browsers) / sizeof(browsers[0]); i++)
		if (strstr(agent, browsers[i].word) != NULL)
			return browsers[i].on[k];
	return "a program";
}
