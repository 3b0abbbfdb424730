/*
 * err: the reason why something failed, as one sentence in the caller's
 * memory.  Functions of lib return reasons and stay silent; the program, which
 * knows whose request it was, speaks once.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#if defined(__MINGW32__)
#define PRINTF_LIKE(f, a) __attribute__((format(gnu_printf, f, a)))
#else
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#endif

struct err {
	char text[256];
};

/* Writes the reason; a longer one is cut.  e may be NULL.  Returns -1. */
int err_set(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The same, with ": " and what errno says behind it.  Returns -1. */
int err_sys(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts words before the reason that e holds: "WORDS: reason".  Returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A reader of one file at a time cannot see what they return. */
#if defined(__clang_analyzer__)
#define err_set(...)    (err_set(__VA_ARGS__), -1)
#define err_sys(...)    (err_sys(__VA_ARGS__), -1)
#define err_prefix(...) (err_prefix(__VA_ARGS__), -1)
#endif

#endif
