/*
 * log: one event, one line: time in UTC, level, text.
 *
 *	2026-11-20T14:02:05.123Z warn  link 42 (192.0.2.7): ended, hello took ...
 *
 * error: the operator must act; warn: someone misbehaved; info: links, tunnels
 * and sign-ins come and go; debug: frames.  A line starts with its subject and
 * tells the outcome.  A secret is never logged: say its id.
 *
 * A line never waits for its reader, and no failure stops the program: what
 * cannot be written is dropped and counted, and the count is told as soon as
 * lines can be written again.  Of lines that differ in numbers only, so many a
 * second are written and the rest is counted.  Control characters are escaped,
 * and so are bytes that are not UTF-8.
 *
 * The program ignores SIGPIPE.
 *
 * There is one log per process.  Any thread may write lines; the other calls
 * are for one thread.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

struct log_options {
	const char *file; /* NULL: standard error; never a symbolic link */
	enum log_level level;
	uint32_t rotate_mb;   /* 0: never */
	uint32_t keep;        /* rotated files: FILE.1 is the youngest */
	uint32_t alike_per_s; /* 0: no limit */
};

/*
 * Until log_open() lines of info and above go to standard error.  May be
 * called again with other options; when that fails the log stays as it was.
 */
int log_open(const struct log_options *o, struct err *e);

/* Opens the file anew, after somebody renamed it (SIGHUP). */
int log_reopen(struct err *e);

/*
 * Call it once a second or so: tells what was folded and dropped, and opens
 * the file anew when it is gone from its place.
 */
void log_tick(void);

/* Tells what is left to tell; further lines go to standard error. */
void log_close(void);

/* True when lines of this level are written: spares making costly ones. */
bool log_has(enum log_level level);

/* Lines that could not be written since the start. */
uint64_t log_dropped(void);

void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                    \
	do {                                              \
		if (log_has(LOG_DEBUG))                   \
			log_line(LOG_DEBUG, __VA_ARGS__); \
	} while (0)

/* "error", "warn", "info", "debug"; NULL ends the table. */
extern const char *const log_levels[];

#endif
