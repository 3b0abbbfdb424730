#include "base/str.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

bool
str_copy(char *to, size_t cap, const char *from)
{
	size_t len = strlen(from);
	size_t n = len < cap ? len : cap - 1;

	if (cap == 0)
		return false;
	memcpy(to, from, n);
	to[n] = '\0';
	return n == len;
}

void
str_hex(char *hex_out, const void *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = p;

	for (size_t i = 0; i < n; i++) {
		hex_out[2 * i] = digits[from[i] >> 4];
		hex_out[2 * i + 1] = digits[from[i] & 15];
	}
	hex_out[2 * n] = '\0';
}

/* What a hex digit is worth, or -1. */
static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
str_unhex(void *out, size_t n, const char *hex)
{
	uint8_t *to = out;

	if (strlen(hex) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = hex_value(hex[2 * i]);
		int low = hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

void
str_base32(char *out, size_t cap, const void *p, size_t n)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	const uint8_t *from = p;
	size_t len = 0;
	unsigned have = 0; /* bits of acc that wait to be written */
	uint32_t acc = 0;

	if (cap == 0)
		return;
	for (size_t i = 0; i < n; i++) {
		acc = (acc << 8 | from[i]) & 0xffff;
		for (have += 8; have >= 5 && len + 1 < cap; have -= 5)
			out[len++] = letters[acc >> (have - 5) & 31];
		if (have >= 5)
			break;
	}
	if (have > 0 && have < 5 && len + 1 < cap)
		out[len++] = letters[acc << (5 - have) & 31];
	out[len] = '\0';
}

void
str_base64(char *out, const void *p, size_t n)
{
	EVP_EncodeBlock((unsigned char *)out, p, (int)n);
}

bool
str_number(const char *s, uint64_t lo, uint64_t hi, uint64_t *out)
{
	uint64_t n = 0;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		uint64_t digit = (uint64_t)(unsigned char)*s - '0';

		if (*s < '0' || *s > '9' || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	if (n < lo || n > hi)
		return false;
	*out = n;
	return true;
}

/*
 * Reads one character of UTF-8 from the n bytes at p, n > 0.  Returns its
 * bytes, or 0 when they are no UTF-8.
 */
static size_t
utf8_read(const uint8_t *p, size_t n, uint32_t *point_out)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c = p[0];
	size_t len = c < 0x80 ? 1
	    : c < 0xc2        ? 0
	    : c < 0xe0        ? 2
	    : c < 0xf0        ? 3
	    : c < 0xf5        ? 4
			      : 0;

	if (len == 0 || len > n)
		return 0;
	if (len > 1)
		c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*point_out = c;
	return len;
}

static bool
is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

bool
str_is_utf8(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t c;
	size_t len;

	for (; n > 0; s += len, n -= len)
		if ((len = utf8_read(s, n, &c)) == 0)
			return false;
	return true;
}

bool
str_is_text(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t c;
	size_t len;

	for (; n > 0; s += len, n -= len)
		if ((len = utf8_read(s, n, &c)) == 0 || is_control(c))
			return false;
	return true;
}

/* One character for str_escape(): how it is written, at most 8 bytes. */
static size_t
escape_one(char *to, const uint8_t *s, size_t len, uint32_t c)
{
	if (len > 0 && !is_control(c) && c != '"' && c != '\'' && c != '\\') {
		memcpy(to, s, len);
		return len;
	}
	if (len == 0)
		len = 1;
	for (size_t i = 0; i < len; i++) {
		to[4 * i] = '\\';
		to[4 * i + 1] = 'x';
		to[4 * i + 2] = "0123456789abcdef"[s[i] >> 4];
		to[4 * i + 3] = "0123456789abcdef"[s[i] & 15];
	}
	return 4 * len;
}

char *
str_escape(char *to, size_t cap, const char *from, size_t n)
{
	const uint8_t *s = (const uint8_t *)from;
	size_t done = 0;

	if (cap == 0)
		return to;
	while (n > 0) {
		char one[16];
		uint32_t c = 0;
		size_t len = utf8_read(s, n, &c);
		size_t out = escape_one(one, s, len, c);

		if (out >= cap - done)
			break;
		memcpy(to + done, one, out);
		done += out;
		s += len == 0 ? 1 : len;
		n -= len == 0 ? 1 : len;
	}
	to[done] = '\0';
	return to;
}

char *
str_quote(char *to, size_t cap, const char *from)
{
	size_t n;

	if (cap < 3) {
		if (cap > 0)
			*to = '\0';
		return to;
	}
	*to = '"';
	str_escape(to + 1, cap - 2, from, strlen(from));
	n = strlen(to);
	to[n] = '"';
	to[n + 1] = '\0';
	return to;
}

bool
str_equal_secret(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;

	for (size_t i = 0; i < n; i++)
		differ |= (uint8_t)(x[i] ^ y[i]);
	return differ == 0;
}

void
str_wipe(void *p, size_t n)
{
	memset(p, 0, n);
	/* as if somebody looked at it, so that the compiler leaves it in */
	__asm__ volatile("" : : "r"(p) : "memory");
}

char *
str_bytes(char *to, size_t cap, uint64_t n)
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB",
		"EB" };
	uint64_t unit = 1000;
	size_t i = 0;

	if (n < 1000) {
		snprintf(to, cap, "%u B", (unsigned)n);
		return to;
	}
	/* 999,950 is 1.0 MB, not 1000.0 kB. */
	while (i < 5 && n >= unit * 1000 - unit / 20) {
		unit *= 1000;
		i++;
	}
	n = n / (unit / 10) + (n % (unit / 10) >= unit / 20);
	snprintf(to, cap, "%u.%u %s", (unsigned)(n / 10), (unsigned)(n % 10),
	    units[i]);
	return to;
}
