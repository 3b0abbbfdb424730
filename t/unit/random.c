#include "base/random.h"

#include "base/err.h"
#include "base/str.h"
#include "tap.h"

static void
test_hashes(void)
{
	uint8_t out[32], key[20];
	char hex[65];

	random_sha256(out, "abc", 3);
	str_hex(hex, out, 32);
	is_str(hex,
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	    "SHA-256 of abc (FIPS 180-2)");
	random_sha256(out, NULL, 0);
	str_hex(hex, out, 32);
	is_str(hex,
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	    "SHA-256 of nothing");
	memset(key, 0x0b, sizeof(key));
	random_hmac_sha256(out, key, sizeof(key), "Hi There", 8);
	str_hex(hex, out, 32);
	is_str(hex,
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
	    "HMAC-SHA-256, case 1 of RFC 4231");
	random_hmac_sha256(out, "Jefe", 4, "what do ya want for nothing?", 28);
	str_hex(hex, out, 32);
	is_str(hex,
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
	    "case 2");
	random_hmac_sha256(out, NULL, 0, NULL, 0);
	str_hex(hex, out, 32);
	is_str(hex,
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad",
	    "no key and no text is not the key of last time");
}

int
main(void)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	unsigned seen[7] = { 0 };
	bool within = true, all = true;
	struct err e;

	is_int(random_bytes(a, sizeof(a), &e), 0, "bytes");
	is_int(random_bytes(b, sizeof(b), &e), 0, "more bytes");
	ok(memcmp(a, b, sizeof(a)) != 0, "are different");
	is_int(random_bytes(a, 0, &e), 0, "none is fine");
	for (int i = 0; i < 7000; i++) {
		uint32_t n = random_below(7);

		within = within && n < 7;
		if (n < 7)
			seen[n]++;
	}
	/* 1,000 expected; 700 is ten standard deviations away. */
	for (int i = 0; i < 7; i++)
		all = all && seen[i] > 700;
	ok(within, "always below");
	ok(all, "and everywhere below");
	is_int(random_below(1), 0, "below 1 there is 0");
	is_int(random_below(0), 0, "below 0 there is nothing else");
	test_hashes();
	return tap_done();
}
