/*
 * row: what a tunnel looks like wherever one is shown.
 */
#ifndef WEBAPP_ROW_H
#define WEBAPP_ROW_H

#include "status.h"
#include "tpl.h"

/* ID, NAME, HOST, PORT, ADDRESS, KIND, TARGET, MACHINE ("": none). */
void row_tunnel(struct req *r, struct tpl *row, const struct tunnel *t,
    const char *machine);

/* WORD, CLASS, FLOWS, the rows of LAMP, STRONG, REST, and the button. */
void row_status(struct req *r, struct tpl *row, const struct tunnel *t,
    const struct status *s);

/* The same lamps with longer words, for the section. */
void row_section(struct req *r, struct tpl *row, const struct tunnel *t,
    const struct status *s);

/* "TCP", "UDP", "TCP and UDP" */
const char *row_kind(const struct tunnel *t);

#endif
