/*
 * item: a machine's presence on this computer that `adit install` has made: a
 * folder of its own, with the program and the machine's settings, which hold
 * its token.  Items stand side by side; each has a name.
 */
#ifndef CLIENT_ITEM_H
#define CLIENT_ITEM_H

#include <stdbool.h>
#include <stddef.h>

struct err;

enum { ITEM_NAME_MAX = 40 };

struct item {
	char name[ITEM_NAME_MAX + 1];
	bool system;    /* of the computer; else of this user */
	char *base;     /* the folder of all items */
	char *folder;   /* its own */
	char *program;  /* the file that is started */
	char *settings; /* "#adit KEY=VALUE" lines */
	char *state_folder;
	char *state; /* what the program tells of itself: state.h */
};

/*
 * Tells where the item of that name stands, or would stand.  A name is made of
 * small letters, digits and "-".
 */
int item_open(
    struct item *it_out, bool system, const char *name, struct err *e);

/* Takes any item, also one that could not be opened. */
void item_close(struct item *it);

/* True when it has been installed. */
bool item_is_there(const struct item *it);

bool item_is_name(const char *text);

/* Text as a name: "My PC (2)" is "my-pc-2"; "adit" when nothing is left. */
char *item_name(char to[ITEM_NAME_MAX + 1], const char *text);

/*
 * Calls fn for each that is there, by name; fn may take it away.  Returns how
 * many, -1 with e.
 */
int item_each(bool system, void (*fn)(void *arg, const struct item *it),
    void *arg, struct err *e);

#endif
