/*
 * str: small questions about text, each with a limit and an answer.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies at most cap - 1 bytes and ends with NUL.  True when all fitted. */
bool str_copy(char *to, size_t cap, const char *from);

/* n bytes as 2n hex digits and a NUL; hex_out has room for 2n + 1. */
void str_hex(char *hex_out, const void *p, size_t n);

/* Exactly 2n hex digits (either case) into n bytes; false for all else. */
bool str_unhex(void *out, size_t n, const char *hex);

/*
 * Base32 of RFC 4648, lower case, without padding: n bytes become
 * (8n + 4) / 5 letters and a NUL.
 */
void str_base32(char *out, size_t cap, const void *p, size_t n);

/*
 * Base64 of RFC 4648, section 4, with padding: n bytes become (n + 2) / 3 * 4
 * letters and a NUL.
 */
void str_base64(char *out, const void *p, size_t n);

/* A decimal number without sign or spaces, from lo to hi; false for all else. */
bool str_number(const char *s, uint64_t lo, uint64_t hi, uint64_t *out);

/* Valid UTF-8 (no surrogates, nothing overlong) of n bytes. */
bool str_is_utf8(const void *p, size_t n);

/* As above, and without control characters (C0, DEL, C1). */
bool str_is_text(const void *p, size_t n);

/*
 * Copies text for a log line or a terminal: control characters, quotes,
 * backslashes and bytes that are not UTF-8 become \xNN.  Always ends with NUL;
 * what does not fit is cut.  Returns to.
 */
char *str_escape(char *to, size_t cap, const char *from, size_t n);

/* The same of a whole text, in quotes: how names stand in log lines. */
char *str_quote(char *to, size_t cap, const char *from);

/* Equal, in a time that depends on n alone. */
bool str_equal_secret(const void *a, const void *b, size_t n);

/* Overwrites, and is not optimised away. */
void str_wipe(void *p, size_t n);

/* An amount of bytes for people: "512 B", "1.4 kB", "3.2 GB". */
char *str_bytes(char *to, size_t cap, uint64_t n);

#endif
