/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "kexec/core/memmap.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static const uint32_t soft_reserved = (uint32_t)E820_SOFT_RESERVED;

static void fill(struct memmap *map, const struct memmap_entry *entry, size_t count)
{
	struct err err;

	for (size_t i = 0; i < count; i++)
		assert_int_equal(memmap_add(map, entry[i].range, entry[i].type, &err), 0);
}

static void assert_map(const struct memmap *map, const struct memmap_entry *expected, size_t count)
{
	assert_int_equal(map->count, count);
	for (size_t i = 0; i < count; i++) {
		const struct memmap_entry *entry = &map->entry[i];

		if (entry->range.start != expected[i].range.start ||
		    entry->range.end != expected[i].range.end || entry->type != expected[i].type)
			fail_msg("entry %zu is " PHYS_FMT "-" PHYS_FMT " of type %u", i,
				 PHYS(entry->range.start), PHYS(entry->range.end), entry->type);
	}
}

static void adding_checks_the_range_and_nothing_else(void **state)
{
	static const struct {
		struct range range;
		const char *text;
	} bad[] = {
		{ { 0x9fc00, 0x9f000 }, "0x9fc00-0x9f000: the end does not lie above the start" },
		{ { 0x9fc00, 0x9fc00 }, "0x9fc00-0x9fc00: the end does not lie above the start" },
		{ { 0xfffffffffffff000, 0 },
		  "0xfffffffffffff000-0x0: the end does not lie above the start" },
		{ { 0x1000, 0x10000000000001 },
		  "0x1000-0x10000000000001 reaches past the end of physical memory, "
		  "0x10000000000000" },
	};
	static const struct memmap_entry odd[] = { { { 0x5000, 0x6000 }, 77 },
						   { { 0x1000, 0x8000 }, E820_RAM },
						   { { 0x1000, 0x8000 }, E820_RAM },
						   { { 0, PHYS_LIMIT }, UINT32_MAX } };
	struct memmap map CLEANUP(memmap_done) = { 0 };

	(void)state;
	fill(&map, odd, LENGTH(odd));
	for (size_t i = 0; i < LENGTH(bad); i++) {
		struct err err = { 0 };

		assert_int_equal(memmap_add(&map, bad[i].range, E820_RAM, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_string_equal(err.text, bad[i].text);
	}
	assert_map(&map, odd, LENGTH(odd));
}

static void assert_normalised(const struct memmap_entry *before, size_t nr_before,
			      const struct memmap_entry *after, size_t nr_after,
			      const char *first_warning, const char *second_warning)
{
	struct memmap map CLEANUP(memmap_done) = { 0 };
	struct memmap again CLEANUP(memmap_done) = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err;

	fill(&map, before, nr_before);
	assert_int_equal(memmap_normalise(&map, &warnings, &err), 0);
	assert_map(&map, after, nr_after);
	assert_int_equal(warnings.count, (first_warning != NULL) + (second_warning != NULL));
	if (first_warning)
		assert_string_equal(warnings.text[0], first_warning);
	if (second_warning)
		assert_string_equal(warnings.text[1], second_warning);

	assert_int_equal(memmap_copy(&map, &again, &err), 0);
	warnings_done(&warnings);
	assert_int_equal(memmap_normalise(&again, &warnings, &err), 0);
	assert_map(&again, after, nr_after);
	assert_int_equal(warnings.count, 0);
}

static void a_good_map_is_left_alone(void **state)
{
	static const struct memmap_entry map[] = {
		{ { 0, 0x9fc00 }, E820_RAM },
		{ { 0x9fc00, 0xa0000 }, E820_RESERVED },
		{ { 0x100000, 0x7ffe0000 }, E820_RAM },
		{ { 0x7ffe0000, 0x80000000 }, E820_ACPI },
	};

	(void)state;
	assert_normalised(map, LENGTH(map), map, LENGTH(map), NULL, NULL);
	assert_normalised(NULL, 0, NULL, 0, NULL, NULL);
}

static void neighbours_of_one_type_are_merged_without_a_word(void **state)
{
	static const struct memmap_entry before[] = {
		{ { 0, 0x1000 }, E820_RAM },	       { { 0x1000, 0x2000 }, E820_RAM },
		{ { 0x2000, 0x3000 }, E820_RESERVED }, { { 0x3000, 0x4000 }, E820_RAM },
		{ { 0x5000, 0x6000 }, E820_RAM },
	};
	static const struct memmap_entry after[] = {
		{ { 0, 0x2000 }, E820_RAM },
		{ { 0x2000, 0x3000 }, E820_RESERVED },
		{ { 0x3000, 0x4000 }, E820_RAM },
		{ { 0x5000, 0x6000 }, E820_RAM },
	};

	(void)state;
	assert_normalised(before, LENGTH(before), after, LENGTH(after), NULL, NULL);
}

static void a_wrong_order_is_put_right(void **state)
{
	static const struct memmap_entry before[] = {
		{ { 0x3000, 0x4000 }, E820_NVS },
		{ { 0x5000, 0x6000 }, E820_RAM },
		{ { 0x1000, 0x2000 }, E820_RAM },
		{ { 0x0000, 0x1000 }, E820_RAM },
	};
	static const struct memmap_entry after[] = {
		{ { 0, 0x2000 }, E820_RAM },
		{ { 0x3000, 0x4000 }, E820_NVS },
		{ { 0x5000, 0x6000 }, E820_RAM },
	};

	(void)state;
	assert_normalised(before, LENGTH(before), after, LENGTH(after),
			  "the memory map is not sorted: 0x1000 comes after 0x5000", NULL);
}

static void the_larger_type_wins(void **state)
{
	static const struct memmap_entry before[] = {
		{ { 0x1000, 0x9000 }, E820_RAM },      { { 0x2000, 0x4000 }, E820_RESERVED },
		{ { 0x3000, 0x5000 }, E820_NVS },      { { 0x6000, 0x7000 }, soft_reserved },
		{ { 0x8000, 0xa000 }, E820_RESERVED },
	};
	static const struct memmap_entry after[] = {
		{ { 0x1000, 0x2000 }, E820_RAM },      { { 0x2000, 0x3000 }, E820_RESERVED },
		{ { 0x3000, 0x5000 }, E820_NVS },      { { 0x5000, 0x6000 }, E820_RAM },
		{ { 0x6000, 0x7000 }, soft_reserved }, { { 0x7000, 0x8000 }, E820_RAM },
		{ { 0x8000, 0xa000 }, E820_RESERVED },
	};

	(void)state;
	assert_normalised(before, LENGTH(before), after, LENGTH(after),
			  "the memory map overlaps itself at 0x2000-0x4000: the larger type wins, "
			  "as in the kernel",
			  NULL);
}

static void a_smaller_type_on_top_changes_nothing(void **state)
{
	static const struct memmap_entry before[] = {
		{ { 0x1000, 0x9000 }, E820_RESERVED },
		{ { 0x2000, 0x3000 }, E820_RAM },
		{ { 0x8000, 0x9800 }, E820_RAM },
	};
	static const struct memmap_entry after[] = {
		{ { 0x1000, 0x9000 }, E820_RESERVED },
		{ { 0x9000, 0x9800 }, E820_RAM },
	};

	(void)state;
	assert_normalised(before, LENGTH(before), after, LENGTH(after),
			  "the memory map overlaps itself at 0x2000-0x3000: the larger type wins, "
			  "as in the kernel",
			  NULL);
}

static void both_faults_are_told(void **state)
{
	static const struct memmap_entry before[] = {
		{ { 0x2000, PHYS_LIMIT }, E820_RAM },
		{ { 0x0000, 0x3000 }, E820_RAM },
	};
	static const struct memmap_entry after[] = { { { 0, PHYS_LIMIT }, E820_RAM } };

	(void)state;
	assert_normalised(before, LENGTH(before), after, LENGTH(after),
			  "the memory map is not sorted: 0x0 comes after 0x2000",
			  "the memory map overlaps itself at 0x2000-0x3000: the larger type wins, "
			  "as in the kernel");
}

/* Every position of a small range against a fixed one, of either rank. */
static void every_position_against_one_entry(void **state)
{
	enum { FROM = 4, TO = 8, UNITS = 12 };

	(void)state;
	for (uint32_t type = E820_RAM; type <= E820_ACPI; type++) {
		for (phys_t start = 0; start < UNITS; start++) {
			for (phys_t end = start + 1; end <= UNITS; end++) {
				struct memmap map CLEANUP(memmap_done) = { 0 };
				struct warnings warnings CLEANUP(warnings_done) = { 0 };
				const struct memmap_entry two[] = { { { FROM, TO }, E820_RESERVED },
								    { { start, end }, type } };
				bool overlap = start < TO && end > FROM;
				struct err err;
				size_t at = 0;

				fill(&map, two, 2);
				assert_int_equal(memmap_normalise(&map, &warnings, &err), 0);
				assert_int_equal(warnings.count, overlap + (start < FROM));
				for (phys_t unit = 0; unit < UNITS; unit++) {
					uint32_t expected = unit >= start && unit < end ? type : 0;
					uint32_t found = 0;

					if (unit >= FROM && unit < TO && expected < E820_RESERVED)
						expected = E820_RESERVED;
					while (at < map.count && map.entry[at].range.end <= unit)
						at++;
					if (at < map.count && map.entry[at].range.start <= unit)
						found = map.entry[at].type;
					assert_int_equal(found, expected);
				}
				for (size_t i = 1; i < map.count; i++)
					assert_true(map.entry[i - 1].range.end <
							    map.entry[i].range.start ||
						    map.entry[i - 1].type != map.entry[i].type);
			}
		}
	}
}

static void selecting_one_type(void **state)
{
	static const struct memmap_entry before[] = {
		{ { 0x5000, 0x6000 }, E820_RAM },
		{ { 0x1000, 0x2000 }, E820_RAM },
		{ { 0x2000, 0x3000 }, E820_RESERVED },
		{ { 0x3000, 0x5000 }, E820_RAM },
	};
	struct memmap map CLEANUP(memmap_done) = { 0 };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct range_set none CLEANUP(range_set_done) = { 0 };
	struct err err;

	(void)state;
	fill(&map, before, LENGTH(before));
	assert_int_equal(memmap_select(&map, E820_RAM, &ram, &err), 0);
	assert_int_equal(ram.count, 2);
	assert_true(ram.range[0].start == 0x1000 && ram.range[0].end == 0x2000);
	assert_true(ram.range[1].start == 0x3000 && ram.range[1].end == 0x6000);
	assert_int_equal(memmap_select(&map, E820_NVS, &none, &err), 0);
	assert_int_equal(none.count, 0);
}

static void a_copy_is_its_own(void **state)
{
	static const struct memmap_entry one = { { 0x1000, 0x2000 }, E820_RAM };
	static const struct memmap_entry two[] = { { { 0x1000, 0x2000 }, E820_RAM },
						   { { 0x2000, 0x3000 }, E820_RAM } };
	struct memmap map CLEANUP(memmap_done) = { 0 };
	struct memmap copy CLEANUP(memmap_done) = { 0 };
	struct memmap empty CLEANUP(memmap_done) = { 0 };
	struct memmap also_empty CLEANUP(memmap_done) = { 0 };
	struct err err;

	(void)state;
	fill(&map, &one, 1);
	assert_int_equal(memmap_copy(&map, &copy, &err), 0);
	fill(&copy, &two[1], 1);
	assert_map(&map, &one, 1);
	assert_map(&copy, two, 2);
	assert_int_equal(memmap_copy(&empty, &also_empty, &err), 0);
	fill(&also_empty, &one, 1);
	assert_map(&also_empty, &one, 1);
}

static void names_and_types(void **state)
{
	static const struct {
		const char *name;
		uint32_t type;
	} rows[] = {
		{ "System RAM", E820_RAM },
		{ "Reserved", E820_RESERVED },
		{ "ACPI Tables", E820_ACPI },
		{ "ACPI Non-volatile Storage", E820_NVS },
		{ "Unusable memory", E820_UNUSABLE },
		{ "Persistent Memory", E820_PMEM },
		{ "Persistent Memory (legacy)", E820_PRAM },
		{ "Soft Reserved", soft_reserved },
	};
	static const char *const others[] = { "",
					      "System",
					      "System RAM ",
					      "System RAM (kmem)",
					      "Unknown E820 type",
					      "RAM buffer",
					      "Crash kernel",
					      "Reserve" };
	uint32_t type;

	(void)state;
	for (size_t i = 0; i < LENGTH(rows); i++) {
		char upper[40] = "";
		size_t length = strlen(rows[i].name);

		for (size_t j = 0; j < length; j++)
			upper[j] = (char)(rows[i].name[j] >= 'a' && rows[i].name[j] <= 'z'
						  ? rows[i].name[j] - 0x20
						  : rows[i].name[j]);
		type = 0;
		assert_true(memmap_type_from_name(rows[i].name, length, &type));
		assert_int_equal(type, rows[i].type);
		type = 0;
		assert_true(memmap_type_from_name(upper, length, &type));
		assert_int_equal(type, rows[i].type);
		assert_string_equal(memmap_type_name(rows[i].type), rows[i].name);
	}
	type = 99;
	for (size_t i = 0; i < LENGTH(others); i++)
		assert_false(memmap_type_from_name(others[i], strlen(others[i]), &type));
	assert_int_equal(type, 99);
	assert_true(memmap_type_from_name("reserved by somebody", 8, &type));
	assert_int_equal(type, E820_RESERVED);
	assert_null(memmap_type_name(0));
	assert_null(memmap_type_name(6));
	assert_null(memmap_type_name(128));
}

static void a_hundred_thousand_entries(void **state)
{
	enum { COUNT = 100000, UNIT = 0x1000 };
	struct memmap map CLEANUP(memmap_done) = { 0 };
	struct range_set ram CLEANUP(range_set_done) = { 0 };
	struct warnings warnings CLEANUP(warnings_done) = { 0 };
	struct err err;

	(void)state;
	/* Nested in one another like the shells of an onion, the innermost not the last. */
	for (uint64_t i = 0; i < COUNT; i++) {
		uint64_t shell = i * 7919 % COUNT;
		struct range range = { shell * UNIT, (2 * COUNT - shell) * UNIT };

		assert_int_equal(memmap_add(&map, range, 1 + shell % 2, &err), 0);
	}
	assert_int_equal(memmap_normalise(&map, &warnings, &err), 0);
	/* The outermost of the larger type covers all but the outermost shell. */
	assert_int_equal(map.count, 3);
	assert_true(map.entry[0].range.end == UNIT);
	assert_true(map.entry[1].range.end == (2 * COUNT - 1) * UINT64_C(0x1000));
	assert_int_equal(map.entry[1].type, 2);
	memmap_done(&map);

	/* Each shell of a larger type than the one around it: every boundary shows. */
	for (uint64_t i = 0; i < COUNT; i++) {
		uint64_t shell = i * 7919 % COUNT;
		struct range range = { shell * UNIT, (2 * COUNT - shell) * UNIT };

		assert_int_equal(memmap_add(&map, range, (uint32_t)shell + 1, &err), 0);
	}
	assert_int_equal(memmap_normalise(&map, NULL, &err), 0);
	assert_int_equal(map.count, 2 * COUNT - 1);
	assert_int_equal(map.entry[COUNT - 1].type, COUNT);
	assert_int_equal(map.entry[2 * COUNT - 2].type, 1);
	assert_int_equal(memmap_select(&map, 1, &ram, &err), 0);
	assert_int_equal(ram.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding_checks_the_range_and_nothing_else),
		cmocka_unit_test(a_good_map_is_left_alone),
		cmocka_unit_test(neighbours_of_one_type_are_merged_without_a_word),
		cmocka_unit_test(a_wrong_order_is_put_right),
		cmocka_unit_test(the_larger_type_wins),
		cmocka_unit_test(a_smaller_type_on_top_changes_nothing),
		cmocka_unit_test(both_faults_are_told),
		cmocka_unit_test(every_position_against_one_entry),
		cmocka_unit_test(selecting_one_type),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(names_and_types),
		cmocka_unit_test(a_hundred_thousand_entries),
	};

	return cmocka_run_group_tests_name("memmap", tests, NULL, NULL);
}
