/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random memory maps: a kernel is refused if and only if no place holds it, and goes to the
 * lowest otherwise, by a model that knows units of 64 KiB and nothing else. MAPS in the
 * environment says how many are tried. Prints what came of them, which must be of all kinds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kexec/x86/load.h"
#include "tests/mk/image.h"

enum {
	MAPS = 20000,
	UNIT = 0x10000,
	UNITS = 0x10000000 / UNIT, /* 256 MiB */
	FLOOR = 0x1000000 / UNIT,
	RANGES = 10,
	MIB = 0x100000,
};

static uint64_t state = 0x5eed;

/* xorshift64* */
static uint64_t pick(uint64_t below)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(0x2545f4914f6cdd1d)) % below;
}

struct map {
	bool usable[UNITS];
	struct system system;
};

static void add_resource(struct iomem *iomem, struct range range, unsigned int depth,
			 const char *name)
{
	struct iomem_entry *entry;
	struct err err;

	assert_int_equal(
		array_grow(&iomem->entry, &iomem->room, iomem->count, sizeof(*entry), &err), 0);
	entry = &iomem->entry[iomem->count];
	/* All is below the first. */
	*entry = (struct iomem_entry){ range, depth, 0, name };
	iomem->count++;
}

/* RAM with holes: what the firmware calls otherwise, and what the running kernel keeps. */
static void make_map(struct map *map)
{
	struct err err;

	memset(map, 0, sizeof(*map));
	map->system.has_boot_params = true;
	for (unsigned int i = MIB / UNIT; i < UNITS; i++)
		map->usable[i] = true;
	assert_int_equal(memmap_add(&map->system.firmware,
				    (struct range){ MIB, UNITS * (phys_t)UNIT }, E820_RAM, &err),
			 0);
	add_resource(&map->system.iomem, (struct range){ MIB, UNITS * (phys_t)UNIT }, 0,
		     "System RAM");
	for (uint64_t count = pick(RANGES); count; count--) {
		uint64_t first = 2 * MIB / UNIT + pick(UNITS - 2 * MIB / UNIT);
		uint64_t units = 1 + pick(1 + pick(UNITS / 8));
		struct range range;

		if (first + units > UNITS)
			units = UNITS - first;
		for (uint64_t unit = first; unit < first + units; unit++)
			map->usable[unit] = false;
		range = (struct range){ first * UNIT, (first + units) * UNIT };
		if (pick(2))
			assert_int_equal(memmap_add(&map->system.firmware, range,
						    pick(2) ? E820_RESERVED : E820_NVS, &err),
					 0);
		else
			add_resource(&map->system.iomem, range, 1, "Reserved");
	}
}

/* The lowest aligned start of so many usable units; how many stretches of usable memory have
 * such a start. */
static uint64_t model(const struct map *map, uint64_t units, uint64_t align,
		      unsigned int *ret_holes)
{
	uint64_t lowest = UNITS;
	bool counted = false;

	*ret_holes = 0;
	for (uint64_t start = FLOOR; start < UNITS; start++) {
		uint64_t end = start;

		if (!map->usable[start])
			counted = false;
		if (start % align || counted)
			continue;
		while (end < UNITS && end < start + units && map->usable[end])
			end++;
		if (end < start + units)
			continue;
		counted = true;
		(*ret_holes)++;
		lowest = lowest < start ? lowest : start;
	}
	return lowest;
}

static void test_maps(void **unused)
{
	const char *wanted = getenv("MAPS");
	uint64_t maps = wanted ? strtoull(wanted, NULL, 10) : MAPS, kinds[3] = { 0 };
	static uint8_t image[MK_IMAGE_SIZE];
	static struct map map;
	struct setup_header *header = mk_image(image);
	const struct load_request request = {
		.kernel = { image, sizeof(image) },
		.cmdline = "",
		.mem_max = PHYS_LIMIT,
	};

	(void)unused;
	for (uint64_t i = 0; i < maps; i++) {
		uint64_t units = 1 + pick(UNITS / 2), align = 0x200000 / UNIT << pick(3), start;
		struct load load = { 0 };
		struct err err = { 0 };
		unsigned int holes;
		int result;

		make_map(&map);
		header->init_size = (uint32_t)(units * UNIT);
		header->kernel_alignment = (uint32_t)(align * UNIT);
		start = model(&map, units, align, &holes);
		result = load_place(&request, &map.system, NULL, &load, &err);
		if (start == UNITS) {
			assert_int_equal(result, -1);
			assert_int_equal(err.code, ERR_NO_FIT);
			assert_non_null(strstr(err.text, "kernel: no place for "));
		} else {
			if (result)
				fail_msg("map %llu: %s", (unsigned long long)i, err.text);
			assert_int_equal(load.plan.item[load.plan.kernel].run.start, start * UNIT);
			assert_int_equal(load_seal(&request, &map.system, &load, &err), 0);
		}
		kinds[holes < 2 ? holes : 2]++;
		load_done(&load);
		system_done(&map.system);
	}
	printf("%llu random maps: %llu refused, %llu with one hole, %llu with more\n",
	       (unsigned long long)maps, (unsigned long long)kinds[0], (unsigned long long)kinds[1],
	       (unsigned long long)kinds[2]);
	for (size_t i = 0; i < 3; i++)
		assert_true(kinds[i] * 10 >= maps);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_maps) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
