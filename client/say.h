/*
 * say: what has happened, one line each, for the person who runs the client:
 * onto the console when there is one, else into the log.
 */
#ifndef CLIENT_SAY_H
#define CLIENT_SAY_H

#include <stdbool.h>

#include "base/err.h"
#include "log/log.h"

typedef void say_fn(void *arg, enum log_level level, const char *text);

/*
 * From now on fn is told; NULL: nobody.  log_too: the log is told as well
 * (always when fn is NULL).
 */
void say_to(say_fn *fn, void *arg, bool log_too);

void say(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define say_warn(...)  say(LOG_WARN, __VA_ARGS__)
#define say_info(...)  say(LOG_INFO, __VA_ARGS__)
#define say_debug(...) say(LOG_DEBUG, __VA_ARGS__)

#endif
