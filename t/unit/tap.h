/*
 * tap: a test says what it claims, one line each, as prove reads it.
 *
 *	is_int(1 + 1, 2, "one and one");
 *	return tap_done();
 */
#ifndef T_UNIT_TAP_H
#define T_UNIT_TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_run, tap_failed;

static inline bool
tap_line(bool good, const char *file, int line, const char *claim)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_run, claim);
	if (!good) {
		tap_failed++;
		printf("#   at %s line %d\n", file, line);
	}
	fflush(stdout);
	return good;
}

static inline bool
tap_int(
    intmax_t got, intmax_t want, const char *file, int line, const char *claim)
{
	bool good = tap_line(got == want, file, line, claim);

	if (!good)
		printf("#   got %" PRIdMAX ", want %" PRIdMAX "\n", got, want);
	return good;
}

static inline bool
tap_str(const char *got, const char *want, const char *file, int line,
    const char *claim)
{
	bool good = got != NULL && want != NULL && strcmp(got, want) == 0;

	if (!tap_line(good, file, line, claim))
		printf("#   got \"%s\", want \"%s\"\n", got ? got : "(null)",
		    want ? want : "(null)");
	return good;
}

static inline bool
tap_mem(const void *got, const void *want, size_t n, const char *file, int line,
    const char *claim)
{
	return tap_line(n == 0 || memcmp(got, want, n) == 0, file, line, claim);
}

#define ok(x, claim) tap_line((x), __FILE__, __LINE__, (claim))
#define is_int(got, want, claim) \
	tap_int((intmax_t)(got), (intmax_t)(want), __FILE__, __LINE__, (claim))
#define is_str(got, want, claim) \
	tap_str((got), (want), __FILE__, __LINE__, (claim))
#define is_mem(got, want, n, claim) \
	tap_mem((got), (want), (n), __FILE__, __LINE__, (claim))

static inline int
tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return 0;
}

static inline int
tap_done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed == 0 ? 0 : 1;
}

#endif
