/*
 * conf: a table of keys describes a struct; text becomes its fields.  A row
 * says all about a key: name, type, place, default, range, unit, purpose, so
 * that program, manual and listing cannot disagree.
 *
 * Fields: CONF_TEXT and CONF_PATH are char * (NULL: not given), CONF_NUMBER is
 * uint32_t, CONF_BOOL is bool, CONF_LIST is struct conf_list, CONF_WORD is an
 * int: the word's place in words.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct err;

enum {
	CONF_VALUE_MAX = 4096, /* bytes of a value */
	CONF_ITEMS_MAX = 64,   /* items of a list */
	CONF_KEYS_MAX = 256,   /* rows of a table */
};

enum conf_type {
	CONF_TEXT,
	CONF_PATH, /* a relative one starts at the file's folder */
	CONF_NUMBER,
	CONF_BOOL,
	CONF_LIST, /* of text */
	CONF_WORD,
};

struct conf_list {
	char **at;
	size_t n;
};

struct conf_key {
	const char *name; /* dots stand between levels: "relay.hold_s" */
	enum conf_type type;
	size_t offset;
	const char *init;         /* the default as text; NULL: empty */
	uint32_t lo, hi;          /* CONF_NUMBER: the range */
	const char *unit;         /* CONF_NUMBER: "s", "MB"; NULL: a count */
	const char *const *words; /* CONF_WORD: ends with NULL */
	const char *derived; /* what an empty one becomes, in words, or NULL */
	const char *says;    /* one line */
};

/* A table of keys, the keys of a level together. */
struct conf_table {
	const struct conf_key *keys;
	size_t n;
};

/* Gives every field its default; conf is all zero.  -1 leaves it to free. */
int conf_init(const struct conf_table *t, void *conf, struct err *e);

/* Frees what the fields hold, and clears them. */
void conf_free(const struct conf_table *t, void *conf);

/* The row with this name, or NULL. */
const struct conf_key *conf_find(const struct conf_table *t, const char *name);

/*
 * Gives a field a value; a list becomes the one item.  folder is where
 * relative paths start, NULL leaves them.
 */
int conf_set(const struct conf_key *k, void *conf, const char *value,
    const char *folder, struct err *e);

/* Empties a list; appends an item to it. */
void conf_list_clear(struct conf_list *l);
int conf_list_add(struct conf_list *l, const char *item, struct err *e);

/* Replaces a text that conf owns. */
int conf_text(char **to, const char *value, struct err *e);

/*
 * Prints each key with its default (conf NULL) or its value, range and
 * purpose.
 */
void conf_print(FILE *to, const struct conf_table *t, const void *conf);

#endif
