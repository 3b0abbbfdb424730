#include "base/str.h"

#include <stdint.h>

#include "tap.h"

static const char *
escaped(const char *s, size_t n, size_t cap)
{
	static char to[200];

	memset(to, 'Z', sizeof(to));
	return str_escape(to, cap, s, n);
}

static void
test_copy(void)
{
	char to[4];

	ok(str_copy(to, sizeof(to), "abc"), "what fits is copied");
	is_str(to, "abc", "whole");
	ok(!str_copy(to, sizeof(to), "abcd"), "what does not is told");
	is_str(to, "abc", "and cut");
	ok(!str_copy(to, 0, "a"), "no room at all");
}

static void
test_hex(void)
{
	char hex[11];
	uint8_t raw[5];

	str_hex(hex, "\x00\x01\xab\xcd\xff", 5);
	is_str(hex, "0001abcdff", "to hex");
	ok(str_unhex(raw, 5, "0001aBCdFF"), "from hex, either case");
	is_mem(raw, "\x00\x01\xab\xcd\xff", 5, "the bytes");
	ok(!str_unhex(raw, 5, "0001abcdf"), "too short");
	ok(!str_unhex(raw, 5, "0001abcdff0"), "too long");
	ok(!str_unhex(raw, 5, "0001abcdfg"), "no digit");
	ok(!str_unhex(raw, 5, "0x01abcdff"), "no prefix");
	ok(!str_unhex(raw, 5, " 001abcdff"), "no blank");
}

