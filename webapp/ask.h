/*
 * ask: one question to a program that speaks HTTP on a socket in the file
 * system.
 */
#ifndef WEBAPP_ASK_H
#define WEBAPP_ASK_H

#include <stdint.h>

struct buf;
struct err;

/*
 * The status of the answer, whose body is appended to body; -1 when there is
 * none before clock_ms() reaches until.
 */
int ask(const char *path, const char *method, const char *target,
    uint64_t until, struct buf *body, struct err *e);

#endif
