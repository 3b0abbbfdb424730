/*
 * must: what a target claims; when it does not hold, the fuzzer keeps the
 * input.
 */
#ifndef T_FUZZ_MUST_H
#define T_FUZZ_MUST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define MUST(x)                                                                \
	((x) ? (void)0                                                         \
	     : (fprintf(stderr, "ERROR: %s:%d: %s\n", __FILE__, __LINE__, #x), \
		   abort()))

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#endif
