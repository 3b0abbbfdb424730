/*
 * conf_yaml: a YAML file becomes the fields of a conf table.  Only what a
 * table needs is taken: mappings, lists, plain values.  Aliases, anchors,
 * tags, keys given twice and second documents are refused, because each of
 * them hides what a key's value is.
 */
#ifndef CONF_CONF_YAML_H
#define CONF_CONF_YAML_H

#include <stddef.h>

struct conf_table;
struct err;

enum {
	CONF_FILE_MAX = 256 * 1024, /* bytes of a file */
};

/*
 * Reads the file at path over what conf holds.  1 when read, 0 when there is no
 * such file, -1 with "PATH:LINE: key "x": reason".
 */
int conf_yaml_load(
    const struct conf_table *t, void *conf, const char *path, struct err *e);

/* The same for n bytes in memory; name stands for the path. */
int conf_yaml_parse(const struct conf_table *t, void *conf, const void *text,
    size_t n, const char *name, struct err *e);

#endif
