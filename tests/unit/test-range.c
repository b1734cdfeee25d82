/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kexec/core/range.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static void assert_set(const struct range_set *set, const struct range *expected, size_t count)
{
	assert_int_equal(set->count, count);
	for (size_t i = 0; i < count; i++)
		if (set->range[i].start != expected[i].start ||
		    set->range[i].end != expected[i].end)
			fail_msg("member %zu is " PHYS_FMT "-" PHYS_FMT ", not " PHYS_FMT
				 "-" PHYS_FMT,
				 i, PHYS(set->range[i].start), PHYS(set->range[i].end),
				 PHYS(expected[i].start), PHYS(expected[i].end));
}

static void fill(struct range_set *set, const struct range *range, size_t count)
{
	struct err err;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(range_set_add(set, range[i], &err), 0);
}

static void validity(void **state)
{
	(void)state;
	assert_true(range_is_valid((struct range){ 0, 1 }));
	assert_true(range_is_valid((struct range){ PHYS_LIMIT - 1, PHYS_LIMIT }));
	assert_false(range_is_valid((struct range){ 0, 0 }));
	assert_false(range_is_valid((struct range){ 2, 1 }));
	assert_false(range_is_valid((struct range){ PHYS_LIMIT - 1, PHYS_LIMIT + 1 }));
	assert_false(range_is_valid((struct range){ PHYS_LIMIT, PHYS_LIMIT }));
}

static void from_size(void **state)
{
	struct range range = { 7, 9 };

	(void)state;
	assert_false(range_from_size(0x1000, 0, &range));
	assert_false(range_from_size(PHYS_LIMIT, 1, &range));
	assert_false(range_from_size(PHYS_LIMIT - 1, 2, &range));
	assert_false(range_from_size(UINT64_MAX, 2, &range));
	assert_false(range_from_size(0x1000, UINT64_MAX - 0xfff, &range));
	assert_true(range.start == 7 && range.end == 9);
	assert_true(range_from_size(PHYS_LIMIT - 1, 1, &range));
	assert_true(range.start == PHYS_LIMIT - 1 && range.end == PHYS_LIMIT);
	assert_true(range_size(range) == 1);
}

static void shrinking_and_growing(void **state)
{
	static const struct {
		struct range range, shrunk, grown;
	} rows[] = {
		{ { 0x1000, 0x3000 }, { 0x1000, 0x3000 }, { 0x1000, 0x3000 } },
		{ { 0x1001, 0x3000 }, { 0x2000, 0x3000 }, { 0x1000, 0x3000 } },
		{ { 0x0fff, 0x3001 }, { 0x1000, 0x3000 }, { 0x0000, 0x4000 } },
		{ { PHYS_LIMIT - 1, PHYS_LIMIT },
		  { PHYS_LIMIT, PHYS_LIMIT },
		  { PHYS_LIMIT - 0x1000, PHYS_LIMIT } },
	};
	struct range range;

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		range = range_shrink_to(rows[i].range, 0x1000);
		assert_true(range.start == rows[i].shrunk.start && range.end == rows[i].shrunk.end);
		range = range_grow_to(rows[i].range, 0x1000);
		assert_true(range.start == rows[i].grown.start && range.end == rows[i].grown.end);
	}
	/* Within one page nothing is left, which shows as no size and never as a huge one. */
	range = range_shrink_to((struct range){ 0x1001, 0x1fff }, 0x1000);
	assert_false(range.start < range.end);
	range = range_shrink_to((struct range){ 1, PHYS_LIMIT }, UINT64_C(1) << 63);
	assert_false(range.start < range.end);
	range = range_grow_to((struct range){ 1, 2 }, UINT64_C(1) << 63);
	assert_true(range.start == 0 && range.end == PHYS_LIMIT);
}