static void
test_base64(void)
{
	/* RFC 4648, section 10. */
	static const char *const want[] = { "", "Zg==", "Zm8=", "Zm9v",
		"Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
	char out[16];
	size_t n;

	for (n = 0; n < sizeof(want) / sizeof(want[0]); n++) {
		str_base64(out, "foobar", n);
		is_str(out, want[n], "base64");
	}
	str_base64(out, "\xfb\xff\xfe", 3);
	is_str(out, "+//+", "its last two letters");
}

static void
test_base32(void)
{
	/* RFC 4648, section 10, in lower case without padding. */
	static const char *const vectors[][2] = { { "", "" }, { "f", "my" },
		{ "fo", "mzxq" }, { "foo", "mzxw6" }, { "foob", "mzxw6yq" },
		{ "fooba", "mzxw6ytb" }, { "foobar", "mzxw6ytboi" } };
	char out[40];

	for (size_t i = 0; i < 7; i++) {
		str_base32(
		    out, sizeof(out), vectors[i][0], strlen(vectors[i][0]));
		is_str(out, vectors[i][1], "a vector of RFC 4648");
	}
	str_base32(out, sizeof(out),
	    "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	    16);
	is_str(out, "77777777777777777777777774", "128 bits are 26 letters");
	str_base32(out, 4, "foobar", 6);
	is_str(out, "mzx", "what does not fit is cut");
}

static void
test_number(void)
{
	uint64_t n = 99;

	ok(str_number("0", 0, 9, &n) && n == 0, "0");
	ok(str_number("18446744073709551615", 0, UINT64_MAX, &n) &&
		n == UINT64_MAX,
	    "the largest");
	n = 99;
	ok(!str_number("18446744073709551616", 0, UINT64_MAX, &n), "one more");
	ok(!str_number("99999999999999999999999", 0, UINT64_MAX, &n), "more");
	ok(!str_number("", 0, 9, &n), "nothing");
	ok(!str_number("-1", 0, 9, &n), "a sign");
	ok(!str_number("+1", 0, 9, &n), "the other sign");
	ok(!str_number(" 1", 0, 9, &n), "a blank before");
	ok(!str_number("1 ", 0, 9, &n), "a blank behind");
	ok(!str_number("0x1", 0, 9, &n), "hex");
	ok(!str_number("4", 5, 9, &n), "below the range");
	ok(!str_number("10", 5, 9, &n), "above the range");
	is_int(n, 99, "a refused one changes nothing");
}

static void
test_utf8(void)
{
	static const char *const good[] = { "", "abc", "\xc2\x80", "\xdf\xbf",
		"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xc2", "\xc2z", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xe1\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xf1\x80\x80", "\xfe", "\xff", "a\xff" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(str_is_utf8(good[i], strlen(good[i])), "UTF-8");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!str_is_utf8(bad[i], strlen(bad[i])), "not UTF-8");
	ok(!str_is_utf8("\xc3\xa4", 1), "cut within a character");
	ok(str_is_utf8("\0", 1), "NUL is a character");
	ok(str_is_text("a\xc3\xa4 \"", 5), "text");
	ok(!str_is_text("\0", 1), "NUL is no text");
	ok(!str_is_text("a\n", 2), "nor is a line's end");
	ok(!str_is_text("\x1b[0m", 4), "nor an escape");
	ok(!str_is_text("\x7f", 1), "nor DEL");
	ok(!str_is_text("\xc2\x9b", 2), "nor the one-character CSI");
	ok(str_is_text("\xc2\xa0", 2), "a no-break space is");
}

static void
test_escape(void)
{
	const char *all = "a\n\"'\\\x7f\xc3\xa4\xff\xc2\x9b";

	is_str(escaped("plain", 5, 200), "plain", "plain text stays");
	is_str(escaped(all, strlen(all), 200),
	    "a\\x0a\\x22\\x27\\x5c\\x7f\xc3\xa4\\xff\\xc2\\x9b",
	    "what could do harm is spelled");
	is_str(escaped("\0b", 2, 200), "\\x00b", "NUL too");
	is_str(escaped("abc", 3, 3), "ab", "cut to fit");
	is_str(escaped("a\n", 2, 5), "a", "an escape is never cut");
	is_str(escaped("a\n", 2, 6), "a\\x0a", "but fits exactly");
	is_str(escaped("a\xc3\xa4", 3, 3), "a", "nor is a character");
	is_str(escaped("abc", 3, 1), "", "room for the NUL only");
}

static void
test_quote(void)
{
	char to[12];

	is_str(str_quote(to, sizeof(to), "a name"), "\"a name\"", "in quotes");
	is_str(str_quote(to, sizeof(to), "a\": b"), "\"a\\x22: b\"",
	    "which it cannot leave");
	is_str(str_quote(to, sizeof(to), "a long name"), "\"a long na\"",
	    "cut, it still ends with one");
	is_str(str_quote(to, 3, "a"), "\"\"", "room for quotes only");
	is_str(str_quote(to, 2, "a"), "", "not even for those");
}

static void
test_bytes(void)
{
	static const struct {
		uint64_t n;
		const char *want;
	} all[] = { { 0, "0 B" }, { 512, "512 B" }, { 999, "999 B" },
		{ 1000, "1.0 kB" }, { 1449, "1.4 kB" }, { 1450, "1.5 kB" },
		{ 999949, "999.9 kB" }, { 999950, "1.0 MB" },
		{ UINT64_C(3200000000), "3.2 GB" },
		{ UINT64_C(999950000000000), "1.0 PB" },
		{ UINT64_MAX, "18.4 EB" } };
	char to[32];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		is_str(str_bytes(to, sizeof(to), all[i].n), all[i].want,
		    "an amount for people");
}

int
main(void)
{
	char secret[4] = "abc";

	test_copy();
	test_hex();
	test_base32();
	test_base64();
	test_number();
	test_utf8();
	test_escape();
	test_quote();
	test_bytes();
	ok(str_equal_secret("abc", "abc", 3), "equal");
	ok(!str_equal_secret("abc", "abd", 3), "not at the end");
	ok(!str_equal_secret("abc", "bbc", 3), "not at the start");
	ok(str_equal_secret("", "x", 0), "nothing equals nothing");
	str_wipe(secret, 4);
	is_mem(secret, "\0\0\0", 4, "wiped");
	return tap_done();
}
