/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "kexec/core/range.h"
#include "tests/mk/random.h"

/*
 * Sets of ranges against one bool for each unit of a small universe. The
 * universe lies at the bottom or at the top of physical memory, so that both
 * ends of it are met. The environment's SEED repeats a run, its ROUNDS
 * lengthens it.
 */
enum { UNITS = 48, STEPS = 12, ROUNDS = 3000 };

struct pair {
	struct range_set set;
	bool unit[UNITS];
	phys_t base;
};

static struct range random_range(phys_t base)
{
	uint64_t start = mk_random(UNITS), size = 1 + mk_random(UNITS - start);

	/* Mostly short ones: long ones soon leave nothing to find. */
	if (mk_random(4))
		size = 1 + size % 5 % (UNITS - start);
	return (struct range){ base + start, base + start + size };
}

static void mark(struct pair *pair, struct range range, bool value)
{
	for (phys_t at = range.start; at < range.end; at++)
		pair->unit[at - pair->base] = value;
}

static void require_equal(const struct pair *pair)
{
	const struct range_set *set = &pair->set;
	uint64_t total = 0;
	size_t at = 0;

	for (size_t i = 0; i < set->count; i++) {
		require(range_is_valid(set->range[i]));
		require(set->range[i].start >= pair->base);
		require(set->range[i].end <= pair->base + UNITS);
		require(!i || set->range[i - 1].end < set->range[i].start);
	}
	for (size_t unit = 0; unit < UNITS; unit++) {
		phys_t address = pair->base + unit;

		while (at < set->count && set->range[at].end <= address)
			at++;
		require((at < set->count && set->range[at].start <= address) == pair->unit[unit]);
		total += pair->unit[unit];
	}
	require(range_set_total(set) == total);
}

static bool all_are(const struct pair *pair, phys_t start, phys_t end, bool value)
{
	for (phys_t at = start; at < end; at++)
		if (pair->unit[at - pair->base] != value)
			return false;
	return true;
}

static void require_lookups(const struct pair *pair, struct range range)
{
	const struct range *first = range_set_first_overlap(&pair->set, range);
	bool overlaps = !all_are(pair, range.start, range.end, false);

	require(range_set_contains(&pair->set, range) ==
		all_are(pair, range.start, range.end, true));
	require(range_set_overlaps(&pair->set, range) == overlaps);
	require((first != NULL) == overlaps);
	if (!first)
		return;
	require(range_overlaps(*first, range));
	require(first == pair->set.range || !range_overlaps(first[-1], range));
}

static void require_places(const struct pair *pair, struct range window)
{
	uint64_t size = 1 + mk_random(6), align = UINT64_C(1) << mk_random(5);
	phys_t expected = UINT64_MAX, found = UINT64_MAX;
	struct range piece = { 0, 0 };
	uint64_t longest = 0;
	struct range within = { 0, 0 }, found_within = { 0, 0 };
	uint64_t places = 0;
	bool is_found;

	for (phys_t at = window.start; expected == UINT64_MAX && at + size <= window.end; at++)
		if (at % align == 0 && all_are(pair, at, at + size, true))
			expected = at;
	is_found = range_set_find_lowest(&pair->set, size, align, window.start, window.end, &found);
	require(found == expected);
	require(is_found == (expected != UINT64_MAX));

	for (phys_t at = window.start; at + size <= window.end; at++) {
		if (at % align || !all_are(pair, at, at + size, true))
			continue;
		require(range_set_place(&pair->set, size, align, window.start, window.end,
					places++) == at);
		within.start = places == 1 ? at : within.start;
		within.end = at + size;
	}
	require(range_set_places(&pair->set, size, align, window.start, window.end,
				 &found_within) == places);
	require(found_within.start == within.start && found_within.end == within.end);

	for (phys_t at = window.start; at < window.end; at++)
		for (phys_t end = at + 1; end <= window.end; end++)
			if (end - at > longest && all_are(pair, at, end, true))
				longest = end - at;
	is_found = range_set_largest(&pair->set, window.start, window.end, &piece);
	require(is_found == (longest > 0));
	require(range_size(piece) == longest);
	require(!is_found ||
		(range_contains(window, piece) && range_set_contains(&pair->set, piece)));
}

static void require_shrunk(const struct pair *pair)
{
	struct pair shrunk = { .base = pair->base };
	uint64_t align = UINT64_C(1) << mk_random(4);
	struct err err;

	/* UNITS and both bases are multiples of every alignment used. */
	for (size_t block = 0; block < UNITS; block += align) {
		struct range range = { pair->base + block, pair->base + block + align };

		if (all_are(pair, range.start, range.end, true))
			mark(&shrunk, range, true);
	}
	require(!range_set_copy(&pair->set, &shrunk.set, &err));
	range_set_shrink_to(&shrunk.set, align);
	require_equal(&shrunk);
	range_set_done(&shrunk.set);
}

static void add_some(struct pair *pair)
{
	struct range some[5];
	size_t count = mk_random(6);
	struct err err;

	for (size_t i = 0; i < count; i++) {
		some[i] = random_range(pair->base);
		mark(pair, some[i], true);
	}
	require(!range_set_add_all(&pair->set, some, count, &err));
}

static void step(struct pair *a, struct pair *b)
{
	struct pair common = { .base = a->base };
	struct range range = random_range(a->base);
	struct err err;

	switch (mk_random(5)) {
	case 0:
		require(!range_set_add(&a->set, range, &err));
		mark(a, range, true);
		break;
	case 1:
		require(!range_set_subtract(&a->set, range, &err));
		mark(a, range, false);
		break;
	case 2:
		add_some(a);
		break;
	case 3:
		require(!range_set_subtract_all(&a->set, &b->set, &err));
		for (size_t i = 0; i < UNITS; i++)
			a->unit[i] &= !b->unit[i];
		add_some(b);
		break;
	default:
		require(!range_set_intersect(&a->set, &b->set, &common.set, &err));
		for (size_t i = 0; i < UNITS; i++)
			common.unit[i] = a->unit[i] && b->unit[i];
		require_equal(&common);
		range_set_done(&common.set);
	}
	require_equal(a);
	require_equal(b);
	require_lookups(a, random_range(a->base));
	require_places(a, random_range(a->base));
	require_shrunk(a);
}

static void sets_behave_as_bitmaps_do(void **state)
{
	unsigned long rounds = mk_random_rounds(ROUNDS);

	(void)state;
	mk_random_restart();
	for (unsigned long round = 0; round < rounds; round++) {
		phys_t base = round % 2 ? PHYS_LIMIT - UNITS : 0;
		struct pair a = { .base = base }, b = { .base = base };

		add_some(&b);
		for (int i = 0; i < STEPS; i++)
			step(&a, &b);
		range_set_done(&a.set);
		range_set_done(&b.set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sets_behave_as_bitmaps_do) };

	mk_random_init();
	return cmocka_run_group_tests_name("range-bitmap", tests, NULL, NULL);
}