/* Every position of an inner range against [10, 20). */
static void parts_and_what_is_common(void **state)
{
	const struct range other = { 10, 20 };

	(void)state;
	for (phys_t start = 5; start < 25; start++) {
		for (phys_t end = start + 1; end < 26; end++) {
			struct range range = { start, end };
			struct range part = range_first_part(range, other);
			struct range common = range_common(range, other);
			phys_t expected = start + 1;

			while (expected < end &&
			       (expected >= 10 && expected < 20) == (start >= 10 && start < 20))
				expected++;
			assert_true(part.start == start && part.end == expected);
			assert_int_equal(common.start < common.end, range_overlaps(range, other));
			for (phys_t at = 0; at < 30; at++)
				assert_int_equal(at >= common.start && at < common.end,
						 at >= start && at < end && at >= 10 && at < 20);
		}
	}
	assert_int_equal(range_first_part(other, (struct range){ 0, 0 }).end, 20);
}

static void what_is_no_range_is_refused(void **state)
{
	static const struct range one = { 0x1000, 0x2000 };
	static const struct {
		struct range range;
		const char *text;
	} rows[] = {
		{ { 0x9fc00, 0x9f000 }, "0x9fc00-0x9f000: the end does not lie above the start" },
		{ { 0x9fc00, 0x9fc00 }, "0x9fc00-0x9fc00: the end does not lie above the start" },
		{ { 0xffffffffff000, 0x10000000000001 },
		  "0xffffffffff000-0x10000000000001 reaches past the end of physical memory, "
		  "0x10000000000000" },
		{ { 5, UINT64_MAX },
		  "0x5-0xffffffffffffffff reaches past the end of physical memory, "
		  "0x10000000000000" },
	};
	struct range_set set CLEANUP(range_set_done) = { 0 };

	(void)state;
	fill(&set, &one, 1);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct err err = { 0 };
		/* The good one before it must not get in either. */
		struct range two[] = { { 0x8000, 0x9000 }, rows[i].range };

		assert_int_equal(range_set_add(&set, rows[i].range, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_string_equal(err.text, rows[i].text);
		err = (struct err){ 0 };
		assert_int_equal(range_set_subtract(&set, rows[i].range, &err), -1);
		assert_string_equal(err.text, rows[i].text);
		err = (struct err){ 0 };
		assert_int_equal(range_set_add_all(&set, two, 2, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_string_equal(err.text, rows[i].text);
		assert_set(&set, &one, 1);
	}
}

/* Every position of range A against range B, unit by unit, ends included. */
enum { EDGE_FROM = 4, EDGE_TO = 8, EDGE_UNITS = 12 };

static bool is_in(const struct range_set *set, phys_t unit)
{
	bool found = false;

	for (size_t i = 0; i < set->count; i++) {
		assert_true(range_is_valid(set->range[i]));
		if (i)
			assert_true(set->range[i - 1].end < set->range[i].start);
		found |= unit >= set->range[i].start && unit < set->range[i].end;
	}
	return found;
}

static void every_position_against_one_range(void **state)
{
	static const struct range b = { EDGE_FROM, EDGE_TO };

	(void)state;
	for (phys_t start = 0; start < EDGE_UNITS; start++) {
		for (phys_t end = start + 1; end <= EDGE_UNITS; end++) {
			struct range_set sum CLEANUP(range_set_done) = { 0 };
			struct range_set rest CLEANUP(range_set_done) = { 0 };
			struct range_set common CLEANUP(range_set_done) = { 0 };
			struct range_set only CLEANUP(range_set_done) = { 0 };
			struct range a = { start, end };
			struct err err;
			bool overlaps = false, contained = true;

			fill(&sum, &b, 1);
			fill(&rest, &b, 1);
			fill(&only, &a, 1);
			assert_int_equal(range_set_intersect(&sum, &only, &common, &err), 0);
			assert_int_equal(range_set_subtract(&rest, a, &err), 0);
			for (phys_t unit = start; unit < end; unit++) {
				overlaps |= unit >= EDGE_FROM && unit < EDGE_TO;
				contained &= unit >= EDGE_FROM && unit < EDGE_TO;
			}
			assert_int_equal(range_overlaps(a, b), overlaps);
			assert_int_equal(range_overlaps(b, a), overlaps);
			assert_int_equal(range_contains(b, a), contained);
			assert_int_equal(range_set_overlaps(&sum, a), overlaps);
			assert_int_equal(range_set_contains(&sum, a), contained);
			assert_ptr_equal(range_set_first_overlap(&sum, a),
					 overlaps ? sum.range : NULL);
			assert_int_equal(range_set_add(&sum, a, &err), 0);
			for (phys_t unit = 0; unit < EDGE_UNITS; unit++) {
				bool in_a = unit >= start && unit < end;
				bool in_b = unit >= EDGE_FROM && unit < EDGE_TO;

				assert_int_equal(is_in(&sum, unit), in_a || in_b);
				assert_int_equal(is_in(&rest, unit), in_b && !in_a);
				assert_int_equal(is_in(&common, unit), in_a && in_b);
			}
		}
	}
}

static void neighbours_are_joined(void **state)
{
	static const struct range parts[] = {
		{ 0x3000, 0x4000 }, { 0x1000, 0x2000 }, { 0x5000, 0x6000 }, { 0x2000, 0x3000 }
	};
	static const struct range whole[] = { { 0x1000, 0x4000 }, { 0x5000, 0x6000 } };
	struct range_set set CLEANUP(range_set_done) = { 0 };
	struct range_set all CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	fill(&set, parts, LENGTH(parts));
	assert_set(&set, whole, LENGTH(whole));
	assert_int_equal(range_set_add_all(&all, parts, LENGTH(parts), &err), 0);
	assert_set(&all, whole, LENGTH(whole));
	assert_true(range_set_total(&all) == 0x4000);
	assert_int_equal(range_set_add_all(&all, NULL, 0, &err), 0);
	assert_set(&all, whole, LENGTH(whole));
}

static void one_range_joins_or_cuts_many(void **state)
{
	static const struct range many[] = {
		{ 0x1000, 0x2000 }, { 0x3000, 0x4000 }, { 0x5000, 0x6000 }, { 0x7000, 0x8000 }
	};
	static const struct range cut[] = { { 0x1000, 0x1800 }, { 0x7800, 0x8000 } };
	static const struct range joined[] = { { 0x1000, 0x6000 }, { 0x7000, 0x8000 } };
	static const struct range all = { 0, PHYS_LIMIT };
	struct range_set set CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	fill(&set, many, LENGTH(many));
	assert_int_equal(range_set_subtract(&set, (struct range){ 0x1800, 0x7800 }, &err), 0);
	assert_set(&set, cut, LENGTH(cut));
	range_set_done(&set);
	fill(&set, many, LENGTH(many));
	assert_int_equal(range_set_add(&set, (struct range){ 0x2000, 0x5000 }, &err), 0);
	assert_set(&set, joined, LENGTH(joined));
	assert_int_equal(range_set_add(&set, all, &err), 0);
	assert_set(&set, &all, 1);
	assert_int_equal(range_set_subtract(&set, all, &err), 0);
	assert_set(&set, NULL, 0);
	assert_int_equal(range_set_subtract(&set, all, &err), 0);
	assert_set(&set, NULL, 0);
}

static void sets_against_sets(void **state)
{
	static const struct range a[] = { { 0x1000, 0x4000 },
					  { 0x6000, 0x9000 },
					  { 0xa000, 0xb000 } };
	static const struct range b[] = {
		{ 0x0000, 0x1800 }, { 0x2000, 0x2800 }, { 0x3000, 0x7000 }, { 0x8000, 0xa000 }
	};
	static const struct range minus[] = {
		{ 0x1800, 0x2000 }, { 0x2800, 0x3000 }, { 0x7000, 0x8000 }, { 0xa000, 0xb000 }
	};
	static const struct range common[] = { { 0x1000, 0x1800 },
					       { 0x2000, 0x2800 },
					       { 0x3000, 0x4000 },
					       { 0x6000, 0x7000 },
					       { 0x8000, 0x9000 } };
	struct range_set x CLEANUP(range_set_done) = { 0 };
	struct range_set y CLEANUP(range_set_done) = { 0 };
	struct range_set z CLEANUP(range_set_done) = { 0 };
	struct range_set copy CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	fill(&x, a, LENGTH(a));
	fill(&y, b, LENGTH(b));
	assert_int_equal(range_set_intersect(&x, &y, &z, &err), 0);
	assert_set(&z, common, LENGTH(common));
	assert_int_equal(range_set_copy(&x, &copy, &err), 0);
	assert_int_equal(range_set_subtract_all(&x, &y, &err), 0);
	assert_set(&x, minus, LENGTH(minus));
	assert_set(&copy, a, LENGTH(a));
	assert_set(&y, b, LENGTH(b));
	assert_int_equal(range_set_subtract_all(&y, &y, &err), 0);
	assert_set(&y, NULL, 0);
}

static void shrinking_a_set_drops_what_is_too_small(void **state)
{
	static const struct range before[] = { { 0x0800, 0x1800 },
					       { 0x1900, 0x2900 },
					       { 0x2a00, 0x2b00 },
					       { 0x3000, 0x4000 },
					       { 0x4800, 0x7800 } };
	static const struct range after[] = { { 0x3000, 0x4000 }, { 0x5000, 0x7000 } };
	struct range_set set CLEANUP(range_set_done) = { 0 };

	(void)state;
	fill(&set, before, LENGTH(before));
	range_set_shrink_to(&set, 0x1000);
	assert_set(&set, after, LENGTH(after));
}

static void looking_up_where_ranges_end(void **state)
{
	static const struct range two[] = { { 0x1000, 0x2000 }, { 0x3000, 0x4000 } };
	struct range_set set CLEANUP(range_set_done) = { 0 };
	struct range_set empty = { 0 };

	(void)state;
	fill(&set, two, 2);
	assert_true(range_set_contains(&set, (struct range){ 0x1000, 0x2000 }));
	assert_false(range_set_contains(&set, (struct range){ 0x1000, 0x2001 }));
	assert_false(range_set_contains(&set, (struct range){ 0xfff, 0x2000 }));
	/* Covered but for the gap between two members. */
	assert_false(range_set_contains(&set, (struct range){ 0x1000, 0x4000 }));
	assert_false(range_set_overlaps(&set, (struct range){ 0x2000, 0x3000 }));
	assert_true(range_set_overlaps(&set, (struct range){ 0x2000, 0x3001 }));
	assert_ptr_equal(range_set_first_overlap(&set, (struct range){ 0x2000, 0x3001 }),
			 &set.range[1]);
	assert_ptr_equal(range_set_first_overlap(&set, (struct range){ 0, PHYS_LIMIT }),
			 &set.range[0]);
	assert_null(range_set_first_overlap(&set, (struct range){ 0x4000, PHYS_LIMIT }));
	assert_false(range_set_contains(&empty, (struct range){ 0, 1 }));
	assert_true(range_set_total(&empty) == 0);
}

static void finding_the_lowest_place(void **state)
{
	static const struct range two[] = { { 0x1800, 0x3000 }, { 0x5000, 0x9000 } };
	static const struct {
		uint64_t size, align;
		phys_t min, max, start; /* start 1: nowhere */
	} rows[] = {
		{ 0x1000, 0x1000, 0, PHYS_LIMIT, 0x2000 },
		{ 0x1001, 0x1000, 0, PHYS_LIMIT, 0x5000 },
		{ 0x1800, 1, 0, PHYS_LIMIT, 0x1800 },
		{ 0x1801, 1, 0, PHYS_LIMIT, 0x5000 },
		{ 0x4000, 0x1000, 0, PHYS_LIMIT, 0x5000 },
		{ 0x4001, 0x1000, 0, PHYS_LIMIT, 1 },
		{ 0x1000, 0x2000, 0, PHYS_LIMIT, 0x2000 },
		{ 0x1001, 0x2000, 0, PHYS_LIMIT, 0x6000 },
		{ 0x1000, 0x4000, 0, PHYS_LIMIT, 0x8000 },
		{ 0x1001, 0x4000, 0, PHYS_LIMIT, 1 },
		{ 0x1000, 0x10000, 0, PHYS_LIMIT, 1 },
		/* the floor */
		{ 0x1000, 0x1000, 0x2000, PHYS_LIMIT, 0x2000 },
		{ 0x1000, 0x1000, 0x2001, PHYS_LIMIT, 0x5000 },
		{ 0x0fff, 1, 0x2001, PHYS_LIMIT, 0x2001 },
		{ 0x1000, 0x1000, 0x8000, PHYS_LIMIT, 0x8000 },
		{ 0x1000, 0x1000, 0x8001, PHYS_LIMIT, 1 },
		{ 1, 1, 0x8fff, PHYS_LIMIT, 0x8fff },
		{ 1, 1, 0x9000, PHYS_LIMIT, 1 },
		/* the ceiling */
		{ 0x1000, 0x1000, 0, 0x3000, 0x2000 },
		{ 0x1000, 0x1000, 0, 0x2fff, 1 },
		{ 0x1000, 0x1000, 0x3000, 0x6000, 0x5000 },
		{ 0x1000, 0x1000, 0x3000, 0x5fff, 1 },
		{ 1, 1, 0, 0x1800, 1 },
		{ 1, 1, 0x6000, 0x6000, 1 },
		{ 1, 1, 0x7000, 0x6000, 1 },
		{ 1, 1, 0, 0, 1 },
		{ 0x4000, 0x1000, 0, UINT64_MAX, 0x5000 },
		/* sizes at which start + size would wrap */
		{ UINT64_MAX, 1, 0, PHYS_LIMIT, 1 },
		{ UINT64_MAX - 0x1800 + 1, 1, 0, UINT64_MAX, 1 },
	};
	struct range_set set CLEANUP(range_set_done) = { 0 };
	struct range_set empty = { 0 };
	phys_t start = 1;

	(void)state;
	fill(&set, two, 2);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		bool found;

		start = 1;
		found = range_set_find_lowest(&set, rows[i].size, rows[i].align, rows[i].min,
					      rows[i].max, &start);
		if (start != rows[i].start || found != (start != 1))
			fail_msg("row %zu gives " PHYS_FMT, i, PHYS(start));
	}
	assert_false(range_set_find_lowest(&empty, 1, 1, 0, PHYS_LIMIT, &start));
}

static void aligning_never_wraps_at_the_end_of_memory(void **state)
{
	static const struct range top = { PHYS_LIMIT - 0x1800, PHYS_LIMIT };
	struct range_set set CLEANUP(range_set_done) = { 0 };
	phys_t start = 1;

	(void)state;
	fill(&set, &top, 1);
	assert_true(range_set_find_lowest(&set, 0x1000, 0x1000, 0, UINT64_MAX, &start));
	assert_true(start == PHYS_LIMIT - 0x1000);
	start = 1;
	assert_false(range_set_find_lowest(&set, 0x1000, 0x2000, 0, UINT64_MAX, &start));
	assert_false(range_set_find_lowest(&set, 0x1001, 0x1000, 0, PHYS_LIMIT, &start));
	/* The next multiple is 2^63, then 2^64, which does not fit. */
	assert_false(range_set_find_lowest(&set, 1, UINT64_C(1) << 63, 0, UINT64_MAX, &start));
	assert_false(range_set_find_lowest(&set, 1, UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1,
					   UINT64_MAX, &start));
	assert_false(range_set_find_lowest(&set, 1, 0x1000, UINT64_MAX, UINT64_MAX, &start));
	assert_int_equal(start, 1);
	/* 0 is a multiple of everything. */
	assert_int_equal(range_set_add(&set, (struct range){ 0, 1 }, &(struct err){ 0 }), 0);
	assert_true(range_set_find_lowest(&set, 1, UINT64_C(1) << 63, 0, UINT64_MAX, &start));
	assert_true(start == 0);
}

static void finding_the_largest_piece(void **state)
{
	static const struct range three[] = { { 0x1000, 0x3000 },
					      { 0x4000, 0x7000 },
					      { 0x8000, 0xb000 } };
	static const struct {
		phys_t min, max;
		struct range piece; /* empty: none */
	} rows[] = {
		{ 0, PHYS_LIMIT, { 0x4000, 0x7000 } }, /* the first of equals */
		{ 0x4001, PHYS_LIMIT, { 0x8000, 0xb000 } },
		{ 0, 0x5000, { 0x1000, 0x3000 } },
		{ 0x2000, 0x5001, { 0x4000, 0x5001 } },
		{ 0x2fff, 0x4000, { 0x2fff, 0x3000 } },
		{ 0x3000, 0x4000, { 0, 0 } },
		{ 0x5000, 0x5000, { 0, 0 } },
		{ 0x6000, 0x5000, { 0, 0 } },
		{ 0xb000, PHYS_LIMIT, { 0, 0 } },
	};
	struct range_set set CLEANUP(range_set_done) = { 0 };

	(void)state;
	fill(&set, three, 3);
	for (size_t i = 0; i < LENGTH(rows); i++) {
		struct range piece = { 0, 0 };
		bool found = range_set_largest(&set, rows[i].min, rows[i].max, &piece);

		if (piece.start != rows[i].piece.start || piece.end != rows[i].piece.end ||
		    found != (rows[i].piece.end != 0))
			fail_msg("row %zu gives " PHYS_FMT "-" PHYS_FMT, i, PHYS(piece.start),
				 PHYS(piece.end));
	}
}

static void a_hundred_thousand_ranges(void **state)
{
	enum { COUNT = 100000 };
	struct range *many = calloc(COUNT, sizeof(*many));
	struct range_set set CLEANUP(range_set_done) = { 0 };
	struct range_set odd CLEANUP(range_set_done) = { 0 };
	struct err err;
	phys_t start;

	(void)state;
	assert_non_null(many);
	/* 7919 has no factor in common with COUNT: each place once, far from the last. */
	for (uint64_t i = 0; i < COUNT; i++)
		many[i] = (struct range){ i * 7919 % COUNT * 0x2000,
					  i * 7919 % COUNT * 0x2000 + 0x1000 };
	assert_int_equal(range_set_add_all(&set, many, COUNT, &err), 0);
	assert_int_equal(set.count, COUNT);
	assert_true(range_set_total(&set) == UINT64_C(0x1000) * COUNT);
	for (uint64_t i = 0; i < COUNT; i++)
		many[i].start += 0x800;
	assert_int_equal(range_set_add_all(&odd, many, COUNT, &err), 0);
	assert_int_equal(range_set_subtract_all(&set, &odd, &err), 0);
	assert_int_equal(set.count, COUNT);
	assert_true(range_set_total(&set) == UINT64_C(0x800) * COUNT);
	assert_true(range_set_find_lowest(&set, 0x800, 0x1000, (COUNT - 1) * UINT64_C(0x2000) - 1,
					  PHYS_LIMIT, &start));
	assert_true(start == (COUNT - 1) * UINT64_C(0x2000));
	free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(validity),
		cmocka_unit_test(from_size),
		cmocka_unit_test(shrinking_and_growing),
		cmocka_unit_test(parts_and_what_is_common),
		cmocka_unit_test(what_is_no_range_is_refused),
		cmocka_unit_test(every_position_against_one_range),
		cmocka_unit_test(neighbours_are_joined),
		cmocka_unit_test(one_range_joins_or_cuts_many),
		cmocka_unit_test(sets_against_sets),
		cmocka_unit_test(shrinking_a_set_drops_what_is_too_small),
		cmocka_unit_test(looking_up_where_ranges_end),
		cmocka_unit_test(finding_the_lowest_place),
		cmocka_unit_test(aligning_never_wraps_at_the_end_of_memory),
		cmocka_unit_test(finding_the_largest_piece),
		cmocka_unit_test(a_hundred_thousand_ranges),
	};

	return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
