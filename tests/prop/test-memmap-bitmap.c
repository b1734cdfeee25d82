/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kexec/core/memmap.h"

/*
 * Maps against one type for each unit of a small universe, at the bottom or
 * at the top of physical memory. PROPERTY_SEED repeats a run, PROPERTY_ROUNDS
 * lengthens it.
 */
enum { UNITS = 40, ENTRIES = 24, ROUNDS = 20000 };

static uint64_t seed;
static uint64_t random_state;

/* splitmix64: https://prng.di.unimi.it/splitmix64.c */
static uint64_t next_random(uint64_t bound)
{
	uint64_t value = random_state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return (value ^ value >> 31) % bound;
}

#define require(condition)                                                                        \
	do {                                                                                      \
		if (!(condition))                                                                 \
			fail_msg("PROPERTY_SEED=%llu: %s", (unsigned long long)seed, #condition); \
	} while (0)

static const uint32_t types[] = { E820_RAM, E820_RESERVED, E820_NVS, 0,
				  (uint32_t)E820_SOFT_RESERVED };

enum { NR_TYPES = sizeof(types) / sizeof(types[0]) };

/* What lies at one unit: nothing, or a type, which may be 0. */
struct cell {
	bool is_there;
	uint32_t type;
};

static void require_selection(const struct memmap *map, const struct cell *cell, phys_t base)
{
	for (size_t i = 0; i < NR_TYPES; i++) {
		struct range_set set = { 0 };
		struct err err;

		require(!memmap_select(map, types[i], &set, &err));
		for (size_t unit = 0; unit < UNITS; unit++) {
			struct range one = { base + unit, base + unit + 1 };

			require(range_set_contains(&set, one) ==
				(cell[unit].is_there && cell[unit].type == types[i]));
		}
		range_set_done(&set);
	}
}

static void require_equal(const struct memmap *map, const struct cell *cell, phys_t base)
{
	size_t at = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct memmap_entry *entry = &map->entry[i];

		require(range_is_valid(entry->range));
		require(entry->range.start >= base && entry->range.end <= base + UNITS);
		require(!i || entry[-1].range.end <= entry->range.start);
		require(!i || entry[-1].range.end < entry->range.start ||
			entry[-1].type != entry->type);
	}
	for (size_t unit = 0; unit < UNITS; unit++) {
		phys_t address = base + unit;
		bool is_there;

		while (at < map->count && map->entry[at].range.end <= address)
			at++;
		is_there = at < map->count && map->entry[at].range.start <= address;
		require(is_there == cell[unit].is_there);
		require(!is_there || map->entry[at].type == cell[unit].type);
	}
}

static void one_round(phys_t base)
{
	struct memmap map = { 0 };
	struct warnings warnings = { 0 };
	struct cell cell[UNITS] = { 0 };
	bool is_sorted = true, overlaps = false;
	size_t count = next_random(ENTRIES + 1), expected;
	struct err err;

	for (size_t i = 0; i < count; i++) {
		uint64_t start = next_random(UNITS), size = 1 + next_random(UNITS - start);
		struct range range = { base + start, base + start + size };
		uint32_t type = types[next_random(NR_TYPES)];

		require(!memmap_add(&map, range, type, &err));
		is_sorted &= !i || map.entry[i - 1].range.start <= range.start;
		for (size_t unit = start; unit < start + size; unit++) {
			overlaps |= cell[unit].is_there;
			if (!cell[unit].is_there || cell[unit].type < type)
				cell[unit] = (struct cell){ true, type };
		}
	}
	require(!memmap_normalise(&map, &warnings, &err));
	expected = (size_t)!is_sorted + (size_t)overlaps;
	require(warnings.count == expected && !warnings.lost);
	require_equal(&map, cell, base);
	require_selection(&map, cell, base);
	memmap_done(&map);
	warnings_done(&warnings);
}

static void maps_behave_as_bitmaps_do(void **state)
{
	const char *rounds_text = getenv("PROPERTY_ROUNDS");
	unsigned long rounds = rounds_text ? strtoul(rounds_text, NULL, 0) : ROUNDS;

	(void)state;
	random_state = seed;
	for (unsigned long round = 0; round < rounds; round++)
		one_round(round % 2 ? PHYS_LIMIT - UNITS : 0);
}

int main(void)
{
	const char *text = getenv("PROPERTY_SEED");
	const struct CMUnitTest tests[] = { cmocka_unit_test(maps_behave_as_bitmaps_do) };

	seed = text ? strtoull(text, NULL, 0) : 20240229;
	return cmocka_run_group_tests_name("memmap-bitmap", tests, NULL, NULL);
}
