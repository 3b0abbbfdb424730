/*
 * carry_int: what carry.c asks of a wire at the end of a turn.  Nobody else
 * includes this.
 */
#ifndef CARRY_INT_H
#define CARRY_INT_H

#include "base/list.h"
#include "carry/carry.h"
#include "carry/wire.h"

struct wire;

void wire_flush(struct wire *w);
void wire_read_on(struct wire *w);
void wire_delete(struct wire *w);
void wire_rest(struct wire *w);

struct wire *wire_of_all(struct list *n);
struct wire *wire_of_again(struct list *n);
struct wire *wire_of_flush(struct list *n);

#endif
