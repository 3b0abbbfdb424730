#include "item.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "plat/files.h"
#include "startup.h"

enum { ITEMS_MAX = 200 };

#define IN_NAMES "abcdefghijklmnopqrstuvwxyz0123456789-"

/* The server's own units are called adit-relayd and adit-webapp. */
static bool
is_taken(const char *name)
{
	return strcmp(name, "relayd") == 0 || strcmp(name, "webapp") == 0;
}

bool
item_is_name(const char *text)
{
	size_t len = strlen(text);

	return !is_taken(text) && len > 0 && len <= ITEM_NAME_MAX &&
	    text[0] != '-' && text[strspn(text, IN_NAMES)] == '\0';
}

char *
item_name(char to[ITEM_NAME_MAX + 1], const char *text)
{
	size_t n = 0;
	char c;

	for (; *text != '\0' && n < ITEM_NAME_MAX; text++) {
		c = *text;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != '-' && strchr(IN_NAMES, c) != NULL)
			to[n++] = c;
		else if (n > 0 && to[n - 1] != '-')
			to[n++] = '-';
	}
	while (n > 0 && to[n - 1] == '-')
		n--;
	to[n] = '\0';
	if (n == 0)
		memcpy(to, "adit", sizeof("adit"));
	if (is_taken(to))
		memcpy(to + n, "-1", sizeof("-1"));
	return to;
}

int
item_open(struct item *it, bool system, const char *name, struct err *e)
{
	*it = (struct item){ .system = system };
	if (!item_is_name(name))
		return err_set(e,
		    "\"%.60s\" is no name here: it is made of at most %d"
		    " small letters, digits and \"-\"",
		    name, ITEM_NAME_MAX);
	memcpy(it->name, name, strlen(name) + 1);
	if (startup_place(it, e) == 0)
		return 0;
	item_close(it);
	return -1;
}

void
item_close(struct item *it)
{
	free(it->base);
	free(it->folder);
	free(it->program);
	free(it->settings);
	free(it->state_folder);
	free(it->state);
	*it = (struct item){ 0 };
}

bool
item_is_there(const struct item *it)
{
	return files_has(it->settings);
}

/* --- all of them ----------------------------------------------------------- */

struct names {
	char name[ITEMS_MAX][ITEM_NAME_MAX + 1];
	size_t count;
};

static void
on_folder(void *arg, const char *name)
{
	struct names *all = arg;

	if (all->count < ITEMS_MAX && item_is_name(name))
		memcpy(all->name[all->count++], name, strlen(name) + 1);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int
item_each(bool system, void (*fn)(void *arg, const struct item *it), void *arg,
    struct err *e)
{
	struct names *all = calloc(1, sizeof(*all));
	struct item it;
	int found = -1;
	size_t i;

	/* Any name tells where all of them stand. */
	if (all == NULL)
		err_sys(e, "what is installed");
	else if (item_open(&it, system, "adit", e) == 0) {
		found = files_each_folder(it.base, on_folder, all, e);
		item_close(&it);
	}
	if (found == 0)
		qsort(all->name, all->count, sizeof(all->name[0]), by_name);
	for (i = 0; found >= 0 && i < all->count; i++) {
		if (item_open(&it, system, all->name[i], e) != 0) {
			found = -1;
			break;
		}
		if (item_is_there(&it)) {
			fn(arg, &it);
			found++;
		}
		item_close(&it);
	}
	free(all);
	return found;
}
