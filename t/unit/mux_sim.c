/*
 * mux_sim: thousands of small worlds in which links die at every moment, and
 * what must hold in each of them (t/sim/sim.h).
 *
 *	SIM_SEEDS=n SIM_FIRST=n SIM_TRACE=1 build/t/mux_sim.t
 */
#include "tap.h"

#include <stdlib.h>

#include "../sim/sim.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEEDS 4000
#else
#define SEEDS 10000
#endif

enum { TOLD_MAX = 5 }; /* failing seeds named in each family */

struct tally {
	uint64_t run, failed, cuts, rounds, resumed, frames, bytes;
	uint64_t dgrams_sent, dgrams_got, sheds;
};

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *v = getenv(name);

	return v != NULL ? strtoull(v, NULL, 10) : otherwise;
}

static void
count(struct tally *t, const struct sim *s, uint64_t seed)
{
	t->run++;
	t->cuts += s->cuts;
	t->rounds += s->rounds;
	t->resumed += s->resumed;
	t->frames += s->frames;
	t->bytes += s->bytes;
	t->dgrams_sent += s->dgrams_sent;
	t->dgrams_got += s->dgrams_got;
	t->sheds += s->sheds;
	if (!s->failed || t->failed++ >= TOLD_MAX)
		return;
	printf("# seed %" PRIu64 " (%s): %s\n", seed,
	    sim_family_name(s->plan.family), s->why);
	printf("# replay: SIM_FIRST=%" PRIu64
	       " SIM_SEEDS=1 SIM_TRACE=1 build/t/mux_sim.t\n",
	    seed);
	fflush(stdout);
}

static void
report(enum sim_family f, const struct tally *t)
{
	char claim[200];

	if (t->run == 0)
		return;
	snprintf(claim, sizeof(claim), "%s: %" PRIu64 " worlds, all well",
	    sim_family_name(f), t->run);
	is_int(t->failed, 0, claim);
	printf("#   %" PRIu64 " cuts, %" PRIu64 " rounds, %" PRIu64
	       " streams resumed, %" PRIu64 " frames, %" PRIu64
	       " bytes, %" PRIu64 " of %" PRIu64 " datagrams, %" PRIu64
	       " shed\n",
	    t->cuts, t->rounds, t->resumed, t->frames, t->bytes, t->dgrams_got,
	    t->dgrams_sent, t->sheds);
}

int
main(void)
{
	static struct sim s;
	static struct tally tally[SIM_FAMILIES];
	uint64_t first = number("SIM_FIRST", 1);
	uint64_t seeds = number("SIM_SEEDS", SEEDS);
	bool trace = number("SIM_TRACE", 0) != 0;

	for (uint64_t seed = first; seed < first + seeds; seed++) {
		sim_run(&s, seed, trace);
		count(&tally[s.plan.family], &s, seed);
	}
	for (int f = 0; f < SIM_FAMILIES; f++)
		report((enum sim_family)f, &tally[f]);
	return tap_done();
}
