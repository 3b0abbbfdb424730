/*
 * problem: errors for programs, as RFC 9457 writes them.
 */
#ifndef WEBAPP_PROBLEM_H
#define WEBAPP_PROBLEM_H

#include "req.h"

/*
 * Answers {"type","title","status","detail"} and, unless it is NULL, "field",
 * the name of the field that is wrong.
 */
void problem(
    struct req *r, unsigned status, const char *field, const char *detail);

#endif
