/*
 * mux_hostile: what t/fuzz/mux.c holds against one side of a session, here with
 * scripts drawn by lot instead of by a fuzzer, so that every `make check` has
 * met some hostile peers.
 */
#include "tap.h"

#include "../fuzz/mux.c"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SCRIPTS 3000
#else
#define SCRIPTS 30000
#endif

static uint64_t state;

static uint64_t
draw(void)
{
	uint64_t x = state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Links first, so that what follows has somebody to meet. */
static size_t
draw_script(uint8_t *p, size_t max)
{
	size_t n = 8 + draw() % (max - 8), i = 0;

	p[i++] = (uint8_t)draw();
	p[i++] = 0; /* join: number, round as "this small number" */
	p[i++] = 7;
	p[i++] = 0;
	if (draw() % 2 == 0) {
		p[i++] = 0;
		p[i++] = 8;
		p[i++] = 0;
	}
	while (i < n)
		p[i++] = (uint8_t)(draw() % 4 == 0 ? draw() % 16 : draw());
	return n;
}

int
main(void)
{
	static uint8_t p[3000];
	unsigned broken = 0, links = 0;

	for (state = 1; state <= SCRIPTS; state++) {
		uint64_t seed = state;

		LLVMFuzzerTestOneInput(p, draw_script(p, sizeof(p)));
		broken += w.broken;
		links += w.links;
		state = seed;
	}
	ok(true, "no script crashes, leaks or is told twice");
	ok(broken > SCRIPTS / 100, "some break the protocol beyond repair");
	ok(broken < SCRIPTS, "and some do not");
	ok(links > SCRIPTS, "links came and went");
	return tap_done();
}
