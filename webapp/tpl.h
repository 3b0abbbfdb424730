/*
 * tpl: the pages' templates.  Every template begins with the AUTOESCAPE line
 * of its language, so that each value is escaped for the place where it
 * stands.  A struct tpl is what one template, or one section of it, is filled
 * with; values are copied.
 */
#ifndef WEBAPP_TPL_H
#define WEBAPP_TPL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct buf;
struct err;
struct tpl;

/*
 * Parses all templates of the program, once, before any other call: -1 when
 * one has an error, lacks its AUTOESCAPE line or switches escaping off.
 */
int tpl_load(struct err *e);

/* One to be filled for the template NAME.tpl; NULL without memory. */
struct tpl *tpl_new(const char *name, struct err *e);
void tpl_free(struct tpl **t);

/*
 * All below take NULL for t and do nothing then, so that memory that is gone
 * is asked about once, by tpl_render().
 */
void tpl_set(struct tpl *t, const char *name, const char *value);
void tpl_int(struct tpl *t, const char *name, int64_t value);

/* Shows a section once, with what t has. */
void tpl_show(struct tpl *t, const char *section);

/* Shows it only if value is not empty, and sets it under the same name. */
void tpl_maybe(struct tpl *t, const char *section, const char *value);

/* A further row of a section; it lives as long as t. */
struct tpl *tpl_row(struct tpl *t, const char *section);

/* Puts the template NAME.tpl where t has {{>PLACE}}; lives as long as t. */
struct tpl *tpl_put(struct tpl *t, const char *place, const char *name);

/* Appends the filled page; -1 when memory or the buf's limit is out. */
int tpl_render(struct tpl *t, struct buf *to, struct err *e);

#ifdef __cplusplus
}
#endif

#endif
