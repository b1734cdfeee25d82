/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "kexec/core/memmap.h"
#include "tests/mk/random.h"

/*
 * Maps against one type for each unit of a small universe, at the bottom or
 * at the top of physical memory, whose units are of any size, up to where it is all
 * of physical memory. The environment's SEED repeats a run, its ROUNDS lengthens it.
 */
enum { UNITS = 40, UNIT_BITS = 46, ENTRIES = 24, ROUNDS = 20000 };
_Static_assert(((uint64_t)UNITS << UNIT_BITS) <= PHYS_LIMIT, "the universe is too large");
/* The largest machine, its entries short enough for gaps to be left. */
enum { UNITS_LARGE = 200000, ENTRIES_LARGE = 100000 };

static const uint32_t types[] = { E820_RAM, E820_RESERVED, E820_NVS, 0,
				  (uint32_t)E820_SOFT_RESERVED };

enum { NR_TYPES = sizeof(types) / sizeof(types[0]) };

/* What lies at one unit: nothing, or a type, which may be 0. */
struct cell {
	bool is_there;
	uint32_t type;
};

struct universe {
	bool at_top;
	uint64_t unit;
	size_t units;
	struct cell *cell;
};

/* Where a unit begins; that of `units` is the universe's end. */
static phys_t address_of(const struct universe *universe, size_t unit)
{
	phys_t base = universe->at_top ? PHYS_LIMIT - universe->units * universe->unit : 0;

	return base + unit * universe->unit;
}

static void require_selection(const struct memmap *map, const struct universe *universe)
{
	for (size_t i = 0; i < NR_TYPES; i++) {
		struct range_set set = { 0 };
		struct err err;

		require(!memmap_select(map, types[i], &set, &err));
		for (size_t unit = 0; unit < universe->units; unit++) {
			const struct cell *cell = &universe->cell[unit];
			struct range one = { address_of(universe, unit),
					     address_of(universe, unit + 1) };

			require(range_set_contains(&set, one) ==
				(cell->is_there && cell->type == types[i]));
		}
		range_set_done(&set);
	}
}

static void require_equal(const struct memmap *map, const struct universe *universe)
{
	size_t at = 0;

	for (size_t i = 0; i < map->count; i++) {
		const struct memmap_entry *entry = &map->entry[i];

		require(range_is_valid(entry->range));
		require(entry->range.start >= address_of(universe, 0) &&
			entry->range.end <= address_of(universe, universe->units));
		require(!i || entry[-1].range.end <= entry->range.start);
		require(!i || entry[-1].range.end < entry->range.start ||
			entry[-1].type != entry->type);
	}
	for (size_t unit = 0; unit < universe->units; unit++) {
		const struct cell *cell = &universe->cell[unit];
		phys_t address = address_of(universe, unit);
		bool is_there;

		while (at < map->count && map->entry[at].range.end <= address)
			at++;
		is_there = at < map->count && map->entry[at].range.start <= address;
		require(is_there == cell->is_there);
		require(!is_there || map->entry[at].type == cell->type);
	}
}

/* Mostly at most `longest` units, now and then 25 times as many. */
static uint64_t random_size(uint64_t longest, uint64_t room)
{
	uint64_t size = 1 + mk_random(mk_random(64) ? longest : 25 * longest);

	return size < room ? size : room;
}

static void one_round(const struct universe *universe, size_t count, uint64_t longest)
{
	struct memmap map = { 0 };
	struct warnings warnings = { 0 };
	bool is_sorted = true, overlaps = false;
	size_t expected;
	struct err err;

	for (size_t i = 0; i < count; i++) {
		uint64_t start = mk_random(universe->units);
		uint64_t size = random_size(longest, universe->units - start);
		struct range range = { address_of(universe, start),
				       address_of(universe, start + size) };
		uint32_t type = types[mk_random(NR_TYPES)];

		require(!memmap_add(&map, range, type, &err));
		is_sorted &= !i || map.entry[i - 1].range.start <= range.start;
		for (size_t unit = start; unit < start + size; unit++) {
			struct cell *cell = &universe->cell[unit];

			overlaps |= cell->is_there;
			if (!cell->is_there || cell->type < type)
				*cell = (struct cell){ true, type };
		}
	}
	require(!memmap_normalise(&map, &warnings, &err));
	expected = (size_t)!is_sorted + (size_t)overlaps;
	require(warnings.count == expected && !warnings.lost);
	require_equal(&map, universe);
	require_selection(&map, universe);
	memmap_done(&map);
	warnings_done(&warnings);
}

static void maps_behave_as_bitmaps_do(void **state)
{
	unsigned long rounds = mk_random_rounds(ROUNDS);

	(void)state;
	mk_random_restart();
	for (unsigned long round = 0; round < rounds; round++) {
		struct cell cell[UNITS] = { 0 };
		struct universe universe = { round % 2,
					     1 + mk_random(UINT64_C(1) << mk_random(UNIT_BITS + 1)),
					     UNITS, cell };

		one_round(&universe, mk_random(ENTRIES + 1), 1 + mk_random(UNITS));
	}
}

static void a_large_map_does_so_too(void **state)
{
	struct cell *cell = calloc(UNITS_LARGE, sizeof(*cell));
	struct universe universe = { true, 1, UNITS_LARGE, cell };

	(void)state;
	assert_non_null(cell);
	mk_random_restart();
	one_round(&universe, ENTRIES_LARGE, /* longest= */ 4);
	free(cell);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_behave_as_bitmaps_do),
		cmocka_unit_test(a_large_map_does_so_too),
	};

	mk_random_init();
	return cmocka_run_group_tests_name("memmap-bitmap", tests, NULL, NULL);
}
