/*
 * tool: what the test tools have in common.  They end with a word at the first
 * thing that they did not expect: a test must not go on with half a tool.
 */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct where {
	struct sockaddr_storage sa;
	socklen_t len;
};

_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line on standard output, at once. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

uint64_t now_us(void);

/* A number, or the end. */
uint64_t number(const char *text);

/* "ADDRESS:PORT", "[ADDRESS]:PORT". */
struct where where(const char *text);
unsigned where_port(int fd);

void nonblock(int fd);
void nodelay(int fd);

/* As many open files as the system lets us have. */
void many_files(void);

/* close() shall reset the connection. */
void reset_on_close(int fd);

/*
 * The pattern: byte i of an endless text that does not repeat within a
 * megabyte, so that a byte lost, doubled or out of place is seen.
 */
enum { PATTERN_LEN = 1048573 };

/* At most n bytes from byte `at` on, in one piece; *n_out says how many. */
const void *pattern(uint64_t at, size_t n, size_t *n_out);

/* How many of these n bytes are those from byte `at` on. */
size_t pattern_match(uint64_t at, const void *p, size_t n);

/*
 * Reads what standard input has.  1: a line, without its end, in line; 0: none
 * yet; -1: the end.
 */
int stdin_line(char *line, size_t size);

#endif
