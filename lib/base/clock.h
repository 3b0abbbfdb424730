/*
 * clock: what time it is.  clock_ms() and clock_us() never go back and know
 * no date; clock_wall_ms() is the date, in milliseconds UTC since 1970, and may
 * jump.  Timers use the first, tables the second.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t clock_ms(void);
uint64_t clock_us(void);
int64_t clock_wall_ms(void);

/* "2026-11-20T14:02:05.123Z" (RFC 3339, UTC); to has room for 25 bytes. */
char *clock_rfc3339(char *to, size_t cap, int64_t wall_ms);

/*
 * Reads such a time, with any offset from UTC; false when it is none.  What is
 * finer than a millisecond is cut off.
 */
bool clock_read_rfc3339(const char *text, int64_t *wall_ms_out);

#endif
