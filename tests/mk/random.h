/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random numbers of one test program: the same ones in each run, unless the environment's
 * SEED says otherwise. Include it once, after cmocka.h.
 */
#ifndef MK_RANDOM_H
#define MK_RANDOM_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t mk_random_seed, mk_random_state;

/* Takes SEED, or the seed that is the same each time, and prints it. */
static inline void mk_random_init(void)
{
	const char *text = getenv("SEED");

	mk_random_seed = text ? strtoull(text, NULL, 0) : 20240229;
	printf("SEED=%llu\n", (unsigned long long)mk_random_seed);
}

/* Begins again at the seed, so that a case does not depend on those before it. */
static inline void mk_random_restart(void)
{
	mk_random_state = mk_random_seed;
}

/* Below bound, which is not 0. splitmix64: https://prng.di.unimi.it/splitmix64.c */
static inline uint64_t mk_random(uint64_t bound)
{
	uint64_t value = mk_random_state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return (value ^ value >> 31) % bound;
}

/* How many rounds to run: the environment's ROUNDS, or as many as the test wants. */
static inline unsigned long mk_random_rounds(unsigned long wanted)
{
	const char *text = getenv("ROUNDS");

	return text ? strtoul(text, NULL, 0) : wanted;
}

/* A failure names the seed that repeats it. */
#define require(condition)                                                                         \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("SEED=%llu: %s", (unsigned long long)mk_random_seed, #condition); \
	} while (0)

#endif
